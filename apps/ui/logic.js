// The player's decisions without any browser object, so that node can test them.
//
// Media time is counted in samples at 24 kHz ("pts"), local time in seconds.

export const RATE = 24000;
export const FRAME = 960; // samples of one picture at 25 fps
export const KIND = { VIDEO: 1, AUDIO: 2 };
export const CODEC = { JPEG: 0, H264: 1 };
export const ACTIVITY = ["idle", "listening", "thinking", "speaking"];
export const SPEAKING = 3;
const HEADER = 24;

// One media packet (the table is in pipeline/packets.py). Throws RangeError when it is cut short.
export function parsePacket(bytes) {
  if (bytes.byteLength < HEADER) throw new RangeError(`a media packet has at least ${HEADER} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    kind: view.getUint8(0),
    codec: view.getUint8(1),
    key: (view.getUint8(2) & 1) === 1,
    activity: view.getUint8(3),
    generation: view.getUint32(4, true),
    turn: view.getUint32(8, true),
    pts: Number(view.getBigUint64(12, true)),
    duration: view.getUint32(20, true),
    payload: bytes.subarray(HEADER),
  };
}

// "avc1.PPCCLL" from the sequence parameter set of an Annex B key frame, or null without one.
export function avcCodec(bytes) {
  for (let i = 0; i + 6 < bytes.length && i < 512; i++) {
    const start = bytes[i] === 0 && bytes[i + 1] === 0 && bytes[i + 2] === 1;
    if (!start || (bytes[i + 3] & 31) !== 7) continue;
    const hex = (byte) => byte.toString(16).padStart(2, "0");
    return `avc1.${hex(bytes[i + 4])}${hex(bytes[i + 5])}${hex(bytes[i + 6])}`;
  }
  return null;
}

// Cuts the HTTP fallback's endless body into records: u32 length | u8 kind | body.
export class RecordReader {
  #rest = new Uint8Array(0);

  push(chunk) {
    let data = chunk;
    if (this.#rest.length) {
      data = new Uint8Array(this.#rest.length + chunk.length);
      data.set(this.#rest);
      data.set(chunk, this.#rest.length);
    }
    const records = [];
    let at = 0;
    while (data.length - at >= 5) {
      const length = new DataView(data.buffer, data.byteOffset + at).getUint32(0, true);
      if (data.length - at - 5 < length) break;
      // A copy, because the body must not share memory with what still arrives.
      records.push({ kind: data[at + 4], body: data.slice(at + 5, at + 5 + length) });
      at += 5 + length;
    }
    this.#rest = data.slice(at);
    return records;
  }
}

// Tells which packets still count after a barge-in.
//
// `silence()` is the page's own stop: it cannot know the server's next number, so sound and
// speaking pictures of the current generation are refused until a newer one comes.
export class GenerationGate {
  current = 0;
  #silenced = -1;

  // A newer number was seen (in a message or a packet): true if it is news.
  raise(generation) {
    if (generation <= this.current) return false;
    this.current = generation;
    return true;
  }

  silence() {
    this.#silenced = this.current;
  }

  // Something new will be said, perhaps under the same number.
  allow() {
    this.#silenced = -1;
  }

  // A new connection may belong to a restarted server, whose numbers start again.
  reset(generation) {
    this.current = generation;
    this.#silenced = -1;
  }

  accepts({ kind, generation, activity }) {
    if (generation < this.current) return false;
    if (generation > this.#silenced) return true;
    return kind === KIND.VIDEO && activity !== SPEAKING;
  }
}

// How far the page plays behind the server: 60 ms at first (90 lost as many pictures). It grows at once when sound would come
// too late, after repeated late pictures only, and gives time back in pauses: a third of what was to
// spare for a while, so that one hiccup of a busy machine does not slow down the whole talk.
export class JitterBuffer {
  delay = 0; // seconds added so far
  #lowest = Infinity; // smallest slack since the last relax
  #calm = []; // the smallest slacks of the last pauses
  #late = 0;
  #until = 0;

  constructor({ start = 0.06, guard = 0.01, max = 0.8, hold = 8, step = 0.004, calm = 6 } = {}) {
    Object.assign(this, { start, guard, max, hold, step, calm });
  }

  // slack: seconds between a packet's arrival and when it is due; begins: nothing is playing yet.
  // Returns seconds to wait longer.
  observe(slack, kind, now, begins = false) {
    this.#lowest = Math.min(this.#lowest, slack);
    if (kind === KIND.VIDEO) {
      // One late picture is a hiccup and is simply not shown; three in a row are a slow link.
      this.#late = slack < 0 ? this.#late + 1 : 0;
      if (this.#late < 3) return 0;
    } else if (slack >= 0) return 0;
    this.#late = 0;
    const grown = Math.min(this.guard - slack, this.max - this.delay);
    if (grown <= 0) return 0;
    this.delay += grown;
    // A gap within speech is heard: what it needed is kept longer than a late beginning.
    this.#until = now + (kind === KIND.VIDEO ? this.hold : begins ? 0 : this.hold * 3);
    this.#lowest = Infinity;
    this.#calm = [];
    return grown;
  }

  // Called in pauses, about four times a second. Returns seconds to wait less.
  relax(now) {
    if (this.#lowest === Infinity) return 0;
    this.#calm = [...this.#calm, this.#lowest].slice(-this.calm);
    this.#lowest = Infinity;
    if (now < this.#until || this.#calm.length < this.calm) return 0;
    const spare = Math.min(...this.#calm) - this.start;
    if (spare < this.guard / 2) return 0;
    const given = Math.min(spare, Math.max(this.step, spare / 3));
    this.delay -= given;
    this.#calm = this.#calm.map((slack) => slack - given);
    return given;
  }

  reset() {
    this.delay = 0;
    this.#lowest = Infinity;
    this.#calm = [];
    this.#late = 0;
  }
}

// Maps media time to local time: `pts` is due at `local`.
export class TimeBase {
  pts = 0;
  local = 0;
  known = false;

  set(pts, local) {
    this.pts = pts;
    this.local = local;
    this.known = true;
  }

  due(pts) {
    return this.local + (pts - this.pts) / RATE;
  }

  playhead(local) {
    return this.pts + (local - this.local) * RATE;
  }

  delay(seconds) {
    this.local += seconds;
  }
}

// Decoded pictures in order of their time; decoders may finish out of order.
export class FrameQueue {
  #items = []; // {pts, generation, activity, turn, image}
  skipped = 0;

  // limit: more than the longest buffer and the server's lead together, or nothing would ever be due.
  constructor(limit = 60) {
    this.limit = limit;
  }

  get length() {
    return this.#items.length;
  }

  insert(item) {
    let i = this.#items.length;
    while (i > 0 && this.#items[i - 1].pts > item.pts) i--;
    this.#items.splice(i, 0, item);
    if (this.#items.length > this.limit) this.#drop(this.#items.shift());
  }

  // The newest picture that is due at `pts`, or null; older ones are closed and counted.
  take(pts) {
    let due = null;
    while (this.#items.length && this.#items[0].pts <= pts) {
      if (due) this.#drop(due);
      due = this.#items.shift();
    }
    return due;
  }

  // Keeps what `keep` says; the rest is closed without being counted as skipped.
  filter(keep) {
    const [kept, gone] = [[], []];
    for (const item of this.#items) (keep(item) ? kept : gone).push(item);
    this.#items = kept;
    for (const item of gone) item.image.close?.();
  }

  #drop(item) {
    this.skipped++;
    item.image.close?.();
  }
}

// What happens at a time of the media clock: told when it is heard, not when it arrives.
export class Timeline {
  #items = []; // {pts, generation, ...}, in order of their time

  // What comes for an earlier time than others replaces them.
  add(item) {
    this.#items = [...this.#items.filter(({ pts }) => pts < item.pts), item];
  }

  // The newest item that is due at `pts`, or null; it and older ones are forgotten.
  take(pts) {
    let due = null;
    while (this.#items.length && this.#items[0].pts <= pts) due = this.#items.shift();
    return due;
  }

  // Keeps what is of this generation or newer.
  cut(generation) {
    this.#items = this.#items.filter((item) => item.generation >= generation);
  }
}

// Texts that the server has not acknowledged. They survive reconnects and, through `storage`
// (anything with getItem and setItem), a reload of the page.
export class Outbox {
  #items = [];
  #count = 0;

  constructor(storage = null, key = "limner-outbox", seed = "m") {
    Object.assign(this, { storage, key, seed });
    try {
      this.#items = JSON.parse(storage?.getItem(key) ?? "[]");
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error; // a damaged store is an empty one
    }
  }

  add(text) {
    const item = { id: `${this.seed}-${++this.#count}`, text };
    this.#items.push(item);
    this.#save();
    return item;
  }

  // Forgets an acknowledged (or refused) text and returns it, or null if it was not known.
  settle(id) {
    const i = this.#items.findIndex((item) => item.id === String(id));
    if (i < 0) return null;
    const [item] = this.#items.splice(i, 1);
    this.#save();
    return item;
  }

  pending() {
    return [...this.#items];
  }

  #save() {
    this.storage?.setItem(this.key, JSON.stringify(this.#items));
  }
}

// Seconds to wait before the next attempt to connect.
export function backOff(attempt, random = Math.random) {
  return Math.min(3, 0.25 * 2 ** attempt) * (0.75 + 0.5 * random());
}

// A clause may come in several pieces with the same turn and index: their words belong together.
export function joinCaptions(captions, piece) {
  const last = captions.at(-1);
  const same = last && last.turn === piece.turn && last.index === piece.index && last.generation === piece.generation;
  if (!same) return [...captions, piece];
  const words = [...(last.words ?? []), ...(piece.words ?? [])];
  return [...captions.slice(0, -1), { ...last, words, end: piece.end }];
}

// Which word of a caption is heard at `pts`: its index, -1 before the first.
export function litWord(words, pts) {
  let lit = -1;
  for (let i = 0; i < words.length && words[i][1] <= pts; i++) lit = i;
  return lit;
}
