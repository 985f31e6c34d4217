// How the face feels, live, and the hand that may set it: six sliders, an intensity, named mixtures.
//
// By itself the face feels what it says, and the bars follow the media clock. Touching a slider holds
// what the sliders then say, at once and for whatever is said, until "Automatic".

export const EMOTIONS = ["happy", "sad", "angry", "fearful", "disgusted", "surprised"];
const EVERY_MS = 60; // between two messages while a slider moves
const FAINT = 0.3; // intensity below which nothing is felt to speak of
const USUAL = 0.8; // intensity of what is set then
const NOTES = {
  no: "By itself the face feels what it says. Move a slider to hold a feeling.",
  yes: "Held: the face obeys at once, the voice from the next sentence on. The studio moves each muscle.",
};

export class FeelingsPanel {
  #stage;
  #player;
  #mixtures;
  #held = null; // {weights, intensity} as sent, null: automatic
  #felt = { weights: {}, intensity: 0, label: "neutral" };
  #sent = 0;
  #timer = 0;

  // mixtures: names of compound feelings to the emotions they are made of.
  constructor({ stage, player, mixtures }) {
    this.#stage = stage;
    this.#player = player;
    this.#mixtures = { ...Object.fromEntries(EMOTIONS.map((name) => [name, [name]])), ...mixtures };
    this.#build();
    this.#listen();
    this.#showHeld();
  }

  get held() { return this.#held; }

  get shown() { return this.#panel.matches(":popover-open"); }

  open() {
    if (!this.shown) this.#toggle();
    this.#slider(EMOTIONS[0]).focus();
  }

  // ---- building ---------------------------------------------------------------------------

  get #panel() { return this.#find(".feelings-panel"); }

  #find(selector) { return this.#stage.querySelector(selector); }

  #slider(name) { return this.#find(`.feelings-panel [name="feeling-${name}"]`); }

  #build() {
    this.#find(".mixture").replaceChildren(...EMOTIONS.map((name) => row(name)), row("intensity"));
    const select = this.#find("[data-feelings=named]");
    select.append(new Option("A mixture of my own", ""));
    for (const name of Object.keys(this.#mixtures)) select.append(new Option(name, name));
  }

  #listen() {
    const button = this.#find("[data-do=feelings]");
    button.addEventListener("click", () => this.#toggle());
    this.#find("[data-feelings=close]").addEventListener("click", () => this.#toggle());
    this.#find("[data-feelings=automatic]").addEventListener("click", () => this.#hold(null));
    this.#find("[data-feelings=neutral]").addEventListener("click", () => this.#hold({ weights: {}, intensity: 0 }));
    this.#find(".mixture").addEventListener("input", ({ target }) => this.#moved(target));
    this.#find("[data-feelings=named]").addEventListener("change", ({ target }) => this.#named(target.value));
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.#toggle();
      button.focus();
    });
    this.#player.addEventListener("felt", ({ detail }) => this.#feel(detail));
    this.#player.addEventListener("hello", ({ detail }) => this.#hello(detail));
  }

  #toggle() {
    const shown = this.#panel.togglePopover();
    this.#find("[data-do=feelings]").setAttribute("aria-expanded", String(shown));
    this.#tell(); // an open panel wants pictures that obey at once
  }

  // ---- the hand ---------------------------------------------------------------------------

  #moved(slider) {
    const value = (name) => Number(this.#slider(name).value);
    const byIntensity = slider === this.#slider("intensity");
    // What was plainly felt stays in the mixture; else it begins anew, at a usual strength.
    const anew = this.#held === null && this.#felt.intensity < FAINT && !byIntensity;
    const weights = Object.fromEntries(EMOTIONS.map((name) => [name, anew && slider !== this.#slider(name) ? 0 : value(name)]));
    const intensity = byIntensity ? value("intensity") : (!anew && value("intensity")) || USUAL;
    this.#find("[data-feelings=named]").value = "";
    this.#hold({ weights, intensity });
  }

  #named(name) {
    const parts = this.#mixtures[name];
    if (!parts) return;
    const weights = Object.fromEntries(EMOTIONS.map((emotion) => [emotion, Number(parts.includes(emotion))]));
    this.#hold({ weights, intensity: this.#held?.intensity || USUAL });
    this.#find("[data-feelings=named]").value = name;
  }

  #hold(held) {
    this.#held = held;
    if (!held) this.#find("[data-feelings=named]").value = "";
    this.#showHeld();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), Math.max(0, this.#sent + EVERY_MS - performance.now()));
  }

  #tell() {
    this.#sent = performance.now();
    const { weights = null, intensity = 1 } = this.#held ?? {};
    this.#player.send({ type: "feel", weights, intensity, open: this.shown });
  }

  #hello({ feeling }) {
    this.#held = feeling ? { weights: feeling.weights, intensity: feeling.intensity } : null;
    this.#showHeld();
    if (this.shown) this.#tell();
  }

  // ---- what is shown ----------------------------------------------------------------------

  #feel(felt) {
    this.#felt = felt;
    const peak = Math.max(...Object.values(felt.weights), 1e-6);
    for (const name of EMOTIONS) {
      const share = (felt.weights[name] / peak) * felt.intensity;
      for (const bar of this.#stage.querySelectorAll(`[data-felt="${name}"]`)) bar.style.setProperty("--share", share.toFixed(3));
    }
    this.#find('[data-felt="intensity"]').style.setProperty("--share", felt.intensity.toFixed(3));
    this.#find("[data-do=feelings]").title = `Feelings: ${words(felt)}`;
    const line = this.#find("[data-felt-words]");
    if (line.textContent !== words(felt)) line.textContent = words(felt);
    if (!this.#held) this.#follow(felt, peak);
  }

  // By itself the sliders stand where the face is, so that the first touch goes on from there.
  #follow({ weights, intensity }, peak) {
    const shares = intensity < 0.02 ? {} : weights;
    for (const name of EMOTIONS) this.#place(name, (shares[name] ?? 0) / peak);
    this.#place("intensity", intensity);
  }

  #showHeld() {
    const held = this.#held;
    this.#panel.dataset.held = held ? "yes" : "no";
    this.#find("[data-feelings=note]").textContent = NOTES[held ? "yes" : "no"];
    this.#find("[data-feelings=automatic]").setAttribute("aria-pressed", String(!held));
    this.#find("[data-feelings=automatic]").textContent = held ? "Back to automatic" : "Automatic";
    this.#find("[data-feelings=neutral]").setAttribute("aria-pressed", String(held !== null && !held.intensity));
    this.#find("[data-do=feelings]").setAttribute("aria-pressed", String(Boolean(held)));
    if (!held) return;
    const peak = Math.max(...Object.values(held.weights), 0);
    for (const name of EMOTIONS) this.#place(name, peak > 1 ? held.weights[name] / peak : held.weights[name] ?? 0);
    this.#place("intensity", held.intensity);
  }

  #place(name, value) {
    const slider = this.#slider(name);
    slider.value = value;
    slider.setAttribute("aria-valuetext", `${Math.round(value * 100)} percent`);
    slider.closest(".row").querySelector("output").textContent = Math.round(value * 100);
  }
}

// "happy 80 %, surprised 40 %": the two strongest, in tens so that a screen reader is not flooded.
function words({ weights, intensity }) {
  const peak = Math.max(...Object.values(weights), 1e-6);
  const shown = EMOTIONS.map((name) => [name, Math.round((weights[name] / peak) * intensity * 10) * 10]);
  const strongest = shown.filter(([, percent]) => percent > 0).sort((a, b) => b[1] - a[1]).slice(0, 2);
  return strongest.map(([name, percent]) => `${name} ${percent} %`).join(", ") || "neutral";
}

// One line: the name, the slider over its live bar, the number.
function row(name) {
  const line = document.createElement("div");
  line.className = `row feeling-${name}`;
  line.innerHTML = `<label for="feeling-${name}">${name}</label>
    <div class="track"><b><i data-felt="${name}"></i></b>
    <input type="range" id="feeling-${name}" name="feeling-${name}" min="0" max="1" step="0.05" value="0"></div>
    <output for="feeling-${name}">0</output>`;
  return line;
}
