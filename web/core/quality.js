/** From a model's outputs to a quality on the scale 0-100; all in double. */

import { scoreOutput } from "./contract.js";

/**
 * Reads a model's outputs as its contract says.
 *
 * @param {Map<string, Float64Array>} outputs Dequantised, by name.
 * @param {object} contract Of the model.
 */
export function qualityFromOutputs(outputs, contract) {
  const spec = scoreOutput(contract);
  const { calibration } = contract;
  for (const [name, numbers] of outputs) {
    if (!numbers.every(Number.isFinite)) {
      throw new RangeError(`the model's output ${name} is not finite: ${numbers}`);
    }
  }
  const values = activated(outputs.get(spec.name), spec.activation);
  const quality = { score: 0, std: null, histogram: null, bins: null, causes: {}, attributes: {} };
  let raw = values[0];
  if (spec.bins) {
    const shares = spec.kind === "histogram_logits" ? softmax(values) : normalised(values);
    raw = sum(shares.map((share, i) => share * spec.bins[i]));
    const variance = sum(shares.map((share, i) => share * (spec.bins[i] - raw) ** 2));
    quality.std = stdOf(Math.abs(calibration.scale) * Math.sqrt(variance), calibration);
    quality.histogram = [...shares];
    quality.bins = [...spec.bins];
  } else if (spec.score_label !== undefined) {
    raw = values[spec.labels.indexOf(spec.score_label)];
  }
  quality.score = clip(calibration.scale * raw + calibration.offset, 0, 100);
  for (const output of contract.outputs) {
    if (!output.labels) continue;
    const numbers = activated(outputs.get(output.name), output.activation);
    output.labels.forEach((label, i) => (quality.attributes[label] = numbers[i]));
  }
  return quality;
}

function stdOf(spread, { std_scale: scale, std_power: power }) {
  if (scale === 1 && power === 1) return spread;
  return Math.min(scale * Math.min(spread, 100) ** power, 100);
}

function activated(values, activation) {
  return activation === "sigmoid" ? values.map(sigmoid) : values;
}

/** This form cannot overflow, whatever the sign. */
export function sigmoid(value) {
  return 0.5 * (1 + Math.tanh(0.5 * value));
}

function softmax(logits) {
  const most = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - most));
  const total = sum(powers);
  return powers.map((power) => power / total);
}

function normalised(values) {
  const positive = values.map((value) => Math.max(value, 0));
  const total = sum(positive);
  if (total <= 0) throw new RangeError("the model's histogram is empty");
  return positive.map((value) => value / total);
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

function clip(value, least, most) {
  return Math.min(Math.max(value, least), most);
}
