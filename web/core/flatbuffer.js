/**
 * What a .tflite says about its inputs and outputs: the few tables of TFLite's schema that are needed
 * to check a model against its contract and to dequantise what it gives.
 */

import { ModelError } from "./errors.js";

const TYPES = { 0: "float32", 2: "int32", 3: "uint8", 7: "int16", 9: "int8" };
const MAX_SIDES = 8;

/**
 * Reads the graph's ends.
 *
 * @param {Uint8Array} flatbuffer Without anything appended.
 * @returns {{inputs: object[], outputs: object[]}} each {index, name, type, shape, scale, zeroPoint,
 *   scales}; `name` is that of the signature where there is one.
 * @throws {ModelError} An offset leads outside.
 */
export function readEnds(flatbuffer) {
  try {
    return ends(new Reader(flatbuffer));
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError(`the flatbuffer is damaged: ${error.message}`, { cause: error });
  }
}

function ends(reader) {
  const model = reader.table(0);
  const graphs = reader.tables(model, 2);
  if (graphs.length !== 1) {
    throw new ModelError(`the flatbuffer has ${graphs.length} subgraphs, expected one`);
  }
  const tensors = reader.tables(graphs[0], 0);
  const names = new Map();
  for (const signature of reader.tables(model, 7).slice(0, 1)) {
    for (const field of [0, 1]) {
      for (const entry of reader.tables(signature, field)) {
        names.set(reader.uint32(entry, 1), reader.string(entry, 0));
      }
    }
  }
  const tensorsOf = (field) =>
    reader.int32s(graphs[0], field).map((index) => {
      if (!(index >= 0 && index < tensors.length)) {
        throw new ModelError(`the flatbuffer has ${tensors.length} tensors and names number ${index}`);
      }
      return tensorOf(reader, tensors[index], index, names);
    });
  return { inputs: tensorsOf(1), outputs: tensorsOf(2) };
}

function tensorOf(reader, table, index, names) {
  const type = reader.byte(table, 1);
  const shape = reader.int32s(table, 0);
  if (shape.length > MAX_SIDES || shape.some((side) => side < 1)) {
    throw new ModelError(`tensor ${index} has the shape [${shape}]`);
  }
  const found = { index, name: names.get(index) ?? reader.string(table, 3), shape };
  found.type = TYPES[type] ?? `type ${type}`;
  const quantisation = reader.follow(table, 4);
  const scales = quantisation === null ? [] : reader.vector(quantisation, 2, 4, "getFloat32");
  const zeros = quantisation === null ? [] : reader.vector(quantisation, 3, 8, "getBigInt64");
  return { ...found, scales: scales.length, scale: scales[0] ?? 0, zeroPoint: Number(zeros[0] ?? 0) };
}

/** Follows offsets; a DataView raises for whatever lies outside. */
class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  table(at) {
    return at + this.view.getUint32(at, true);
  }

  /** Where a field of a table lies; null if it is at its default. */
  field(table, number) {
    const vtable = table - this.view.getInt32(table, true);
    const entry = 4 + 2 * number;
    if (entry + 2 > this.view.getUint16(vtable, true)) return null;
    const offset = this.view.getUint16(vtable + entry, true);
    return offset ? table + offset : null;
  }

  follow(table, number) {
    const at = this.field(table, number);
    return at === null ? null : this.table(at);
  }

  byte(table, number) {
    const at = this.field(table, number);
    return at === null ? 0 : this.view.getInt8(at);
  }

  uint32(table, number) {
    const at = this.field(table, number);
    return at === null ? 0 : this.view.getUint32(at, true);
  }

  vector(table, number, size, get) {
    const at = this.follow(table, number);
    if (at === null) return [];
    const length = this.view.getUint32(at, true);
    if (at + 4 + length * size > this.bytes.length) throw new RangeError("a list reaches beyond its end");
    return Array.from({ length }, (_, i) => this.view[get](at + 4 + i * size, true));
  }

  int32s(table, number) {
    return this.vector(table, number, 4, "getInt32");
  }

  tables(table, number) {
    const at = this.follow(table, number);
    const offsets = this.vector(table, number, 4, "getUint32");
    return offsets.map((offset, i) => at + 4 + 4 * i + offset);
  }

  string(table, number) {
    const at = this.follow(table, number);
    if (at === null) return "";
    const length = this.view.getUint32(at, true);
    return new TextDecoder().decode(this.bytes.subarray(at + 4, at + 4 + length));
  }
}
