// Sound through Web Audio: schedules pieces on the audio clock and tells when they are heard.
//
// "Heard" time is the audio context's time as it leaves the loudspeaker, in seconds.

import { RATE } from "./logic.js";

const RAMP = 0.008; // seconds from loud to silent on a barge-in: short, yet without a click
const AUDIBLE = 0.01;
const SETTLED = 0.15; // seconds

export class Sound {
  context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
  #master = this.context.createGain();
  #meter = this.context.createAnalyser();
  #voice = null; // gain of the generation that now speaks
  #sources = new Set(); // {node, end}
  #skew = null;
  #samples;

  constructor() {
    this.#meter.fftSize = 512;
    this.#samples = new Float32Array(this.#meter.fftSize);
    this.#master.connect(this.#meter);
    this.#meter.connect(this.context.destination);
    this.#newVoice();
  }

  // Only then do times mean anything: a context that just started reports zeros, then rough values.
  get running() {
    if (this.context.state !== "running") return false;
    const { contextTime, performanceTime } = this.context.getOutputTimestamp();
    return contextTime > SETTLED && performanceTime > 0;
  }

  // Resumes if the browser allows it now (after a click or key).
  unlock() {
    if (this.context.state === "suspended") this.context.resume().catch(() => undefined);
  }

  // The time now heard. The browser's stamps jitter by some ms: smoothed, but not across jumps.
  heard(now = performance.now()) {
    const { contextTime, performanceTime } = this.context.getOutputTimestamp();
    const skew = contextTime - performanceTime / 1000;
    const jumped = this.#skew === null || Math.abs(skew - this.#skew) > 0.03;
    this.#skew = jumped ? skew : this.#skew + 0.02 * (skew - this.#skew);
    return now / 1000 + this.#skew;
  }

  // performance.now() at which context time `when` is heard.
  wallTime(when) {
    const now = performance.now();
    return now + (when - this.heard(now)) * 1000;
  }

  // Seconds left to schedule something for `when`; negative: too late.
  slack(when) {
    return when - this.context.currentTime;
  }

  // pcm: Int16Array mono at 24 kHz, heard from `when`. Returns the time of the first audible
  // sample, or null. What is already over is cut off.
  play(pcm, when) {
    const late = Math.max(0, Math.ceil((this.context.currentTime - when) * RATE));
    if (late >= pcm.length) return null;
    const buffer = this.context.createBuffer(1, pcm.length - late, RATE);
    const samples = buffer.getChannelData(0);
    let audible = -1;
    for (let i = 0; i < samples.length; i++) {
      samples[i] = pcm[i + late] / 32768;
      if (audible < 0 && Math.abs(samples[i]) > AUDIBLE) audible = i;
    }
    const node = this.context.createBufferSource();
    node.buffer = buffer;
    node.connect(this.#voice);
    const start = when + late / RATE;
    const item = { node, end: start + buffer.duration };
    this.#sources.add(item);
    node.onended = () => this.#sources.delete(item);
    node.start(start);
    return audible < 0 ? null : start + audible / RATE;
  }

  // Silences everything scheduled so far within `RAMP`; what is played later is not affected.
  // Returns performance.now() at which silence is heard.
  cut() {
    const now = this.context.currentTime;
    const old = this.#voice.gain;
    old.setValueAtTime(1, now);
    old.linearRampToValueAtTime(0, now + RAMP);
    for (const { node } of this.#sources) node.stop(now + RAMP);
    this.#newVoice();
    return this.wallTime(now + RAMP);
  }

  // Seconds of sound scheduled ahead.
  get buffered() {
    let end = this.context.currentTime;
    const now = end;
    for (const item of this.#sources) end = Math.max(end, item.end);
    return end - now;
  }

  set muted(muted) {
    this.#master.gain.setTargetAtTime(muted ? 0 : 1, this.context.currentTime, 0.004);
  }

  // Loudness of what is played now, 0..1.
  get level() {
    this.#meter.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const x of this.#samples) sum += x * x;
    return Math.min(1, Math.sqrt(sum / this.#samples.length) * 4);
  }

  // A copy of the sound for recording; call `release` when done.
  tap() {
    const target = this.context.createMediaStreamDestination();
    this.#master.connect(target);
    return { stream: target.stream, release: () => this.#master.disconnect(target) };
  }

  #newVoice() {
    this.#voice = this.context.createGain();
    this.#voice.connect(this.#master);
  }
}
