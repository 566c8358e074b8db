/**
 * Patches of the picture at its own resolution, for the network for causes: section 7 of
 * docs/preprocessing.md.
 */

import { cut, views } from "./planes.js";
import { reduce } from "./resize.js";

const MAX_FACTOR = 128;
const REDUCED_SIDE = 256;
const MAX_STEP = 40;
/** Mean luma of patches in which noise can show. */
const MIDDLE = [16, 239];

/**
 * Makes the input of a network for causes.
 *
 * @param {import("./frame.js").Frame} frame Any frame.
 * @param {{height: number, views: readonly string[]}} spec Of the network's contract.
 * @returns {{tensor: Uint8Array, small: {data: Uint8Array, rows: number, columns: number}}} the
 *   patches below each other, and the luma of the whole picture, reduced.
 */
export function detail(frame, spec) {
  const { width, height } = frame.size;
  const [view] = views(frame);
  const factor = Math.min(MAX_FACTOR, Math.max(1, Math.floor(Math.min(width, height) / REDUCED_SIDE)));
  const small = luma(frame, view, factor);
  const side = spec.height;
  const tensor = new Uint8Array(spec.views.length * side * side);
  const field = activity(small);
  const window = Math.max(1, Math.floor(side / factor));
  const sums = windowSums(field, window);
  let to = 0;
  for (const kind of ["active", "quiet", "reduced"]) {
    const count = spec.views.filter((one) => one === kind).length;
    if (!count) continue;
    let ranked = sums;
    if (kind === "quiet") ranked = quietness(sums, windowSums(small, window), window);
    else if (kind === "reduced" && window !== side) ranked = windowSums(field, side);
    for (const [top, left] of bestPlaces(ranked, Math.round(Math.sqrt(count)))) {
      const patch =
        kind === "reduced"
          ? { picture: small, top, left }
          : native(frame, view, top * factor, left * factor, side);
      fill(tensor, to, patch, side);
      to += side * side;
    }
  }
  return { tensor, small };
}

/** The luma of a view, reduced by a whole number. */
function luma(frame, view, factor) {
  const { data, rows, columns, channels } = reduce(view, factor, factor);
  if (channels === 3) {
    const gray = new Uint8Array(rows * columns);
    for (let i = 0, from = 0; i < gray.length; i++, from += 3) {
      gray[i] = (19595 * data[from] + 38470 * data[from + 1] + 7471 * data[from + 2] + 32768) >> 16;
    }
    return { data: gray, rows, columns, channels: 1 };
  }
  if (frame.isYuv && frame.range === "limited") {
    for (let i = 0; i < data.length; i++) {
      const value = (76309 * (data[i] - 16) + 32768) >> 16;
      data[i] = value < 0 ? 0 : value > 255 ? 255 : value;
    }
  }
  return { data, rows, columns, channels: 1 };
}

/** How much neighbours differ, to the right and down. */
function activity({ data, rows, columns }) {
  const field = new Uint8Array(data.length);
  for (let y = 0, i = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++, i++) {
      let sum = x + 1 < columns ? Math.min(MAX_STEP, Math.abs(data[i + 1] - data[i])) : 0;
      if (y + 1 < rows) sum += Math.min(MAX_STEP, Math.abs(data[i + columns] - data[i]));
      field[i] = sum;
    }
  }
  return { data: field, rows, columns };
}

/** Sums over all windows that fit, by their top left corner; modulo 2^32 on the way. */
function windowSums({ data, rows, columns }, window) {
  const down = Math.min(window, rows);
  const across = Math.min(window, columns);
  const wide = columns + 1;
  const table = new Uint32Array((rows + 1) * wide);
  for (let y = 0; y < rows; y++) {
    let sum = 0;
    for (let x = 0; x < columns; x++) {
      sum += data[y * columns + x];
      table[(y + 1) * wide + x + 1] = table[y * wide + x + 1] + sum;
    }
  }
  const made = { rows: rows - down + 1, columns: columns - across + 1 };
  const sums = new Uint32Array(made.rows * made.columns);
  for (let y = 0, i = 0; y < made.rows; y++) {
    const top = y * wide;
    const bottom = (y + down) * wide;
    for (let x = 0; x < made.columns; x++, i++) {
      sums[i] = table[bottom + x + across] - table[bottom + x] - table[top + x + across] + table[top + x];
    }
  }
  return { data: sums, ...made };
}

/** Ranks windows by how little goes on in them, too dark and too bright ones last. */
function quietness(sums, light, window) {
  const area = window * window;
  let largest = 0;
  for (const sum of sums.data) if (sum > largest) largest = sum;
  const worst = largest + 1;
  const data = new Uint32Array(sums.data.length);
  for (let i = 0; i < data.length; i++) {
    const beyond = light.data[i] < MIDDLE[0] * area || light.data[i] >= (MIDDLE[1] + 1) * area;
    data[i] = 2 * worst - sums.data[i] - (beyond ? worst : 0);
  }
  return { data, rows: sums.rows, columns: sums.columns };
}

/** The largest value in each of `across` x `across` parts; of equal ones the first. */
function bestPlaces({ data, rows, columns }, across) {
  const places = [];
  for (let part = 0; part < across * across; part++) {
    const [top, bottom] = bounds(rows, Math.floor(part / across), across);
    const [left, right] = bounds(columns, part % across, across);
    let best = [top, left];
    let most = -1;
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        if (data[y * columns + x] > most) {
          most = data[y * columns + x];
          best = [y, x];
        }
      }
    }
    places.push(best);
  }
  return places;
}

function bounds(size, index, parts) {
  const start = Math.min(Math.floor((index * size) / parts), size - 1);
  return [start, Math.max(start + 1, Math.floor(((index + 1) * size) / parts))];
}

/** The patch at (top, left), moved to where it is inside the picture. */
function native(frame, view, top, left, side) {
  const { width, height } = frame.size;
  const y = Math.max(0, Math.min(top, height - side));
  const x = Math.max(0, Math.min(left, width - side));
  const part = cut(view, x, y, Math.min(side, width - x), Math.min(side, height - y));
  return { picture: luma(frame, part, 1), top: 0, left: 0 };
}

/** Copies a patch; what is missing is continued by mirror images to the right and down. */
function fill(tensor, to, { picture, top, left }, side) {
  const rows = Math.min(side, picture.rows - top);
  const columns = Math.min(side, picture.columns - left);
  for (let y = 0; y < side; y++) {
    const row = (top + mirrored(y, rows)) * picture.columns + left;
    for (let x = 0; x < side; x++) tensor[to++] = picture.data[row + mirrored(x, columns)];
  }
}

function mirrored(at, length) {
  const phase = at % (2 * length);
  return phase < length ? phase : 2 * length - 1 - phase;
}
