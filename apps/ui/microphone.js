// The microphone: 16 kHz, mono, signed 16-bit, in pieces of 40 ms.
//
// It has its own audio context, because the player's runs at 24 kHz.

const WANTED_RATE = 16000;
const PIECE = 640; // samples of 40 ms

// Runs on the audio thread: hands every block to the page.
const WORKLET = `registerProcessor("limner-microphone", class extends AudioWorkletProcessor {
  process([input]) { if (input[0]) this.port.postMessage(input[0].slice()); return true; }
});`;

export class Microphone {
  level = 0; // 0..1, of the last piece
  #context = null;
  #stream = null;
  #cutter = null;
  #onPiece;

  // onPiece receives an ArrayBuffer for the server.
  constructor(onPiece) {
    this.#onPiece = onPiece;
  }

  get open() {
    return this.#stream !== null;
  }

  // Asks for permission the first time. Throws MicrophoneError with words for the user.
  async start() {
    if (this.#stream) return;
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new MicrophoneError("The microphone works over https or on this machine only. You can always type.");
    }
    const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio });
    } catch (error) {
      throw new MicrophoneError(reasonInWords(error));
    }
    await this.#listen();
  }

  stop() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#context?.close();
    this.#stream = this.#context = null;
    this.level = 0;
  }

  async #listen() {
    // Some browsers cannot connect a microphone to a context of another rate: then we resample.
    try {
      this.#context = new AudioContext({ sampleRate: WANTED_RATE });
      await this.#connect();
    } catch (error) {
      if (error.name !== "NotSupportedError") throw error;
      await this.#context.close();
      this.#context = new AudioContext();
      await this.#connect();
    }
  }

  async #connect() {
    const context = this.#context;
    const source = context.createMediaStreamSource(this.#stream);
    this.#cutter = new Cutter(context.sampleRate, (piece) => this.#piece(piece));
    if (!context.audioWorklet) return this.#connectOldWay(source);
    const url = URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));
    await context.audioWorklet.addModule(url);
    URL.revokeObjectURL(url);
    const node = new AudioWorkletNode(context, "limner-microphone", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }) => this.#cutter.push(data);
    source.connect(node);
  }

  #connectOldWay(source) {
    const node = this.#context.createScriptProcessor(1024, 1, 1);
    node.onaudioprocess = ({ inputBuffer }) => this.#cutter.push(inputBuffer.getChannelData(0));
    source.connect(node);
    node.connect(this.#context.destination); // it only runs when connected; its output is silence
  }

  #piece(pcm) {
    let sum = 0;
    for (const x of pcm) sum += (x / 32768) ** 2;
    this.level = Math.min(1, Math.sqrt(sum / pcm.length) * 6);
    this.#onPiece(pcm.buffer);
  }
}

export class MicrophoneError extends Error {}

// Resamples (linearly) to 16 kHz and cuts into pieces of 40 ms.
export class Cutter {
  #step;
  #onPiece;
  #at = 0; // position of the next output sample in the coming block
  #last = 0;
  #piece = new Int16Array(PIECE);
  #filled = 0;

  constructor(rate, onPiece) {
    this.#step = rate / WANTED_RATE;
    this.#onPiece = onPiece;
  }

  // block: Float32Array in [-1, 1] at the rate given.
  push(block) {
    for (; this.#at < block.length; this.#at += this.#step) {
      const i = Math.floor(this.#at);
      const before = i > 0 ? block[i - 1] : this.#last;
      this.#add(before + (block[i] - before) * (this.#at - i));
    }
    this.#at -= block.length;
    this.#last = block[block.length - 1] ?? this.#last;
  }

  #add(sample) {
    this.#piece[this.#filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
    if (this.#filled < PIECE) return;
    this.#onPiece(this.#piece);
    this.#piece = new Int16Array(PIECE);
    this.#filled = 0;
  }
}

function reasonInWords(error) {
  if (error.name === "NotAllowedError") return "Your browser does not let this page hear you. Allow the microphone beside the address, then try again.";
  if (error.name === "NotFoundError") return "No microphone was found. Plug one in, or type.";
  return "The microphone could not be opened; another program may be using it.";
}
