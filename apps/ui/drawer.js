// What the settings drawer does in the browser: portrait choice, voice sample, privacy.

export class Drawer {
  #drawer = document.querySelector("#settings");
  #player;
  #server;
  #conversation;
  #sample = new Audio();

  constructor({ player, opened, server, conversation }) {
    this.#player = player;
    this.#server = server;
    this.#conversation = conversation;
    this.who(opened);
  }

  who({ portrait }) {
    for (const radio of this.#drawer.querySelectorAll("input[name=portrait]")) radio.checked = radio.value === portrait;
  }

  // Lets the chosen voice be heard.
  async preview() {
    const { sound } = await this.#ask("preview_voice");
    if (!sound) return;
    this.#sample.src = sound;
    await this.#sample.play();
  }

  async save() {
    const { text } = await this.#ask("transcript");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
    link.download = "limner-conversation.txt";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  async forget() {
    await this.#ask("forget");
    sessionStorage.clear();
    location.reload();
  }

  async #ask(name) {
    try {
      return await this.#server[name]({ token: this.#player.token });
    } catch (error) {
      this.#conversation.trouble("That did not work. Please try again.");
      throw error;
    }
  }
}
