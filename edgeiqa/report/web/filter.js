// Which photographs are shown, and in which order.

const NOTHING = { search: "", low: null, high: null, outcome: -1, fault: -1, folder: -1, copies: "", group: -1 };
/** The filters; -1, null and "" mean no filter. */
const asked = { ...NOTHING };
const order = { by: "score", up: true };

/** Called after every change. @type {(() => void)[]} */
const onChange = [];
/** @type {string[]|null} */
let lowered = null;
/** Indices of the photographs shown, in order. @type {number[]} */
let shown = [];

/** @param {Partial<typeof NOTHING>} changes */
function ask(changes) {
  Object.assign(asked, changes);
  refresh();
}

/** Sets a filter, or clears it if it has this value. */
function toggle(key, value) {
  ask({ [key]: asked[key] === value ? NOTHING[key] : value });
}

function refresh() {
  shown = matching();
  sortPlaces(shown);
  for (const listener of onChange) listener();
}

function matching() {
  const wanted = asked.search.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length && lowered === null) lowered = data.names.map((_, i) => pathOf(i).toLowerCase());
  const { low, high, outcome, fault, folder, copies, group } = asked;
  const bit = fault < 0 ? 0 : 2 ** fault;
  const found = [];
  for (let i = 0; i < total; i++) {
    const score = data.score[i];
    if (outcome >= 0 && data.outcome[i] !== outcome) continue;
    if (low !== null && (score === null || score < low)) continue;
    // The last bin of the histogram includes 100; others exclude their upper end.
    if (high !== null && (score === null || (high < 100 ? score >= high : score > high))) continue;
    if (bit && Math.floor(data.wrong[i] / bit) % 2 === 0) continue;
    if (folder >= 0 && data.folder[i] !== folder) continue;
    if (group >= 0 && groupOf[i] !== group) continue;
    if (copies === "with" && groupOf[i] < 0) continue;
    if (copies === "best" && groupOf[i] >= 0 && data.groups[groupOf[i]][0] !== i) continue;
    if (wanted.length && !wanted.every(word => lowered[i].includes(word))) continue;
    found.push(i);
  }
  return found;
}

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
/** @type {Int32Array|null} */
let nameRanks = null;

/** Ranks by name, computed once: comparing texts makes sorting slow. */
function rankNames() {
  if (nameRanks === null) {
    const ordered = data.names.map((_, i) => i);
    ordered.sort((a, b) => byName.compare(data.names[a], data.names[b]) || data.folder[a] - data.folder[b] || a - b);
    nameRanks = new Int32Array(total);
    ordered.forEach((i, rank) => { nameRanks[i] = rank; });
  }
  return nameRanks;
}

/** @returns {ArrayLike<number|null>} */
function sortColumn(by) {
  if (by === "name") return rankNames();
  if (by === "results") return data.names.map((_, i) => i);
  if (by === "score" || by === "std" || by === "bytes") return data[by];
  return data.severity[data.causes.indexOf(by)] || data.score;
}

/** Sorts in place; photographs without a value come last in both directions. */
function sortPlaces(places) {
  const column = sortColumn(order.by);
  const sign = order.up ? 1 : -1;
  places.sort((a, b) => {
    const x = column[a], y = column[b];
    if (x === null || y === null) return x === y ? a - b : x === null ? 1 : -1;
    return x === y ? a - b : x < y ? -sign : sign;
  });
}
