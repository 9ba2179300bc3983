// The controls of the recording that is heard on the labelling page: play, repeat, speed, volume.
import { byId, setIcon } from "./dom.js";
import { clock } from "./format.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
const SLACK_S = 0.05; // a browser seeks to about where it is told

export class Listening {
  #deck = null;
  #looping = false;

  constructor() {
    this.sound = { rate: 1, volume: 1, muted: false };
    byId("loudness").addEventListener("input", (event) => this.#tune({ volume: Number(event.target.value), muted: false }));
  }

  /** Shows a deck in place of the one before, and plays it; asks for a key where the browser refuses to begin by itself. */
  async present(deck) {
    this.#deck?.hide();
    this.#deck = deck;
    byId("audio-error").hidden = true;
    byId("press-space").hidden = true;
    if (!deck) return;
    deck.tune(this.sound);
    const plays = await deck.show();
    if (deck === this.#deck) byId("press-space").hidden = plays || deck.player.audio.error !== null;
  }

  /** Has the controls follow a deck whenever it is the one that is heard. */
  follow(deck) {
    const when = (event, show) => deck.player.addEventListener(event, () => { if (deck === this.#deck) show(); });
    when("time", () => this.#showPosition());
    when("state", () => this.#showPlaying());
    when("error", () => { byId("audio-error").hidden = false; });
  }

  get playing() {
    return this.#deck?.player.playing ?? false;
  }

  toggle() {
    this.#deck?.player.toggle();
  }

  jump(seconds) {
    this.#deck?.player.seek(this.#deck.player.position + seconds);
  }

  /** Repeats the telling stretch, of this recording and the following ones, until called again. */
  loop() {
    this.#looping = !this.#looping;
    byId("loop").setAttribute("aria-pressed", String(this.#looping));
    if (this.#looping) this.#deck?.player.play(this.#deck.telling.start);
  }

  /** One step faster (1) or slower (-1). */
  faster(by) {
    const next = Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(this.sound.rate) + by));
    this.#tune({ rate: SPEEDS[next] });
  }

  mute() {
    this.#tune({ muted: !this.sound.muted });
  }

  #tune(change) {
    Object.assign(this.sound, change);
    this.#deck?.tune(this.sound);
    byId("speed").textContent = `${this.sound.rate}×`;
    setIcon(byId("mute"), this.sound.muted ? "muted" : "volume");
    byId("mute").setAttribute("aria-pressed", String(this.sound.muted));
  }

  #showPosition() {
    const { player, telling } = this.#deck;
    byId("position").textContent = clock(player.position);
    const outside = player.position >= telling.end || player.position < telling.start - SLACK_S;
    if (this.#looping && player.playing && outside) player.seek(telling.start);
  }

  #showPlaying() {
    const { playing, duration } = this.#deck.player;
    byId("duration").textContent = clock(Math.round(duration));
    setIcon(byId("play"), playing ? "pause" : "play");
    byId("play").setAttribute("aria-label", playing ? "Pause" : "Play");
    if (playing) byId("press-space").hidden = true;
  }
}
