// One photograph in full.

const dialog = at("details");
const open = { list: [], place: 0, number: 0 };

/** @param {number} i @param {number[]} list What the arrow keys step through. */
function openDetails(i, list) {
  open.list = list;
  open.place = Math.max(0, list.indexOf(i));
  showDetails();
  if (!dialog.open) dialog.showModal();
}

function stepDetails(by) {
  const place = open.place + by;
  if (place < 0 || place >= open.list.length) return;
  open.place = place;
  showDetails();
}

function showDetails() {
  const i = open.list[open.place];
  open.number = i;
  const outcome = OUTCOMES[data.outcome[i]];
  at("details-name").replaceChildren(bdi("", data.names[i]));
  at("details-folder").replaceChildren(bdi("", data.folders[data.folder[i]].path));
  showPicture(i);
  const big = at("details-score");
  if (data.score[i] === null) {
    big.replaceChildren("No score");
  } else {
    const std = data.std[i] === null ? "" : ` \u00b1 ${data.std[i].toFixed(1)}`;
    big.replaceChildren(scoreText(data.score[i]), make("small", "", `${std} of 100`));
  }
  if (outcome !== "scored") big.append(make("span", "pill score " + outcome, outcome));
  at("details-gauge").replaceChildren(...gauge(i));
  const reasons = data.sentences[i] || (data.errors[i] ? [data.errors[i]] : []);
  at("details-reasons").replaceChildren(...reasons.map(text => make("li", "", text)));
  at("details-causes").replaceChildren(...causeBars(i));
  at("details-facts").replaceChildren(...facts(i));
  const copies = groupOf[i] < 0 ? [] : data.groups[groupOf[i]];
  at("details-copies").replaceChildren(...copyList(i, copies));
  const link = at("details-link"), url = urlOf(i);
  link.hidden = !url;
  if (url) link.href = url;
  at("details-before").disabled = open.place === 0;
  at("details-after").disabled = open.place === open.list.length - 1;
  at("details-place").textContent = `${grouped(open.place + 1)} of ${grouped(open.list.length)}`;
}

/** The thumbnail at once, and the file itself once the browser has loaded it. */
function showPicture(i) {
  const image = at("details-image"), small = thumbnail(i), none = at("details-none");
  image.hidden = !small;
  none.hidden = Boolean(small);
  none.textContent = data.errors[i] || "no thumbnail";
  if (small) image.src = small;
  image.alt = small ? "The photograph" : "";
  // Only for pages opened as files: others must not read this machine's files.
  if (location.protocol !== "file:" || !urlOf(i) || (data.errors[i] && !small)) return;
  const full = new Image();
  full.onload = () => {
    if (open.number !== i || !dialog.open) return;
    image.src = full.src;
    image.hidden = false;
    none.hidden = true;
  };
  full.src = urlOf(i);
}

function gauge(i) {
  if (data.score[i] === null) return [];
  const kind = { accepted: "good", rejected: "", scored: "calm" }[OUTCOMES[data.outcome[i]]] || "";
  return [meter(data.score[i] / 100, kind)];
}

function causeBars(i) {
  const found = [];
  data.causes.forEach((name, number) => {
    const severity = data.severity[number][i];
    if (severity === null) return;
    const row = make("div", "cause");
    const fault = data.faults.indexOf(name);
    const bad = fault >= 0 && Math.floor(data.wrong[i] / 2 ** fault) % 2 === 1;
    row.append(make("span", "", words(name)), meter(severity / 1000, bad ? "" : "calm"));
    row.append(make("span", "number", (severity / 1000).toFixed(2)));
    found.push(row);
  });
  return found;
}

function facts(i) {
  const pairs = [];
  if (data.width[i] !== null) {
    const mega = data.width[i] * data.height[i] / 1e6;
    pairs.push(["Size", `${data.width[i]} \u00d7 ${data.height[i]} (${mega < 0.1 ? "< 0.1" : mega.toFixed(1)} MP)`]);
  }
  if (data.bytes[i] !== null) pairs.push(["File", fileSize(data.bytes[i])]);
  return pairs.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]);
}

/** @param {number} bytes */
function fileSize(bytes) {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (bytes >= size) return `${(bytes / size).toFixed(bytes < 10 * size ? 1 : 0)} ${unit}`;
  }
  return `${bytes} bytes`;
}

function copyList(i, copies) {
  if (copies.length < 2) return [];
  const most = 12;
  const head = make("h3", "", `${copies.length} near-duplicates` + (copies.length > most ? `, the best ${most}` : ""));
  const list = make("div", "members");
  for (const other of copies.slice(0, most)) {
    const button = thumbButton(other, copies);
    if (other === i) button.setAttribute("aria-current", "true");
    list.append(button);
  }
  return [head, list];
}

function startDetails() {
  at("details-close").addEventListener("click", () => dialog.close());
  at("details-before").addEventListener("click", () => stepDetails(-1));
  at("details-after").addEventListener("click", () => stepDetails(1));
  dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", event => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "ArrowLeft") stepDetails(-1);
    else if (event.key === "ArrowRight") stepDetails(1);
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("close", () => {
    at("details-image").removeAttribute("src"); // Frees the large picture.
    // Back to where it was opened, or to where the arrow keys led.
    if (open.list === shown && !at("photographs").hidden) goTo(open.place);
  });
}
