/**
 * Scores in the background, so that the page never freezes. A classic worker: LiteRT's script is no
 * module.
 *
 * In: {type: "open", model}, {type: "frame", id, frame}, {type: "file", id, file}, {type: "keep"}.
 * Out: {type: "ready", ...}, {type: "scored", id, quality, ms, width, height},
 * {type: "failed", id, name, message}, {type: "kept", id, blob}.
 */

const core = import("./core/index.js");

let runtime = null;
let scorer = null;
/** What was scored last, for `keep`: a VideoFrame or ImageBitmap. */
let last = null;
let turn = Promise.resolve();

self.addEventListener("message", ({ data }) => {
  turn = turn.then(() => answer(data)).catch((error) => {
    self.postMessage({ type: "failed", id: data.id, name: error.name, message: error.message });
  });
});

async function answer(message) {
  const { type, id } = message;
  if (type === "open") return open(message);
  if (type === "keep") return keep(id);
  const start = performance.now();
  remember(type === "frame" ? message.frame : null);
  const source = await (type === "frame" ? ofCamera(message.frame) : ofFile(message.file));
  const quality = await scorer.score(source);
  const { width, height } = source.size ?? source;
  const ms = performance.now() - start;
  self.postMessage({ type: "scored", id, quality, ms, width, height });
}

async function open({ model }) {
  const { loadRuntime, Scorer } = await core;
  runtime ??= await loadRuntime({ url: "litert/" });
  const [scores, causes] = await Promise.all([fetched(`models/${model}.tflite`), fetched("models/causes.tflite")]);
  const opened = await Scorer.open({ runtime, model: scores, causes });
  scorer?.close();
  scorer = opened;
  self.postMessage({
    type: "ready",
    build: runtime.build,
    contract: summary(opened.contract),
    causes: summary(opened.causes.contract),
  });
}

/** What a gate needs to know. */
function summary({ name, version, gate, limits }) {
  return { name, version, gate, limits };
}

async function fetched(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: the server answers ${response.status}`);
  return response.arrayBuffer();
}

/** A VideoFrame is read as it is; where a browser hides its pixels, an ImageBitmap came instead. */
async function ofCamera(frame) {
  const { pixelsOf, toFrame } = await core;
  return frame instanceof ImageBitmap ? pixelsOf(frame) : toFrame(frame);
}

async function ofFile(file) {
  const { decodeImage } = await core;
  return decodeImage(file);
}

/** Frames that are not closed would stop the camera. */
function remember(picture) {
  last?.close();
  last = picture;
}

/** Makes a JPEG of the camera frame that was scored last. */
async function keep(id) {
  if (last === null) return;
  const width = last.displayWidth ?? last.width;
  const height = last.displayHeight ?? last.height;
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").drawImage(last, 0, 0, width, height);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
  self.postMessage({ type: "kept", id, blob });
}
