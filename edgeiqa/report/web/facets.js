// The filters: histogram, numbers at the top, causes, and the fields of the toolbar.

function startFacets() {
  for (const bin of document.querySelectorAll(".bin")) {
    const low = Number(bin.dataset.low), high = Number(bin.dataset.high);
    bin.setAttribute("role", "button");
    bin.setAttribute("tabindex", "0");
    const choose = () => {
      const same = asked.low === low && asked.high === high;
      ask(same ? { low: null, high: null } : { low, high });
      showPanel("photographs");
    };
    bin.addEventListener("click", choose);
    bin.addEventListener("keydown", event => pressed(event, choose));
  }
  for (const button of document.querySelectorAll("[data-outcome], [data-fault], [data-all], [data-tab]")) {
    button.disabled = false;
    button.addEventListener("click", () => {
      const { outcome, fault, all, tab } = button.dataset;
      if (all !== undefined) ask({ ...NOTHING });
      if (outcome !== undefined) toggle("outcome", Number(outcome));
      if (fault !== undefined) toggle("fault", data.faults.indexOf(fault));
      showPanel(tab || "photographs");
    });
  }
  startFields();
  onChange.push(showFacets);
}

/** Enter and the space bar, as on a button. */
function pressed(event, act) {
  if (event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  act();
}

function startFields() {
  options("verdict", [["-1", "all"], ...OUTCOMES.map((name, i) => [String(i), name]).filter(([i]) => data.outcome.includes(Number(i)))]);
  options("fault", [["-1", "all"], ...data.faults.map((name, i) => [String(i), words(name)])]);
  options("copies", [["", "all"], ["with", "near-duplicates"], ["best", "best of each"]]);
  const severities = data.causes.map(name => [name, words(name)]);
  options("sort", [["score", "score"], ["name", "name"], ...severities, ["std", "uncertainty"], ["bytes", "file size"], ["results", "as listed"]]);
  at("copies").disabled = data.groups.length === 0;
  at("search").addEventListener("input", () => soon(() => ask({ search: at("search").value })));
  for (const key of ["low", "high"]) {
    at(key).addEventListener("input", () => {
      const value = at(key).valueAsNumber;
      soon(() => ask({ [key]: Number.isNaN(value) ? null : value }));
    });
  }
  at("verdict").addEventListener("change", () => ask({ outcome: Number(at("verdict").value) }));
  at("fault").addEventListener("change", () => ask({ fault: Number(at("fault").value) }));
  at("copies").addEventListener("change", () => ask({ copies: at("copies").value }));
  at("sort").addEventListener("change", () => {
    order.by = at("sort").value;
    // Faults and spread sort descending first, scores ascending.
    order.up = ["score", "name", "results"].includes(order.by);
    refresh();
  });
  at("direction").addEventListener("click", () => { order.up = !order.up; refresh(); });
  at("reset").addEventListener("click", () => { ask({ ...NOTHING }); at("search").focus(); });
  at("toolbar").addEventListener("submit", event => event.preventDefault());
  for (const list of [false, true]) {
    at(list ? "as-list" : "as-grid").addEventListener("click", () => {
      view.list = list;
      at("as-list").setAttribute("aria-pressed", String(list));
      at("as-grid").setAttribute("aria-pressed", String(!list));
      layOut();
    });
  }
  at("save").addEventListener("click", saveList);
}

/** @param {string} id @param {string[][]} pairs Value and text. */
function options(id, pairs) {
  at(id).replaceChildren(...pairs.map(([value, text]) => new Option(text, value)));
}

let pending = 0;
/** At most once per frame, so that typing stays fast. */
function soon(act) {
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(act);
}

/** Updates all controls to the active filters. */
function showFacets() {
  const whole = shown.length === total;
  at("matches").textContent = whole ? `${grouped(total)} photographs` : `${grouped(shown.length)} of ${grouped(total)}`;
  at("nothing").hidden = shown.length > 0;
  at("save").hidden = shown.length === 0;
  if (at("search").value !== asked.search) at("search").value = asked.search;
  for (const key of ["low", "high"]) {
    const value = asked[key] === null ? "" : String(asked[key]);
    // A number being typed, such as "5.", stays as it is.
    if (document.activeElement !== at(key) || value === "") at(key).value = value;
  }
  at("verdict").value = String(asked.outcome);
  at("fault").value = String(asked.fault);
  at("copies").value = asked.copies;
  at("direction").textContent = order.up ? "\u2191" : "\u2193";
  at("direction").title = order.up ? "ascending" : "descending";
  const low = asked.low ?? 0, high = asked.high ?? 100;
  for (const bin of document.querySelectorAll(".bin")) {
    const outside = Number(bin.dataset.high) <= low || Number(bin.dataset.low) >= high;
    bin.classList.toggle("outside", outside);
    bin.setAttribute("aria-pressed", String(asked.low !== null && asked.high !== null && !outside));
  }
  for (const button of document.querySelectorAll("[data-outcome]")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.outcome) === asked.outcome));
  }
  for (const button of document.querySelectorAll("[data-fault]")) {
    button.setAttribute("aria-pressed", String(data.faults.indexOf(button.dataset.fault) === asked.fault));
  }
  at("chips").replaceChildren(...chips());
}

/** The active filters, each with a button that removes it. */
function chips() {
  const found = [];
  const add = (text, changes) => {
    const item = make("li"), chip = make("button", "chip", text);
    chip.type = "button";
    chip.setAttribute("aria-label", `Remove the filter ${text}`);
    chip.addEventListener("click", () => ask(changes));
    item.append(chip);
    found.push(item);
  };
  if (asked.search.trim()) add(`\u201c${asked.search.trim()}\u201d`, { search: "" });
  if (asked.low !== null || asked.high !== null) {
    add(`score ${asked.low ?? 0}\u2013${asked.high ?? 100}`, { low: null, high: null });
  }
  if (asked.outcome >= 0) add(OUTCOMES[asked.outcome], { outcome: -1 });
  if (asked.fault >= 0) add(words(data.faults[asked.fault]), { fault: -1 });
  if (asked.folder >= 0) add(data.folders[asked.folder].label, { folder: -1 });
  if (asked.copies) add(asked.copies === "best" ? "best of each" : "near-duplicates", { copies: "" });
  if (asked.group >= 0) add(`group ${asked.group + 1}`, { group: -1 });
  return found;
}

/** The paths shown, one per line, as a file; unprintable names as URLs. */
function saveList() {
  const text = shown.map(i => data.urls[i] || pathOf(i)).join("\n") + "\n";
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = "photographs.txt";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
