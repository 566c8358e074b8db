/** Results as `edgeiqa score` writes them: the same keys, the same columns, the same rounding. */

import { CAUSES } from "./contract.js";
import { LOW_QUALITY } from "./gate.js";
import { fraction, rounded } from "./numbers.js";

/** The keys of a row in JSON. */
export const COLUMNS = Object.freeze([
  ...["path", "score", "std", "causes", "accept", "reasons", "error"],
  ...["model", "width", "height", "taken"],
]);

const CSV_COLUMNS = [
  ...["path", "score", "std", "accept", "reason", "error"],
  ...["model", "width", "height", "taken"],
];

/**
 * One row, ready for JSON.
 *
 * @param {string} path As the row is to show it.
 * @param {object} result `quality` and `verdict`, or `error`; and as far as known `model` (name and
 *   version), `width` and `height` of the upright picture, `taken` (ISO 8601).
 */
export function toRow(path, result) {
  const { quality = null, verdict = null, error = null } = result;
  const { model = null, width = null, height = null, taken = null } = result;
  const causes = Object.entries(quality?.causes ?? {});
  const row = {
    path,
    score: quality && rounded(quality.score, 2),
    std: quality?.std == null ? null : rounded(quality.std, 2),
    causes: Object.fromEntries(causes.map(([name, severity]) => [name, rounded(severity, 3)])),
    accept: verdict && verdict.accept,
    reasons: (verdict?.reasons ?? []).map(roundedReason),
    error,
    ...{ model, width, height, taken },
  };
  const attributes = Object.entries(quality?.attributes ?? {});
  if (attributes.length) {
    row.attributes = Object.fromEntries(attributes.map(([name, v]) => [name, rounded(v, 4)]));
  }
  return row;
}

function roundedReason({ cause, value, threshold, decisive }) {
  const digits = cause === LOW_QUALITY ? 2 : 3;
  const number = (one) => (Number.isNaN(one) ? null : rounded(one, digits));
  return { cause, value: number(value), threshold: number(threshold), decisive };
}

/** Rows as one JSON array, one row a line. */
export function toJson(rows) {
  return rows.length ? `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n` : "[]\n";
}

/** Rows as CSV, one value in each cell: the first reason only, a column per cause. */
export function toCsv(rows) {
  const labels = [...new Set(rows.flatMap((row) => Object.keys(row.attributes ?? {})))];
  const number = (value) => (value == null ? "" : fraction(value));
  const lines = rows.map((row) => {
    const cells = {
      ...row,
      score: number(row.score),
      std: number(row.std),
      reason: row.reasons[0]?.cause,
    };
    return [
      ...CSV_COLUMNS.map((column) => cell(cells[column])),
      ...CAUSES.map((cause) => number(row.causes[cause])),
      ...labels.map((label) => number(row.attributes?.[label])),
    ].join(",");
  });
  return [[...CSV_COLUMNS, ...CAUSES, ...labels.map(cell)].join(","), ...lines].join("\n") + "\n";
}

/** A cell that is safe to open in a spreadsheet: what looks like a formula gets an apostrophe. */
function cell(value) {
  const text = String(value ?? "");
  const formula = text.length > 1 && /^'*[=+\-@\t\r]/.test(text);
  const harmless = formula ? `'${text}` : text;
  return /[",\n\r]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
