/** The best shots and the table of scores. */

import { sentence } from "./core/gate.js";
import { toCsv, toJson } from "./core/rows.js";

const BEST = 8;
/** Camera frames among the best are so many seconds apart. */
const APART_S = 2;

/** The best so many pictures; holds their blobs and nothing else. */
export class Strip {
  /** @param {HTMLElement} list */
  constructor(list, hint) {
    this._list = list;
    this._hint = hint;
    this._shots = [];
  }

  /** Whether a picture with this score would be among the best now. */
  wants(score, atS = null) {
    const near = atS === null ? null : this._near(atS);
    if (near) return score > near.score;
    return this._shots.length < BEST || score > this._shots.at(-1).score;
  }

  add({ blob, score, name, atS = null }) {
    if (!this.wants(score, atS)) return;
    const near = atS === null ? null : this._near(atS);
    if (near) this._remove(near);
    this._shots.push({ url: URL.createObjectURL(blob), score, name, atS });
    this._shots.sort((a, b) => b.score - a.score);
    while (this._shots.length > BEST) this._remove(this._shots.at(-1));
    this._show();
  }

  clear() {
    for (const shot of [...this._shots]) this._remove(shot);
    this._show();
  }

  _near(atS) {
    return this._shots.find((shot) => shot.atS !== null && Math.abs(shot.atS - atS) < APART_S);
  }

  _remove(shot) {
    URL.revokeObjectURL(shot.url);
    this._shots.splice(this._shots.indexOf(shot), 1);
  }

  _show() {
    this._hint.hidden = this._shots.length > 0;
    const items = this._shots.map(({ url, score, name }) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = url;
      link.download = name.split("/").at(-1);
      link.setAttribute("aria-label", `Save ${name}, score ${score.toFixed(0)}`);
      const image = document.createElement("img");
      image.src = url;
      image.alt = "";
      const badge = document.createElement("span");
      badge.textContent = score.toFixed(0);
      link.append(image, badge);
      item.append(link);
      return item;
    });
    this._list.replaceChildren(...items);
  }
}

/** The table, and what is saved of it: rows with the keys of `edgeiqa score`. */
export class Table {
  constructor(body, buttons) {
    this._body = body;
    this._none = body.firstElementChild;
    this._buttons = buttons;
    this.rows = [];
    buttons.csv.addEventListener("click", () => save("edgeiqa.csv", "text/csv", toCsv(this.rows)));
    buttons.json.addEventListener("click", () =>
      save("edgeiqa.json", "application/json", toJson(this.rows)),
    );
  }

  /** @param row Of `toRow`. @param verdict Of the gate, or null. */
  add(row, verdict) {
    this.rows.push(row);
    if (this._none.isConnected) this._none.remove();
    const line = document.createElement("tr");
    line.setAttribute("role", "row");
    const cell = (text) => {
      const made = document.createElement("td");
      made.setAttribute("role", "cell");
      made.textContent = text;
      line.append(made);
      return made;
    };
    cell(row.path);
    cell(row.score === null ? "–" : `${row.score.toFixed(1)} ± ${row.std?.toFixed(1) ?? "?"}`);
    const mark = document.createElement("span");
    if (row.error !== null) mark.textContent = "unreadable";
    else {
      mark.className = verdict.accept ? "yes" : "no";
      mark.textContent = verdict.accept ? "accept" : "reject";
    }
    cell("").append(mark);
    const why = row.error ?? verdict.reasons.map(sentence).join("; ");
    cell(why);
    this._body.append(line);
    this._enable(true);
  }

  clear() {
    this.rows = [];
    this._body.replaceChildren(this._none);
    this._enable(false);
  }

  _enable(on) {
    for (const button of Object.values(this._buttons)) button.disabled = !on;
  }
}

function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
