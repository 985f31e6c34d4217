// Run by: node --test tests/player.test.mjs
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  FrameQueue, GenerationGate, JitterBuffer, KIND, Outbox, RATE, RecordReader, SPEAKING, TimeBase,
  Timeline, avcCodec, backOff, joinCaptions, litWord, parsePacket,
} from "../apps/ui/logic.js";
import { Flight } from "../apps/ui/camera.js";
import { Cutter } from "../apps/ui/microphone.js";
import { Statistics } from "../apps/ui/statistics.js";

function packet({ kind = 2, codec = 0, flags = 0, activity = 3, generation = 0, turn = 1, pts = 0, duration = 960, payload = [] }) {
  const bytes = new Uint8Array(24 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, kind);
  view.setUint8(1, codec);
  view.setUint8(2, flags);
  view.setUint8(3, activity);
  view.setUint32(4, generation, true);
  view.setUint32(8, turn, true);
  view.setBigUint64(12, BigInt(pts), true);
  view.setUint32(20, duration, true);
  bytes.set(payload, 24);
  return bytes;
}

const picture = (pts, extra = {}) => ({ pts, generation: 0, image: { closed: false, close() { this.closed = true; } }, ...extra });

function memory(content = {}) {
  return { content, getItem: (key) => content[key] ?? null, setItem: (key, value) => { content[key] = value; } };
}

test("a packet is read as pipeline/packets.py writes it", () => {
  const read = parsePacket(packet({ kind: 1, codec: 1, flags: 1, generation: 7, turn: 3, pts: 2 ** 40, payload: [9, 8] }));
  assert.deepEqual({ ...read, payload: [...read.payload] }, {
    kind: 1, codec: 1, key: true, activity: 3, generation: 7, turn: 3, pts: 2 ** 40, duration: 960, payload: [9, 8],
  });
});

test("a packet inside a larger buffer is read at its own offset", () => {
  const whole = new Uint8Array(40);
  whole.set(packet({ turn: 5 }), 16);
  assert.equal(parsePacket(whole.subarray(16)).turn, 5);
});

test("a packet cut short is refused", () => {
  assert.throws(() => parsePacket(new Uint8Array(23)), RangeError);
});

test("the codec is read from the key frame's parameter set", () => {
  const bytes = Uint8Array.from([0, 0, 0, 1, 9, 16, 0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0xda]);
  assert.equal(avcCodec(bytes), "avc1.42c01e");
  assert.equal(avcCodec(Uint8Array.from([0, 0, 1, 0x41, 1, 2, 3, 4])), null);
});

test("records are found however the body is cut", () => {
  const record = (kind, body) => [body.length, 0, 0, 0, kind, ...body];
  const body = Uint8Array.from([...record(0, [123, 125]), ...record(1, [1, 2, 3]), ...record(0, [])]);
  for (const size of [1, 2, 3, 7, body.length]) {
    const reader = new RecordReader();
    const records = [];
    for (let i = 0; i < body.length; i += size) records.push(...reader.push(body.subarray(i, i + size)));
    assert.deepEqual(records.map((r) => [r.kind, ...r.body]), [[0, 123, 125], [1, 1, 2, 3], [0]], `size ${size}`);
  }
});

test("after a barge-in older packets are refused and newer ones taken", () => {
  const gate = new GenerationGate();
  const sound = (generation) => ({ kind: KIND.AUDIO, generation, activity: SPEAKING });
  assert.ok(gate.accepts(sound(0)));
  assert.ok(gate.raise(2));
  assert.ok(!gate.raise(2), "the same number is no news");
  assert.ok(!gate.raise(1), "an older number is no news");
  assert.ok(!gate.accepts(sound(1)));
  assert.ok(gate.accepts(sound(2)));
});

test("stop refuses sound and speaking pictures at once, but keeps the resting face", () => {
  const gate = new GenerationGate();
  gate.raise(4);
  gate.silence();
  const video = (activity) => ({ kind: KIND.VIDEO, generation: 4, activity });
  assert.ok(!gate.accepts({ kind: KIND.AUDIO, generation: 4, activity: SPEAKING }));
  assert.ok(!gate.accepts(video(SPEAKING)));
  assert.ok(gate.accepts(video(0)));
  assert.ok(gate.raise(5));
  assert.ok(gate.accepts({ kind: KIND.AUDIO, generation: 5, activity: SPEAKING }));
});

test("a stop with nothing to stop does not silence the next turn", () => {
  const gate = new GenerationGate();
  gate.silence(); // the server, at rest, raises no number
  gate.allow(); // the next turn started
  assert.ok(gate.accepts({ kind: KIND.AUDIO, generation: 0, activity: SPEAKING }));
});

test("a restarted server may count from the beginning", () => {
  const gate = new GenerationGate();
  gate.raise(9);
  gate.silence();
  gate.reset(0);
  assert.ok(gate.accepts({ kind: KIND.AUDIO, generation: 0, activity: SPEAKING }));
});

test("the buffer does not grow while packets come in time", () => {
  const buffer = new JitterBuffer();
  for (let i = 0; i < 100; i++) assert.equal(buffer.observe(0.001, KIND.AUDIO, i), 0);
  assert.equal(buffer.delay, 0);
});

test("late sound makes it grow at once, by no more than needed", () => {
  const buffer = new JitterBuffer({ guard: 0.01 });
  assert.ok(Math.abs(buffer.observe(-0.03, KIND.AUDIO, 0) - 0.04) < 1e-9);
  assert.ok(Math.abs(buffer.delay - 0.04) < 1e-9);
});

test("one late picture is let go, three in a row are a slow link", () => {
  const buffer = new JitterBuffer();
  assert.equal(buffer.observe(-0.02, KIND.VIDEO, 0), 0);
  assert.equal(buffer.observe(0.02, KIND.VIDEO, 0), 0);
  assert.equal(buffer.observe(-0.02, KIND.VIDEO, 0), 0);
  assert.equal(buffer.observe(-0.02, KIND.VIDEO, 0), 0);
  assert.ok(buffer.observe(-0.02, KIND.VIDEO, 0) > 0);
});

test("it never grows beyond its limit", () => {
  const buffer = new JitterBuffer({ max: 0.5 });
  for (let i = 0; i < 20; i++) buffer.observe(-0.2, KIND.AUDIO, i);
  assert.equal(buffer.delay, 0.5);
});

test("time is given back only after calm, and only what is spare", () => {
  const buffer = new JitterBuffer({ start: 0.06, hold: 1, calm: 2 });
  for (let i = 0; i < 3; i++) buffer.observe(-0.03, KIND.VIDEO, 0);
  const pause = (slack, now) => { buffer.observe(slack, KIND.VIDEO, now); return buffer.relax(now); };
  assert.equal(pause(0.12, 0.5), 0, "not yet calm");
  assert.ok(Math.abs(pause(0.12, 2) - 0.02) < 1e-9, "a third of 60 ms to spare");
  assert.equal(buffer.relax(2.25), 0, "nothing was seen since");
  assert.equal(pause(0.061, 2.5), 0, "no more than the 60 ms it wants");
});

test("one hiccup does not slow down the whole talk", () => {
  const buffer = new JitterBuffer();
  const grown = buffer.observe(-0.5, KIND.AUDIO, 0, true);
  for (let tick = 1; tick <= 24; tick++) {
    buffer.observe(0.05 + buffer.delay, KIND.VIDEO, tick / 4);
    buffer.relax(tick / 4);
  }
  assert.ok(grown > 0.5 && buffer.delay < 0.05, `${buffer.delay} s are left after 6 s of pauses`);
});

test("a gap within speech is remembered longer than a late beginning", () => {
  const buffer = new JitterBuffer({ calm: 1 });
  buffer.observe(-0.1, KIND.AUDIO, 0, false);
  buffer.observe(0.2, KIND.VIDEO, 5);
  assert.equal(buffer.relax(5), 0);
  buffer.observe(0.2, KIND.VIDEO, 30);
  assert.ok(buffer.relax(30) > 0);
});

test("the queue holds the longest buffer and the server's lead", () => {
  const queue = new FrameQueue();
  const { max, start } = new JitterBuffer();
  assert.ok(queue.limit / 25 > max + start + 0.4);
});

test("media time and local time are each other's inverse", () => {
  const base = new TimeBase();
  base.set(48000, 10);
  assert.equal(base.playhead(11), 48000 + RATE);
  assert.equal(base.due(48000 + RATE), 11);
  base.delay(0.5);
  assert.equal(base.playhead(11.5), 48000 + RATE);
});

test("pictures come out in order of time, whatever the order of decoding", () => {
  const queue = new FrameQueue();
  for (const pts of [1920, 0, 960]) queue.insert(picture(pts));
  assert.equal(queue.take(0).pts, 0);
  assert.equal(queue.take(0), null, "nothing due twice");
  assert.equal(queue.take(960).pts, 960);
  assert.equal(queue.take(5000).pts, 1920);
  assert.equal(queue.skipped, 0);
});

test("pictures that were overtaken are closed and counted", () => {
  const queue = new FrameQueue();
  const late = picture(0);
  queue.insert(late);
  queue.insert(picture(960));
  assert.equal(queue.take(1000).pts, 960);
  assert.ok(late.image.closed);
  assert.equal(queue.skipped, 1);
});

test("the picture queue is bounded and closes what it drops", () => {
  const queue = new FrameQueue(2);
  const frames = [0, 960, 1920].map((pts) => picture(pts));
  frames.forEach((frame) => queue.insert(frame));
  assert.equal(queue.length, 2);
  assert.ok(frames[0].image.closed);
});

test("a barge-in empties the picture queue without counting skipped pictures", () => {
  const queue = new FrameQueue();
  const old = picture(0);
  queue.insert(old);
  queue.insert(picture(960, { generation: 1 }));
  queue.filter(({ generation }) => generation >= 1);
  assert.ok(old.image.closed);
  assert.equal(queue.length, 1);
  assert.equal(queue.skipped, 0);
});

test("texts stay in the outbox until they are acknowledged, over a reload too", () => {
  const storage = memory();
  const outbox = new Outbox(storage);
  const first = outbox.add("one");
  outbox.add("two");
  assert.deepEqual(outbox.pending().map(({ text }) => text), ["one", "two"]);
  assert.equal(outbox.settle(first.id).text, "one");
  assert.equal(outbox.settle("unknown"), null);
  assert.deepEqual(new Outbox(storage, "limner-outbox", "n").pending().map(({ text }) => text), ["two"]);
});

test("ids of two page loads differ", () => {
  assert.notEqual(new Outbox(null, "k", "a").add("x").id, new Outbox(null, "k", "b").add("x").id);
});

test("a damaged outbox is an empty one", () => {
  assert.deepEqual(new Outbox(memory({ "limner-outbox": "{" })).pending(), []);
});

test("the wait between attempts grows to three seconds, spread by a quarter", () => {
  assert.equal(backOff(0, () => 0.5), 0.25);
  assert.equal(backOff(3, () => 0.5), 2);
  assert.equal(backOff(20, () => 0.5), 3);
  assert.equal(backOff(20, () => 0), 2.25);
});

test("words light up when they are heard", () => {
  const words = [["Hello", 100, 200], ["there", 250, 400]];
  assert.deepEqual([0, 100, 249, 250, 9999].map((pts) => litWord(words, pts)), [-1, 0, 0, 1, 1]);
});

test("pieces of a clause become one caption", () => {
  const piece = (index, start, end, word) => ({ turn: 1, index, generation: 0, text: "a b", start, end, words: [[word, start, end]] });
  let captions = joinCaptions([], piece(0, 0, 10, "a"));
  captions = joinCaptions(captions, piece(0, 10, 20, "b"));
  captions = joinCaptions(captions, piece(1, 20, 30, "c"));
  assert.deepEqual(captions.map(({ start, end, words }) => [start, end, words.length]), [[0, 20, 2], [20, 30, 1]]);
});

test("the microphone is cut into pieces of 40 ms at 16 kHz from any rate", () => {
  for (const rate of [16000, 44100, 48000]) {
    const pieces = [];
    const cutter = new Cutter(rate, (piece) => pieces.push(piece));
    const block = new Float32Array(128).fill(0.5);
    for (let i = 0; i < rate / 128; i++) cutter.push(block); // one second
    assert.ok(Math.abs(pieces.length - 25) <= 1, `${rate}: ${pieces.length} pieces`);
    assert.ok(pieces.every((piece) => piece.length === 640));
    assert.equal(pieces[3][100], 16383);
  }
});

test("resampling keeps a slow wave's shape", () => {
  const out = [];
  const cutter = new Cutter(48000, (piece) => out.push(...piece));
  const wave = (t) => Math.sin(2 * Math.PI * 100 * t);
  for (let b = 0; b < 40; b++) cutter.push(Float32Array.from({ length: 128 }, (_, i) => wave((b * 128 + i) / 48000)));
  // The first output takes the sample before the block, so the whole is one input sample late.
  const worst = Math.max(...out.slice(1).map((x, i) => Math.abs(x / 32767 - wave((i + 1) / 16000 - 1 / 48000))));
  assert.ok(worst < 0.01, `off by ${worst}`);
});

test("a turn's figures are told once, when sound and picture are both known", () => {
  const stats = new Statistics();
  stats.messageSent("m-1");
  stats.turnStarted("m-1", 3);
  const sent = stats.turns[0].sent;
  assert.equal(stats.soundScheduled(3, () => sent + 200), null);
  const done = stats.frameShown({ at: sent + 210, pts: 0, turn: 3, speaking: true, offset: 0 });
  assert.deepEqual([done.firstSound - done.sent, done.firstFrame - done.sent].map(Math.round), [200, 210]);
  assert.equal(stats.frameShown({ at: sent + 250, pts: 960, turn: 3, speaking: true, offset: 0 }), null);
});

test("time in a hidden tab is no gap", () => {
  const stats = new Statistics();
  const show = (at) => stats.frameShown({ at, pts: 0, turn: 0, speaking: false, offset: 0 });
  const now = performance.now();
  show(now - 9000);
  stats.pause();
  show(now);
  show(now + 40);
  assert.equal(Math.round(stats.worstGap()), 40);
});

test("the camera sends no more than 25 pictures a second and waits for answers", () => {
  const flight = new Flight();
  assert.equal(flight.ready(1000), true);
  flight.went(1000, 995);
  assert.equal(flight.ready(1020), false, "too soon");
  assert.equal(flight.ready(1036), true);
  flight.went(1036, 1030);
  assert.equal(flight.ready(1080), false, "two are on their way");
  assert.equal(flight.dropped, 1);
  flight.answered({ got: 1030, at: -1, pts: -1 });
  assert.equal(flight.ready(1080), true, "an answer stands for those before it too");
  flight.went(1080, 1080);
  flight.went(1120, 1120);
  assert.equal(flight.ready(1800), true, "what is never answered is forgotten");
});

test("the time from the camera to the face is measured once for each picture followed", () => {
  const flight = new Flight();
  flight.shown(960, 10);
  flight.answered({ got: 1040, at: 1000, pts: 9600 });
  flight.shown(8640, 1100);
  assert.deepEqual(flight.latencies, [], "that picture does not show it yet");
  flight.shown(9600, 1130);
  flight.shown(10560, 1170);
  assert.deepEqual(flight.latencies, [130]);
  flight.answered({ got: 1080, at: 1040, pts: 10560 });
  flight.shown(10560, 1175);
  assert.deepEqual(flight.latencies, [130, 135]);
});

test("feelings are told when they are seen, and a newer course replaces an older one", () => {
  const line = new Timeline();
  for (const pts of [0, 4800, 9600]) line.add({ pts, generation: 0 });
  assert.equal(line.take(-1), null);
  assert.equal(line.take(5000).pts, 4800);
  assert.equal(line.take(5000), null);
  line.add({ pts: 7200, generation: 1 });
  assert.equal(line.take(20000).pts, 7200, "what was told for later does not hold any more");
  line.add({ pts: 1, generation: 1 });
  line.cut(2);
  assert.equal(line.take(20000), null);
});
