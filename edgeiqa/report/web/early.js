// In the head, so that the layout does not change once the page is loaded.
document.documentElement.classList.add("js");
