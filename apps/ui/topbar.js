// The top bar: who you talk to, the brain, how well it runs, light or dark, and the settings drawer.

const THEME = "limner-theme";
const STAGES = {
  clause: "First words", emotion: "Reading the feeling", voice: "Voice", first_packet: "Sent",
};

export class TopBar {
  #bar = document.querySelector("#topbar");
  #drawer = document.querySelector("#settings");
  #player;
  #trigger;
  #stages = {};
  #step = 0;
  #measured = null;
  #opener = null;

  constructor({ player, opened, trigger }) {
    this.#player = player;
    this.#trigger = trigger;
    this.who(opened);
    this.#brain(opened.brain ?? {});
    this.#buttons();
    this.#theme(localStorage.getItem(THEME));
    const on = (type, handle) => player.addEventListener(type, ({ detail }) => handle(detail));
    on("quality", ({ ms, step }) => {
      this.#stages = ms ?? {};
      this.#step = step ?? 0;
      this.#showQuality();
    });
    on("measured", (measured) => { this.#measured = measured; this.#showQuality(); });
    setInterval(() => this.#showQuality(), 1000);
  }

  who({ persona_title, face }) {
    this.#find("[data-who-name]").textContent = persona_title ?? "";
    const image = this.#find("[data-who-face]");
    image.hidden = !face;
    if (face) image.src = face;
  }

  #find(selector) {
    return this.#bar.querySelector(selector);
  }

  // ---- panels -----------------------------------------------------------------------------

  #brain({ title = "Brain", built_in, detail, connect = [] }) {
    this.#find("[data-brain-title]").textContent = built_in ? `${title} · connect an LLM` : title;
    this.#find("[data-pill=brain]").dataset.health = built_in ? "plain" : "good";
    const steps = connect.map(({ title: name, how, found }) => {
      const item = element("li", "", element("strong", name));
      if (found) item.append(element("em", "found here"));
      item.append(element("code", how));
      return item;
    });
    const list = element("ul");
    list.append(...steps);
    this.#find("[data-brain-panel]").replaceChildren(element("h2", title), element("p", detail ?? ""), list);
  }

  #showQuality() {
    const { stats, connected } = this.#player;
    const fps = Math.round(stats.fps);
    const latency = this.#measured?.first_sound_ms ?? stats.latency;
    this.#find("[data-quality]").textContent = connected ? (fps ? `${fps} fps` : "starting") : "reconnecting";
    this.#find("[data-quality-ms]").textContent = connected && latency ? ` · ${Math.round(latency)} ms` : "";
    // `fps` is zero before the first picture and in a hidden tab.
    const health = !connected ? "bad" : !fps || document.hidden || (fps >= 22 && !this.#step) ? "good" : "slow";
    this.#find("[data-pill=quality]").dataset.health = health;
    if (this.#find("#quality-panel").matches(":popover-open")) this.#qualityPanel(latency, health);
  }

  #qualityPanel(latency, health) {
    const { stats } = this.#player;
    const title = latency ? `Answered in ${Math.round(latency)} ms` : "Nothing said yet";
    const slow = "This machine is busy: the picture runs at a lower rate so that the voice stays smooth.";
    const facts = [
      ["Picture", `${stats.fps.toFixed(1)} a second, longest pause ${Math.round(stats.worstGap())} ms`],
      ["Lips and voice", `${stats.offset >= 0 ? "+" : ""}${Math.round(stats.offset)} ms apart`],
      ["Way", `${stats.transport ?? "none"}, ${stats.codec ?? "none"}`],
    ].map(([name, value]) => element("div", "", element("dt", name), element("dd", value)));
    const list = element("dl");
    list.append(...facts);
    const children = [element("h2", title), this.#waterfall(latency), list];
    if (health === "slow") children.splice(1, 0, element("p", slow));
    this.#find("[data-quality-panel]").replaceChildren(...children);
  }

  // Bars from the moment of sending: each stage begins where the one before ended.
  #waterfall(latency) {
    const chart = element("div");
    chart.className = "waterfall";
    const marks = Object.entries(this.#stages);
    const whole = Math.max(latency ?? 0, ...marks.map(([, at]) => at), 1);
    let before = 0;
    for (const [name, at] of [...marks, ...(latency ? [["heard", latency]] : [])]) {
      const bar = element("i");
      bar.style.insetInlineStart = `${(100 * before) / whole}%`;
      bar.style.inlineSize = `${(100 * Math.max(0, at - before)) / whole}%`;
      const label = STAGES[name] ?? (name === "heard" ? "Heard by you" : name.replaceAll("_", " "));
      chart.append(element("span", label), element("b", "", bar), element("span", `${Math.round(at)} ms`));
      before = Math.max(before, at);
    }
    return chart;
  }

  // ---- settings and theme -----------------------------------------------------------------

  #buttons() {
    this.#bar.addEventListener("click", ({ target }) => {
      const action = target.closest("[data-do]")?.dataset.do;
      if (action === "settings") this.#openDrawer(!("settings" in document.body.dataset), target.closest("button"));
      if (action === "theme") this.#theme(document.body.classList.contains("dark") ? "light" : "dark");
    });
    this.#find("#quality-panel").addEventListener("toggle", () => this.#showQuality());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && "settings" in document.body.dataset) this.#openDrawer(false);
    });
    document.addEventListener("click", ({ target }) => {
      if (target.closest("#settings-close, #scrim")) this.#openDrawer(false);
    });
    this.#openDrawer(false);
  }

  #openDrawer(open, opener = null) {
    if (open) document.body.dataset.settings = "";
    else delete document.body.dataset.settings;
    this.#drawer.inert = !open;
    this.#find(".icon[data-do=settings]").setAttribute("aria-expanded", String(open));
    if (open) {
      this.#opener = opener;
      this.#trigger("settings_opened");
      this.#drawer.querySelector("button, input, select, textarea")?.focus({ preventScroll: true });
    } else this.#opener?.focus();
  }

  #theme(theme) {
    if (!theme) return; // the system's choice, which Gradio follows
    localStorage.setItem(THEME, theme);
    document.body.classList.toggle("dark", theme === "dark");
  }
}

function element(tag, text = "", ...children) {
  const made = document.createElement(tag);
  made.textContent = text;
  made.append(...children);
  return made;
}
