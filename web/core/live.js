/** Smoothing and hysteresis together: from the qualities of a stream to steady verdicts. */

import { LiveGate } from "./livegate.js";
import { Smoother } from "./smoothing.js";

export class LiveJudge {
  /**
   * @param {import("./gate.js").Gate} gate Gets the hysteresis of `LiveGate`.
   * @param {{smoother?: Smoother, settings?: object}} [options]
   */
  constructor(gate, { smoother = new Smoother(), settings } = {}) {
    this._smoother = smoother;
    this._gate = new LiveGate(gate, settings);
  }

  /** Begins a new stream. */
  reset() {
    this._smoother.reset();
    this._gate.reset();
  }

  /** Judges the next frame: {smoothed, verdict}. */
  judge(quality, timestampNs) {
    if (this._smoother.isStale(timestampNs)) this._gate.reset();
    const smoothed = this._smoother.update(quality, timestampNs);
    return { smoothed, verdict: this._gate.judge(smoothed, timestampNs) };
  }
}
