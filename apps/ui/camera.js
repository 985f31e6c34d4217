// The camera: small JPEG pictures, at most 25 a second, fewer where the way to the server is slow.

const WIDTH = 320;
const QUALITY = 0.8;
const EVERY_MS = 40;
const SLACK_MS = 6; // a picture that comes this much early is no extra one
const ON_THE_WAY = 2; // pictures sent and not yet answered
const FORGOTTEN_MS = 600; // an answer that late does not come any more

export class CameraError extends Error {}

// Which pictures are on their way, and what came of them. Times in ms of one clock.
export class Flight {
  sent = 0;
  dropped = 0;
  latencies = []; // ms from a picture of the camera to the picture of the face that shows it
  #away = [];
  #last = -Infinity;
  #follows = { at: -1, pts: -1 }; // the newest picture that the face follows, from which picture on
  #measured = -1;

  // Whether a picture may be sent now.
  ready(now) {
    if (now - this.#last < EVERY_MS - SLACK_MS) return false;
    this.#away = this.#away.filter((at) => now - at < FORGOTTEN_MS);
    if (this.#away.length < ON_THE_WAY) return true;
    this.dropped++;
    return false;
  }

  went(now, at) {
    this.#last = now;
    this.#away.push(at);
    this.sent++;
  }

  // The server answers: it has the picture taken at `got`; see docs/protocol.md.
  answered({ got, at, pts }) {
    this.#away = this.#away.filter((away) => away > got);
    if (pts >= 0 && at > this.#follows.at) this.#follows = { at, pts };
  }

  // The face's picture `pts` is on the screen since `now`.
  shown(pts, now) {
    const { at, pts: from } = this.#follows;
    if (from < 0 || pts < from || at <= this.#measured) return;
    this.#measured = at;
    this.latencies = [...this.latencies, now - at].slice(-250);
  }
}

export class Camera {
  mode = "drives";
  flight = new Flight();
  #video;
  #send;
  #ended;
  #stream = null;
  #canvas = document.createElement("canvas");
  #ask = 0;

  // video: shows the user what is seen; send(message) is false while there is no connection;
  // ended: the camera went away by itself.
  constructor({ video, send, ended }) {
    this.#video = video;
    this.#send = send;
    this.#ended = ended;
  }

  get on() {
    return this.#stream !== null;
  }

  // Asks for permission the first time. Throws CameraError with words for the user.
  async start() {
    if (this.#stream) return;
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new CameraError("The camera works over https or on this machine only.");
    }
    const video = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25, max: 30 }, facingMode: "user" };
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ video });
    } catch (error) {
      throw new CameraError(reasonInWords(error));
    }
    for (const track of this.#stream.getTracks()) track.addEventListener("ended", () => this.#lost());
    this.flight = new Flight();
    this.#video.srcObject = this.#stream;
    await this.#video.play().catch(() => undefined); // stopped meanwhile
    this.#next();
  }

  stop() {
    if (!this.#stream) return;
    this.#stream.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#video.cancelVideoFrameCallback?.(this.#ask);
    this.#video.srcObject = null;
    this.#send({ type: "camera", mode: "off" });
  }

  #lost() {
    if (!this.#stream) return;
    this.stop();
    this.#ended();
  }

  #next() {
    if (!this.#stream) return;
    if (this.#video.requestVideoFrameCallback) {
      this.#ask = this.#video.requestVideoFrameCallback((now, { captureTime }) => this.#picture(captureTime ?? now));
    } else requestAnimationFrame((now) => this.#picture(now));
  }

  // taken: when, in ms of performance.now().
  #picture(taken) {
    this.#next();
    const now = performance.now();
    const { videoWidth: w, videoHeight: h } = this.#video;
    if (!this.#stream || !w || !this.flight.ready(now)) return;
    // No wider than 4:3: what is left and right of that is the room.
    const cut = Math.min(w, (h * 4) / 3);
    const scale = Math.min(1, WIDTH / Math.max(cut, h));
    const [width, height] = [cut * scale, h * scale].map(Math.round);
    if (this.#canvas.width !== width || this.#canvas.height !== height) Object.assign(this.#canvas, { width, height });
    this.#canvas.getContext("2d", { alpha: false }).drawImage(this.#video, (w - cut) / 2, 0, cut, h, 0, 0, width, height);
    const jpeg = this.#canvas.toDataURL("image/jpeg", QUALITY).split(",", 2)[1];
    const at = Math.min(taken, now) / 1000;
    if (this.#send({ type: "camera", mode: this.mode, at, jpeg })) this.flight.went(now, at * 1000);
  }
}

function reasonInWords(error) {
  if (error.name === "NotAllowedError") return "Your browser does not let this page use the camera. Allow it beside the address, then try again. The conversation goes on without it.";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return "No camera was found. Plug one in and try again; the conversation goes on without it.";
  return "The camera could not be opened; another program may be using it. The conversation goes on without it.";
}
