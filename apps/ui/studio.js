// The studio: sliders, pads and ready-made faces that move the live portrait by hand.
//
// Each input bears in `data-name` what it sets; what they say goes to the server as one `controls`
// message, whole, so that a lost or late one does no harm.

const SEND_MS = 40; // one frame
const BLINK_MS = 140;
const MOUTH = /^(jaw|mouth)/;

export class Studio {
  #element = document.querySelector("#studio .studio");
  #board = this.#element.querySelector(".board");
  #inputs = [...this.#element.querySelectorAll("input[data-name]")];
  #byName = new Map(this.#inputs.map((input) => [input.dataset.name, input]));
  #player;
  #stage;
  #open = false;
  #can = false; // whether the engine has controls
  #sentAt = 0;
  #timer = 0;

  // hello: the server's greeting, if it came before this tab was opened.
  constructor({ player, stage, hello }) {
    this.#player = player;
    this.#stage = stage;
    player.addEventListener("hello", ({ detail }) => this.#hello(detail));
    this.#element.addEventListener("input", ({ target }) => this.#moved(target));
    this.#element.addEventListener("dblclick", ({ target }) => this.#clear(target));
    this.#element.addEventListener("click", ({ target }) => this.#pressed(target.closest("button")));
    for (const pad of this.#element.querySelectorAll("[data-pad]")) this.#pad(pad);
    this.#follow();
    this.#show();
    if (hello) this.#hello(hello);
  }

  // What differs from rest, by control name.
  get values() {
    const set = this.#inputs.filter((input) => Number(input.value) !== 0);
    return Object.fromEntries(set.map((input) => [input.dataset.name, Number(input.value)]));
  }

  // Sets controls by name; the others stay.
  set(values) {
    for (const [name, value] of Object.entries(values)) {
      const input = this.#byName.get(name);
      if (input) input.value = value;
    }
    this.#changed();
  }

  reset() {
    for (const input of this.#inputs) input.value = 0;
    this.#changed();
    this.#say("Everything is back at rest.");
  }

  // ---- with the server ----------------------------------------------------------------------

  #hello({ controls }) {
    this.#can = Boolean(controls);
    this.#board.disabled = !controls;
    this.#element.querySelector("[data-no-controls]").hidden = this.#can;
    this.#send(); // a new session knows nothing, an old one may know what a reload forgot
  }

  // No more than one message a frame; the last one always.
  #sendSoon() {
    clearTimeout(this.#timer);
    const wait = Math.max(0, this.#sentAt + SEND_MS - performance.now());
    if (wait) this.#timer = setTimeout(() => this.#send(), wait);
    else this.#send();
  }

  #send() {
    clearTimeout(this.#timer);
    if (!this.#can) return;
    this.#sentAt = performance.now();
    this.#player.send({ type: "controls", values: this.values, open: this.#open });
  }

  // Pictures are sent as they are made while this tab is in front.
  #follow() {
    const seen = new IntersectionObserver(([entry]) => {
      if (entry.isIntersecting === this.#open) return;
      this.#open = entry.isIntersecting;
      this.#send();
    });
    seen.observe(this.#element);
  }

  // ---- what the user does -------------------------------------------------------------------

  #moved(input) {
    if (!input.dataset.name) return;
    this.#twin(input);
    this.#changed();
  }

  #twin(input) {
    const { side, name } = input.dataset;
    if (!side || !("linked" in this.#element.dataset)) return;
    this.#byName.get(name.slice(0, -1) + (side === "L" ? "R" : "L")).value = input.value;
  }

  #clear(target) {
    const line = target.closest(".line, .pad");
    if (!line) return;
    for (const input of line.querySelectorAll("input")) input.value = 0;
    this.#changed();
  }

  #changed() {
    this.#stage.welcomeOver(); // the greeting lies over the chin
    this.#sendSoon();
    this.#show();
  }

  #pressed(button) {
    const { preset, do: action } = button?.dataset ?? {};
    if (preset) this.#preset(button);
    else if (action === "reset") this.reset();
    else if (action === "blink") this.#blink();
    else if (action === "link") this.#link(button);
  }

  // A feeling sets the whole face, a mouth shape only the mouth; gaze and head stay.
  #preset(button) {
    const whole = button.dataset.preset === "emotion";
    const off = button.getAttribute("aria-pressed") === "true";
    const values = off ? {} : JSON.parse(button.dataset.values);
    for (const input of this.#inputs) {
      const { name } = input.dataset;
      const expression = Number(input.min) === 0;
      if (whole ? expression || name in values : MOUTH.test(name)) input.value = values[name] ?? 0;
    }
    this.#changed();
    this.#say(off ? "Back at rest." : `${button.textContent} is shown.`);
  }

  #blink() {
    const lids = ["eyeBlink_L", "eyeBlink_R"].map((name) => this.#byName.get(name));
    const before = lids.map(({ value }) => value);
    for (const lid of lids) lid.value = 1;
    this.#changed();
    setTimeout(() => {
      lids.forEach((lid, i) => { lid.value = before[i]; });
      this.#changed();
    }, BLINK_MS);
  }

  #link(button) {
    const linked = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(linked));
    this.#element.toggleAttribute("data-linked", linked);
    if (linked) for (const input of this.#inputs) if (input.dataset.side === "L") this.#twin(input);
    this.#changed();
  }

  // A pad is two sliders, for the keyboard and screen readers, under one surface to drag on.
  #pad(pad) {
    const [across, down] = pad.querySelectorAll("input");
    const move = ({ clientX, clientY }) => {
      const { left, top, width, height } = pad.getBoundingClientRect();
      across.value = at(across, (clientX - left) / width);
      down.value = at(down, (clientY - top) / height);
      this.#changed();
    };
    pad.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || this.#board.disabled) return;
      event.preventDefault();
      pad.setPointerCapture(event.pointerId);
      across.focus({ preventScroll: true });
      move(event);
    });
    pad.addEventListener("pointermove", (event) => {
      if (pad.hasPointerCapture(event.pointerId)) move(event);
    });
    // Arrow keys go both ways, whichever of the two has the focus.
    pad.addEventListener("keydown", (event) => {
      const [input, sign] = { ArrowLeft: [across, -1], ArrowRight: [across, 1], ArrowUp: [down, -1], ArrowDown: [down, 1] }[event.key] ?? [];
      if (!input) return;
      event.preventDefault();
      input.value = Number(input.value) + sign * 4 * Number(input.step);
      this.#changed();
    });
  }

  // ---- what is shown ------------------------------------------------------------------------

  #show() {
    for (const line of this.#element.querySelectorAll(".line")) showLine(line);
    for (const pad of this.#element.querySelectorAll("[data-pad]")) showPad(pad);
    for (const group of this.#element.querySelectorAll(".group")) {
      const set = [...group.querySelectorAll("input")].filter(({ value }) => Number(value) !== 0);
      group.querySelector("[data-count]").textContent = set.length || "";
    }
    const { values } = this;
    for (const button of this.#element.querySelectorAll("[data-preset]")) {
      button.setAttribute("aria-pressed", String(shows(values, JSON.parse(button.dataset.values), button.dataset.preset)));
    }
    document.body.toggleAttribute("data-posed", Object.keys(values).length > 0);
  }

  #say(words) {
    this.#element.querySelector("[role=status]").textContent = words;
  }
}

// The value of a range input at a share of its way.
function at(input, share) {
  const [low, high] = [Number(input.min), Number(input.max)];
  return low + (high - low) * Math.min(1, Math.max(0, share));
}

function share(input) {
  return (Number(input.value) - Number(input.min)) / (Number(input.max) - Number(input.min));
}

// Values in hundredths of the full way; degrees would suit only some.
function showLine(line) {
  const texts = [...line.querySelectorAll("input")].map((input) => {
    const [low, high] = [Number(input.min), Number(input.max)];
    input.style.setProperty("--at", `${100 * share(input)}%`);
    input.style.setProperty("--from", `${(100 * -low) / (high - low)}%`);
    const text = String(Math.round((100 * Number(input.value)) / high));
    input.setAttribute("aria-valuetext", `${text} %`);
    return text;
  });
  line.querySelector("output").textContent = new Set(texts).size === 1 ? texts[0] : texts.join(" ");
}

function showPad(pad) {
  const [across, down] = pad.querySelectorAll("input");
  pad.style.setProperty("--x", `${100 * share(across)}%`);
  pad.style.setProperty("--y", `${100 * share(down)}%`);
  for (const input of [across, down]) input.setAttribute("aria-valuetext", `${Math.round((100 * Number(input.value)) / Number(input.max))} %`);
}

// Whether the controls stand as a preset sets them.
function shows(values, preset, kind) {
  const counts = kind === "emotion" ? () => true : (name) => MOUTH.test(name);
  const names = new Set([...Object.keys(values).filter(counts), ...Object.keys(preset)]);
  names.delete("yaw"), names.delete("pitch"), names.delete("roll");
  return [...names].every((name) => Math.abs((values[name] ?? 0) - (preset[name] ?? 0)) < 0.011);
}
