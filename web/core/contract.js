/**
 * The contract that a .tflite carries: what goes in, what comes out, what the numbers mean. See
 * docs/contract.md; whatever Python refuses is refused here.
 */

import { ENTRY, readEntry } from "./contractzip.js";
import { ContractError } from "./errors.js";
import { sha256 } from "./sha256.js";
import { Fraction, parse, plain } from "./strictjson.js";

export const CAUSES = Object.freeze(["blur", "noise", "dark", "bright", "compression", "low_contrast"]);

const FORMAT = 1;
const MAX_SIDE = 4096;
const MAX_VALUES = 65_536;
const MAX_TEXT = 200;
const MAX_OUTPUTS = 16;
const MAX_PRESETS = 16;
const MAX_VIEWS = 64;
const PATCHES = ["active", "quiet", "reduced"];
const HISTOGRAMS = ["histogram_logits", "histogram"];
const KINDS = [...HISTOGRAMS, "scalar", "attributes", "features", "patch_causes"];
// Control characters, lone surrogates, line and paragraph separators, marks of direction.
const UNPRINTABLE =
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/**
 * Takes a model file apart, checking all of it.
 *
 * @param {Uint8Array | ArrayBuffer} data The bytes of a .tflite.
 * @returns {Promise<{contract: object, flatbuffer: Uint8Array}>}
 * @throws {ContractError} No contract, a newer format, a wrong checksum, a truncated file, or a
 *   document that says something impossible.
 */
export async function readContract(data) {
  const file = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
  if (!(file instanceof Uint8Array)) {
    throw new TypeError(`the model is ${data?.constructor?.name ?? data}, expected its bytes`);
  }
  if (latin(file.subarray(4, 8)) !== "TFL3") {
    throw new ContractError("not a TFLite model: the identifier TFL3 is missing");
  }
  const { text, start } = await readEntry(file);
  const contract = fromJson(text);
  const { flatbuffer_bytes: length, flatbuffer_sha256: wanted } = contract;
  if (!(length > 0 && length <= start)) {
    throw new ContractError(
      `the contract speaks of ${length} bytes of flatbuffer, the file has ${start}`,
    );
  }
  const flatbuffer = file.subarray(0, length);
  const digest = sha256(flatbuffer);
  if (digest !== wanted.toLowerCase()) {
    throw new ContractError(
      `wrong checksum: the flatbuffer has SHA-256 ${digest}, its contract says ${shown(wanted)}`,
    );
  }
  return { contract, flatbuffer };
}

function latin(bytes) {
  return String.fromCharCode(...bytes);
}

function fromJson(bytes) {
  let document;
  try {
    // ignoreBOM keeps the mark, which is no JSON.
    document = parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new ContractError(`${ENTRY} is not valid JSON: ${error.message}`);
  }
  if (!(document instanceof Map)) {
    throw new ContractError(`${ENTRY} is ${shown(document)}, expected an object`);
  }
  // The format decides how to read the rest, so it comes first.
  const format = document.get("format");
  if (!isInt(format) || format < 1) {
    throw new ContractError(`format is ${shown(format)}, expected a whole number from 1`);
  }
  if (format > FORMAT) {
    throw new ContractError(
      `the contract has format ${format}, this edgeiqa reads up to ${FORMAT}: a newer edgeiqa is needed`,
    );
  }
  const contract = {
    format,
    name: get(document, "name", TEXT),
    version: get(document, "version", TEXT),
    input: inputOf(get(document, "input", OBJECT)),
    outputs: get(document, "outputs", LIST).map(outputOf),
    calibration: calibrationOf(get(document, "calibration", OBJECT)),
    gate: plain(get(document, "gate", OBJECT)),
    limits: limitsOf(optional(document, "limits", OBJECT) ?? new Map()),
    training: plain(get(document, "training", OBJECT)),
    metrics: plain(get(document, "metrics", OBJECT)),
    flatbuffer_bytes: get(document, "flatbuffer_bytes", WHOLE),
    flatbuffer_sha256: get(document, "flatbuffer_sha256", TEXT),
  };
  checkTogether(contract, document.get("gate"));
  return contract;
}

/** Whether this is the contract of a network for causes and not for scores. */
export function detectsCauses(contract) {
  return contract.outputs.some((output) => output.kind === "patch_causes");
}

/** The output that the score is taken from: the first that gives one. */
export function scoreOutput(contract) {
  return contract.outputs.find(givesScore);
}

function givesScore(output) {
  return [...HISTOGRAMS, "scalar"].includes(output.kind) || output.score_label !== undefined;
}

/** Of the input tensor: [1, height, width, 3], or patches below each other with 1. */
export function tensorShape({ input }) {
  return input.views[0] === "global"
    ? [1, input.height, input.width, 3]
    : [1, input.views.length * input.height, input.width, 1];
}

/** How many numbers an output has; null if the contract leaves it open. */
export function valuesOf(contract, output) {
  if (output.kind === "scalar") return 1;
  if (output.kind === "patch_causes") return 2 * output.labels.length * contract.input.views.length;
  return (output.bins ?? output.labels)?.length ?? null;
}

function checkTogether(contract, gate) {
  for (const key of ["name", "version"]) checkText(contract[key], key);
  const { outputs, limits, input } = contract;
  if (outputs.length > MAX_OUTPUTS) {
    throw new ContractError(`${outputs.length} outputs, at most ${MAX_OUTPUTS} are read`);
  }
  const presets = [...Object.keys(contract.gate), ...Object.keys(limits)];
  if (Math.max(Object.keys(contract.gate).length, Object.keys(limits).length) > MAX_PRESETS) {
    throw new ContractError(`more than ${MAX_PRESETS} presets of a gate`);
  }
  for (const preset of presets) checkText(preset, "the name of a preset");
  const names = outputs.map((output) => output.name);
  if (new Set(names).size !== names.length) {
    throw new ContractError(`outputs share a name: ${names.join(", ")}`);
  }
  const whole = input.views[0] === "global";
  if (detectsCauses(contract)) {
    if (whole || outputs.length !== 1) {
      throw new ContractError("causes come from patches, and from one output alone");
    }
  } else if (!outputs.some(givesScore)) {
    throw new ContractError(
      "no output gives a score: expected a histogram, a scalar, or attributes with a score_label",
    );
  } else if (!whole) {
    throw new ContractError("a score comes from the whole picture, not from patches");
  }
  for (const [preset, least] of gate) {
    if (!within(least, 0, 100)) {
      throw new ContractError(`gate preset ${shown(preset)} is ${shown(least)}, expected 0 to 100`);
    }
  }
}

function limitsOf(document) {
  for (const [preset, limits] of document) {
    if (!(limits instanceof Map)) {
      throw new ContractError(`limits of preset ${shown(preset)} are ${shown(limits)}, expected an object`);
    }
    for (const [cause, most] of limits) {
      if (!CAUSES.includes(cause) || !within(most, 0, 1)) {
        throw new ContractError(
          `limit ${shown(cause)} of preset ${shown(preset)} is ${shown(most)}, expected 0 to 1 for ` +
            `one of ${CAUSES.join(", ")}`,
        );
      }
    }
  }
  return plain(document);
}

function inputOf(document) {
  const input = {
    height: get(document, "height", WHOLE),
    width: get(document, "width", WHOLE),
    dtype: get(document, "dtype", TEXT),
    color: get(document, "color", TEXT),
    fit: get(document, "fit", TEXT),
    resample: get(document, "resample", TEXT),
    views: get(document, "views", LIST),
  };
  for (const name of ["height", "width"]) {
    if (!within(input[name], 1, MAX_SIDE)) {
      throw new ContractError(`input.${name} is ${input[name]}, expected 1 to ${MAX_SIDE}`);
    }
  }
  oneOf(input.dtype, ["uint8", "float32"], "input.dtype");
  oneOf(input.color, ["RGB", "GRAY"], "input.color");
  oneOf(input.fit, ["squash", "crop"], "input.fit");
  oneOf(input.resample, ["reduce-bilinear"], "input.resample");
  const { views } = input;
  if (views.length === 1 && views[0] === "global") {
    oneOf(input.color, ["RGB"], "input.color of a whole picture");
    return input;
  }
  const places = views.map((view) => PATCHES.indexOf(view));
  const ordered = places.every((place, i) => place >= 0 && place >= (places[i - 1] ?? 0));
  const counts = PATCHES.map((kind) => views.filter((view) => view === kind).length);
  const squares = counts.every((count) => Number.isInteger(Math.sqrt(count)));
  if (!(ordered && squares && within(views.length, 1, MAX_VIEWS))) {
    throw new ContractError(
      `input.views is ${shown(views)}, expected ["global"], or patches: ${PATCHES.join(", ")} in this ` +
        `order, a square number of each, at most ${MAX_VIEWS}`,
    );
  }
  oneOf(input.color, ["GRAY"], "input.color of patches");
  if (input.height !== input.width) {
    throw new ContractError(`patches are square, not ${input.height} x ${input.width}`);
  }
  return input;
}

function outputOf(document) {
  if (!(document instanceof Map)) {
    throw new ContractError(`an output is ${shown(document)}, expected an object`);
  }
  const output = { name: get(document, "name", TEXT), kind: get(document, "kind", TEXT) };
  const bins = optional(document, "bins", LIST);
  const labels = optional(document, "labels", LIST);
  const scoreLabel = optional(document, "score_label", TEXT);
  const activation = optional(document, "activation", TEXT) || "linear";
  checkText(output.name, "an output's name");
  const where = `output ${shown(output.name)}`;
  oneOf(output.kind, KINDS, `the kind of ${where}`);
  oneOf(activation, ["linear", "sigmoid"], `the activation of ${where}`);
  const fail = (why) => {
    throw new ContractError(`${where}: ${why}`);
  };
  if (activation !== "linear" && !["scalar", "attributes"].includes(output.kind)) {
    fail("an activation belongs to a scalar or to attributes");
  }
  if ((bins !== null) !== HISTOGRAMS.includes(output.kind)) {
    fail("bins belong to histograms, and only to them");
  }
  if ((labels !== null) !== ["attributes", "patch_causes"].includes(output.kind)) {
    fail("labels belong to attributes and causes, and only there");
  }
  if (bins) {
    const odd = bins.find((bin) => !isNumber(bin));
    if (odd !== undefined) fail(`${shown(odd)} is not a finite number`);
    output.bins = bins.map(plain);
    const rising = output.bins.every((bin, i) => i === 0 || output.bins[i - 1] < bin);
    if (!within(bins.length, 2, MAX_VALUES) || !rising) fail("expected at least two bins, in rising order");
    if (!output.bins.every((bin) => bin >= 0 && bin <= 1)) fail("bins are centres on 0-1");
  }
  if (labels) {
    if (!labels.every((label) => typeof label === "string" && label)) fail("labels must be text");
    if (labels.length > MAX_VALUES) fail(`${labels.length} labels, at most ${MAX_VALUES}`);
    for (const label of labels) checkText(label, `a label of ${where}`);
    if (!labels.length || new Set(labels).size !== labels.length) {
      fail("labels must be there, each once");
    }
    output.labels = labels;
  }
  if (output.kind === "patch_causes" && !labels.every((label) => CAUSES.includes(label))) {
    fail(`causes are ${CAUSES.join(", ")}`);
  }
  if (scoreLabel !== null) {
    if (!labels?.includes(scoreLabel)) fail(`score_label ${shown(scoreLabel)} is none of its labels`);
    output.score_label = scoreLabel;
  }
  if (activation !== "linear") output.activation = activation;
  return output;
}

function calibrationOf(document) {
  const calibration = {
    scale: get(document, "scale", NUMBER),
    offset: get(document, "offset", NUMBER),
    std_scale: optional(document, "std_scale", NUMBER) ?? 1,
    std_power: optional(document, "std_power", NUMBER) ?? 1,
  };
  const { scale, offset, std_scale: stdScale, std_power: stdPower } = calibration;
  if (scale === 0 || Math.abs(scale) > 1e12 || Math.abs(offset) > 1e12) {
    throw new ContractError(
      `calibration is scale=${scale}, offset=${offset}, expected a scale other than 0, at most 1e12`,
    );
  }
  if (!(stdScale > 0 && stdScale <= 1e6)) {
    throw new ContractError(`calibration.std_scale is ${stdScale}, expected more than 0, at most 1e6`);
  }
  if (!within(stdPower, 0, 4)) {
    throw new ContractError(`calibration.std_power is ${stdPower}, expected 0 to 4`);
  }
  return calibration;
}

const TEXT = ["text", (v) => typeof v === "string"];
const WHOLE = ["a whole number", (v) => isInt(v)];
const NUMBER = ["a finite number", (v) => isNumber(v)];
const LIST = ["a list", (v) => Array.isArray(v)];
const OBJECT = ["an object", (v) => v instanceof Map];

function get(document, key, [name, fits]) {
  if (!document.has(key)) throw new ContractError(`${ENTRY} says nothing about ${shown(key)}`);
  const value = document.get(key);
  if (!fits(value)) throw new ContractError(`${key} is ${shown(value)}, expected ${name}`);
  return value instanceof Fraction ? value.value : value;
}

function optional(document, key, kind) {
  return document.get(key) == null ? null : get(document, key, kind);
}

function isInt(value) {
  return typeof value === "number";
}

function isNumber(value) {
  return (isInt(value) || value instanceof Fraction) && Math.abs(plain(value)) <= 1e300;
}

function within(value, least, most) {
  return isNumber(value) && plain(value) >= least && plain(value) <= most;
}

function oneOf(value, known, what) {
  if (!known.includes(value)) {
    throw new ContractError(`${what} is ${shown(value)}, this edgeiqa knows ${known.join(", ")}`);
  }
}

function checkText(value, what) {
  if (!value) throw new ContractError(`${what} is ${shown(value)}, expected some text`);
  const length = [...value].length;
  if (length > MAX_TEXT) {
    throw new ContractError(`${what} has ${length} characters, at most ${MAX_TEXT} are allowed`);
  }
  if (UNPRINTABLE.test(value)) {
    throw new ContractError(`${what} is ${shown(value)}, with a character that does not print`);
  }
}

/** What came, for a message: as JSON in ASCII, shortened, for it may be a megabyte. */
function shown(value) {
  const text = JSON.stringify(plain(value)) ?? String(value);
  const ascii = text.replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return ascii.length > MAX_TEXT ? `${ascii.slice(0, MAX_TEXT)}...` : ascii;
}
