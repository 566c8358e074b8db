// Thumbnails are stored in the page as base64, one per line, and decoded in chunks when needed.

const thumbNodes = [...document.querySelectorAll("script.thumbs")];
/** @type {(string[]|undefined)[]} */
const thumbChunks = [];

/** The URL of a photograph's thumbnail, or "". @param {number} i */
function thumbnail(i) {
  const number = data.thumb[i];
  if (number < 0) return "";
  const chunk = Math.floor(number / data.chunk);
  if (thumbChunks[chunk] === undefined) {
    thumbChunks[chunk] = thumbNodes[chunk].textContent.split("\n");
    thumbNodes[chunk].remove(); // No need to keep it twice.
  }
  return `data:${data.type};base64,${thumbChunks[chunk][number % data.chunk]}`;
}

/** The picture of a photograph, or a placeholder. @param {number} i */
function frame(i) {
  const box = make("span", "frame");
  const source = thumbnail(i);
  if (source) {
    const image = make("img");
    image.alt = "";
    image.decoding = "async";
    image.draggable = false;
    image.src = source;
    box.append(image);
  } else {
    box.append(make("span", "none", data.errors[i] || "no thumbnail"));
  }
  return box;
}
