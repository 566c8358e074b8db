/**
 * The one resize: whole-number reduction, then the antialiased bilinear filter. Sections 3 and 4 of
 * docs/preprocessing.md; all of it whole numbers but for the weights, which are IEEE doubles in the
 * order of operations that the document gives.
 */

const PRECISION = 22;

/** What is done with a sum after the second pass: [addend, shift]. */
export const PIXELS = Object.freeze([1 << 21, 22]);
export const LUMA = Object.freeze([0, 9]);
export const CHROMA = Object.freeze([1 << 16, 17]);

/**
 * Reduces a view by whole numbers; channels come out in the order R, G, B, alpha over white.
 *
 * @returns {{data: Uint8Array, rows: number, columns: number, channels: number}}
 */
export function reduce(view, factorY, factorX) {
  const rows = Math.ceil(view.rows / factorY);
  const columns = Math.ceil(view.columns / factorX);
  const { channels } = view;
  const data = new Uint8Array(rows * columns * channels);
  const small = { data, rows, columns, channels };
  // Memory is read in the order in which it lies: a view that is turned writes its columns instead.
  if (Math.abs(view.across) > Math.abs(view.down) && view.rows > 1 && view.columns > 1) {
    const { rows: across, columns: down, down: stepIn, across: stepOut } = view;
    const turned = { ...view, rows: down, columns: across, down: stepOut, across: stepIn };
    blocks(turned, factorX, factorY, data, channels, columns * channels);
  } else {
    blocks(view, factorY, factorX, data, columns * channels, channels);
  }
  return small;
}

/** Averages blocks of `factorY` x `factorX`; output (i, j) goes to out[i * toDown + j * toAcross]. */
function blocks(view, factorY, factorX, out, toDown, toAcross) {
  const { data, channels, rows, columns, down, across, alpha, bgr } = view;
  const outColumns = Math.ceil(columns / factorX);
  const sums = new Uint32Array(outColumns * channels);
  const red = bgr ? 2 : 0;
  const add = channels === 1 ? addGray : alpha ? addOverWhite : addColour;
  const widthOfLast = columns - (outColumns - 1) * factorX;
  for (let top = 0, i = 0; top < rows; top += factorY, i++) {
    const bottom = Math.min(top + factorY, rows);
    sums.fill(0);
    for (let y = top; y < bottom; y++) {
      // Long loops over few rows are fast: the n-th pixel of every block, then the next.
      for (let n = 0; n < Math.min(factorX, columns); n++) {
        const count = Math.ceil((columns - n) / factorX);
        add(data, view.offset + y * down + n * across, factorX * across, count, sums, red);
      }
    }
    const height = bottom - top;
    const to = i * toDown;
    divide(sums, 0, outColumns - 1, height * factorX, channels, out, to, toAcross);
    divide(sums, outColumns - 1, outColumns, height * widthOfLast, channels, out, to, toAcross);
  }
}

/** Means of the blocks from `start` to `stop`, which have `count` pixels each. */
function divide(sums, start, stop, count, channels, out, to, toAcross) {
  const multiplier = Math.trunc(Math.fround(16777216 / count));
  const addend = count >> 1;
  let from = start * channels;
  for (let j = start; j < stop; j++) {
    for (let c = 0; c < channels; c++, from++) {
      const sum = sums[from];
      out[to + j * toAcross + c] = count === 1 ? sum : Math.imul(sum + addend, multiplier) >>> 24;
    }
  }
}

function addGray(data, at, step, count, sums) {
  for (let j = 0; j < count; j++, at += step) sums[j] += data[at];
}

function addColour(data, at, step, count, sums, red) {
  const end = 3 * count;
  for (let j = 0; j < end; j += 3, at += step) {
    sums[j] += data[at + red];
    sums[j + 1] += data[at + 1];
    sums[j + 2] += data[at + 2 - red];
  }
}

function addOverWhite(data, at, step, count, sums, red) {
  const end = 3 * count;
  for (let j = 0; j < end; j += 3, at += step) {
    const a = data[at + 3];
    if (a === 255) {
      sums[j] += data[at + red];
      sums[j + 1] += data[at + 1];
      sums[j + 2] += data[at + 2 - red];
      continue;
    }
    const white = 255 * (255 - a) + 128;
    sums[j] += divided(data[at + red] * a + white);
    sums[j + 1] += divided(data[at + 1] * a + white);
    sums[j + 2] += divided(data[at + 2 - red] * a + white);
  }
}

/** Division by 255, rounded, of 128 more than the numerator. */
function divided(t) {
  return (t + (t >> 8)) >> 8;
}

/** How many samples become one before filtering. */
export function factor(samples, size) {
  return Math.max(1, Math.floor(samples / (2 * size)));
}

/**
 * A view brought to `height` x `width`.
 *
 * @param {readonly [number, number]} rounding PIXELS, LUMA or CHROMA.
 * @returns {Int32Array} [height, width, channels]; 0-255 for PIXELS, else with binary places.
 */
export function resized(view, width, height, rounding) {
  const factorX = factor(view.columns, width);
  const factorY = factor(view.rows, height);
  const small = reduce(view, factorY, factorX);
  const unitX = view.stepX * factorX;
  const unitY = view.stepY * factorY;
  const byX = weights(small.columns, view.leadX / unitX, (view.leadX + view.width) / unitX, width);
  const byY = weights(small.rows, view.leadY / unitY, (view.leadY + view.height) / unitY, height);
  return downColumns(alongRows(small, byX), small.rows, byY, width * small.channels, rounding);
}

const known = new Map();

/**
 * What each output of one axis takes from the inputs.
 *
 * @returns {{first: Int32Array, count: Int32Array, taps: Int32Array, most: number}} weights of
 *   output x are taps[x * most] and the `count[x]` from there on, in units of 2^-22.
 */
export function weights(inputs, start, stop, outputs) {
  const key = `${inputs} ${start} ${stop} ${outputs}`;
  const found = known.get(key);
  if (found) return found;
  if (known.size > 64) known.clear();
  const begin = Math.fround(start);
  const length = Math.fround(Math.fround(stop) - begin);
  const scale = length / outputs;
  const stretch = Math.max(scale, 1);
  const inverse = 1 / stretch;
  const most = Math.ceil(stretch) * 2 + 1;
  const made = {
    first: new Int32Array(outputs),
    count: new Int32Array(outputs),
    taps: new Int32Array(outputs * most),
    most,
  };
  const shares = new Float64Array(most);
  for (let x = 0; x < outputs; x++) {
    const centre = begin + (x + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - stretch + 0.5));
    const last = Math.min(inputs, Math.trunc(centre + stretch + 0.5));
    let total = 0;
    for (let i = first; i < last; i++) {
      const distance = Math.abs((i - centre + 0.5) * inverse);
      shares[i - first] = distance < 1 ? 1 - distance : 0;
      total += shares[i - first];
    }
    made.first[x] = first;
    made.count[x] = last - first;
    for (let i = first; i < last; i++) {
      made.taps[x * most + i - first] = Math.trunc(0.5 + (shares[i - first] / total) * 4194304);
    }
  }
  known.set(key, made);
  return made;
}

function alongRows(small, by) {
  const { data, rows, columns, channels } = small;
  const outputs = by.first.length;
  const out = new Uint8Array(rows * outputs * channels);
  const { first, count, taps, most } = by;
  for (let y = 0, to = 0; y < rows; y++) {
    const row = y * columns * channels;
    for (let x = 0; x < outputs; x++) {
      const tap = x * most;
      const end = tap + count[x];
      let from = row + first[x] * channels;
      if (channels === 1) {
        let sum = 1 << 21;
        for (let t = tap; t < end; t++) sum += Math.imul(data[from++], taps[t]);
        out[to++] = sum >> PRECISION;
        continue;
      }
      let r = 1 << 21;
      let g = r;
      let b = r;
      for (let t = tap; t < end; t++, from += 3) {
        const weight = taps[t];
        r += Math.imul(data[from], weight);
        g += Math.imul(data[from + 1], weight);
        b += Math.imul(data[from + 2], weight);
      }
      out[to] = r >> PRECISION;
      out[to + 1] = g >> PRECISION;
      out[to + 2] = b >> PRECISION;
      to += 3;
    }
  }
  return out;
}

function downColumns(pixels, rows, by, row, [addend, shift]) {
  const outputs = by.first.length;
  const out = new Int32Array(outputs * row);
  for (let y = 0; y < outputs; y++) {
    const line = out.subarray(y * row, (y + 1) * row).fill(addend);
    for (let t = 0; t < by.count[y]; t++) {
      const weight = by.taps[y * by.most + t];
      const from = (by.first[y] + t) * row;
      for (let x = 0; x < row; x++) line[x] += Math.imul(pixels[from + x], weight);
    }
    for (let x = 0; x < row; x++) line[x] >>= shift;
  }
  return out;
}
