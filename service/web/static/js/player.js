// Playback: one <audio> element streamed from the server, whatever draws it.

/** Events: "time" (while playing, every frame), "state" (play or pause), "error". Times are seconds. */
export class Player extends EventTarget {
  /** `duration` is what the server measured: a browser may not know it before the whole file has come. */
  constructor(audio, { url, duration }) {
    super();
    this.audio = audio;
    this.duration = duration;
    this.until = null;
    this.name = null;
    audio.src = url;
    audio.addEventListener("play", () => this.#changed());
    audio.addEventListener("pause", () => this.#changed());
    audio.addEventListener("ended", () => this.#changed());
    audio.addEventListener("seeked", () => this.#told());
    audio.addEventListener("timeupdate", () => this.#told());
    audio.addEventListener("error", () => this.dispatchEvent(new Event("error")));
  }

  get position() {
    return Math.min(this.audio.currentTime, this.duration);
  }

  get playing() {
    return !this.audio.paused && !this.audio.ended;
  }

  /** Plays from `from` (here, when left out) to `until` (the end); `name` marks what asked for it. */
  async play(from = null, { until = null, name = null } = {}) {
    if (from !== null) this.audio.currentTime = this.#inside(from);
    this.until = until;
    this.name = name;
    try {
      await this.audio.play();
    } catch (error) {
      // AbortError: paused before it began. Anything else has been reported by the element's own error event.
      if (error.name === "NotSupportedError") this.dispatchEvent(new Event("error"));
    }
    this.#changed();
  }

  pause() {
    this.audio.pause();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play(this.position >= this.duration - 0.05 ? 0 : null);
  }

  seek(to) {
    this.until = null;
    this.name = null;
    this.audio.currentTime = this.#inside(to);
    this.#changed();
  }

  #inside(time) {
    return Math.max(0, Math.min(time, this.duration - 0.01));
  }

  #changed() {
    if (!this.playing && this.until === null) this.name = null;
    this.dispatchEvent(new Event("state"));
    this.#tick();
  }

  #told() {
    if (this.until !== null && this.audio.currentTime >= this.until) {
      this.until = null;
      this.name = null;
      this.pause();
    }
    this.dispatchEvent(new Event("time"));
  }

  #tick() {
    if (this.ticking) return;
    const step = () => {
      this.#told();
      this.ticking = this.playing;
      if (this.ticking) requestAnimationFrame(step);
    };
    this.ticking = true;
    requestAnimationFrame(step);
  }
}
