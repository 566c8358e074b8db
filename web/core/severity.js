/** How severities of causes come about: measured in the histogram, or pooled from patches. */

import { CAUSES } from "./contract.js";
import { sigmoid } from "./quality.js";

const CLIPPED = 250;

/** What is wrong with the light, from the reduced luma: "dark", "bright" and "low_contrast". */
export function exposure({ data }) {
  const counts = new Float64Array(256);
  for (const value of data) counts[value]++;
  for (let value = 1; value < 256; value++) counts[value] += counts[value - 1];
  const total = counts[255];
  const quantile = (thousandths) => counts.findIndex((count) => count * 1000 >= thousandths * total);
  const lights = (quantile(900) + quantile(990)) / 2;
  const burnt = (total - counts[CLIPPED - 1]) / total;
  const top = quantile(995);
  return {
    dark: cut((160 - lights) / 120),
    bright: cut(burnt / 0.5),
    low_contrast: cut((0.75 - (top - quantile(5)) / Math.max(top, 1)) / 0.6),
  };
}

/**
 * Joins what a network says of patches to severities of the picture.
 *
 * @param {Float64Array} values Per patch the levels, then the weights.
 * @param {readonly string[]} views What each patch is.
 * @param {readonly string[]} labels Names of the causes.
 */
export function pooled(values, views, labels) {
  if (!values.every(Number.isFinite)) {
    throw new RangeError(`the network for causes gave numbers that are not finite: ${values}`);
  }
  const all = views.map((_, patch) => patch);
  const native = all.filter((patch) => views[patch] !== "reduced");
  const severities = labels.map((label, index) => {
    const logit = (patches) => {
      const levels = patches.map((patch) => values[2 * patch * labels.length + index]);
      const weights = patches.map((patch) => values[(2 * patch + 1) * labels.length + index]);
      const most = Math.max(...weights);
      let [total, shares] = [0, 0];
      weights.forEach((weight, i) => {
        const share = Math.exp(weight - most);
        total += share * levels[i];
        shares += share;
      });
      return total / shares;
    };
    const largest = native.length ? Math.max(logit(all), logit(native)) : logit(all);
    return [label, sigmoid(largest)];
  });
  return Object.fromEntries(severities);
}

/** Severities in the order in which causes are listed everywhere. */
export function inOrder(severities) {
  const known = CAUSES.filter((cause) => cause in severities);
  return Object.fromEntries(known.map((cause) => [cause, severities[cause]]));
}

function cut(value) {
  return Math.min(Math.max(value, 0), 1);
}
