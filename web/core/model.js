/** A .tflite with its contract: open it, check it, run it. */

import { readContract, tensorShape, valuesOf } from "./contract.js";
import { ModelError } from "./errors.js";
import { readEnds } from "./flatbuffer.js";

const ARRAYS = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array, float32: Float32Array };

export class Model {
  /** Use `Model.open`. */
  constructor(contract, network, outputs) {
    /** What the file says about itself. */
    this.contract = contract;
    this._network = network;
    this._outputs = outputs;
    this._last = Promise.resolve();
  }

  /**
   * Opens a model and checks it against its contract.
   *
   * @param {import("./runtime.js").Runtime} runtime
   * @param {Uint8Array | ArrayBuffer} data The bytes of the file.
   * @throws {ContractError} No contract, or a damaged or newer one.
   * @throws {ModelError} The network is damaged or at odds with its contract.
   */
  static async open(runtime, data) {
    const { contract, flatbuffer } = await readContract(data);
    const { inputs, outputs } = readEnds(flatbuffer);
    checkTogether(inputs, outputs, contract);
    let network;
    try {
      network = await runtime.compile(flatbuffer);
    } catch (error) {
      throw new ModelError(`the runtime cannot open ${contract.name}: ${error?.message ?? error}`, {
        cause: error,
      });
    }
    const places = network.outputNames.map((name) => outputs.findIndex((one) => one.name === name));
    const ordered = contract.outputs.map((output, index) => ({
      ...outputs[index],
      name: output.name,
      // Where names are of no help, the order is that of the flatbuffer.
      place: places.includes(-1) ? index : places.indexOf(index),
    }));
    return new Model(contract, network, ordered);
  }

  /**
   * Runs the model once; calls wait for each other.
   *
   * @param {Uint8Array} tensor As `preprocess` or `detail` makes it.
   * @returns {Promise<Map<string, Int8Array | Uint8Array | Int16Array | Float32Array>>} The numbers
   *   as they come, by the output's name.
   */
  async runRaw(tensor) {
    const wanted = tensorShape(this.contract).reduce((product, side) => product * side, 1);
    if (!(tensor instanceof Uint8Array) || tensor.length !== wanted) {
      throw new RangeError(
        `the tensor is ${tensor?.constructor?.name} of ${tensor?.length}, expected Uint8Array of ${wanted}`,
      );
    }
    const floats = this.contract.input.dtype === "float32";
    const bytes = floats ? new Uint8Array(Float32Array.from(tensor).buffer) : tensor;
    const run = this._last.then(() => this._network.run(bytes));
    this._last = run.catch(() => {});
    const made = await run;
    return new Map(
      this._outputs.map(({ name, type, place }) => [name, new ARRAYS[type](made[place].buffer)]),
    );
  }

  /** The same, dequantised in double: (q - zero point) * scale. */
  async run(tensor) {
    const raw = await this.runRaw(tensor);
    return new Map(
      this._outputs.map(({ name, type, scale, zeroPoint }) => {
        const values = Float64Array.from(raw.get(name));
        const quantised = type !== "float32" && scale;
        return [name, quantised ? values.map((q) => (q - zeroPoint) * scale) : values];
      }),
    );
  }

  /** Frees the model's memory; it cannot be run any more. */
  close() {
    this._network.close();
  }
}

function checkTogether(inputs, outputs, contract) {
  if (inputs.length !== 1) {
    throw new ModelError(`the flatbuffer has ${inputs.length} inputs, expected one picture`);
  }
  const shape = tensorShape(contract);
  const [input] = inputs;
  const { dtype } = contract.input;
  if (`${input.shape}` !== `${shape}` || input.type !== dtype) {
    throw new ModelError(
      `the flatbuffer takes ${input.type} [${input.shape}], its contract says ${dtype} [${shape}]`,
    );
  }
  if (outputs.length !== contract.outputs.length) {
    throw new ModelError(
      `the flatbuffer has ${outputs.length} outputs, its contract names ${contract.outputs.length}`,
    );
  }
  contract.outputs.forEach((output, index) => {
    const { type, shape: sides, scales } = outputs[index];
    if (!ARRAYS[type]) {
      throw new ModelError(`output ${output.name} is ${type}, expected int8 or float32`);
    }
    if (type !== "float32" && scales !== 1) {
      throw new ModelError(`output ${output.name} is ${type} without a scale`);
    }
    const wanted = valuesOf(contract, output);
    const values = sides.reduce((product, side) => product * side, 1);
    if (values !== (wanted ?? values) || (sides.length > 1 && sides[0] !== 1)) {
      throw new ModelError(
        `output ${output.name} has the shape [${sides}], its contract says [1,${wanted ?? "any"}]`,
      );
    }
  });
}
