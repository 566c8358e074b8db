/** Pictures from files, upright, as the browser decodes them. */

import { UnreadableImageError } from "./errors.js";

/** Larger pictures are refused: as RGBA this is 400 MB. */
export const MAX_PIXELS = 100_000_000;

/**
 * Decodes a picture. EXIF orientation is applied, colour profiles are not, as in Python. The decoder
 * is the browser's: scores of JPEGs may differ from Python's by a fraction of a point.
 *
 * @param {Blob} blob A file that the browser can show.
 * @returns {Promise<ImageData>}
 * @throws {UnreadableImageError} No picture, or one that is too large.
 */
export async function decodeImage(blob) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, {
      imageOrientation: "from-image",
      premultiplyAlpha: "none",
      colorSpaceConversion: "none",
    });
  } catch (error) {
    throw new UnreadableImageError("not a picture that this browser can decode", { cause: error });
  }
  try {
    return pixelsOf(bitmap);
  } finally {
    bitmap.close();
  }
}

/** The pixels of a bitmap. */
export function pixelsOf(bitmap) {
  const { width, height } = bitmap;
  if (width * height > MAX_PIXELS) {
    throw new UnreadableImageError(
      `${width}x${height} pixels are more than the ${MAX_PIXELS / 1e6} million that are decoded here`,
    );
  }
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new UnreadableImageError(`the browser has no canvas of ${width}x${height} pixels`);
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height);
}
