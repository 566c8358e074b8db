// Groups of photographs that look the same.

const GROUPS_AT_ONCE = 30;
const MAX_MEMBERS = 18;
let groupsDrawn = 0;

/** Draws the next groups; the first ones when the panel is first shown. */
function drawGroups() {
  const end = Math.min(groupsDrawn + GROUPS_AT_ONCE, data.groups.length);
  for (; groupsDrawn < end; groupsDrawn++) at("groups").append(groupItem(groupsDrawn));
  at("more-groups").hidden = groupsDrawn === data.groups.length;
}

function groupItem(group) {
  const members = data.groups[group];
  const item = make("li", "group"), head = make("h3"), list = make("div", "members");
  const score = data.score[members[0]] === null ? "" : ` (${scoreText(data.score[members[0]])})`;
  head.append(`${grouped(members.length)} photographs, the best is `, bdi("", data.names[members[0]]), score);
  for (const i of members.slice(0, MAX_MEMBERS)) list.append(thumbButton(i, members));
  item.append(head, list);
  if (members.length > MAX_MEMBERS) {
    const more = make("button", "quiet", `Show all ${grouped(members.length)}`);
    more.type = "button";
    more.addEventListener("click", () => {
      ask({ ...NOTHING, group });
      showPanel("photographs");
    });
    item.append(more);
  }
  return item;
}

function startDuplicates() {
  at("more-groups").addEventListener("click", () => {
    const first = groupsDrawn;
    drawGroups();
    // The button may be gone now, and the focus with it.
    at("groups").children[first]?.querySelector("button")?.focus();
  });
}
