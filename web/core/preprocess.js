/** From a frame to the tensor of a model: sections 2 to 6 of docs/preprocessing.md. */

import { centreBox, cut, views } from "./planes.js";
import { CHROMA, LUMA, PIXELS, resized } from "./resize.js";

/** black, luma, redV, greenU, greenV, blueU, in units of 2^-16. */
const COEFFICIENTS = {
  "BT.601 full": [0, 65536, 91881, 22553, 46802, 116130],
  "BT.601 limited": [16, 76309, 104597, 25675, 53279, 132201],
  "BT.709 full": [0, 65536, 103206, 12276, 30679, 121609],
  "BT.709 limited": [16, 76309, 117489, 13975, 34925, 138438],
};

/**
 * Makes the input tensor of a model.
 *
 * @param {import("./frame.js").Frame} frame Any frame.
 * @param {{width: number, height: number, fit: "squash" | "crop"}} spec Of the model's contract.
 * @returns {Uint8Array} [1, height, width, 3], RGB, 0-255.
 */
export function preprocess(frame, spec) {
  const { width, height } = spec;
  let parts = views(frame);
  if (spec.fit === "crop") {
    const { size } = frame;
    const box = centreBox(size.width, size.height, width, height);
    parts = parts.map((view) => cut(view, ...box));
  }
  if (frame.isYuv) return colours(frame, parts, width, height);
  const pixels = resized(parts[0], width, height, PIXELS);
  if (parts[0].channels === 3) return new Uint8Array(pixels);
  const rgb = new Uint8Array(3 * pixels.length);
  for (let i = 0; i < pixels.length; i++) rgb.fill(pixels[i], 3 * i, 3 * i + 3);
  return rgb;
}

function colours(frame, parts, width, height) {
  const [y, u, v] = parts.map((view, index) =>
    resized(view, width, height, index ? CHROMA : LUMA),
  );
  const [black, luma, redV, greenU, greenV, blueU] =
    COEFFICIENTS[`${frame.matrix} ${frame.range}`];
  const rgb = new Uint8Array(3 * width * height);
  const constant = (1 << 20) - luma * (black << 5);
  for (let i = 0, to = 0; i < y.length; i++, to += 3) {
    // (luma * (Y - black * 2^13)) >> 8 in two parts that stay within 32 bits.
    const base = (Math.imul(y[i] & 255, luma) >> 8) + Math.imul(y[i] >> 8, luma) + constant;
    const cb = u[i] - 4096;
    const cr = v[i] - 4096;
    rgb[to] = clipped((base + Math.imul(redV, cr)) >> 21);
    rgb[to + 1] = clipped((base - Math.imul(greenU, cb) - Math.imul(greenV, cr)) >> 21);
    rgb[to + 2] = clipped((base + Math.imul(blueU, cb)) >> 21);
  }
  return rgb;
}

function clipped(value) {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
