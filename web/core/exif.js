/** When a JPEG was taken, from its EXIF tags. */

const EXIF_IFD = 0x8769;
const DATE_TIME_ORIGINAL = 0x9003;
const OFFSET_TIME_ORIGINAL = 0x9011;
const SUBSEC_TIME_ORIGINAL = 0x9291;
const ASCII = 2;
/** EXIF comes first in a JPEG, in a segment of at most 64 kB. */
const HEAD = 1 << 18;

/**
 * The capture time as ISO 8601, as Python's results have it.
 *
 * @param {Blob} blob Any file.
 * @returns {Promise<string | null>} null where it is no JPEG or says nothing, or something broken.
 */
export async function captureTime(blob) {
  try {
    const view = new DataView(await blob.slice(0, HEAD).arrayBuffer());
    const start = exifStart(view);
    return start === null ? null : timeOf(tagsOf(view, start));
  } catch (error) {
    if (error instanceof RangeError) return null; // An offset leads outside.
    throw error;
  }
}

/** Where the TIFF header of the EXIF segment is. */
function exifStart(view) {
  if (view.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xda) return null;
    if (marker === 0xe1 && view.getUint32(at + 4) === 0x45786966) return at + 10;
  }
  return null;
}

/** The texts of the EXIF directory, by tag. */
function tagsOf(view, start) {
  const little = view.getUint16(start) === 0x4949;
  const texts = new Map();
  const read = (offset, visit) => {
    const count = view.getUint16(start + offset, little);
    for (let i = 0; i < count; i++) visit(start + offset + 2 + 12 * i);
  };
  const long = (at) => view.getUint32(at, little);
  read(long(start + 4), (entry) => {
    if (view.getUint16(entry, little) !== EXIF_IFD) return;
    read(long(entry + 8), (inner) => {
      if (view.getUint16(inner + 2, little) !== ASCII) return;
      const length = Math.min(long(inner + 4), 64);
      const from = length > 4 ? start + long(inner + 8) : inner + 8;
      const codes = Array.from({ length }, (_, i) => view.getUint8(from + i));
      const text = String.fromCharCode(...codes).replace(/^[\0 ]+|[\0 ]+$/g, "");
      texts.set(view.getUint16(inner, little), text);
    });
  });
  return texts;
}

function timeOf(texts) {
  const [day, ...rest] = (texts.get(DATE_TIME_ORIGINAL) ?? "").slice(0, 19).split(" ");
  const time = rest.join(" ");
  const digits = (day + time).replaceAll(":", "");
  if (!/^\d{14}$/.test(digits) || digits.startsWith("0000")) return null;
  const fraction = texts.get(SUBSEC_TIME_ORIGINAL) ?? "";
  const offset = texts.get(OFFSET_TIME_ORIGINAL) ?? "";
  const parts = [day.replaceAll(":", "-"), "T", time];
  if (/^\d+$/.test(fraction)) parts.push(".", fraction.slice(0, 9));
  if (/^[-+]\d\d:\d\d$/.test(offset)) parts.push(offset);
  return parts.join("");
}
