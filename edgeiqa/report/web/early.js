// In the head, so that the page does not change its shape when all is there.
document.documentElement.classList.add("js");
