// What the player measures about itself, in ms of performance.now(). `limner bench chat` reads it.

const KEPT_FRAMES = 6000; // four minutes
const KEPT = 300;

export class Statistics {
  transport = null;
  codec = null;
  size = 0;
  nominal = 25;
  shown = 0;
  skipped = 0;
  undecodable = 0;
  frames = []; // {at, pts, turn, speaking, offset}: offset > 0 means picture before sound
  turns = []; // {id, turn, sent, firstSound, firstFrame}
  stops = []; // {pressed, silent, idle}
  camera = null; // while on: {sent, dropped, latencies: [ms from a camera's picture to the face's]}
  #lastAt = 0;
  gaps = []; // {at, gap} of every picture but the first

  messageSent(id) {
    if (!this.turns.some((turn) => turn.id === id)) {
      keep(this.turns, { id, turn: null, sent: performance.now(), firstSound: null, firstFrame: null }, KEPT);
    }
  }

  turnStarted(id, number) {
    const turn = this.turns.find((item) => item.id === String(id));
    if (turn) turn.turn ??= number;
  }

  // Returns the turn when with this its figures are complete.
  soundScheduled(number, heardAt) {
    return this.#complete(number, "firstSound", heardAt);
  }

  frameShown(frame) {
    this.shown++;
    keep(this.frames, frame, KEPT_FRAMES);
    if (this.#lastAt) keep(this.gaps, { at: frame.at, gap: frame.at - this.#lastAt }, KEPT_FRAMES);
    this.#lastAt = frame.at;
    return frame.speaking ? this.#complete(frame.turn, "firstFrame", () => frame.at) : null;
  }

  stopPressed(pressed, silent) {
    const stop = { pressed, silent, idle: null };
    keep(this.stops, stop, KEPT);
    return stop;
  }

  // The tab was hidden or shown: the next gap does not count.
  pause() {
    this.#lastAt = 0;
  }

  // Pictures a second over the last two seconds (or since the first picture).
  get fps() {
    const now = performance.now();
    const first = Math.max(now - 2000, this.frames[0]?.at ?? now);
    let count = 0;
    for (let i = this.frames.length - 1; i >= 0 && this.frames[i].at >= first; i--) count++;
    return now - first > 200 ? (1000 * count) / (now - first) : 0;
  }

  // Longest time one picture stood still in the last `seconds`.
  worstGap(seconds = 60) {
    const since = performance.now() - seconds * 1000;
    return this.gaps.reduce((worst, { at, gap }) => (at > since ? Math.max(worst, gap) : worst), 0);
  }

  // Median A/V offset of the last two seconds.
  get offset() {
    const last = this.frames.slice(-50).map((frame) => frame.offset).sort((a, b) => a - b);
    return last.length ? last[last.length >> 1] : 0;
  }

  // ms from the last answered message to its first sound, or null.
  get latency() {
    const turn = this.turns.findLast((item) => item.firstSound !== null);
    return turn ? turn.firstSound - turn.sent : null;
  }

  #complete(number, what, at) {
    const turn = this.turns.findLast((item) => item.turn === number);
    if (!turn || turn[what] !== null) return null;
    turn[what] = at();
    return turn.firstSound !== null && turn.firstFrame !== null ? turn : null;
  }
}

function keep(list, item, limit) {
  list.push(item);
  if (list.length > limit) list.shift();
}
