// The table of folders: sorted by any column, a click shows one folder's photographs.

const FOLDER_ROWS = 200;
const folderOrder = { column: "count", up: false, all: false };

/** The columns, and the values they sort by. */
const FOLDER_KEYS = {
  label: folder => folder.label,
  count: folder => folder.stats[0],
  median: folder => folder.stats[4],
  rejected: folder => (folder.stats[3] ? folder.stats[2] / folder.stats[3] : null),
};

function startFolders() {
  const table = at("folders");
  if (!table) return;
  for (const head of table.querySelectorAll("th[data-column]")) {
    const button = head.querySelector("button");
    button.disabled = false;
    button.addEventListener("click", () => {
      const same = folderOrder.column === head.dataset.column;
      folderOrder.up = same ? !folderOrder.up : head.dataset.column === "label" || head.dataset.column === "median";
      folderOrder.column = head.dataset.column;
      drawFolders();
    });
  }
  at("more-folders").addEventListener("click", () => { folderOrder.all = true; drawFolders(); });
  table.tBodies[0].addEventListener("click", event => {
    const button = event.target.closest("button");
    if (!button) return;
    toggle("folder", Number(button.dataset.folder));
    showPanel("photographs");
  });
  drawFolders();
  onChange.push(markFolder);
}

function drawFolders() {
  const table = at("folders");
  const key = FOLDER_KEYS[folderOrder.column], sign = folderOrder.up ? 1 : -1;
  const places = data.folders.map((_, i) => i);
  places.sort((a, b) => {
    const x = key(data.folders[a]), y = key(data.folders[b]);
    if (x === null || y === null) return x === y ? a - b : x === null ? 1 : -1;
    const differs = typeof x === "string" ? byName.compare(x, y) : x - y;
    return sign * differs || a - b;
  });
  const wanted = folderOrder.all ? places : places.slice(0, FOLDER_ROWS);
  table.tBodies[0].replaceChildren(...wanted.map(folderRow));
  at("more-folders").hidden = wanted.length === places.length;
  at("more-folders").textContent = `Show all ${grouped(places.length)}`;
  for (const head of table.querySelectorAll("th[data-column]")) {
    const sorted = head.dataset.column === folderOrder.column;
    head.setAttribute("aria-sort", sorted ? (folderOrder.up ? "ascending" : "descending") : "none");
  }
  markFolder();
}

function folderRow(i) {
  const folder = data.folders[i], share = FOLDER_KEYS.rejected(folder);
  const row = make("tr"), name = make("td"), button = make("button", "bare");
  button.type = "button";
  button.dataset.folder = String(i);
  button.title = folder.path;
  button.append(bdi("", folder.label));
  name.append(button);
  row.append(name, make("td", "", grouped(folder.stats[0])), make("td", "", scoreText(folder.stats[4])));
  row.append(make("td", "", share === null ? "\u2013" : `${Math.round(100 * share)}%`));
  return row;
}

function markFolder() {
  for (const button of at("folders").tBodies[0].querySelectorAll("button")) {
    const chosen = Number(button.dataset.folder) === asked.folder;
    button.setAttribute("aria-pressed", String(chosen));
    button.closest("tr").classList.toggle("chosen", chosen);
  }
}
