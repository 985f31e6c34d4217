// The stage: captions, the ring that tells the state, and the controls under the portrait.

import { Microphone, MicrophoneError } from "./microphone.js";

const HOLD_MS = 280; // a shorter press is a click
const STATES = { idle: "", listening: "Listening", thinking: "Thinking", speaking: "" };

export class Stage {
  #element;
  #player;
  #conversation;
  #microphone;
  #mode = "off"; // off, hands_free or push
  #pressedAt = 0;
  #wasHandsFree = false;
  #level = 0;
  #caption = "";
  #wake = null; // keeps the screen on while we talk

  constructor({ element, player, conversation, opened }) {
    this.#element = element;
    this.#player = player;
    this.#conversation = conversation;
    this.#microphone = new Microphone((piece) => player.send(piece));
    this.who(opened);
    this.#listen();
    this.#controls();
    this.#greet(opened.greeting);
    this.#animate();
  }

  // Another persona or portrait is on the stage.
  who({ portrait_description }) {
    this.#find("canvas").setAttribute("aria-label", portrait_description);
  }

  // Forgets the greeting: the user knows how to start.
  welcomeOver() {
    if (this.#element.dataset.greeting === undefined) return;
    delete this.#element.dataset.greeting;
    this.#showCaption(null);
  }

  stop() {
    this.#player.stop();
    this.#showCaption(null);
  }

  #find(selector) {
    return this.#element.querySelector(selector);
  }

  #listen() {
    const on = (type, handle) => this.#player.addEventListener(type, ({ detail }) => handle(detail));
    on("activity", (activity) => this.#showActivity(activity));
    on("state", ({ activity }) => this.#showActivity(activity));
    on("line", (shown) => this.#showCaption(shown));
    on("connection", (connection) => this.#showConnection(connection));
    on("sound", () => this.#showSound());
    on("heard", ({ text }) => this.#sayState(text ? `“${text}”` : ""));
  }

  // ---- what is shown ----------------------------------------------------------------------

  #showActivity(activity) {
    if (this.#element.dataset.connection === "lost") return;
    this.#element.dataset.activity = activity;
    this.#sayState(STATES[activity] ?? "");
    if (activity === "speaking" || activity === "listening") this.welcomeOver();
  }

  #sayState(words) {
    this.#find(".state").textContent = words;
  }

  #showConnection({ state, attempt }) {
    // A blip of a fraction of a second is not worth a word.
    const lost = state === "lost" && attempt > 1;
    this.#element.dataset.connection = state === "lost" && !lost ? this.#element.dataset.connection : state;
    if (lost) this.#sayState("Back in a moment");
    if (state === "open") {
      this.#sayState("");
      if (this.#mode !== "off") this.#player.send({ type: "mic", mode: this.#mode });
    }
  }

  #showSound() {
    this.#element.dataset.sound = this.#player.soundOn ? "on" : "waiting";
  }

  #greet(greeting) {
    if (!greeting) return;
    this.#element.dataset.greeting = "";
    this.#find(".caption p").textContent = greeting;
    this.#find("[data-spoken]").textContent = greeting;
  }

  // Words light up as they are heard. Screen readers get the clause once, from its own element.
  #showCaption(shown) {
    if (!shown && this.#element.dataset.greeting !== undefined) return;
    const line = this.#find(".caption p");
    if (!shown) {
      this.#caption = "";
      line.textContent = "";
      return;
    }
    const { caption, lit } = shown;
    const key = `${caption.turn}.${caption.index}.${caption.words.length}`;
    if (key !== this.#caption) this.#newCaption(line, caption, key);
    [...line.children].forEach((word, i) => word.classList.toggle("lit", i <= lit));
  }

  #newCaption(line, { text, words, emotion }, key) {
    this.#caption = key;
    this.#find("[data-spoken]").textContent = text;
    this.#element.dataset.feeling = emotion?.label ?? "neutral";
    if (!words.length) return void (line.textContent = text);
    line.replaceChildren(...words.flatMap(([word]) => {
      const span = document.createElement("span");
      span.textContent = word;
      return [span, " "];
    }));
  }

  // The ring follows whoever is heard.
  #animate() {
    requestAnimationFrame(() => this.#animate());
    const { activity } = this.#element.dataset;
    const now = activity === "speaking" ? this.#player.level : this.#microphone.open ? this.#microphone.level : 0;
    const level = Math.max(now, this.#level * 0.85);
    if (Math.abs(level - this.#level) > 0.004) this.#element.style.setProperty("--level", level.toFixed(3));
    this.#level = level < 0.004 ? 0 : level;
  }

  // ---- controls ---------------------------------------------------------------------------

  #controls() {
    const act = {
      mute: () => this.#toggle("mute", (on) => { this.#player.muted = on; }),
      captions: () => this.#toggle("captions", (on) => { this.#element.dataset.captions = on ? "on" : "off"; }),
      stop: () => this.stop(),
      full: () => this.#fullScreen(),
    };
    for (const [name, run] of Object.entries(act)) this.#button(name).addEventListener("click", run);
    this.#microphoneButton(this.#button("mic"));
    document.addEventListener("keydown", (event) => this.#key(event, act));
    document.addEventListener("fullscreenchange", () => {
      this.#button("full").setAttribute("aria-pressed", String(Boolean(document.fullscreenElement)));
    });
  }

  #button(name) {
    return this.#find(`[data-do="${name}"]`);
  }

  #toggle(name, apply) {
    const button = this.#button(name);
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    apply(on);
  }

  #fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.#element.requestFullscreen?.();
  }

  #key(event, act) {
    if (event.key === "Escape" && !document.querySelector("[popover]:not([popover=manual]):popover-open, body[data-settings]")) this.stop();
    const typing = event.target.closest?.("input, textarea, select, button, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const run = { m: act.mute, c: act.captions, f: act.full }[event.key.toLowerCase()];
    run?.();
  }

  // ---- microphone -------------------------------------------------------------------------

  // One button: hold to talk (pointer or Space), click for hands-free.
  #microphoneButton(button) {
    const down = () => this.#press();
    const up = () => this.#release();
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      down();
    });
    button.addEventListener("pointerup", up);
    button.addEventListener("pointercancel", up);
    button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch
    button.addEventListener("keydown", (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      if (!event.repeat) down();
    });
    button.addEventListener("keyup", (event) => {
      if (event.key === " " || event.key === "Enter") up();
    });
    // Screen readers send a click without a pointer.
    button.addEventListener("click", (event) => {
      if (event.detail === 0 && !this.#pressedAt && performance.now() - this.#releasedAt > 500) this.#press().then(up);
    });
  }

  #releasedAt = 0;

  async #press() {
    this.#pressedAt = performance.now();
    this.#wasHandsFree = this.#mode === "hands_free";
    if (this.#wasHandsFree) return;
    this.#setMode("push"); // at once, so that no word is lost
    try {
      await this.#microphone.start();
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error;
      this.#setMode("off");
      this.#conversation.trouble(error.message, "Try again", () => this.#handsFree());
      return;
    }
    if (this.#mode === "off") this.#microphone.stop(); // let go before permission was given
  }

  #release() {
    if (!this.#pressedAt) return;
    const held = performance.now() - this.#pressedAt;
    this.#pressedAt = 0;
    this.#releasedAt = performance.now();
    if (this.#wasHandsFree) this.#endTalking();
    else if (this.#mode === "push" && held < HOLD_MS) this.#setMode("hands_free");
    else if (this.#mode === "push") {
      this.#player.send({ type: "mic", mode: "release" });
      this.#endTalking(false);
    }
  }

  async #handsFree() {
    await this.#press();
    this.#release();
  }

  #endTalking(tell = true) {
    this.#microphone.stop();
    if (tell) this.#setMode("off");
    else this.#show("off");
  }

  #setMode(mode) {
    this.#player.send({ type: "mic", mode });
    this.#show(mode);
  }

  async #show(mode) {
    this.#mode = mode;
    this.#element.dataset.mic = mode;
    this.#button("mic").setAttribute("aria-pressed", String(mode !== "off"));
    if (mode !== "off") this.welcomeOver();
    if (mode === "hands_free") this.#wake ??= await navigator.wakeLock?.request("screen").catch(() => null);
    else {
      this.#wake?.release();
      this.#wake = null;
    }
  }
}
