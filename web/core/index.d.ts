/** Scores how good a photograph looks, in the browser. */

/** What can spoil a picture. */
export type Cause = "blur" | "noise" | "dark" | "bright" | "compression" | "low_contrast";

export const CAUSES: readonly Cause[];

/** How good a picture looks. */
export interface Quality {
  /** 0-100, higher is better: the expected mean opinion of people. */
  score: number;
  /** A standard deviation in the same units; null for models that give none. */
  std: number | null;
  /** Expected share of opinions per bin, worst first; null for models without a histogram. */
  histogram: number[] | null;
  /** Centres of these bins on 0-1; or null. */
  bins: number[] | null;
  /** Severities 0-1 of what spoils the picture; empty without a network for causes. */
  causes: Partial<Record<Cause, number>>;
  /** What else a model measures, by its own labels. */
  attributes: Record<string, number>;
  /** Whether the picture lost data. Never set by `Scorer` here; a decoder of yours may know. */
  damaged?: boolean;
  /** The share of rows 0-1 known to be missing in a damaged picture. */
  missing?: number;
}

/** One thing that is wrong with a picture. */
export interface Reason {
  /** "low_quality": the score is below the threshold; or the cause that is above its limit. */
  cause: Cause | "low_quality" | "damaged";
  /** What was measured: a score 0-100, or a severity 0-1. */
  value: number;
  /** The least score, or the most severity. */
  threshold: number;
  /** False for a cause that is within its limit and only explains a low score. */
  decisive: boolean;
}

export interface Verdict {
  accept: boolean;
  /** What decided first, then what explains it; empty if accepted. */
  reasons: Reason[];
}

export type PixelFormat =
  | "RGB" | "BGR" | "RGBA" | "BGRA" | "GRAY"
  | "NV12" | "NV21" | "I420" | "YUYV" | "YUV_420_888";

export const PIXEL_FORMATS: readonly PixelFormat[];

export interface FrameOptions {
  /** Clockwise degrees that turn the buffer upright. */
  rotation?: 0 | 90 | 180 | 270;
  /** Region of interest [x, y, width, height] in pixels of the buffer, before the rotation. */
  roi?: readonly [number, number, number, number] | null;
  /** How YUV was made of RGB; default "BT.601". */
  matrix?: "BT.601" | "BT.709";
  /** Which numbers are black and white in YUV; default "limited". */
  range?: "limited" | "full";
}

export interface BufferOptions extends FrameOptions {
  /** Bytes from one row to the next, of luma where there are planes. */
  rowStride?: number;
  /** The same of the chroma rows of NV12, NV21 and I420. */
  chromaRowStride?: number;
  /** Byte at which chroma begins in NV12, NV21 and I420. */
  chromaOffset?: number;
}

export interface PlaneData {
  data: Bytes;
  /** Bytes from one row to the next. */
  rowStride?: number;
  /** Bytes from one sample to the next. */
  pixelStride?: number;
}

export type Bytes = Uint8Array | Uint8ClampedArray | ArrayBuffer;

/** A picture as it lies in memory; looks at the bytes that it was made of. */
export class Frame {
  private constructor();
  readonly format: PixelFormat;
  /** Of the buffer, in pixels. */
  readonly width: number;
  /** Of the buffer, in pixels. */
  readonly height: number;
  readonly rotation: 0 | 90 | 180 | 270;
  readonly roi: readonly [number, number, number, number] | null;
  readonly matrix: "BT.601" | "BT.709";
  readonly range: "limited" | "full";
  readonly isYuv: boolean;
  /** Of the upright region of interest. */
  readonly size: { width: number; height: number };
  /** @throws {FrameError} Too few bytes, an impossible stride, size, rotation or region. */
  static fromBuffer(
    data: Bytes, width: number, height: number, format: PixelFormat, options?: BufferOptions,
  ): Frame;
  static fromPlanes(
    y: PlaneData, u: PlaneData, v: PlaneData, width: number, height: number,
    options?: FrameOptions & { format?: PixelFormat },
  ): Frame;
  static fromImageData(image: ImageData, options?: FrameOptions): Frame;
  /** Copies the pixels; does not close the VideoFrame. */
  static fromVideoFrame(video: VideoFrame, options?: FrameOptions): Promise<Frame>;
}

export interface InputSpec {
  height: number;
  width: number;
  dtype: "uint8" | "float32";
  color: "RGB" | "GRAY";
  fit: "squash" | "crop";
  resample: "reduce-bilinear";
  views: string[];
}

/** What a model file says about itself; see docs/contract.md. */
export interface Contract {
  format: number;
  name: string;
  version: string;
  input: InputSpec;
  outputs: {
    name: string;
    kind: string;
    bins?: number[];
    labels?: string[];
    score_label?: string;
    activation?: "sigmoid";
  }[];
  calibration: { scale: number; offset: number; std_scale: number; std_power: number };
  gate: Record<string, number>;
  limits: Record<string, Partial<Record<Cause, number>>>;
  training: Record<string, unknown>;
  metrics: Record<string, unknown>;
  flatbuffer_bytes: number;
  flatbuffer_sha256: string;
}

/** @throws {ContractError} */
export function readContract(
  data: Uint8Array | ArrayBuffer,
): Promise<{ contract: Contract; flatbuffer: Uint8Array }>;

/** A loaded WebAssembly runtime. */
export class Runtime {
  private constructor();
  readonly build: "relaxed" | "compat" | "threaded";
}

export interface RuntimeOptions {
  /** The folder with the files of @litertjs/core/wasm. */
  url: string | URL;
  /** By default the one that this browser runs fastest. */
  build?: "relaxed" | "compat" | "threaded";
  /** Threads of one run; more than 1 needs "threaded" and a cross-origin isolated page. */
  threads?: number;
  /** `ModuleFactory` of the file, where it is loaded already. */
  factory?: (options: object) => Promise<unknown>;
}

export function bestBuild(): "relaxed" | "compat";

/** @throws {RuntimeLoadError} */
export function loadRuntime(options: RuntimeOptions): Promise<Runtime>;

/** An opened model: a tensor in, named numbers out. */
export class Model {
  private constructor();
  readonly contract: Contract;
  /** @throws {ContractError | ModelError} */
  static open(runtime: Runtime, data: Uint8Array | ArrayBuffer): Promise<Model>;
  runRaw(
    tensor: Uint8Array,
  ): Promise<Map<string, Int8Array | Uint8Array | Int16Array | Float32Array>>;
  run(tensor: Uint8Array): Promise<Map<string, Float64Array>>;
  close(): void;
}

/** The tensor of a model for scores: RGB, 0-255, rows from top to bottom. */
export function preprocess(frame: Frame, spec: InputSpec): Uint8Array;

/** The tensor of a network for causes, and the reduced luma that the light is measured on. */
export function detail(
  frame: Frame, spec: InputSpec,
): { tensor: Uint8Array; small: { data: Uint8Array; rows: number; columns: number } };

export interface GateNumbers {
  /** A least score 0-100 instead of the preset and its limits. */
  minScore?: number;
  /** Limits 0-1 of your own per cause; 1 switches a cause off. */
  maxCauses?: Partial<Record<Cause, number>>;
}

/** Scores pictures with one model. */
export class Scorer {
  private constructor();
  readonly model: Model;
  readonly causes: Model | null;
  readonly contract: Contract;
  /** @throws {ContractError | ModelError} */
  static open(options: {
    runtime: Runtime;
    /** The bytes of a model for scores, such as base.tflite. */
    model: Uint8Array | ArrayBuffer;
    /** Those of causes.tflite; without them, qualities have no causes. */
    causes?: Uint8Array | ArrayBuffer | null;
  }): Promise<Scorer>;
  score(source: ImageData | VideoFrame | Frame): Promise<Quality>;
  gate(preset?: string, own?: GateNumbers): Gate;
  close(): void;
}

export function toFrame(source: ImageData | VideoFrame | Frame): Promise<Frame>;

/** Turns a quality into a verdict. */
export class Gate {
  constructor(
    minScore: number, maxCauses?: Partial<Record<Cause, number>>, options?: { rejectDamaged?: boolean },
  );
  readonly rejectDamaged: boolean;
  readonly minScore: number;
  readonly maxCauses: Partial<Record<Cause, number>>;
  static ofPreset(
    contract: Pick<Contract, "gate">, causes: Pick<Contract, "limits"> | null, preset: string,
    own?: GateNumbers,
  ): Gate;
  judge(quality: Quality): Verdict;
  damage(quality: Quality): Reason[];
  verdict(quality: Quality, failing: Reason[]): Verdict;
}

export const DAMAGED: "damaged";
export const LOW_QUALITY: "low_quality";
export const REASONS: readonly Reason["cause"][];

/** A reason in English, with what to do about it. */
export function sentence(reason: Reason): string;

export interface LiveGateSettings {
  /** Seconds that a verdict stays, at least; default 0.5. */
  holdS?: number;
  /** Half the distance between the two thresholds of the score, in points; default 2. */
  margin?: number;
  /** The same for causes; default 0.05. */
  causeMargin?: number;
  /** Points below the least score that reject at once; default 8, null for none. */
  sudden?: number | null;
  /** The same for causes above their limits; default 0.2, null for none. */
  causeSudden?: number | null;
}

/** A verdict on a stream of frames that does not flicker. */
export class LiveGate {
  constructor(gate: Gate, settings?: LiveGateSettings);
  readonly gate: Gate;
  readonly holdNs: number;
  /** @param timestampNs Nanoseconds, an integer, later than those of the frame before. */
  judge(quality: Quality, timestampNs: number): Verdict;
  reset(): void;
}

/** Smooths score, spread and causes of one stream. */
export class Smoother {
  constructor(settings?: { timeConstantS?: number; leastJump?: number; leastCauseJump?: number });
  update(quality: Quality, timestampNs: number): Quality;
  /** Whether a frame comes so late that the past no longer counts. */
  isStale(timestampNs: number): boolean;
  reset(): void;
}

/** Smoothing, then the gate with hysteresis. */
export class LiveJudge {
  constructor(gate: Gate, options?: { smoother?: Smoother; settings?: LiveGateSettings });
  judge(quality: Quality, timestampNs: number): { smoothed: Quality; verdict: Verdict };
  reset(): void;
}

export const MAX_PIXELS: number;

/** @throws {UnreadableImageError} */
export function decodeImage(blob: Blob): Promise<ImageData>;
export function pixelsOf(bitmap: ImageBitmap): ImageData;

/** A result with the keys and the rounding of `edgeiqa score`. */
export interface Row {
  path: string;
  score: number | null;
  std: number | null;
  causes: Partial<Record<Cause, number>>;
  accept: boolean | null;
  /** `value` and `threshold` are null where they are not a number. */
  reasons: { cause: Reason["cause"]; value: number | null; threshold: number | null; decisive: boolean }[];
  error: string | null;
  /** Name and version, such as "base 0.2.0". */
  model: string | null;
  /** Of the upright picture, in pixels. */
  width: number | null;
  height: number | null;
  /** When it was taken, ISO 8601. */
  taken: string | null;
  attributes?: Record<string, number>;
}

/** When a JPEG was taken, ISO 8601; null where it does not say so. */
export function captureTime(blob: Blob): Promise<string | null>;

export const COLUMNS: readonly (keyof Row)[];
export function toRow(
  path: string,
  result: { quality?: Quality | null; verdict?: Verdict | null }
    & Partial<Pick<Row, "error" | "model" | "width" | "height" | "taken">>,
): Row;
export function toJson(rows: readonly Row[]): string;
export function toCsv(rows: readonly Row[]): string;

/** The root of all errors of this package. */
export class EdgeIQAError extends Error {}
export class FrameError extends EdgeIQAError {}
export class ContractError extends EdgeIQAError {}
export class ModelError extends EdgeIQAError {}
export class RuntimeLoadError extends EdgeIQAError {}
export class UnreadableImageError extends EdgeIQAError {}
