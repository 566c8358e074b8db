/**
 * The upright region of interest of a frame, as views of the planes it consists of.
 *
 * Cutting and turning cost nothing: only where a view begins and how it steps changes. Sections 1
 * and 6 of docs/preprocessing.md.
 *
 * A view is {data, offset, rows, columns, down, across, channels, alpha, bgr, width, height, stepX,
 * stepY, leadX, leadY}: sample (y, x) lies at offset + y * down + x * across and stands for stepX by
 * stepY pixels; the first begins leadX and leadY pixels before the picture of width by height.
 */

/** The views of a frame: one of pixels, or Y, U and V. */
export function views(frame) {
  const { format, width, height } = frame;
  const packed = { RGB: 3, BGR: 3, RGBA: 3, BGRA: 3 }[format] ?? 1;
  let found = frame.planes.map((plane, index) => ({
    data: plane.data,
    offset: plane.offset,
    rows: plane.rows,
    columns: plane.columns,
    down: plane.rowStride,
    across: plane.pixelStride,
    channels: packed,
    alpha: format === "RGBA" || format === "BGRA",
    bgr: format === "BGR" || format === "BGRA",
    width,
    height,
    stepX: index ? 2 : 1,
    stepY: index && format !== "YUYV" ? 2 : 1,
    leadX: 0,
    leadY: 0,
  }));
  if (frame.roi) {
    const [x, y, w, h] = frame.roi;
    found = found.map((view) => cut(view, x, y, w, h));
  }
  for (let turn = 0; turn < frame.rotation; turn += 90) found = found.map(quarterTurn);
  return found;
}

/** The part of a view that lies over a box of the picture. */
export function cut(view, x, y, width, height) {
  const left = x + view.leadX;
  const top = y + view.leadY;
  const firstX = Math.floor(left / view.stepX);
  const firstY = Math.floor(top / view.stepY);
  return {
    ...view,
    offset: view.offset + firstY * view.down + firstX * view.across,
    rows: Math.ceil((top + height) / view.stepY) - firstY,
    columns: Math.ceil((left + width) / view.stepX) - firstX,
    width,
    height,
    leadX: left - firstX * view.stepX,
    leadY: top - firstY * view.stepY,
  };
}

/** A view turned clockwise by 90 degrees. */
function quarterTurn(view) {
  return {
    ...view,
    offset: view.offset + (view.rows - 1) * view.down,
    rows: view.columns,
    columns: view.rows,
    down: view.across,
    across: -view.down,
    width: view.height,
    height: view.width,
    stepX: view.stepY,
    stepY: view.stepX,
    // What was at the bottom comes to the left, and what sticks out there with it.
    leadX: view.rows * view.stepY - view.height - view.leadY,
    leadY: view.leadX,
  };
}

/** The largest centred box of an aspect ratio: section 2. */
export function centreBox(width, height, toWidth, toHeight) {
  let [w, h] = [width, height];
  if (width * toHeight > height * toWidth) {
    w = Math.max(1, Math.floor((height * toWidth) / toHeight));
  } else {
    h = Math.max(1, Math.floor((width * toHeight) / toWidth));
  }
  return [Math.floor((width - w) / 2), Math.floor((height - h) / 2), w, h];
}
