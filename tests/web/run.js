/** What tests call in the page: opens the models and runs the vectors. */

import { Frame, loadRuntime, Model, Scorer, toFrame } from "/core/index.js";
import * as vectors from "./vectors.js";

const opened = new Map();

export async function file(name) {
  const response = await fetch(`/tests/vectors/${name}`);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response;
}

export const load = async (name) => new Uint8Array(await (await file(name)).arrayBuffer());
export const json = async (name) => (await file(name)).json();

const bytesOf = async (name) => (await fetch(`/models/${name}.tflite`)).arrayBuffer();

/** base, nano and causes with one build of the runtime. */
export async function models(build) {
  if (!opened.has(build)) {
    const runtime = await loadRuntime({ url: "/litert/", build });
    const made = {};
    for (const name of ["base", "nano", "causes"]) made[name] = await Model.open(runtime, await bytesOf(name));
    opened.set(build, made);
  }
  return opened.get(build);
}

/** Runs vectors from `start` on, every `step`-th; returns counts, largest differences, the first texts. */
export async function runVectors(build, start = 0, step = 1) {
  const { vectors: all } = await json("index.json");
  const networks = await models(build);
  const report = { vectors: 0, tensor: 0, int8: 0, score: 0, differences: [] };
  for (let i = start; i < all.length; i += step) {
    const found = await vectors.tryVector(all[i], networks, load);
    report.vectors++;
    for (const key of ["tensor", "int8", "score"]) report[key] = Math.max(report[key], found[key]);
    report.differences.push(...found.differences);
  }
  report.differences = report.differences.slice(0, 20);
  return report;
}

export async function runRest() {
  const { resizes, vectors: all } = await json("index.json");
  const bad = await json("bad.json");
  return {
    resizes: await vectors.tryResizes(resizes, all, load),
    badFrames: await vectors.tryBadFrames(bad.frames),
    badModels: await vectors.tryBadModels(bad.models),
    sequences: vectors.trySequences(await json("sequences.json")).slice(0, 20),
    counts: [resizes.length, bad.frames.length, bad.models.length],
  };
}

/** Vectors that a VideoFrame can hold, through one; returns what differs, by format. */
export async function runVideoFrames() {
  const { vectors: all } = await json("index.json");
  const networks = await models(undefined);
  const report = { tried: {}, differences: [] };
  for (const vector of all) {
    const { format, width, height, planes, rotation, roi, matrix, range } = vector.frame;
    const fits = ["I420", "NV12", "RGBA", "BGRA"].includes(format) && !planes && !rotation && !roi;
    if (!fits || width * height > 3_000_000) continue;
    const [buffer] = await Promise.all(vector.buffers.map((one) => vectors.makeBuffer(one, load)));
    const whole = vectors.buildFrame(vector.frame, [buffer]);
    const frame = new VideoFrame(buffer, {
      format,
      codedWidth: width,
      codedHeight: height,
      timestamp: 0,
      layout: layoutOf(whole),
      colorSpace: format.startsWith("BGR") || format.startsWith("RGB") ? undefined : colorSpace(matrix, range),
    });
    const differs = (what, is, expected) => {
      if (JSON.stringify(is) !== JSON.stringify(expected)) {
        report.differences.push(`${vector.name}: ${what} is ${is}, expected ${expected}`);
      }
    };
    await vectors.tryFrame(await toFrame(frame), vector, networks, differs);
    frame.close();
    report.tried[format] = (report.tried[format] ?? 0) + 1;
  }
  return report;
}

function layoutOf({ format, planes }) {
  const layout = planes.map(({ offset, rowStride }) => ({ offset, stride: rowStride }));
  return format === "NV12" ? layout.slice(0, 2) : layout;
}

function colorSpace(matrix, range) {
  const named = matrix === "BT.709" ? "bt709" : "smpte170m";
  return { matrix: named, primaries: "bt709", transfer: "bt709", fullRange: range === "full" };
}

/** Median milliseconds from the bytes of a 1080p I420 frame to its quality with causes. */
export async function time1080p(model, runs = 15) {
  const runtime = await loadRuntime({ url: "/litert/" });
  const causes = await bytesOf("causes");
  const scorer = await Scorer.open({ runtime, model: await bytesOf(model), causes });
  const { vectors: all } = await json("index.json");
  const vector = all.find(({ name }) => name === "I420 1920x1080");
  const bytes = await vectors.makeBuffer(vector.buffers[0], load);
  const times = [];
  for (let run = 0; run < runs + 3; run++) {
    const start = performance.now();
    await scorer.score(Frame.fromBuffer(bytes, 1920, 1080, "I420"));
    if (run >= 3) times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[runs >> 1];
}
