/** Takes the contract out of the ZIP at the end of a model file, trusting nothing in it. */

import { ContractError } from "./errors.js";

export const ENTRY = "edgeiqa.json";
export const MAX_JSON_BYTES = 1_000_000;
const MAX_ENTRIES = 64;
const MAX_DIRECTORY_BYTES = 65_536;

const END = 22;
const DIRECTORY_ENTRY = 46;
const LOCAL_HEADER = 30;
const [STORED, DEFLATED] = [0, 8];
const ENCRYPTED = 0x1 | 0x40 | 0x2000;
const WHERE = "the ZIP at the end of the .tflite";

/**
 * The contract's text, and where the first entry of the ZIP starts.
 *
 * @param {Uint8Array} file A whole model file.
 * @returns {Promise<{text: Uint8Array, start: number}>}
 */
export async function readEntry(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const entries = readDirectory(file, view);
  checkPlaces(entries.list, entries.start);
  const entry = contractOf(entries.list);
  const text = await unpacked(file, view, entry);
  return { text, start: Math.min(...entries.list.map((one) => one.offset)) };
}

function none(why) {
  return new ContractError(
    `no contract: the .tflite has no readable ${ENTRY} in a ZIP at its end (${why}); it was not made ` +
      "by `python -m convert`, or it is truncated",
  );
}

function readDirectory(file, view) {
  const end = file.length - END;
  if (end < 0 || view.getUint32(end, true) !== 0x06054b50) throw none("it is no ZIP file");
  const short = (offset) => view.getUint16(end + offset, true);
  const [disk, firstDisk, here, count, comment] = [4, 6, 8, 10, 20].map(short);
  const size = view.getUint32(end + 12, true);
  const start = view.getUint32(end + 16, true);
  if (disk || firstDisk || here !== count || comment) {
    throw new ContractError(`${WHERE} is in several parts, or has a comment`);
  }
  if (count > MAX_ENTRIES || size > MAX_DIRECTORY_BYTES) {
    throw new ContractError(
      `${WHERE} has ${count} entries in ${size} bytes, at most ${MAX_ENTRIES} in ` +
        `${MAX_DIRECTORY_BYTES} are read`,
    );
  }
  if (start + size !== end) {
    throw new ContractError(
      `the directory of the ZIP should end at byte ${end} of the .tflite, but says ${start + size}`,
    );
  }
  const list = [];
  for (let at = start; at < end; ) {
    if (at + DIRECTORY_ENTRY > end || view.getUint32(at, true) !== 0x02014b50) {
      throw none("its directory is damaged");
    }
    const nameLength = view.getUint16(at + 28, true);
    const length = DIRECTORY_ENTRY + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (at + length > end) throw none("its directory is damaged");
    list.push({
      name: latin(file.subarray(at + DIRECTORY_ENTRY, at + DIRECTORY_ENTRY + nameLength)),
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      checksum: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      attributes: view.getUint32(at + 38, true),
      offset: view.getUint32(at + 42, true),
    });
    at += length;
  }
  return { list, start };
}

function latin(bytes) {
  return String.fromCharCode(...bytes);
}

/** Entries lie after each other, in front of the directory. */
function checkPlaces(entries, directory) {
  let end = 0;
  for (const entry of [...entries].sort((a, b) => a.offset - b.offset)) {
    if (entry.offset < end) throw new ContractError(`entries of ${WHERE} overlap`);
    end = entry.offset + LOCAL_HEADER + entry.packed;
  }
  if (end > directory) throw new ContractError(`an entry of ${WHERE} reaches beyond its end`);
}

function contractOf(entries) {
  const found = entries.filter((entry) => entry.name === ENTRY);
  if (found.length !== 1) {
    throw new ContractError(`${found.length} entries ${ENTRY} in ${WHERE}, expected one`);
  }
  const [entry] = found;
  if (entry.size > MAX_JSON_BYTES) {
    throw new ContractError(`${ENTRY} is larger than ${MAX_JSON_BYTES} bytes`);
  }
  if (entry.flags & ENCRYPTED) throw new ContractError(`${ENTRY} is encrypted`);
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    throw new ContractError(`${ENTRY} is packed by method ${entry.method}`);
  }
  const mode = entry.attributes >>> 16;
  if (entry.attributes & 0x10 || ![0, 0o100000].includes(mode & 0o170000)) {
    throw new ContractError(`${ENTRY} is no plain file, its mode is 0o${mode.toString(8)}`);
  }
  return entry;
}

async function unpacked(file, view, entry) {
  const at = entry.offset;
  if (view.getUint32(at, true) !== 0x04034b50) throw none("an entry has no header");
  const nameLength = view.getUint16(at + 26, true);
  const start = at + LOCAL_HEADER + nameLength + view.getUint16(at + 28, true);
  const name = latin(file.subarray(at + LOCAL_HEADER, at + LOCAL_HEADER + nameLength));
  if (name !== entry.name) throw none("an entry's two names differ");
  const packed = file.subarray(start, start + entry.packed);
  const text = entry.method === STORED ? packed : await inflated(packed);
  if (text.length > MAX_JSON_BYTES) {
    throw new ContractError(`${ENTRY} is larger than ${MAX_JSON_BYTES} bytes`);
  }
  if (text.length !== entry.size || crc32(text) !== entry.checksum) {
    throw none("an entry is damaged: its length or checksum is another");
  }
  return text;
}

/** Inflates at most a little more than is read. */
async function inflated(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const reader = stream.getReader();
  const parts = [];
  let length = 0;
  try {
    while (length <= MAX_JSON_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      length += value.length;
    }
  } catch (error) {
    throw none(`it cannot be inflated: ${error.message}`);
  }
  await reader.cancel();
  const whole = new Uint8Array(length);
  let to = 0;
  for (const part of parts) {
    whole.set(part, to);
    to += part.length;
  }
  return whole;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}
