/** Accept a photograph or not, and say why. */

import { CAUSES } from "./contract.js";
import { fixed } from "./numbers.js";

/** The reason that the score itself gives. */
export const LOW_QUALITY = "low_quality";

/** The reason for a picture that lost data. */
export const DAMAGED = "damaged";

/** All stable identifiers of reasons. */
export const REASONS = Object.freeze([...CAUSES, DAMAGED, LOW_QUALITY]);

/** From this share of its limit on, a cause explains a score that is rejected. */
const NOTABLE = 0.5;

/** Cause: what is said when it decides, what when it only explains, and what to do about it. */
const WORDS = {
  blur: ["too blurred", "somewhat blurred", "focus again and hold still"],
  noise: ["too noisy", "somewhat noisy", "add light or lower the ISO"],
  dark: ["too dark", "somewhat dark", "add light or expose longer"],
  bright: ["too bright", "somewhat bright", "expose less"],
  compression: ["too compressed", "somewhat compressed", "save or send in better quality"],
  low_contrast: ["too little contrast", "little contrast", "wipe the lens and avoid haze and backlight"],
};

/** A reason for people, with what to do about it: the words of Python's `Reason.sentence`. */
export function sentence({ cause, value, threshold, decisive }) {
  // More digits where rounding would hide the difference: not "45.0 is below 45.0".
  const digits = (...choices) =>
    choices.find((n) => fixed(value, n) !== fixed(threshold, n)) ?? 6;
  if (cause === LOW_QUALITY) {
    const n = digits(1, 2, 4);
    return `quality ${fixed(value, n)} is below ${fixed(threshold, n)}`;
  }
  if (cause === DAMAGED) {
    const rows = value >= 0.005 ? ` (${fixed(100 * value, 0)}% of its rows are missing)` : "";
    return `damaged: take or transfer the picture again${rows}`;
  }
  const name = cause.replaceAll("_", " ");
  const [strong, weak, advice] = WORDS[cause] ?? [`too much ${name}`, `some ${name}`, ""];
  const said = (decisive ? strong : weak) + (advice && `: ${advice}`);
  if (!decisive) return `${said} (${fixed(value, 2)})`;
  const n = digits(2, 3, 4);
  return `${said} (${fixed(value, n)}, at most ${fixed(threshold, n)})`;
}

/**
 * Turns a quality into a verdict: accepted if the score is at least `minScore` and no cause is above
 * its limit; equal passes, NaN never does.
 */
export class Gate {
  /**
   * @param {number} minScore 0-100.
   * @param {Record<string, number>} [maxCauses] Limits 0-1 per cause.
   * @param {{rejectDamaged?: boolean}} [options] Whether pictures that lost data are rejected.
   */
  constructor(minScore, maxCauses = {}, { rejectDamaged = true } = {}) {
    this.rejectDamaged = rejectDamaged;
    this.minScore = checked("minScore", minScore, 100);
    this.maxCauses = Object.fromEntries(
      Object.entries(maxCauses).map(([cause, limit]) => [
        cause,
        checked(`the limit of ${cause}`, limit, 1),
      ]),
    );
  }

  /**
   * The gate of a preset of a model.
   *
   * @param {object} contract Of the model for scores.
   * @param {object | null} causes Contract of the network for causes.
   * @param {string} preset "relaxed", "normal" or "strict".
   * @param {{minScore?: number, maxCauses?: Record<string, number>}} [own] Numbers of your own: a
   *   `minScore` replaces the preset and its limits, `maxCauses` single limits.
   */
  static ofPreset(contract, causes, preset, own = {}) {
    let least = own.minScore;
    let limits = {};
    if (least == null) {
      const known = Object.keys(contract.gate);
      if (!known.includes(preset)) {
        throw new RangeError(
          `no gate preset ${JSON.stringify(preset)}, this model has ${known.join(", ") || "none: give minScore"}`,
        );
      }
      least = contract.gate[preset];
      limits = causes?.limits[preset] ?? {};
    }
    const unknown = Object.keys(own.maxCauses ?? {}).find((cause) => !CAUSES.includes(cause));
    if (unknown !== undefined) {
      throw new RangeError(`no cause ${JSON.stringify(unknown)} in maxCauses, known: ${CAUSES.join(", ")}`);
    }
    return new Gate(least, { ...limits, ...own.maxCauses });
  }

  /** Judges one photograph. */
  judge(quality) {
    const failing = this.damage(quality);
    for (const [cause, limit] of Object.entries(this.maxCauses)) {
      // Not "value > limit": that would let NaN pass.
      if (cause in quality.causes && !(quality.causes[cause] <= limit)) {
        failing.push(reason(cause, quality.causes[cause], limit));
      }
    }
    if (!(quality.score >= this.minScore)) {
      failing.push(reason(LOW_QUALITY, quality.score, this.minScore));
    }
    return this.verdict(quality, failing);
  }

  /** The reason for a damaged picture, in a list; empty for any other. */
  damage(quality) {
    const counts = quality.damaged && this.rejectDamaged;
    return counts ? [reason(DAMAGED, quality.missing ?? 0, 0)] : [];
  }

  /** Puts what is wrong into its order and adds what explains it; for whoever decides otherwise. */
  verdict(quality, failing) {
    const decisive = [...failing].sort(byExcess);
    if (!decisive.length) return { accept: true, reasons: [] };
    const explaining = [];
    if (decisive.every(({ cause }) => cause === LOW_QUALITY)) {
      for (const [cause, severity] of Object.entries(quality.causes)) {
        const limit = this.maxCauses[cause] ?? 1;
        if (severity >= Math.max(NOTABLE * limit, 1e-9)) {
          explaining.push(reason(cause, severity, limit, false));
        }
      }
      explaining.sort((a, b) => descending(a.value / a.threshold, b.value / b.threshold));
    }
    return { accept: false, reasons: [...decisive, ...explaining] };
  }
}

export function reason(cause, value, threshold, decisive = true) {
  return { cause, value, threshold, decisive };
}

/** Damage, then causes before the score, the one that has used up most of the room above its limit first. */
function byExcess(a, b) {
  const [first, second] = [excess(a), excess(b)];
  for (const [i, value] of first.entries()) {
    if (value !== second[i]) return descending(value, second[i]);
  }
  return 0;
}

function excess({ cause, value, threshold }) {
  if (cause === LOW_QUALITY) return [0, 0, 0];
  if (cause === DAMAGED) return [2, 0, 0];
  const room = 1 - threshold;
  const beyond = room > 0 ? (value - threshold) / room : Infinity;
  const place = CAUSES.includes(cause) ? CAUSES.indexOf(cause) : CAUSES.length;
  return [1, Number.isNaN(beyond) ? Infinity : beyond, -place];
}

function descending(a, b) {
  return a === b ? 0 : a > b ? -1 : 1;
}

function checked(name, value, most) {
  if (typeof value !== "number") {
    throw new TypeError(`${name} is ${value}, expected a number from 0 to ${most}`);
  }
  if (!(value >= 0 && value <= most)) throw new RangeError(`${name} is ${value}, expected 0 to ${most}`);
  return value;
}
