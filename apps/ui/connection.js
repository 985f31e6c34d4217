// One live connection that comes back by itself: WebSocket first, chunked HTTP where none opens.
//
// Events: "open", "message" (parsed JSON), "media" (Uint8Array), "lost" (why, seconds until retry).

import { RecordReader, backOff } from "./logic.js";

const OPEN_WITHIN_MS = 4000;

export class Connection extends EventTarget {
  transport = null; // "websocket", "http" or null
  codecs = ["jpeg"]; // in order of preference
  #base;
  #token;
  #renew;
  #socket = null;
  #stream = null; // AbortController of the HTTP body
  #posts = Promise.resolve(); // POSTs go one after the other, so that order is kept
  #attempt = 0;
  #socketFailed = false;
  #closed = false;
  #unknown = false; // the server does not know our token
  #timer = 0;

  // base: URL of the page's folder; renew(token) resolves to a token the server knows.
  constructor({ base, token, renew }) {
    super();
    this.#base = base;
    this.#token = token;
    this.#renew = renew;
  }

  get token() {
    return this.#token;
  }

  open() {
    this.#closed = false;
    if (this.#socketFailed || typeof WebSocket === "undefined") this.#openStream();
    else this.#openSocket();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#drop();
  }

  // Try again now (the user pressed the button, or the network came back).
  retry() {
    if (this.transport || this.#closed) return;
    clearTimeout(this.#timer);
    this.open();
  }

  // Sends an object as JSON or an ArrayBuffer as it is; false when nothing is open.
  send(message) {
    const binary = message instanceof ArrayBuffer;
    if (this.transport === "websocket") this.#socket.send(binary ? message : JSON.stringify(message));
    else if (this.transport === "http") this.#post(message, binary);
    else return false;
    return true;
  }

  #url(path, scheme = "") {
    const url = new URL(path, this.#base);
    url.searchParams.set("token", this.#token);
    if (scheme) url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return url;
  }

  #openSocket() {
    const socket = new WebSocket(this.#url("live/ws", "ws"));
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    const slow = setTimeout(() => socket.close(), OPEN_WITHIN_MS);
    let opened = false;
    socket.onopen = () => {
      opened = true;
      clearTimeout(slow);
      this.#opened("websocket");
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") this.#message(JSON.parse(data));
      else this.#emit("media", new Uint8Array(data));
    };
    socket.onclose = ({ reason }) => {
      clearTimeout(slow);
      if (this.#socket !== socket) return;
      // A proxy that cannot upgrade refuses at once: the next try goes over plain HTTP.
      this.#socketFailed = !opened;
      this.#lost(reason);
    };
  }

  async #openStream() {
    const stream = new AbortController();
    this.#stream = stream;
    try {
      const url = this.#url("live/stream");
      url.searchParams.set("codecs", this.codecs.join(","));
      const answer = await fetch(url, { signal: stream.signal, cache: "no-store" });
      if (answer.ok) await this.#readStream(answer.body.getReader());
      else if (answer.headers.get("content-type")?.includes("json")) this.#message(await answer.json());
    } catch (error) {
      if (stream.signal.aborted) return;
      // The network's own words ("Failed to fetch") help nobody: `#lost` says it better.
    }
    if (this.#stream !== stream) return;
    this.#socketFailed = false; // next time the better way first
    this.#lost("");
  }

  async #readStream(reader) {
    const records = new RecordReader();
    this.#opened("http");
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const { kind, body } of records.push(value)) {
        if (kind === 0) this.#message(JSON.parse(new TextDecoder().decode(body)));
        else this.#emit("media", body);
      }
    }
  }

  #post(message, binary) {
    const type = binary ? "application/octet-stream" : "application/json";
    const body = binary ? message : JSON.stringify(message);
    const send = () => fetch(this.#url("live/send"), { method: "POST", headers: { "Content-Type": type }, body });
    // A failed POST means a lost stream, which its own reader reports; texts stay in the outbox.
    this.#posts = this.#posts.then(send).catch(() => undefined);
  }

  #message(message) {
    if (message.type === "hello") this.#attempt = 0; // only now are we really in
    this.#unknown = message.type === "error" && message.code === "unknown_page";
    this.#emit("message", message);
  }

  #opened(transport) {
    this.transport = transport;
    this.#emit("open", transport);
  }

  #drop() {
    const [socket, stream] = [this.#socket, this.#stream];
    this.#socket = this.#stream = this.transport = null;
    socket?.close();
    stream?.abort();
  }

  #lost(reason) {
    this.#drop();
    if (this.#closed) return;
    // A refused WebSocket is followed by plain HTTP at once; only both together are a failure.
    const wait = this.#socketFailed || this.#attempt === 0 ? 0.1 : backOff(this.#attempt - 1);
    if (!this.#socketFailed) this.#attempt++;
    this.#emit("lost", { reason, wait, attempt: this.#attempt });
    this.#timer = setTimeout(() => this.#reopen(), wait * 1000);
  }

  // A server that was restarted knows no old token: ask for a fresh one after two failures.
  async #reopen() {
    if ((this.#unknown || this.#attempt >= 2) && this.#renew) {
      this.#unknown = false;
      try {
        this.#token = await this.#renew(this.#token);
      } catch (error) {
        if (!this.#closed) this.#lost(error?.message ?? "");
        return;
      }
    }
    if (!this.#closed && !this.transport) this.open();
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
