/** The dial, the verdict and the bars of the causes. */

import { sentence } from "./core/gate.js";

const NAMES = {
  blur: "Blur",
  noise: "Noise",
  dark: "Too dark",
  bright: "Too bright",
  compression: "Compression",
  low_contrast: "Low contrast",
};

const find = (id) => document.getElementById(id);

/** What the verdict says in two or three words. */
export function headline(verdict) {
  if (verdict.accept) return "Looks good";
  const [first] = verdict.reasons;
  const explaining = verdict.reasons.find(({ cause }) => cause !== "low_quality");
  const text = sentence(first.cause === "low_quality" && explaining ? explaining : first);
  const words = first.cause === "low_quality" && !explaining ? "quality too low" : text.split(":")[0];
  return words[0].toUpperCase() + words.slice(1);
}

export class Dial {
  constructor() {
    this._bars = new Map();
    for (const [cause, name] of Object.entries(NAMES)) this._bars.set(cause, bar(name));
    find("causes").replaceChildren(...[...this._bars.values()].map(({ item }) => item));
  }

  /** Shows the gate's thresholds. */
  setGate(gate) {
    const turn = (180 * gate.minScore) / 100;
    find("dial-limit").setAttribute("transform", `translate(120 126) rotate(${turn}) translate(0 0) scale(-1 1)`);
    for (const [cause, { most }] of this._bars) {
      const limit = gate.maxCauses[cause] ?? 1;
      most.hidden = limit >= 1;
      most.style.left = `${100 * limit}%`;
    }
  }

  /** Shows a quality with its verdict; the number moves at once, the verdict only as it changes. */
  show(quality, verdict) {
    const { score, std, causes } = quality;
    const dial = find("dial");
    dial.dataset.accept = verdict.accept;
    dial.setAttribute("aria-valuenow", score.toFixed(1));
    const spread = std === null ? "" : `, give or take ${std.toFixed(0)}`;
    dial.setAttribute("aria-valuetext", `${score.toFixed(0)} of 100${spread}`);
    find("dial-fill").setAttribute("stroke-dasharray", `${score} 200`);
    find("dial-number").textContent = score.toFixed(0);
    find("dial-spread").textContent = std === null ? "of 100" : `± ${std.toFixed(1)} of 100`;
    const words = headline(verdict);
    for (const element of [find("verdict"), find("badge")]) {
      element.dataset.accept = verdict.accept;
      if (element.textContent !== words) element.textContent = words;
    }
    const reasons = verdict.reasons.map((reason) => {
      const item = document.createElement("li");
      item.textContent = sentence(reason);
      return item;
    });
    find("reasons").replaceChildren(...reasons.slice(0, 3));
    const over = new Set(verdict.reasons.filter((one) => one.decisive).map((one) => one.cause));
    for (const [cause, { gauge, amount, value }] of this._bars) {
      const severity = causes[cause] ?? 0;
      amount.style.width = `${100 * severity}%`;
      value.textContent = severity.toFixed(2);
      gauge.dataset.over = over.has(cause);
      gauge.setAttribute("aria-valuenow", severity.toFixed(2));
    }
  }
}

function bar(name) {
  const item = document.createElement("li");
  const label = document.createElement("span");
  label.textContent = name;
  const gauge = document.createElement("div");
  gauge.className = "gauge";
  gauge.setAttribute("role", "meter");
  gauge.setAttribute("aria-label", name);
  gauge.setAttribute("aria-valuemin", "0");
  gauge.setAttribute("aria-valuemax", "1");
  gauge.setAttribute("aria-valuenow", "0");
  const amount = document.createElement("div");
  amount.className = "amount";
  const most = document.createElement("div");
  most.className = "most";
  most.hidden = true;
  gauge.append(amount, most);
  const value = document.createElement("span");
  value.className = "value";
  value.textContent = "–";
  item.append(label, gauge, value);
  return { item, gauge, amount, most, value };
}
