// The data of the page: columns, one value per photograph, from edgeiqa/report/payload.py.

/**
 * @typedef {Object} Data
 * @property {string[]} names Of the files, ready to be shown.
 * @property {number[]} folder Per photograph its place in `folders`.
 * @property {{label: string, path: string, url: string|null, stats: (number|null)[]}[]} folders
 * @property {number[]} outcome 0 unreadable, 1 rejected, 2 accepted, 3 no verdict.
 * @property {(number|null)[]} score 0-100.
 * @property {(number|null)[]} std
 * @property {string[]} causes Names of the columns of `severity`.
 * @property {(number|null)[][]} severity Per cause and photograph, 0-1000.
 * @property {string[]} faults Names of the bits of `wrong`.
 * @property {number[]} wrong Per photograph the bits of what is wrong with it.
 * @property {Object<string, string[]>} sentences Per photograph that has reasons.
 * @property {Object<string, string>} errors Per photograph that has none to show: why.
 * @property {Object<string, string>} urls Of files whose name does not say it.
 * @property {(number|null)[]} bytes
 * @property {(number|null)[]} width
 * @property {(number|null)[]} height
 * @property {number[]} thumb Number of the thumbnail, or -1.
 * @property {number[][]} groups Near-duplicates, the best first.
 * @property {string} type Media type of the thumbnails.
 * @property {number} chunk Thumbnails in an element of the class "thumbs".
 */

/** @type {Data} */
const data = JSON.parse(document.getElementById("data").textContent);
const OUTCOMES = ["unreadable", "rejected", "accepted", "scored"];
const GLYPHS = ["?", "\u2717", "\u2713", ""];
const total = data.names.length;

/** The group of near-duplicates of each photograph, or -1. */
const groupOf = new Int32Array(total).fill(-1);
data.groups.forEach((members, group) => members.forEach(i => { groupOf[i] = group; }));

/** @param {string} id */
const at = id => document.getElementById(id);

/** @param {string} name A cause or reason. */
const words = name => (name === "low_quality" ? "low score" : name.replaceAll("_", " "));

/** @param {number} i */
const pathOf = i => data.folders[data.folder[i]].path + data.names[i];

/** A number in the format of the browser's language. @param {number} value */
const grouped = value => value.toLocaleString();

/** @param {number|null} value */
const scoreText = value => (value === null ? "\u2013" : value.toFixed(1));

/** The URL of the file, or "". @param {number} i */
function urlOf(i) {
  const own = data.urls[i];
  if (own !== undefined) return own;
  const folder = data.folders[data.folder[i]].url;
  return folder === null ? "" : folder + encodeURIComponent(data.names[i]);
}

/**
 * A new element; text never becomes markup.
 * @param {string} tag
 * @param {string} [className]
 * @param {string} [text]
 */
function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** A bar from 0 to 1 as SVG, which needs no inline style. @param {number} value @param {string} kind */
function meter(value, kind) {
  const NS = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("class", "meter " + kind);
  svg.setAttribute("viewBox", "0 0 100 8");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  for (const [name, width] of [["track", 100], ["value", 100 * Math.min(Math.max(value, 0), 1)]]) {
    const rect = document.createElementNS(NS, "rect");
    rect.setAttribute("class", name);
    rect.setAttribute("width", String(width));
    rect.setAttribute("height", "8");
    rect.setAttribute("rx", "2");
    svg.append(rect);
  }
  return svg;
}
