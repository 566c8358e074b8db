// All matching photographs; only rows near the window exist as elements.

const GAP = 10;
const SPARE = 3; // Rows kept above and below the window.
const grid = at("grid");
const view = { list: false, columns: 1, height: 0, active: 0, printing: false };
/** @type {Map<number, HTMLElement>} */
const lines = new Map();

function measureGrid() {
  const width = grid.clientWidth || 600;
  view.columns = view.list ? 1 : Math.max(2, Math.floor((width + GAP) / (172 + GAP)));
  const wide = (width + GAP) / view.columns - GAP;
  view.height = view.list ? 62 : Math.round(wide * 0.75) + 36;
}

/** Redraws everything from the top. */
function resetGrid() {
  view.active = 0;
  layOut();
}

/** Redraws everything in place. */
function layOut() {
  measureGrid();
  for (const line of lines.values()) line.remove();
  lines.clear();
  const count = Math.ceil(shown.length / view.columns);
  grid.classList.toggle("list", view.list);
  grid.style.height = `${Math.max(0, count * (view.height + GAP) - GAP)}px`;
  grid.setAttribute("aria-rowcount", String(count));
  grid.setAttribute("aria-colcount", String(view.columns));
  drawLines();
}

/** First and last row that must exist. */
function visibleLines() {
  const count = Math.ceil(shown.length / view.columns);
  if (view.printing) return [0, Math.min(count, Math.ceil(240 / view.columns)) - 1];
  const step = view.height + GAP;
  const top = -grid.getBoundingClientRect().top;
  const first = Math.floor(top / step) - SPARE;
  const last = Math.floor((top + window.innerHeight) / step) + SPARE;
  // Never none, because the Tab key must be able to pass through here.
  return [Math.max(0, Math.min(first, count - 1)), Math.min(count - 1, Math.max(last, SPARE))];
}

function drawLines() {
  const [first, last] = visibleLines();
  const kept = Math.floor(view.active / view.columns);
  const focused = grid.contains(document.activeElement);
  for (const [number, line] of lines) {
    // The focus must not vanish with its row.
    if ((number < first || number > last) && !(focused && number === kept)) {
      line.remove();
      lines.delete(number);
    }
  }
  for (let number = first; number <= last; number++) if (!lines.has(number)) addLine(number);
  markActive();
}

function addLine(number) {
  const line = make("div", "line");
  line.setAttribute("role", "row");
  line.setAttribute("aria-rowindex", String(number + 1));
  line.style.gridTemplateColumns = `repeat(${view.columns}, minmax(0, 1fr))`;
  line.style.height = `${view.height}px`;
  line.style.transform = `translateY(${number * (view.height + GAP)}px)`;
  const start = number * view.columns;
  for (let place = start; place < Math.min(start + view.columns, shown.length); place++) {
    const cell = photoCell(shown[place]);
    cell.dataset.place = String(place);
    cell.setAttribute("aria-colindex", String(place - start + 1));
    line.append(cell);
  }
  // In reading order, for screen readers.
  let next = null;
  for (const [other, element] of lines) {
    if (other > number && (next === null || other < Number(next.getAttribute("aria-rowindex")) - 1)) next = element;
  }
  grid.insertBefore(line, next);
  lines.set(number, line);
}

/** Tab reaches exactly one photograph: the active one, or the first that exists. */
function markActive() {
  for (const cell of grid.querySelectorAll('[tabindex="0"]')) cell.tabIndex = -1;
  const active = cellAt(view.active) || grid.querySelector(".photo");
  if (active) active.tabIndex = 0;
}

/** @param {number} place @returns {HTMLElement|null} */
function cellAt(place) {
  return grid.querySelector(`[data-place="${place}"]`);
}

/** Activates a photograph and scrolls it into view. @param {number} place In `shown`. */
function goTo(place) {
  if (!shown.length) return;
  view.active = Math.max(0, Math.min(place, shown.length - 1));
  const number = Math.floor(view.active / view.columns);
  if (!lines.has(number)) addLine(number);
  markActive();
  const cell = cellAt(view.active);
  cell.focus({ preventScroll: true });
  scrollToLine(number);
}

function scrollToLine(number) {
  const toolbar = at("toolbar");
  const head = getComputedStyle(toolbar).position === "sticky" ? toolbar.offsetHeight : 0;
  const top = grid.getBoundingClientRect().top + number * (view.height + GAP);
  if (top < head + GAP) window.scrollBy(0, top - head - GAP);
  else if (top + view.height > window.innerHeight - GAP) window.scrollBy(0, top + view.height + GAP - window.innerHeight);
}

/** The position below a position; in a shorter last row, its last one. */
function below(place) {
  const next = place + view.columns;
  if (next < shown.length) return next;
  return Math.floor(place / view.columns) < Math.floor((shown.length - 1) / view.columns) ? shown.length - 1 : place;
}

/** How far a key moves; null for other keys. @param {KeyboardEvent} event */
function moved(event) {
  const { columns, active } = view;
  const page = Math.max(1, Math.floor(window.innerHeight / (view.height + GAP)) - 1) * columns;
  const start = active - (active % columns);
  switch (event.key) {
    case "ArrowLeft": return active - 1;
    case "ArrowRight": return active + 1;
    case "ArrowUp": return active - columns < 0 ? active : active - columns;
    case "ArrowDown": return below(active);
    case "PageUp": return active - page < 0 ? active % columns : active - page;
    case "PageDown": return active + page;
    case "Home": return event.ctrlKey ? 0 : start;
    case "End": return event.ctrlKey ? shown.length - 1 : start + columns - 1;
    default: return null;
  }
}

function startGrid() {
  grid.addEventListener("keydown", event => {
    const cell = event.target.closest(".photo");
    if (!cell || event.altKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      openDetails(Number(cell.dataset.photo), shown);
      return;
    }
    const place = moved(event);
    if (place === null) return;
    event.preventDefault();
    goTo(place);
  });
  grid.addEventListener("focusin", event => {
    const cell = event.target.closest(".photo");
    if (cell) view.active = Number(cell.dataset.place);
  });
  grid.addEventListener("click", event => {
    const cell = event.target.closest(".photo");
    if (!cell) return;
    goTo(Number(cell.dataset.place));
    openDetails(Number(cell.dataset.photo), shown);
  });
  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      if (!view.printing) drawLines();
    });
  };
  window.addEventListener("scroll", later, { passive: true });
  let width = 0;
  new ResizeObserver(() => {
    if (grid.clientWidth && grid.clientWidth !== width) {
      width = grid.clientWidth;
      layOut();
    }
  }).observe(grid);
  window.addEventListener("resize", later);
  window.addEventListener("beforeprint", () => { view.printing = true; drawLines(); });
  window.addEventListener("afterprint", () => { view.printing = false; drawLines(); });
  onChange.push(resetGrid);
}
