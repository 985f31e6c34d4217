// The chat beside the stage: sending, suggestions, what went wrong, and the actions of each reply.

import { recordClip } from "./clip.js";

const REFRESH_MS = 250; // the transcript is fetched at most four times a second
const DRAFT = "limner-draft";

export class Conversation {
  #player;
  #trigger;
  #changedAt = 0;
  #timer = 0;
  #prompts = document.querySelector("#prompts");
  #remedy = null;
  #lastText = "";
  #lastNotice = null;

  constructor({ player, trigger, opened }) {
    this.#player = player;
    this.#trigger = trigger;
    this.who(opened);
    this.#listen();
    this.#composer();
    this.#replyActions();
    const trouble = this.#find(".trouble");
    trouble.querySelector("button:not(.close)").addEventListener("click", () => this.#remedy?.());
    trouble.querySelector(".close").addEventListener("click", () => this.clearTrouble());
  }

  // Sends a typed message; it is kept until the server has acknowledged it.
  submit(text) {
    if (!text.trim()) return;
    this.clearTrouble();
    this.#player.unlock();
    this.#player.sendText(text);
    this.#lastText = text;
    sessionStorage.removeItem(DRAFT);
    document.body.dataset.talking = "";
  }

  // One line in human words, and a button that does something about it.
  trouble(message, label = "", remedy = null) {
    const box = this.#find(".trouble");
    box.querySelector("span").textContent = message;
    const button = box.querySelector("button:not(.close)");
    button.hidden = !label;
    button.textContent = label;
    this.#remedy = () => {
      this.clearTrouble();
      remedy?.();
    };
    box.hidden = false;
  }

  clearTrouble() {
    this.#find(".trouble").hidden = true;
    this.#remedy = null;
  }

  #find(selector) {
    return this.#prompts.querySelector(selector);
  }

  get #box() {
    return document.querySelector("#composer textarea");
  }

  #write(text) {
    const box = this.#box;
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true })); // Gradio reads the box on input
  }

  who({ suggestions }) {
    const chips = suggestions.map((text) => {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.textContent = text;
      chip.addEventListener("click", () => this.submit(text));
      return chip;
    });
    this.#find(".chips").replaceChildren(...chips);
  }

  // ---- from the server --------------------------------------------------------------------

  #listen() {
    const on = (type, handle) => this.#player.addEventListener(type, ({ detail }) => handle(detail));
    on("chat", ({ version }) => {
      if (version > 0) document.body.dataset.talking = "";
      this.#refreshSoon();
    });
    on("error", (error) => this.#failed(error));
    on("refused", ({ text }) => this.#giveBack(text));
    on("notice", ({ message }) => this.#notice(message));
    on("connection", ({ state, attempt, reason }) => {
      if (state === "open") this.#connected();
      else if (attempt === 4) this.#unreachable(reason);
    });
  }

  // The first change is fetched at once, a burst no oftener than `REFRESH_MS`, the last always.
  #refreshSoon() {
    clearTimeout(this.#timer);
    const wait = Math.max(0, this.#changedAt + REFRESH_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#changedAt = performance.now();
      this.#trigger("chat_changed");
    }, wait);
  }

  #failed({ code, message, remedy }) {
    if (code === "unknown_page" || code === "camera") return; // a fresh token comes; camera_panel.js tells
    if (code === "turn_failed" && this.#lastText) {
      // The chat itself says what happened and what helps.
      this.trouble("That was not answered.", "Ask again", () => this.submit(this.#lastText));
      return;
    }
    const again = code === "unavailable" ? ["Try again", () => this.#player.retry()] : [];
    this.trouble([message, remedy].filter(Boolean).join(" "), ...again);
  }

  // The server cannot take it (too long, say): the words go back into the box.
  #giveBack(text) {
    if (!this.#box.value) this.#write(text);
    this.#box.focus();
  }

  #notice(message) {
    this.trouble(message);
    clearTimeout(this.#lastNotice);
    this.#lastNotice = setTimeout(() => {
      if (this.#find(".trouble span").textContent === message) this.clearTrouble();
    }, 6000);
  }

  #unreachable(reason) {
    const words = reason || "The connection is gone. What you type is kept and sent when it is back.";
    this.trouble(words, "Try now", () => this.#player.retry());
    this.#find(".trouble").dataset.connection = "";
  }

  #connected() {
    const box = this.#find(".trouble");
    if ("connection" in box.dataset) this.clearTrouble();
    delete box.dataset.connection;
    this.#refreshSoon();
  }

  // ---- composer ---------------------------------------------------------------------------

  // Text goes over the live connection, not through a Gradio event: that saves up to 100 ms.
  #composer() {
    const box = this.#box;
    box.setAttribute("aria-label", "Your message");
    const draft = sessionStorage.getItem(DRAFT);
    if (draft && !box.value) this.#write(draft);
    document.addEventListener("input", ({ target }) => {
      if (target === this.#box) sessionStorage.setItem(DRAFT, target.value);
    });
    const send = (event) => {
      event.preventDefault();
      event.stopPropagation();
      const text = this.#box.value;
      this.#write("");
      this.submit(text);
    };
    document.addEventListener("keydown", (event) => {
      const enter = event.key === "Enter" && !event.shiftKey && !event.isComposing;
      if (enter && event.target === this.#box) send(event);
    }, { capture: true });
    document.addEventListener("click", (event) => {
      if (event.target.closest?.("#send")) send(event);
    }, { capture: true });
  }

  // ---- actions of a reply -----------------------------------------------------------------

  // Replies carry links such as #replay-3; they act here instead of leading anywhere.
  #replyActions() {
    // Gradio labels each message with its raw markup, which screen readers would read out.
    const chat = document.querySelector("#chat");
    const tidy = () => chat.querySelectorAll("[data-testid][aria-label]").forEach((it) => it.removeAttribute("aria-label"));
    new MutationObserver(tidy).observe(chat, { subtree: true, childList: true, attributeFilter: ["aria-label"] });
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("#chat a[href*='#reply-']");
      if (!link) return;
      event.preventDefault();
      event.stopPropagation();
      const [, action, turn] = link.getAttribute("href").match(/#reply-(\w+)-(\d+)/) ?? [];
      if (action === "again") this.#player.replay(Number(turn));
      else if (action === "copy") this.#copy(link);
      else if (action === "clip") this.#clip(link, Number(turn));
    }, { capture: true });
  }

  async #copy(link) {
    const bubble = link.closest(".message");
    const words = bubble.cloneNode(true);
    words.querySelectorAll(".reply-foot, .reply-mark").forEach((extra) => extra.remove());
    await navigator.clipboard.writeText(words.innerText.trim());
    flash(link);
  }

  async #clip(link, turn) {
    link.classList.add("busy");
    try {
      await recordClip(this.#player, turn);
      flash(link);
    } catch (error) {
      this.trouble(`The clip could not be made: ${error.message}`);
    } finally {
      link.classList.remove("busy");
    }
  }
}

function flash(link) {
  link.classList.add("done");
  setTimeout(() => link.classList.remove("done"), 1500);
}
