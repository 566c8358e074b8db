// What the tests ask a page.
globalThis.probe = {
  /** Names in the grid, in their order. */
  shown: () => [...document.querySelectorAll("#grid .photo")]
    .sort((a, b) => a.dataset.place - b.dataset.place)
    .map(cell => cell.querySelector(".name").textContent),
  /** How many photographs have an element. */
  elements: () => document.querySelectorAll("#grid .photo").length,
  /** What has the focus. */
  focus: () => {
    const active = document.activeElement;
    return active.id || active.querySelector(".name")?.textContent || active.textContent;
  },
  text: id => document.getElementById(id).innerText,
  texts: selector => [...document.querySelectorAll(selector)].map(element => element.textContent),
  /** Chooses in a field as a person does. */
  choose: (id, value) => {
    const field = document.getElementById(id);
    field.value = value;
    field.dispatchEvent(new Event("change"));
    return field.value;
  },
  /** Widths of all pictures once they are decoded. */
  widths: () => Promise.all(
    [...document.images].filter(image => image.src).map(async image => {
      await image.decode();
      return image.naturalWidth;
    })),
  /** Marks what takes a click and can be seen; returns how many there are. */
  markClickable: () => {
    const all = document.querySelectorAll("button, input, select, a[href], .bin");
    const found = [...all].filter(e => e.checkVisibility() && !e.disabled && e.tabIndex >= 0);
    found.forEach((element, number) => { element.dataset.seen = String(number); });
    return found.length;
  },
  isInWindow: id => {
    const box = document.getElementById(id).getBoundingClientRect();
    return box.left >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
  },
  /** Which photograph of the grid stands near the foot of the window. */
  placeAtFoot: () => {
    const left = document.getElementById("grid").getBoundingClientRect().left;
    const found = document.elementFromPoint(left + 40, innerHeight - 60);
    return Number(found?.closest(".photo")?.dataset.place ?? NaN);
  },
  /** Colours of the theme as red, green and blue of 0-1. */
  colors: names => {
    const drawing = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const style = getComputedStyle(document.documentElement);
    return Object.fromEntries(names.map(name => {
      drawing.fillStyle = style.getPropertyValue("--" + name);
      drawing.fillRect(0, 0, 1, 1);
      const pixel = [...drawing.getImageData(0, 0, 1, 1).data];
      return [name, pixel.slice(0, 3).map(value => value / 255)];
    }));
  },
};
