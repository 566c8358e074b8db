// One photograph in the grid, in a strip or in a group.

/** A description for screen readers. @param {number} i */
function description(i) {
  const outcome = OUTCOMES[data.outcome[i]];
  const score = data.score[i];
  const parts = [data.names[i], score === null ? "" : "score " + scoreText(score), outcome === "scored" ? "" : outcome];
  const why = data.sentences[i] || (data.errors[i] ? [data.errors[i]] : []);
  const copies = groupOf[i] < 0 ? "" : `${data.groups[groupOf[i]].length} near-duplicates`;
  return [...parts, ...why, copies].filter(Boolean).join(", ");
}

/** @param {number} i */
function scoreMark(i) {
  const outcome = data.outcome[i];
  const glyph = GLYPHS[outcome] && outcome ? " " + GLYPHS[outcome] : "";
  return make("span", "score " + OUTCOMES[outcome], scoreText(data.score[i]) + glyph);
}

/** A cell of the grid. @param {number} i */
function photoCell(i) {
  const cell = make("div", "photo");
  cell.setAttribute("role", "gridcell");
  cell.setAttribute("aria-label", description(i));
  cell.tabIndex = -1;
  cell.dataset.photo = String(i);
  cell.title = pathOf(i);
  const box = frame(i);
  if (groupOf[i] >= 0) {
    const members = data.groups[groupOf[i]];
    const best = members[0] === i;
    box.append(make("span", best ? "badge best" : "badge", best ? `best of ${members.length}` : `${members.length} alike`));
  }
  const row = make("span", "words");
  const why = data.sentences[i] || (data.errors[i] ? [data.errors[i]] : []);
  row.append(bdi("name", data.names[i]), make("span", "why", why.join("; ")), scoreMark(i));
  cell.append(box, row);
  return cell;
}

/** A small one that opens the details. @param {number} i @param {number[]} list Its neighbours. */
function thumbButton(i, list) {
  const button = make("button", "thumb bare");
  button.type = "button";
  button.setAttribute("aria-label", description(i));
  button.title = pathOf(i);
  const box = frame(i);
  if (groupOf[i] >= 0 && list === data.groups[groupOf[i]] && list[0] === i) box.append(make("span", "badge best", "best"));
  button.append(box, scoreMark(i), bdi("name", data.names[i]));
  button.addEventListener("click", () => openDetails(i, list));
  return button;
}

/** Text whose direction does not affect its surroundings. */
const bdi = (className, text) => make("bdi", className, text);
