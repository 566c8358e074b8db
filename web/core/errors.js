/** Errors that edgeiqa raises itself; each says what came, what was expected and what to do. */

/** The root of all errors of this package. */
export class EdgeIQAError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A frame whose parts do not fit together: a short buffer, an impossible stride, a wrong size. */
export class FrameError extends EdgeIQAError {}

/** A model file without a contract, or with one that cannot be trusted or understood. */
export class ContractError extends EdgeIQAError {}

/** A model that the runtime cannot open, or that is not what its contract says. */
export class ModelError extends EdgeIQAError {}

/** The WebAssembly runtime cannot be loaded. */
export class RuntimeLoadError extends EdgeIQAError {}

/** A picture that the browser cannot decode. */
export class UnreadableImageError extends EdgeIQAError {}
