/** Steadies the qualities of a stream over time, and still shows a sudden smear at once. */

const JUMP_SPREADS = 4;
const STALE = 5;
const WORSE_AFTER = 2;
const BETTER_AFTER = 3;

/** One number over time; `sign` is 1 where higher is better and -1 where it is worse. */
class Level {
  constructor(value, leastJump, sign) {
    this.value = value;
    this._leastJump = leastJump;
    this._sign = sign;
    this._newest = value;
    this._flicker = leastJump / JUMP_SPREADS / 2;
    this._outliers = 0;
    this._spanned = 0;
  }

  update(value, step, timeConstant) {
    const off = value - this.value;
    const limit = Math.max(this._leastJump, JUMP_SPREADS * this._flicker);
    // Half as quick as the level; one wild value must not raise the limit beyond reach.
    const weight = 1 - Math.exp(-step / (2 * timeConstant));
    this._flicker += weight * (Math.min(Math.abs(value - this._newest), limit) - this._flicker);
    this._newest = value;
    if (Math.abs(off) <= limit) {
      this._outliers = 0;
      this.value += (1 - Math.exp(-step / timeConstant)) * off;
      return false;
    }
    const way = off * this._sign > 0 ? 1 : -1;
    if (this._outliers * way <= 0) this._outliers = this._spanned = 0;
    this._outliers += way;
    this._spanned += step;
    const enough = way < 0 ? WORSE_AFTER : BETTER_AFTER;
    if (Math.abs(this._outliers) < enough && this._spanned < timeConstant) return false;
    this.jump(value);
    return true;
  }

  jump(value) {
    this.value = value;
    this._outliers = 0;
  }
}

/** Smooths score, spread and causes of one stream; the semantics are those of `Smoother` in Python. */
export class Smoother {
  /**
   * @param {object} [settings]
   * @param {number} [settings.timeConstantS] Seconds after which a small change shows to 63%.
   * @param {number} [settings.leastJump] Points; changes up to here are always smoothed.
   * @param {number} [settings.leastCauseJump] The same for severities.
   */
  constructor({ timeConstantS = 0.4, leastJump = 8, leastCauseJump = 0.15 } = {}) {
    for (const [name, value] of Object.entries({ leastJump, leastCauseJump })) {
      if (!(value > 0)) throw new RangeError(`${name} is ${value}, expected a number above 0`);
    }
    if (!(timeConstantS >= 0 && timeConstantS < Infinity)) {
      throw new RangeError(`timeConstantS is ${timeConstantS}, expected 0 or more seconds`);
    }
    this._timeConstant = timeConstantS;
    this._leastJump = leastJump;
    this._leastCauseJump = leastCauseJump;
    this.reset();
  }

  /** Forgets everything: the next quality starts a new stream. */
  reset() {
    this._timeNs = null;
  }

  /** Whether a frame comes so late that the past no longer counts; never without smoothing. */
  isStale(timestampNs) {
    const stale = STALE * this._timeConstant;
    return stale > 0 && this._timeNs !== null && (timestampNs - this._timeNs) / 1e9 >= stale;
  }

  /** Takes the quality of the next frame; returns it with `score`, `std` and `causes` smoothed. */
  update(quality, timestampNs) {
    let step = Infinity;
    if (this._timeNs !== null) {
      step = (timestampNs - this._timeNs) / 1e9;
      if (!(step > 0)) {
        throw new RangeError(
          `timestampNs is ${timestampNs}, expected later than the ${this._timeNs} of the frame before`,
        );
      }
    }
    this._timeNs = timestampNs;
    if (step >= STALE * this._timeConstant) this._start(quality);
    else this._step(quality, step);
    const causes = [...this._causes].map(([name, level]) => [
      name,
      Math.min(Math.max(level.value, 0), 1),
    ]);
    return {
      ...quality,
      score: this._score.value,
      std: this._std,
      histogram: null,
      bins: null,
      causes: Object.fromEntries(causes),
    };
  }

  _start(quality) {
    this._score = new Level(quality.score, this._leastJump, 1);
    this._std = quality.std;
    this._causes = new Map(
      Object.entries(quality.causes).map(([name, severity]) => [
        name,
        new Level(severity, this._leastCauseJump, -1),
      ]),
    );
  }

  _step(quality, step) {
    const jumped = this._score.update(quality.score, step, this._timeConstant);
    const weight = jumped ? 1 : 1 - Math.exp(-step / this._timeConstant);
    if (quality.std === null || this._std === null) this._std = quality.std;
    else this._std += weight * (quality.std - this._std);
    const causes = new Map();
    for (const [name, severity] of Object.entries(quality.causes)) {
      const level = this._causes.get(name) ?? new Level(severity, this._leastCauseJump, -1);
      level.update(severity, step, this._timeConstant);
      if (jumped) level.jump(severity);
      causes.set(name, level);
    }
    this._causes = causes;
  }
}
