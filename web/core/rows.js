/** Results as `edgeiqa score` writes them: the same keys, the same columns, the same rounding. */

import { LOW_QUALITY } from "./gate.js";
import { fraction, rounded } from "./numbers.js";

export const COLUMNS = Object.freeze(["path", "score", "std", "causes", "accept", "reasons", "error"]);

/**
 * One row, ready for JSON.
 *
 * @param {string} path As the row is to show it.
 * @param {{quality?: object | null, verdict?: object | null, error?: string | null}} result
 */
export function toRow(path, { quality = null, verdict = null, error = null }) {
  const causes = Object.entries(quality?.causes ?? {});
  return {
    path,
    score: quality && rounded(quality.score, 2),
    std: quality?.std == null ? null : rounded(quality.std, 2),
    causes: Object.fromEntries(causes.map(([name, severity]) => [name, rounded(severity, 3)])),
    accept: verdict && verdict.accept,
    reasons: (verdict?.reasons ?? []).map((reason) => {
      const digits = reason.cause === LOW_QUALITY ? 2 : 3;
      return {
        cause: reason.cause,
        value: rounded(reason.value, digits),
        threshold: rounded(reason.threshold, digits),
        decisive: reason.decisive,
      };
    }),
    error,
  };
}

/** Rows as one JSON array, one row a line. */
export function toJson(rows) {
  return rows.length ? `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n` : "[]\n";
}

/** Rows as CSV; of the reasons only those that decided. */
export function toCsv(rows) {
  const lines = rows.map((row) => {
    const values = {
      ...row,
      score: row.score === null ? "" : fraction(row.score),
      std: row.std === null ? "" : fraction(row.std),
      causes: Object.entries(row.causes).map(([name, value]) => `${name}=${fraction(value)}`).join(" "),
      reasons: row.reasons.filter((reason) => reason.decisive).map((reason) => reason.cause).join(" "),
      accept: row.accept === null ? "" : String(row.accept),
      error: row.error ?? "",
    };
    return COLUMNS.map((column) => quoted(values[column])).join(",");
  });
  return [COLUMNS.join(","), ...lines].join("\n") + "\n";
}

function quoted(text) {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
