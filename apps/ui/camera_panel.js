// The camera's place on the stage: the button, what is agreed to, and the sign that it is on.

import { Camera, CameraError } from "./camera.js";

const UNSEEN_MS = 1500; // a face that is missing for so long is worth a word

export class CameraPanel {
  #stage;
  #player;
  #conversation;
  #camera;
  #able = true; // whether this face can follow a camera
  #seenAt = 0;

  constructor({ stage, player, conversation }) {
    this.#stage = stage;
    this.#player = player;
    this.#conversation = conversation;
    this.#camera = new Camera({
      video: this.#find(".watched video"),
      send: (message) => player.send(message),
      ended: () => this.#unplugged(),
    });
    this.#controls();
    player.addEventListener("hello", ({ detail }) => this.#hello(detail));
    player.addEventListener("camera", ({ detail }) => this.#answered(detail));
    player.addEventListener("error", ({ detail }) => this.#failed(detail));
  }

  get on() {
    return this.#camera.on;
  }

  stop() {
    this.#camera.stop();
    this.#show(false);
  }

  #find(selector) {
    return this.#stage.querySelector(selector);
  }

  #controls() {
    this.#find("[data-do=camera]").addEventListener("click", () => this.#pressed());
    this.#find("[data-camera=start]").addEventListener("click", () => this.#start());
    this.#find("[data-camera=stop]").addEventListener("click", () => this.stop());
    this.#find(".camera-panel").addEventListener("change", ({ target }) => {
      if (target.name === "camera-mode") this.#camera.mode = target.value;
    });
  }

  #pressed() {
    if (this.#camera.on) return this.stop();
    if (!this.#able) {
      this.#conversation.trouble("This face cannot follow a camera: its engine knows no way to. Choose the avatar engine semo in the settings of the server.");
      return;
    }
    if (this.#find(".camera-panel").togglePopover()) this.#place();
  }

  // Over the buttons, in the middle of the stage; where that is too low a place, in the window's.
  #place() {
    const { left, width } = this.#stage.getBoundingClientRect();
    const { top } = this.#find(".controls").getBoundingClientRect();
    const panel = this.#find(".camera-panel");
    const { height } = panel.getBoundingClientRect();
    const fits = top - 10 - height > 8;
    panel.style.left = `${left + width / 2}px`;
    panel.style.bottom = `${fits ? innerHeight - top + 10 : Math.max(8, (innerHeight - height) / 2)}px`;
  }

  async #start() {
    this.#find(".camera-panel").hidePopover();
    this.#conversation.clearTrouble();
    try {
      await this.#camera.start();
    } catch (error) {
      if (!(error instanceof CameraError)) throw error;
      this.#conversation.trouble(error.message, "Try again", () => this.#start());
      return;
    }
    this.#player.stats.camera = this.#camera.flight;
    this.#seenAt = performance.now();
    this.#show(true);
    this.#measure();
  }

  #show(on) {
    this.#find(".watched").hidden = !on;
    this.#find("[data-do=camera]").setAttribute("aria-pressed", String(on));
    this.#stage.dataset.camera = on ? "on" : "off";
    this.#say("Camera on");
    if (!on) this.#player.stats.camera = null;
  }

  #say(words) {
    const line = this.#find(".watched span");
    if (line.textContent !== words) line.textContent = words;
  }

  #hello({ camera }) {
    this.#able = camera !== false;
    if (!this.#able && this.on) this.stop();
  }

  #answered({ got, face, at, pts }) {
    this.#camera.flight.answered({ got: got * 1000, at: at * 1000, pts });
    const now = performance.now();
    if (face) this.#seenAt = now;
    this.#say(now - this.#seenAt > UNSEEN_MS ? "Your face is not in sight" : "Camera on");
  }

  #failed({ code, message, remedy }) {
    if (code !== "camera") return;
    this.stop();
    this.#conversation.trouble([message, remedy].filter(Boolean).join(" "));
  }

  #unplugged() {
    this.#show(false);
    this.#conversation.trouble("The camera is gone. Plug it in again to go on; the conversation goes on without it.", "Try again", () => this.#start());
  }

  // Notes how long the face takes to follow.
  #measure() {
    if (!this.on) return;
    requestAnimationFrame(() => this.#measure());
    const last = this.#player.stats.frames.at(-1);
    if (last) this.#camera.flight.shown(last.pts, last.at);
  }
}
