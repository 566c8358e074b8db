// Starts everything.

for (const link of document.querySelectorAll("a.thumb[data-photo]")) {
  const list = [...link.closest("ol").querySelectorAll("a.thumb")].map(one => Number(one.dataset.photo));
  link.addEventListener("click", event => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openDetails(Number(link.dataset.photo), list);
  });
}

document.addEventListener("keydown", event => {
  const typing = event.target.closest("input, select, textarea");
  if (event.key !== "/" || typing || dialog.open || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  showPanel("photographs", true);
  at("search").focus();
  at("search").select();
});

startGrid();
startDetails();
startFacets();
startFolders();
startDuplicates();
startTabs();
showPanel("photographs", true);
refresh();
