/**
 * LiteRT in WebAssembly: the files in the folder `wasm` of the npm package @litertjs/core.
 *
 * The package's own JavaScript refuses models with int8 outputs (2.5.3: "Element type INT8 is not
 * supported"), so the module's bindings are called directly here, as that JavaScript does.
 */

import { RuntimeLoadError } from "./errors.js";

const FILES = {
  relaxed: "litert_wasm_internal.js",
  compat: "litert_wasm_compat_internal.js",
  threaded: "litert_wasm_threaded_internal.js",
};

// A function that returns i8x16.relaxed_swizzle of two vectors.
const RELAXED_SIMD = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1],
  ...[253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
);

/** The build that this browser runs fastest; all of them give the same numbers. */
export function bestBuild() {
  return WebAssembly.validate(RELAXED_SIMD) ? "relaxed" : "compat";
}

/**
 * Loads the runtime; once is enough for any number of models.
 *
 * @param {object} options
 * @param {string | URL} options.url The folder with the files, such as "/litert/".
 * @param {"relaxed" | "compat" | "threaded"} [options.build] By default what `bestBuild` says.
 * @param {number} [options.threads] Threads of one run, with the build "threaded" only, which
 *   needs the page to be cross-origin isolated.
 * @param {Function} [options.factory] The file's `ModuleFactory`, where it is loaded already, as a
 *   module worker has to do.
 * @throws {RuntimeLoadError} No WebAssembly, or the files are not there.
 */
export async function loadRuntime({ url, build, threads = 1, factory }) {
  if (typeof WebAssembly !== "object") {
    throw new RuntimeLoadError(
      "this browser has no WebAssembly, or it is switched off: edgeiqa cannot run its model here",
    );
  }
  const folder = new URL(url, globalThis.location?.href);
  const chosen = build ?? (threads > 1 ? "threaded" : bestBuild());
  if (!FILES[chosen]) {
    throw new RuntimeLoadError(`build is ${chosen}, expected one of ${Object.keys(FILES).join(", ")}`);
  }
  const script = new URL(FILES[chosen], folder).href;
  const said = [];
  try {
    const make = factory ?? (await factoryOf(script));
    const module = await make({
      locateFile: (file) => new URL(file, folder).href,
      mainScriptUrlOrBlob: script,
      print() {},
      printErr: (line) => said.push(line) > 20 && said.shift(),
      onAbort: (why) => said.push(String(why)),
    });
    return new Runtime(module, threads, chosen);
  } catch (error) {
    throw new RuntimeLoadError(
      `the WebAssembly runtime cannot be loaded from ${script}: ${error?.message ?? error}`,
      { cause: error },
    );
  }
}

/** Loads a classic script and takes what it defines. */
async function factoryOf(script) {
  if (typeof importScripts === "function") {
    importScripts(script);
  } else {
    await new Promise((resolve, reject) => {
      const element = document.createElement("script");
      element.src = script;
      element.addEventListener("load", resolve);
      element.addEventListener("error", () => reject(new Error("the script does not load")));
      document.head.append(element);
    });
  }
  const { ModuleFactory } = globalThis;
  if (typeof ModuleFactory !== "function") throw new Error("the script defines no ModuleFactory");
  return ModuleFactory;
}

/** A loaded runtime; see `loadRuntime`. */
export class Runtime {
  constructor(module, threads, build) {
    this.build = build;
    this._module = module;
    this._threads = threads;
    this._environment = module.LiteRtEnvironment.create(null);
  }

  /** Compiles a flatbuffer; `Network.close` frees it. */
  async compile(flatbuffer) {
    const module = this._module;
    const environment = this._environment;
    const bytes = module._malloc(flatbuffer.length);
    if (!bytes) throw new Error(`no memory for a model of ${flatbuffer.length} bytes`);
    try {
      module.HEAPU8.set(flatbuffer, bytes);
      const model = module.loadModel(environment, bytes, flatbuffer.length);
      const compiled = await module.compileModel(environment, model, {
        environment: { liteRtEnvironment: environment },
        accelerator: "wasm",
        cpuOptions: { numThreads: this._threads },
        gpuOptions: {},
        webNNOptions: {},
      });
      return new Network(module, environment, model, compiled, bytes);
    } catch (error) {
      module._free(bytes);
      throw error;
    }
  }
}

/** A compiled model with one input, which is kept between runs. */
class Network {
  constructor(module, environment, model, compiled, bytes) {
    this._module = module;
    this._model = model;
    this._compiled = compiled;
    this._bytes = bytes;
    const type = model.getInputTensorType(0, 0);
    const host = module.LiteRtTensorBufferType.HOST_MEMORY;
    this._input = module.LiteRtTensorBuffer.createManaged(environment, host, type, type.bytes());
    type.delete();
    const signature = model.getSignature(0);
    const names = signature.outputNames();
    /** Names of the outputs, in the order in which `run` gives them. */
    this.outputNames = Array.from({ length: names.size() }, (_, i) => names.get(i));
    names.delete();
    signature.delete();
  }

  /**
   * Runs once.
   *
   * @param {Uint8Array} input The bytes of the input tensor.
   * @returns {Promise<Uint8Array[]>} The bytes of each output, copies.
   */
  async run(input) {
    const module = this._module;
    const { READ, WRITE } = module.LiteRtTensorBufferLockMode;
    const size = this._input.packedSize();
    if (input.length !== size) {
      throw new RangeError(`the input tensor has ${input.length} bytes, expected ${size}`);
    }
    const place = this._input.lock(WRITE);
    module.HEAPU8.set(input, place);
    this._input.unlock();
    const outputs = await this._compiled.run(0, [this._input]);
    return outputs.map((output) => {
      const from = output.lock(READ);
      const bytes = module.HEAPU8.slice(from, from + output.packedSize());
      output.unlock();
      output.delete();
      return bytes;
    });
  }

  close() {
    this._input.delete();
    this._compiled.delete();
    this._model.delete();
    this._module._free(this._bytes);
  }
}
