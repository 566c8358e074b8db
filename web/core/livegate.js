/** A verdict on a stream of frames that does not flicker: two thresholds and a hold time. */

import { LOW_QUALITY, reason } from "./gate.js";
import { rounded } from "./numbers.js";

/**
 * Applies a gate to the frames of a stream, in their order; the semantics are those of `LiveGate` in
 * Python. A value must go beyond the far one of two thresholds to change the verdict, which then
 * stays for the hold time; a value far on the wrong side rejects at once.
 */
export class LiveGate {
  /**
   * @param {import("./gate.js").Gate} gate
   * @param {object} [settings]
   * @param {number} [settings.holdS] Seconds that a verdict stays, at least.
   * @param {number} [settings.margin] Half the distance between the two thresholds of the score.
   * @param {number} [settings.causeMargin] The same for causes, in units of severity.
   * @param {number | null} [settings.sudden] Points below `minScore` that reject at once; null: none.
   * @param {number | null} [settings.causeSudden] The same for causes above their limits.
   */
  constructor(
    gate,
    { holdS = 0.5, margin = 2, causeMargin = 0.05, sudden = 8, causeSudden = 0.2 } = {},
  ) {
    const numbers = { holdS, margin, causeMargin };
    for (const [name, value] of Object.entries({ ...numbers, sudden, causeSudden })) {
      if (value === null && !(name in numbers)) continue;
      if (typeof value !== "number") throw new TypeError(`${name} is ${value}, expected a number`);
      if (!(value >= 0 && value < Infinity)) {
        throw new RangeError(`${name} is ${value}, expected a non-negative finite number`);
      }
    }
    this.gate = gate;
    this.holdNs = Math.round(holdS * 1e9);
    this._bands = new Map([[LOW_QUALITY, band(-gate.minScore, -100, 0, margin, sudden)]]);
    for (const [cause, limit] of Object.entries(gate.maxCauses)) {
      this._bands.set(cause, band(limit, 0, 1, causeMargin, causeSudden));
    }
    this.reset();
  }

  /** Forgets all frames, as before a new stream. */
  reset() {
    this._bad = new Map();
    this._lastNs = null;
    this._changedNs = 0;
    this._verdict = null;
  }

  /**
   * Judges the next frame.
   *
   * @param {object} quality Smoothed over a few frames if single ones are noisy.
   * @param {number} timestampNs Nanoseconds of any clock, later than those of the frame before.
   */
  judge(quality, timestampNs) {
    if (!Number.isSafeInteger(timestampNs)) {
      throw new TypeError(`timestampNs is ${timestampNs}, expected an integer`);
    }
    if (this._lastNs !== null && timestampNs <= this._lastNs) {
      throw new RangeError(
        `timestampNs is ${timestampNs}, expected later than the ${this._lastNs} of the frame before; ` +
          "call reset() to begin a new stream",
      );
    }
    this._lastNs = timestampNs;
    const damage = this.gate.damage(quality);
    const sudden = this._look(quality) || damage.length > 0;
    const bad = [...this._bad].filter(([, isBad]) => isBad);
    const failing = [...bad.map(([name]) => this._reason(name, quality)), ...damage];
    const verdict = this.gate.verdict(quality, failing);
    if (this._verdict !== null && verdict.accept === this._verdict.accept) {
      this._verdict = verdict;
      return verdict;
    }
    const held = this._verdict !== null && timestampNs - this._changedNs < this.holdNs;
    if (!held || (sudden && !verdict.accept)) {
      this._changedNs = timestampNs;
      this._verdict = verdict;
    }
    return this._verdict;
  }

  /** Takes in what each value counts as; returns whether one is suddenly bad. */
  _look(quality) {
    const before = this._bad;
    this._bad = new Map();
    let sudden = false;
    for (const [name, limits] of this._bands) {
      const value = name === LOW_QUALITY ? -quality.score : quality.causes[name];
      if (value === undefined) continue;
      const most = { undefined: limits.limit, true: limits.fine, false: limits.bad }[before.get(name)];
      this._bad.set(name, !(value <= most));
      sudden ||= !(value <= limits.sudden);
    }
    return sudden;
  }

  _reason(name, quality) {
    const { limit, fine } = this._bands.get(name);
    if (name === LOW_QUALITY) {
      const { minScore } = this.gate;
      return reason(name, quality.score, quality.score >= minScore ? -fine : minScore);
    }
    const value = quality.causes[name];
    return reason(name, value, value <= limit ? fine : limit);
  }
}

/** The thresholds of one value on a scale where more is worse. */
function band(limit, least, most, margin, sudden) {
  // Near an end of the scale a margin takes half of what is left.
  const below = (limit - least) / 2;
  const above = (most - limit) / 2;
  const far = sudden === null ? Infinity : Math.min(Math.max(sudden, margin), above);
  return {
    limit,
    fine: Math.min(limit, rounded(limit - Math.min(margin, below), 9)),
    bad: Math.max(limit, rounded(limit + Math.min(margin, above), 9)),
    sudden: far === Infinity ? Infinity : Math.max(limit, rounded(limit + far, 9)),
  };
}
