/** Scores how good a photograph looks, in the browser. See README.md and index.d.ts. */

export { CAUSES, readContract } from "./contract.js";
export { detail } from "./detail.js";
export * from "./errors.js";
export { captureTime } from "./exif.js";
export { Frame, PIXEL_FORMATS } from "./frame.js";
export { DAMAGED, Gate, LOW_QUALITY, REASONS, sentence } from "./gate.js";
export { decodeImage, MAX_PIXELS, pixelsOf } from "./image.js";
export { LiveJudge } from "./live.js";
export { LiveGate } from "./livegate.js";
export { Model } from "./model.js";
export { preprocess } from "./preprocess.js";
export { COLUMNS, toCsv, toJson, toRow } from "./rows.js";
export { bestBuild, loadRuntime, Runtime } from "./runtime.js";
export { Scorer, toFrame } from "./scorer.js";
export { Smoother } from "./smoothing.js";
