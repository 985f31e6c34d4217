// Own pictures: chosen, dropped on the portrait or pasted, looked at with their crop, then used.

import { CropSquare } from "./crop.js";

export class Upload {
  #dialog = document.querySelector("#picture");
  #crop = new CropSquare(this.#find(".crop"));
  #player;
  #server;
  #used;
  #base;
  #seen = null; // what the server saw in the picture
  #choice = 0;
  #local = ""; // object URL of the file, until the server's upright preview is here
  #expected = false;
  #asking = null; // AbortController of the upload

  // base: the page's folder; stage: where pictures may be dropped; used: called after a change.
  constructor({ player, server, base, stage, used }) {
    this.#player = player;
    this.#server = server;
    this.#base = base;
    this.#used = used;
    this.#buttons();
    this.#dropping(stage);
    document.addEventListener("paste", (event) => this.#pasted(event));
    this.#crop.addEventListener("change", () => { this.#find(".crop-size input").value = 100 * this.#crop.share; });
  }

  // Opens the browser's file chooser; the dialog follows once there is a file.
  choose() {
    this.#expect();
    this.#find("input[type=file]").click();
  }

  async open(file) {
    this.#clear();
    this.#find(".consent input").checked = false;
    this.#local = URL.createObjectURL(file);
    this.#find("img").src = this.#local;
    this.#say([{ severity: "waits", message: "Looking for a face …", remedy: "" }]);
    if (!this.#dialog.open) this.#dialog.showModal();
    const asking = new AbortController();
    this.#asking = asking;
    const answer = await this.#upload(file, asking.signal);
    if (this.#asking !== asking) return; // closed, or another picture
    if (answer.faces) this.#show(answer);
    else this.#say([{ severity: "blocks", ...answer }]);
  }

  // Lets the server start what looks at pictures while the user still looks for one.
  #expect() {
    if (this.#expected) return;
    this.#expected = true;
    this.#server.expect_picture({ token: this.#player.token }).catch(() => undefined); // only a hint
  }

  #find(selector) {
    return this.#dialog.querySelector(selector);
  }

  async #upload(file, signal) {
    const url = new URL("live/picture", this.#base);
    url.searchParams.set("token", this.#player.token);
    url.searchParams.set("name", file.name ?? "");
    try {
      const answer = await fetch(url, { method: "POST", body: file, signal });
      return await answer.json();
    } catch (error) {
      if (signal.aborted) return {};
      console.error(error);
      return { message: "The picture did not arrive.", remedy: "Check the connection and choose it again." };
    }
  }

  // ---- what is shown ------------------------------------------------------------------------

  #clear() {
    this.#asking?.abort();
    this.#asking = null;
    this.#seen = null;
    URL.revokeObjectURL(this.#local);
    this.#local = "";
    this.#crop.hide();
    this.#dialog.removeAttribute("data-busy");
    this.#find(".outlines").replaceChildren();
    this.#find("img").removeAttribute("src");
    for (const part of [".chosen-face", ".crop-size"]) this.#find(part).hidden = true;
    this.#ready();
  }

  #show(seen) {
    this.#seen = seen;
    this.#find("img").src = seen.preview;
    this.#find(".outlines").setAttribute("viewBox", `0 0 ${seen.width} ${seen.height}`);
    this.#faces(seen.faces);
    if (seen.faces.length) this.#take(seen.best);
    else this.#say(seen.findings);
  }

  // Several faces: outlines to click on, and radio buttons for the keyboard.
  #faces(faces) {
    const outlines = faces.map(({ outline }, at) => {
      const shape = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
      shape.setAttribute("points", outline.map((point) => point.join(",")).join(" "));
      shape.addEventListener("click", () => this.#take(at));
      return shape;
    });
    this.#find(".outlines").replaceChildren(...outlines);
    const radios = faces.map((face, at) => this.#radio(at));
    this.#find(".chosen-face div").replaceChildren(...radios);
    this.#find(".chosen-face").hidden = faces.length < 2;
  }

  #radio(at) {
    const [label, radio] = [document.createElement("label"), document.createElement("input")];
    Object.assign(radio, { type: "radio", name: "face", value: at });
    radio.addEventListener("change", () => this.#take(at));
    label.append(radio, ` Face ${at + 1}`);
    return label;
  }

  #take(at) {
    const face = this.#seen.faces[at];
    this.#choice = at;
    this.#find(".outlines").querySelectorAll("polygon").forEach((shape, i) => shape.classList.toggle("chosen", i === at));
    this.#find(".chosen-face").querySelectorAll("input").forEach((radio, i) => { radio.checked = i === at; });
    this.#crop.show(face.square, face, [this.#seen.width, this.#seen.height]);
    this.#find(".crop-size").hidden = false;
    this.#find(".crop-size input").value = 100 * this.#crop.share;
    this.#say([...face.findings, ...this.#seen.findings]);
    this.#ready();
  }

  // The verdict in words, what blocks first.
  #say(findings) {
    const good = { severity: "good", message: "This picture will do.", remedy: "" };
    const lines = (findings.length ? findings : [good]).map(({ severity, message, remedy }) => {
      const line = document.createElement("li");
      line.className = severity;
      line.append(Object.assign(document.createElement("strong"), { textContent: message }), ` ${remedy}`);
      return line;
    });
    this.#find(".verdict").replaceChildren(...lines);
  }

  #ready() {
    const usable = this.#seen?.faces[this.#choice]?.usable;
    const busy = "busy" in this.#dialog.dataset;
    const button = this.#find("[data-do=use]");
    button.disabled = busy || !usable || !this.#find(".consent input").checked;
    button.textContent = busy ? "Coming alive …" : "Use";
  }

  // ---- what the user does -------------------------------------------------------------------

  #buttons() {
    const act = { cancel: () => this.#dialog.close(), another: () => this.choose(), use: () => this.#use() };
    this.#dialog.addEventListener("click", ({ target }) => act[target.closest("[data-do]")?.dataset.do]?.());
    this.#dialog.addEventListener("close", () => this.#closed());
    this.#dialog.addEventListener("keydown", (event) => event.stopPropagation()); // the page's own keys rest
    this.#find(".consent input").addEventListener("change", () => this.#ready());
    this.#find(".crop-size input").addEventListener("input", ({ target }) => { this.#crop.share = target.value / 100; });
    const input = this.#find("input[type=file]");
    input.addEventListener("change", () => {
      const [file] = input.files;
      if (file) this.open(file);
      input.value = ""; // the same file may be chosen again
    });
  }

  async #use() {
    this.#dialog.dataset.busy = "";
    this.#ready();
    const asked = { token: this.#player.token, key: this.#seen.key, choice: this.#choice, square: this.#crop.square, agreed: true };
    let problem;
    try {
      problem = await this.#server.use_picture(asked);
    } catch (error) {
      console.error(error);
      problem = { message: "That did not work.", remedy: "Please try again." };
    }
    if (!this.#seen || asked.key !== this.#seen.key) return; // closed meanwhile
    delete this.#dialog.dataset.busy;
    this.#ready();
    if (problem.message) this.#say([{ severity: "blocks", ...problem }]);
    else this.#dialog.close("used");
  }

  #closed() {
    const used = this.#dialog.returnValue === "used";
    this.#dialog.returnValue = "";
    this.#clear();
    if (used) this.#used();
    else this.#server.drop_picture({ token: this.#player.token }).catch(() => undefined); // it expires by itself
  }

  // A picture may be dropped on the portrait; elsewhere a drop must not leave the page.
  #dropping(stage) {
    const holdsFile = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!holdsFile(event)) return;
      event.preventDefault();
      this.#expect();
      stage.toggleAttribute("data-drop", stage.contains(event.target));
      event.dataTransfer.dropEffect = stage.contains(event.target) ? "copy" : "none";
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) stage.removeAttribute("data-drop");
    });
    document.addEventListener("drop", (event) => {
      if (!holdsFile(event)) return;
      event.preventDefault();
      stage.removeAttribute("data-drop");
      const [file] = event.dataTransfer.files;
      if (file && stage.contains(event.target)) this.open(file);
    });
  }

  #pasted(event) {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    this.open(file);
  }
}
