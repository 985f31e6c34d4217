// The live player: one face on a canvas with its voice, in step, from the packets of one session.
//
// The audio clock is master. Until the browser lets sound start (it wants a click or key first)
// the wall clock drives the picture; sound joins when it may. Every packet carries a generation:
// after a barge-in whatever is older is dropped. Decisions live in logic.js (tested in node).
//
// Events: "activity" (name), "line" ({caption, lit} now heard, or null), "felt" (a feeling message,
// when its picture is seen), "connection" ({state, ..}),
// "sound" (on or not), "refused" ({text, error}), "measured", and each server message by its type.

import { Connection } from "./connection.js";
import {
  ACTIVITY, FrameQueue, GenerationGate, JitterBuffer, KIND, Outbox, RATE, SPEAKING, TimeBase, Timeline, joinCaptions,
  litWord, parsePacket,
} from "./logic.js";
import { PictureDecoder, supportedCodecs } from "./pictures.js";
import { Sound } from "./sound.js";
import { Statistics } from "./statistics.js";

export * from "./logic.js";

const TICK_MS = 250;
// A picture drawn now is seen about one screen refresh later.
const SCREEN_LEAD = 0.012 * RATE;
// Stop shows a remembered quiet face if the server has not sent a new picture by then.
const IDLE_WITHIN_MS = 110;
const FAR_OFF = 2; // seconds: beyond this the clocks do not belong together

export class Player extends EventTarget {
  stats = new Statistics();
  activity = "idle";
  #connection;
  #sound = new Sound();
  #soundOn = false;
  #base = new TimeBase();
  #settled = false; // whether the time base was checked against a picture at rest
  #buffer = new JitterBuffer();
  #gate = new GenerationGate();
  #frames = new FrameQueue();
  #outbox;
  #captions = [];
  #shownCaption = "";
  #feelings = new Timeline();
  #soundEnd = 0; // pts behind the last piece of sound
  #waiting = []; // sound that came before the browser let us play
  #decoder = new PictureDecoder((packet, image) => this.#keep(packet, image), () => this.#fallBackToJpeg());
  #canvas;
  #brush;
  #quiet = document.createElement("canvas"); // the last idle picture
  #quietAt = 0;
  #stopped = null; // the stop that still waits for its idle picture
  #reported = { shown: 0, skipped: 0 };

  // canvas: where the face is drawn; base, token, renew: see Connection; storage: keeps the outbox.
  constructor({ canvas, base, token, renew, storage = null }) {
    super();
    this.#canvas = canvas;
    this.#brush = canvas.getContext("2d", { alpha: false });
    this.#outbox = new Outbox(storage, "limner-outbox", Date.now().toString(36));
    this.#connection = new Connection({ base, token, renew });
    this.#connection.addEventListener("open", ({ detail }) => this.#opened(detail));
    this.#connection.addEventListener("media", ({ detail }) => this.#media(parsePacket(detail)));
    this.#connection.addEventListener("message", ({ detail }) => this.#message(detail));
    this.#connection.addEventListener("lost", ({ detail }) => this.#emit("connection", { state: "lost", ...detail }));
  }

  async start() {
    this.#connection.codecs = await supportedCodecs();
    for (const gesture of ["pointerdown", "keydown", "touchend"]) {
      document.addEventListener(gesture, () => this.#sound.unlock(), { capture: true });
    }
    document.addEventListener("visibilitychange", () => this.#visibility());
    window.addEventListener("online", () => this.#connection.retry());
    setInterval(() => this.#tick(), TICK_MS);
    requestAnimationFrame(() => this.#draw());
    this.#connection.open();
  }

  get token() { return this.#connection.token; }
  get connected() { return this.#connection.transport !== null; }
  get soundOn() { return this.#soundOn; }
  // Media-clock sample that is heard (or, without sound, seen) now.
  get playhead() {
    return this.#base.playhead(this.#local());
  }

  get level() {
    return this.#soundOn ? this.#sound.level : 0;
  }

  set muted(muted) {
    this.#sound.muted = muted;
  }

  unlock() {
    this.#sound.unlock();
  }

  retry() {
    this.#connection.retry();
  }

  // Sends a typed message; it stays in the outbox until the server acknowledges it.
  sendText(text) {
    const item = this.#outbox.add(text);
    this.stats.messageSent(item.id);
    this.#connection.send({ type: "text", ...item });
    return item.id;
  }

  replay(turn) {
    this.#gate.allow();
    this.#connection.send({ type: "replay", turn });
  }

  // Any other message of docs/protocol.md, or an ArrayBuffer of microphone sound.
  send(message) {
    return this.#connection.send(message);
  }

  // Silence now: sound, speaking pictures and captions go at once, the server is told.
  stop() {
    const pressed = performance.now();
    this.#gate.silence();
    const silent = this.#cut();
    this.#captions = [];
    this.#stopped = this.stats.stopPressed(pressed, silent);
    this.#connection.send({ type: "stop" });
  }

  // Picture and sound as a MediaStream for recording; call `release` when done.
  capture() {
    const { stream, release } = this.#sound.tap();
    const tracks = [...this.#canvas.captureStream(25).getTracks(), ...stream.getTracks()];
    return { stream: new MediaStream(tracks), release };
  }

  // ---- time -------------------------------------------------------------------------------

  #local() {
    return this.#soundOn ? this.#sound.heard() : performance.now() / 1000;
  }

  // On a whole sample, so that pieces of sound join exactly.
  #wholeLocal() {
    return Math.round(this.#local() * RATE) / RATE;
  }

  // Moves between wall clock and audio clock without a jump of the playhead.
  #chooseClock() {
    const on = this.#sound.running;
    if (on === this.#soundOn) return;
    const head = this.playhead;
    this.#soundOn = on;
    this.#base.set(head, this.#wholeLocal());
    if (on) for (const packet of this.#waiting.splice(0)) this.#playSound(packet);
    this.#emit("sound", on);
  }

  // `tolerance`: seconds of difference that are left alone, because a jump would be heard.
  #setClock(pts, tolerance) {
    if (this.#base.known && Math.abs(this.playhead - pts) / RATE < tolerance) return;
    this.#base.set(Math.round(pts), this.#wholeLocal());
    this.#buffer.reset();
    this.#settled = false;
  }

  // Plays `pts` one buffer's length from now.
  #startAt(pts) {
    this.#setClock(pts - this.#buffer.start * RATE, 0);
    this.#settled = true;
  }

  #wait(slack, kind, begins = false) {
    const grown = this.#buffer.observe(slack, kind, performance.now() / 1000, begins);
    if (grown) this.#base.delay(Math.ceil(grown * RATE) / RATE);
  }

  // ---- from the server --------------------------------------------------------------------

  #opened(transport) {
    this.stats.transport = transport;
    this.#connection.send({ type: "hello", codecs: this.#connection.codecs, hidden: document.hidden });
  }

  #message(message) {
    const { type } = message;
    if (type === "hello") this.#hello(message);
    else if (type === "generation") this.#newGeneration(message.generation);
    else if (type === "caption") this.#addCaption(message);
    else if (type === "feeling") this.#feelings.add(message);
    else if (type === "turn") this.#turn(message);
    else if (type === "error" && message.id !== undefined) this.#refused(message);
    this.#emit(type, message);
  }

  #hello({ generation, pts, codec, size, fps }) {
    this.#gate.reset(generation);
    this.#frames.filter(() => false);
    this.#decoder.reset();
    this.#setClock(pts - this.#buffer.start * RATE, 0.25);
    Object.assign(this.stats, { codec, size, nominal: fps });
    for (const item of this.#outbox.pending()) {
      this.stats.messageSent(item.id);
      this.#connection.send({ type: "text", ...item });
    }
    this.#emit("connection", { state: "open", transport: this.#connection.transport });
  }

  #turn({ turn, status, id }) {
    if (status === "started") this.#gate.allow();
    if (id) {
      this.#outbox.settle(id);
      this.stats.turnStarted(id, turn);
    }
    if (status === "interrupted") this.#captions = this.#captions.filter((caption) => caption.turn !== turn);
  }

  #refused(error) {
    const item = this.#outbox.settle(error.id);
    if (item) this.#emit("refused", { text: item.text, error });
  }

  #newGeneration(generation) {
    if (!this.#gate.raise(generation)) return;
    this.#captions = this.#captions.filter((caption) => caption.generation >= generation);
    this.#feelings.cut(generation);
    this.#cut();
  }

  // Drops whatever the gate no longer accepts; returns when silence is heard.
  #cut() {
    const silent = this.#soundOn ? this.#sound.cut() : performance.now();
    this.#waiting = this.#waiting.filter((packet) => this.#gate.accepts(packet));
    this.#frames.filter((frame) => this.#gate.accepts(frame));
    return silent;
  }

  #media(packet) {
    this.#newGeneration(packet.generation);
    if (!this.#base.known) this.#startAt(packet.pts);
    if (packet.kind === KIND.AUDIO) {
      if (this.#gate.accepts(packet)) this.#audio(packet);
      return;
    }
    const slack = this.#base.due(packet.pts) - this.#local();
    // At rest the first picture shows how far ahead this server sends; speech runs further ahead.
    const settle = !this.#settled && packet.activity !== SPEAKING;
    if (settle || Math.abs(slack) > FAR_OFF) this.#startAt(packet.pts);
    else this.#wait(slack, KIND.VIDEO);
    this.#decoder.decode(packet);
  }

  // ---- sound ------------------------------------------------------------------------------

  #audio(packet) {
    if (this.#soundOn) this.#playSound(packet);
    else {
      const head = this.playhead;
      this.#waiting = this.#waiting.filter(({ pts, duration }) => pts + duration > head);
      this.#waiting.push(packet);
    }
  }

  #playSound({ pts, turn, duration, payload }) {
    this.#wait(this.#sound.slack(this.#base.due(pts)), KIND.AUDIO, pts !== this.#soundEnd);
    this.#soundEnd = pts + duration;
    const pcm = new Int16Array(payload.slice().buffer); // the copy also aligns it
    const audible = this.#sound.play(pcm, this.#base.due(pts));
    if (audible !== null) this.#tell(this.stats.soundScheduled(turn, () => this.#sound.wallTime(audible)));
  }

  // ---- picture ----------------------------------------------------------------------------

  // A browser that promised H.264 and cannot: ask for JPEG on a fresh connection.
  #fallBackToJpeg() {
    this.#connection.codecs = ["jpeg"];
    this.#connection.close();
    this.#connection.open();
  }

  #keep({ kind, pts, generation, activity, turn }, image) {
    const frame = { kind, pts, generation, activity, turn, image };
    if (this.#gate.accepts(frame)) this.#frames.insert(frame);
    else image.close();
  }

  #draw() {
    requestAnimationFrame(() => this.#draw());
    this.#chooseClock();
    const head = this.playhead;
    const frame = this.#frames.take(head + SCREEN_LEAD);
    if (frame) this.#show(frame, head);
    else if (this.#stopped && performance.now() - this.#stopped.pressed > IDLE_WITHIN_MS) this.#showQuiet();
    this.#caption(head);
  }

  #show({ image, pts, activity, turn }, head) {
    const width = image.displayWidth ?? image.width;
    if (this.#canvas.width !== width) this.#canvas.width = this.#canvas.height = width;
    this.#brush.drawImage(image, 0, 0, this.#canvas.width, this.#canvas.height);
    image.close();
    const now = performance.now();
    const speaking = activity === SPEAKING;
    this.#tell(this.stats.frameShown({ at: now, pts, turn, speaking, offset: ((pts - head) / RATE) * 1000 }));
    if (!speaking && this.#stopped) this.#idleShown(now);
    if (activity === 0 && now - this.#quietAt > 2000) this.#remember(now);
    this.#setActivity(ACTIVITY[activity] ?? "idle");
  }

  #remember(now) {
    this.#quiet.width = this.#quiet.height = this.#canvas.width;
    this.#quiet.getContext("2d").drawImage(this.#canvas, 0, 0);
    this.#quietAt = now;
  }

  #showQuiet() {
    if (this.#quietAt) this.#brush.drawImage(this.#quiet, 0, 0, this.#canvas.width, this.#canvas.height);
    this.#idleShown(performance.now());
    this.#setActivity("idle");
  }

  #idleShown(now) {
    this.#stopped.idle = now;
    this.#stopped = null;
  }

  #setActivity(activity) {
    if (activity === this.activity) return;
    this.activity = activity;
    this.#emit("activity", activity);
  }

  // ---- captions ---------------------------------------------------------------------------

  #addCaption(caption) {
    if (this.#gate.accepts({ ...caption, kind: KIND.AUDIO })) this.#captions = joinCaptions(this.#captions, caption);
  }

  // The feeling and the clause now heard; it stays readable for a while after its last word.
  #caption(head) {
    const felt = this.#feelings.take(head), linger = 2 * RATE;
    if (felt) this.#emit("felt", felt);
    this.#captions = this.#captions.filter(({ end }, i, all) => head < end + linger && !(all[i + 1]?.start <= head));
    const caption = this.#captions[0]?.start <= head ? this.#captions[0] : null;
    const lit = caption ? litWord(caption.words ?? [], head) : -1;
    const shown = caption ? `${caption.turn}.${caption.index}.${lit}` : "";
    if (shown === this.#shownCaption) return;
    this.#shownCaption = shown;
    this.#emit("line", caption && { caption, lit });
  }

  // ---- housekeeping -----------------------------------------------------------------------

  #visibility() {
    this.stats.pause(); // time without pictures is nobody's gap
    this.#connection.send({ type: "visibility", hidden: document.hidden });
  }

  #tick() {
    this.#chooseClock();
    if (document.hidden) {
      this.#caption(this.playhead);
      this.#frames.filter(() => false);
    }
    const back = this.activity === "idle" ? this.#buffer.relax(performance.now() / 1000) : 0;
    if (back) this.#base.delay(-Math.floor(back * RATE) / RATE);
    if (this.connected) this.#acknowledge();
  }

  #acknowledge() {
    this.stats.skipped = this.#frames.skipped;
    this.stats.undecodable = this.#decoder.undecodable;
    const { shown, skipped } = this.stats;
    this.#connection.send({
      type: "ack",
      pts: Math.max(0, Math.round(this.playhead)),
      generation: this.#gate.current,
      buffered: this.#soundOn ? Number(this.#sound.buffered.toFixed(3)) : 0,
      shown: shown - this.#reported.shown,
      late: skipped - this.#reported.skipped,
      offset: Number(this.stats.offset.toFixed(1)),
    });
    this.#reported = { shown, skipped };
  }

  // Tells the server what a turn took, once sound and picture are known.
  #tell(turn) {
    if (!turn) return;
    const { turn: number, firstSound, firstFrame, sent } = turn;
    const [first_sound_ms, first_frame_ms] = [firstSound - sent, firstFrame - sent].map(Math.round);
    this.#connection.send({ type: "measured", turn: number, first_sound_ms, first_frame_ms });
    this.#emit("measured", { turn: number, first_sound_ms, first_frame_ms });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
