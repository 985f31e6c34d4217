// Turns coded pictures into drawable ones: H.264 through WebCodecs, JPEG through the image decoder.

import { CODEC, RATE, avcCodec } from "./logic.js";

const BEHIND = 30; // pictures that may wait for a slow machine's decoder

export class PictureDecoder {
  #onPicture; // (packet, image)
  #onUnable; // H.264 was promised and does not work
  #decoder = null;
  #codec = "";
  #coded = new Map(); // timestamp in µs -> packet
  undecodable = 0;

  constructor(onPicture, onUnable) {
    this.#onPicture = onPicture;
    this.#onUnable = onUnable;
  }

  decode(packet) {
    if (packet.codec === CODEC.H264) this.#h264(packet);
    else this.#jpeg(packet);
  }

  // A new stream begins: it starts with a key frame.
  reset() {
    if (this.#decoder && this.#decoder.state !== "closed") this.#decoder.close();
    this.#decoder = null;
    this.#coded.clear();
  }

  async #jpeg(packet) {
    let image;
    try {
      image = await createImageBitmap(new Blob([packet.payload], { type: "image/jpeg" }));
    } catch (error) {
      this.undecodable++; // one broken picture; the next comes in 40 ms
      return;
    }
    this.#onPicture(packet, image);
  }

  #h264(packet) {
    // Who is so far behind would show only what is long past: go on with the next key frame.
    if (this.#decoder?.decodeQueueSize > BEHIND) {
      this.undecodable += this.#coded.size;
      this.reset();
    }
    if (packet.key) this.#configure(avcCodec(packet.payload));
    if (!this.#decoder) return; // nothing to show before the first key frame
    const timestamp = Math.round((packet.pts * 1e6) / RATE);
    this.#coded.set(timestamp, packet);
    if (this.#coded.size > 64) this.#coded.delete(this.#coded.keys().next().value);
    const type = packet.key ? "key" : "delta";
    this.#decoder.decode(new EncodedVideoChunk({ type, timestamp, data: packet.payload }));
  }

  #configure(codec) {
    if (!codec || (this.#decoder && codec === this.#codec)) return;
    this.reset();
    const decoder = new VideoDecoder({
      output: (image) => this.#decoded(image),
      error: () => {
        if (this.#decoder !== decoder) return;
        this.reset();
        this.#onUnable();
      },
    });
    decoder.configure({ codec, optimizeForLatency: true });
    this.#decoder = decoder;
    this.#codec = codec;
  }

  #decoded(image) {
    const packet = this.#coded.get(image.timestamp);
    this.#coded.delete(image.timestamp);
    if (packet) this.#onPicture(packet, image);
    else image.close();
  }
}

// What this browser can show, best first. WebCodecs exists on https and localhost only.
export async function supportedCodecs() {
  if (typeof VideoDecoder === "undefined") return ["jpeg"];
  const wanted = { codec: "avc1.42E01E", optimizeForLatency: true };
  const { supported } = await VideoDecoder.isConfigSupported(wanted);
  return supported ? ["h264", "jpeg"] : ["jpeg"];
}
