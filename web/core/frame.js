/**
 * A picture as it lies in memory: bytes, how to read them, and which way is up.
 *
 * The layouts are those of docs/preprocessing.md, "Formats". A frame checks once, when it is made,
 * that its parts fit together and that every byte it can reach is there.
 */

import { FrameError } from "./errors.js";

export const PIXEL_FORMATS = Object.freeze([
  "RGB", "BGR", "RGBA", "BGRA", "GRAY", "NV12", "NV21", "I420", "YUYV", "YUV_420_888",
]);

const YUV = new Set(["NV12", "NV21", "I420", "YUYV", "YUV_420_888"]);
const MATRICES = ["BT.601", "BT.709"];
const RANGES = ["limited", "full"];

/** Values per pixel of the packed formats. */
const CHANNELS = { RGB: 3, BGR: 3, RGBA: 4, BGRA: 4, GRAY: 1 };

export class Frame {
  /**
   * Use `fromBuffer`, `fromPlanes`, `fromImageData` or `fromVideoFrame`.
   *
   * @param {object} parts `planes`, each {data, offset, rowStride, pixelStride, rows, columns}.
   */
  constructor(format, width, height, planes, options = {}) {
    this.format = format;
    this.width = width;
    this.height = height;
    this.planes = planes;
    this.rotation = rotationOf(options.rotation ?? 0);
    this.roi = options.roi == null ? null : roiOf(options.roi, width, height);
    this.matrix = oneOf(options.matrix ?? "BT.601", MATRICES, "matrix");
    this.range = oneOf(options.range ?? "limited", RANGES, "range");
    Object.freeze(this);
  }

  /** Whether colour is in planes of its own. */
  get isYuv() {
    return YUV.has(this.format);
  }

  /** {width, height} of the upright region of interest, in pixels. */
  get size() {
    const width = this.roi ? this.roi[2] : this.width;
    const height = this.roi ? this.roi[3] : this.height;
    return this.rotation % 180 ? { width: height, height: width } : { width, height };
  }

  /** A frame in one buffer. It looks at `data` and copies nothing. */
  static fromBuffer(data, width, height, format, options = {}) {
    const bytes = bytesOf(data, "data");
    oneOf(format, PIXEL_FORMATS, "format");
    if (format === "YUV_420_888") {
      throw new FrameError(
        "YUV_420_888 is three planes, not one buffer: use Frame.fromPlanes, or say which of NV12, " +
          "NV21 and I420 the buffer holds",
      );
    }
    side(width, "width");
    side(height, "height");
    const least = format === "YUYV" ? 4 * half(width) : width * (CHANNELS[format] ?? 1);
    const stride = strideOf(options.rowStride, least, "rowStride");
    const what = `a ${width}x${height} ${format} picture with rows of ${stride} bytes`;
    if (!YUV.has(format) || format === "YUYV") {
      for (const name of ["chromaRowStride", "chromaOffset"]) {
        if (options[name] != null) {
          throw new FrameError(`${name} is ${options[name]}, but ${format} has no chroma rows`);
        }
      }
      checkLength(bytes, stride * (height - 1) + least, what);
      const planes =
        format === "YUYV"
          ? yuyvPlanes(bytes, width, height, stride)
          : [plane(bytes, 0, stride, CHANNELS[format], height, width)];
      return new Frame(format, width, height, planes, options);
    }
    const rows = half(height);
    const columns = half(width);
    const planar = format === "I420";
    const row = planar ? columns : 2 * columns;
    const chromaStride =
      options.chromaRowStride == null
        ? Math.max(row, planar ? half(stride) : stride)
        : strideOf(options.chromaRowStride, row, "chromaRowStride");
    let start = stride * height;
    if (options.chromaOffset != null) {
      start = integer(options.chromaOffset, "chromaOffset");
      if (start < stride * (height - 1) + width) {
        throw new FrameError(`chromaOffset is ${start}, inside the Y plane of ${what}`);
      }
    }
    const second = planar ? start + chromaStride * rows : start + 1;
    const step = planar ? 1 : 2;
    checkLength(bytes, second + chromaStride * (rows - 1) + step * (columns - 1) + 1, what);
    const chroma = [start, second].map((o) => plane(bytes, o, chromaStride, step, rows, columns));
    if (format === "NV21") chroma.reverse();
    const planes = [plane(bytes, 0, stride, 1, height, width), ...chroma];
    return new Frame(format, width, height, planes, options);
  }

  /** A frame in three planes of 4:2:0: Y, U and V, each {data, rowStride, pixelStride}. */
  static fromPlanes(y, u, v, width, height, options = {}) {
    const format = oneOf(options.format ?? "YUV_420_888", PIXEL_FORMATS, "format");
    if (!YUV.has(format)) throw new FrameError(`format is ${format}, expected one of YUV`);
    side(width, "width");
    side(height, "height");
    const chroma = [format === "YUYV" ? height : half(height), half(width)];
    const planes = [y, u, v].map((given, index) => {
      const [rows, columns] = index ? chroma : [height, width];
      return splitPlane(given, rows, columns, "YUV"[index]);
    });
    return new Frame(format, width, height, planes, options);
  }

  /** A frame of what a canvas gives: RGBA with straight alpha. */
  static fromImageData(image, options = {}) {
    const { data, width, height } = image;
    if (!(data instanceof Uint8ClampedArray || data instanceof Uint8Array)) {
      throw new TypeError(
        `the ImageData holds ${data?.constructor?.name}, expected Uint8ClampedArray; ask for ` +
          'pixelFormat "rgba-unorm8"',
      );
    }
    return Frame.fromBuffer(data, width, height, "RGBA", options);
  }

  /**
   * A frame of a VideoFrame, whose pixels are copied. Colours are read as `colorSpace` says; what it
   * leaves open is BT.601, limited range, as everywhere in edgeiqa.
   */
  static async fromVideoFrame(video, options = {}) {
    const { format } = video;
    if (format === null) {
      throw new FrameError("the VideoFrame has no pixels to read (format is null): draw it on a canvas");
    }
    const data = new Uint8Array(video.allocationSize());
    const layout = await video.copyTo(data);
    const { width, height } = video.visibleRect;
    const { matrix, fullRange } = video.colorSpace ?? {};
    const more = {
      rotation: video.rotation ?? 0,
      matrix: matrix === "bt709" ? "BT.709" : "BT.601",
      range: fullRange ? "full" : "limited",
      ...options,
    };
    const part = (index, pixelStride, skip = 0) => ({
      data: data.subarray(layout[index].offset + skip),
      rowStride: layout[index].stride,
      pixelStride,
    });
    if (format === "I420" || format === "I420A") {
      return Frame.fromPlanes(part(0, 1), part(1, 1), part(2, 1), width, height, more);
    }
    if (format === "NV12") {
      return Frame.fromPlanes(part(0, 1), part(1, 2), part(1, 2, 1), width, height, more);
    }
    const packed = { RGBA: "RGBA", RGBX: "RGB", BGRA: "BGRA", BGRX: "BGR" }[format];
    if (!packed) {
      throw new FrameError(
        `the VideoFrame's format is ${format}, expected I420, NV12, RGBA, RGBX, BGRA or BGRX: draw ` +
          "it on a canvas",
      );
    }
    const { offset, stride } = layout[0];
    const last = offset + stride * (height - 1) + 4 * width;
    checkLength(data, last, `a ${width}x${height} ${format} VideoFrame`);
    return new Frame(packed, width, height, [plane(data, offset, stride, 4, height, width)], more);
  }
}

function plane(data, offset, rowStride, pixelStride, rows, columns) {
  return { data, offset, rowStride, pixelStride, rows, columns };
}

function yuyvPlanes(bytes, width, height, stride) {
  return [
    plane(bytes, 0, stride, 2, height, width),
    plane(bytes, 1, stride, 4, height, half(width)),
    plane(bytes, 3, stride, 4, height, half(width)),
  ];
}

function splitPlane(given, rows, columns, name) {
  if (given === null || typeof given !== "object") {
    throw new TypeError(`plane ${name} is ${given}, expected {data, rowStride, pixelStride}`);
  }
  const bytes = bytesOf(given.data, `plane ${name}`);
  const step = integer(given.pixelStride ?? 1, `the pixel stride of ${name}`);
  if (step < 1) throw new FrameError(`the pixel stride of ${name} is ${step}, expected at least 1`);
  const least = step * (columns - 1) + 1;
  const stride =
    given.rowStride == null
      ? step * columns
      : strideOf(given.rowStride, least, `the row stride of ${name}`);
  // Android leaves out the padding of the last row, and what is between its last sample and it.
  checkLength(
    bytes,
    stride * (rows - 1) + least,
    `plane ${name} of ${columns}x${rows} samples, row stride ${stride}, pixel stride ${step}`,
  );
  return plane(bytes, 0, stride, step, rows, columns);
}

function half(value) {
  return Math.ceil(value / 2);
}

function bytesOf(data, what) {
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new TypeError(
    `${what} is ${data?.constructor?.name ?? data}, expected Uint8Array, Uint8ClampedArray or ` +
      "ArrayBuffer",
  );
}

function integer(value, name) {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${name} is ${value}, expected an integer`);
  return value;
}

function side(value, name) {
  if (integer(value, name) < 1) throw new FrameError(`${name} is ${value}, expected at least 1 pixel`);
}

function strideOf(value, least, name) {
  if (value == null) return least;
  if (integer(value, name) < least) {
    throw new FrameError(`${name} is ${value} bytes, expected at least the ${least} of a row`);
  }
  return value;
}

function checkLength(bytes, needed, what) {
  if (bytes.length < needed) {
    throw new FrameError(
      `${what} needs ${needed} bytes, got ${bytes.length}: ${needed - bytes.length} are missing`,
    );
  }
}

function oneOf(value, known, name) {
  if (!known.includes(value)) {
    throw new FrameError(`${name} is ${JSON.stringify(value)}, expected one of ${known.join(", ")}`);
  }
  return value;
}

function rotationOf(value) {
  if (![0, 90, 180, 270].includes(integer(value, "rotation"))) {
    throw new FrameError(`rotation is ${value}, expected 0, 90, 180 or 270 degrees clockwise`);
  }
  return value;
}

function roiOf(value, width, height) {
  const roi = Array.from(value);
  if (roi.length !== 4) {
    throw new FrameError(`roi is [${roi.join(", ")}], expected [x, y, width, height]`);
  }
  const [x, y, w, h] = roi.map((number) => integer(number, "a number of roi"));
  if (x < 0 || y < 0 || w < 1 || h < 1 || x + w > width || y + h > height) {
    throw new FrameError(
      `roi [x=${x}, y=${y}, width=${w}, height=${h}] is not inside the buffer of width ${width} and ` +
        `height ${height}`,
    );
  }
  return Object.freeze(roi);
}
