/** Runs the golden vectors of tests/golden/vectors against web/core; see README.md there. */

import {
  detail, Frame, Gate, LiveGate, LiveJudge, preprocess, readContract, sentence, Smoother,
} from "/core/index.js";
import { qualityFromOutputs } from "/core/quality.js";
import { sha256 } from "/core/sha256.js";
import { exposure, inOrder, pooled } from "/core/severity.js";

const TOLERANCE = 1e-6;

/** The bytes that an entry of `buffers` describes. */
export async function makeBuffer(buffer, load) {
  if (buffer.kind === "file") return load(buffer.file);
  const bytes = lcg(buffer.seed, buffer.length);
  if (buffer.kind === "lcg") return bytes;
  const { stride, unit, slopes, gain, base, noise, tint } = buffer;
  const [ax, ay, bx, by] = slopes;
  for (let i = 0; i < bytes.length; i++) {
    const row = Math.floor(i / stride);
    const column = Math.floor((i % stride) / unit);
    const one = triangle(column * ax + row * ay + ((i % stride) % unit) * tint);
    const two = triangle(column * bx - row * by);
    const value = base + ((((one * two) >> 8) * gain + (bytes[i] - 128) * noise) >> 8);
    bytes[i] = Math.min(Math.max(value, 0), 255);
  }
  return bytes;
}

function lcg(seed, length) {
  const bytes = new Uint8Array(length);
  for (let i = 0, state = seed; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function triangle(value) {
  const phase = value & 511;
  return phase < 256 ? phase : 511 - phase;
}

/** The frame that a vector describes. */
export function buildFrame(frame, buffers) {
  const { format, width, height, roi, rotation, matrix, range } = frame;
  const options = { roi, rotation, matrix, range };
  if (!frame.planes) {
    const { rowStride, chromaRowStride, chromaOffset } = frame;
    const strides = { rowStride, chromaRowStride, chromaOffset };
    return Frame.fromBuffer(buffers[frame.buffer], width, height, format, { ...options, ...strides });
  }
  const planes = frame.planes.map(({ buffer, offset = 0, length, rowStride, pixelStride }) => ({
    data: buffers[buffer].subarray(offset, length === undefined ? undefined : offset + length),
    rowStride,
    pixelStride,
  }));
  return Frame.fromPlanes(...planes, width, height, { ...options, format });
}

/**
 * Compares one vector; returns what differs, and how far.
 *
 * @param {object} vector Of index.json.
 * @param {{base: Model, nano: Model, causes: Model}} models
 * @param {(name: string) => Promise<Uint8Array>} load Reads a file of the vectors.
 */
export async function tryVector(vector, models, load) {
  const buffers = await Promise.all(vector.buffers.map((buffer) => makeBuffer(buffer, load)));
  const differences = [];
  const differs = (what, is, expected) => {
    if (JSON.stringify(is) !== JSON.stringify(expected)) {
      differences.push(`${vector.name}: ${what} is ${JSON.stringify(is)}, expected ${JSON.stringify(expected)}`);
    }
  };
  differs("buffers", buffers.map(sha256), vector.bufferSha256);
  const frame = buildFrame(vector.frame, buffers);
  const found = await tryFrame(frame, vector, models, differs);
  return { ...found, differences };
}

/** Compares what becomes of a frame with the vector it was made of. */
export async function tryFrame(frame, vector, models, differs) {
  const most = { tensor: 0, int8: 0, score: 0 };
  differs("size", frame.size, { width: vector.size.width, height: vector.size.height });
  const close = (what, is, expected) => {
    const off = Math.abs(is - expected);
    if (!(off <= TOLERANCE)) differs(what, is, expected);
    return off;
  };
  const tensor = (name, bytes, digest) => {
    const is = sha256(bytes);
    if (is !== digest) most.tensor = 255;
    differs(`${name} tensor`, is, digest);
  };
  const integers = (name, is, expected) => {
    is.forEach((value, i) => (most.int8 = Math.max(most.int8, Math.abs(value - expected[i]))));
    differs(`${name} output`, [...is], [...expected]);
  };
  const { causes: network } = models;
  const { input, outputs } = network.contract;
  const seen = detail(frame, input);
  tensor("causes", seen.tensor, vector.causes.tensorSha256);
  differs("reduced", sha256(seen.small.data), vector.causes.reducedSha256);
  const expected = Int8Array.from(atob(vector.causes.output), (c) => c.charCodeAt(0));
  integers("causes", (await network.runRaw(seen.tensor)).get(outputs[0].name), expected);
  const told = (await network.run(seen.tensor)).get(outputs[0].name);
  const severities = inOrder({
    ...pooled(told, input.views, outputs[0].labels),
    ...exposure(seen.small),
  });
  differs("names of causes", Object.keys(severities), Object.keys(vector.causes.causes));
  for (const [cause, severity] of Object.entries(vector.causes.causes)) {
    close(cause, severities[cause], severity);
  }
  for (const name of ["base", "nano"]) {
    const { contract } = models[name];
    const bytes = preprocess(frame, contract.input);
    tensor(name, bytes, vector[name].tensorSha256);
    const [raw] = (await models[name].runRaw(bytes)).values();
    integers(name, raw, vector[name].output);
    const quality = qualityFromOutputs(await models[name].run(bytes), contract);
    most.score = Math.max(most.score, close(`${name} score`, quality.score, vector[name].score));
    close(`${name} std`, quality.std, vector[name].std);
    quality.causes = severities;
    for (const [preset, verdict] of Object.entries(vector[name].verdicts)) {
      const gate = Gate.ofPreset(contract, network.contract, preset);
      compareVerdicts(gate.judge(quality), verdict, `${name} ${preset}`, differs, close);
    }
  }
  return most;
}

function compareVerdicts(is, expected, where, differs, close) {
  differs(`${where} accept`, is.accept, expected.accept);
  const kind = ({ cause, decisive }) => [cause, decisive];
  differs(`${where} reasons`, is.reasons.map(kind), expected.reasons.map(kind));
  expected.reasons.forEach((reason, i) => {
    for (const key of ["value", "threshold"]) {
      if (reason[key] === "NaN") differs(`${where} ${key}`, String(is.reasons[i]?.[key]), "NaN");
      else close(`${where} ${key}`, is.reasons[i]?.[key], reason[key]);
    }
  });
}

/** Compares frames resized for other inputs; returns what differs. */
export async function tryResizes(resizes, vectors, load) {
  const differences = [];
  const frames = new Map();
  for (const { name, width, height, fit, tensorSha256 } of resizes) {
    if (!frames.has(name)) {
      const vector = vectors.find((one) => one.name === name);
      const buffers = await Promise.all(vector.buffers.map((buffer) => makeBuffer(buffer, load)));
      frames.set(name, buildFrame(vector.frame, buffers));
    }
    if (sha256(preprocess(frames.get(name), { width, height, fit })) !== tensorSha256) {
      differences.push(`${name} at ${width}x${height}, ${fit}`);
    }
  }
  return differences;
}

/** Frames that have to be refused; returns those that were not, or in another way. */
export async function tryBadFrames(frames) {
  const differences = [];
  for (const { name, buffers, frame, error: kind, names } of frames) {
    const made = await Promise.all(buffers.map((buffer) => makeBuffer(buffer)));
    try {
      buildFrame(frame, made);
      differences.push(`${name}: was taken`);
    } catch (error) {
      const fits = kind === "type" ? error instanceof TypeError : error.name === "FrameError";
      const missing = names.filter((part) => !error.message.includes(part));
      if (!fits || missing.length) differences.push(`${name}: ${error.name}: ${error.message}; no ${missing}`);
    }
  }
  return differences;
}

/** Model files to be refused or read; returns where that went otherwise. */
export async function tryBadModels(models) {
  const differences = [];
  for (const { name, data, error: kind, contract, flatbufferBytes } of models) {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    let read;
    try {
      read = await readContract(bytes);
    } catch (error) {
      if (kind !== "contract" || error.name !== "ContractError") {
        differences.push(`${name}: ${error.stack}`);
      }
      continue;
    }
    if (kind) differences.push(`${name}: was read`);
    else if (read.flatbuffer.length !== flatbufferBytes || !same(slim(read.contract), contract)) {
      differences.push(`${name}: ${JSON.stringify(slim(read.contract))}`);
    }
  }
  return differences;
}

/** A contract without what is at its default, as `to_json` in Python writes it. */
function slim(contract) {
  const calibration = { ...contract.calibration };
  for (const key of ["std_scale", "std_power"]) if (calibration[key] === 1) delete calibration[key];
  const made = { ...contract, calibration };
  if (!Object.keys(made.limits).length) delete made.limits;
  return made;
}

function same(a, b) {
  if (a === null || typeof a !== "object") return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => same(a[key], b[key]));
}

/** The sequences of gate, hysteresis and smoothing; returns what differs. */
export function trySequences({ gate, liveGate, smoother, live }) {
  const differences = [];
  const differs = (what, is, expected) => {
    if (JSON.stringify(is) !== JSON.stringify(expected)) {
      differences.push(`${what} is ${JSON.stringify(is)}, expected ${JSON.stringify(expected)}`);
    }
  };
  const close = (what, is, expected) => {
    if (!(Math.abs(is - expected) <= TOLERANCE)) differs(what, is, expected);
  };
  const gateOf = ({ minScore, maxCauses }) => new Gate(minScore, maxCauses);
  for (const { name, gate: asked, qualities, verdicts, sentences } of gate) {
    qualities.forEach((quality, i) => {
      const verdict = gateOf(asked).judge(qualityOf(quality));
      compareVerdicts(verdict, verdicts[i], `gate ${name} ${i}`, differs, close);
      differs(`gate ${name} ${i}`, verdict.reasons.map(sentence), sentences[i]);
    });
  }
  for (const { name, gate: asked, settings, frames, verdicts } of liveGate) {
    const judge = new LiveGate(gateOf(asked), settings);
    frames.forEach((frame, i) => {
      const verdict = orNull(() => judge.judge(qualityOf(frame), frame.timestampNs));
      if (verdict && verdicts[i]) {
        compareVerdicts(verdict, verdicts[i], `live gate ${name} ${i}`, differs, close);
      } else differs(`live gate ${name} ${i}`, verdict, verdicts[i]);
    });
  }
  const compareQualities = (is, expected, where) => {
    close(`${where} score`, is.score, expected.score);
    if (expected.std === null) differs(`${where} std`, is.std, null);
    else close(`${where} std`, is.std, expected.std);
    differs(`${where} causes`, Object.keys(is.causes), Object.keys(expected.causes));
    for (const [cause, severity] of Object.entries(expected.causes)) {
      close(`${where} ${cause}`, is.causes[cause], severity);
    }
  };
  for (const { name, settings, frames, smoothed } of smoother) {
    const made = new Smoother(settings);
    frames.forEach((frame, i) => {
      const quality = orNull(() => made.update(qualityOf(frame), frame.timestampNs));
      if (quality && smoothed[i]) compareQualities(quality, smoothed[i], `smoother ${name} ${i}`);
      else differs(`smoother ${name} ${i}`, quality, smoothed[i]);
    });
  }
  for (const { name, gate: asked, frames, smoothed, verdicts } of live) {
    const judge = new LiveJudge(gateOf(asked));
    frames.forEach((frame, i) => {
      const is = judge.judge(qualityOf(frame), frame.timestampNs);
      compareQualities(is.smoothed, smoothed[i], `live ${name} ${i}`);
      compareVerdicts(is.verdict, verdicts[i], `live ${name} ${i}`, differs, close);
    });
  }
  return differences;
}

function qualityOf({ score, std = null, causes }) {
  const number = (value) => (value === "NaN" ? NaN : value);
  const told = Object.entries(causes).map(([name, value]) => [name, number(value)]);
  return { score: number(score), std, causes: Object.fromEntries(told) };
}

function orNull(call) {
  try {
    return call();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
