// Three views: photographs, near-duplicates, unreadable files.

const PANELS = ["photographs", "duplicates", "unreadable"];

/** @param {string} name One of PANELS. @param {boolean} [quiet] Stay where the window is. */
function showPanel(name, quiet) {
  for (const panel of PANELS) {
    const chosen = panel === name, tab = at("tab-" + panel);
    at(panel).hidden = !chosen;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  }
  if (name === "duplicates" && groupsDrawn === 0) drawGroups();
  if (name === "photographs") drawLines();
  if (quiet) return;
  const top = document.querySelector(".tabs").getBoundingClientRect().top;
  // Back to the first match, unless it is visible.
  if (top < 0 || top > window.innerHeight * 0.6) window.scrollBy(0, top - 8);
}

function startTabs() {
  PANELS.forEach((name, number) => {
    const tab = at("tab-" + name);
    tab.addEventListener("click", () => showPanel(name, true));
    tab.addEventListener("keydown", event => {
      const to = { ArrowLeft: number - 1, ArrowRight: number + 1, Home: 0, End: PANELS.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = PANELS[(to + PANELS.length) % PANELS.length];
      showPanel(next, true);
      at("tab-" + next).focus();
    });
  });
}
