/** The product: a picture in, its quality out. */

import { detectsCauses } from "./contract.js";
import { detail } from "./detail.js";
import { ModelError } from "./errors.js";
import { Frame } from "./frame.js";
import { Gate } from "./gate.js";
import { Model } from "./model.js";
import { preprocess } from "./preprocess.js";
import { qualityFromOutputs } from "./quality.js";
import { exposure, inOrder, pooled } from "./severity.js";

/** Scores pictures with one model. The same pixels give the score that Python gives. */
export class Scorer {
  /** Use `Scorer.open`. */
  constructor(model, causes) {
    this.model = model;
    this.causes = causes;
  }

  /**
   * Opens the models.
   *
   * @param {object} options
   * @param {import("./runtime.js").Runtime} options.runtime See `loadRuntime`.
   * @param {Uint8Array | ArrayBuffer} options.model The bytes of a model for scores.
   * @param {Uint8Array | ArrayBuffer | null} [options.causes] Those of a network for causes; without
   *   one, qualities list no causes.
   * @throws {ContractError} A file without a contract, or with a damaged or newer one.
   * @throws {ModelError} A file that is not what its contract says, or of the other kind.
   */
  static async open({ runtime, model, causes = null }) {
    const opened = await Model.open(runtime, model);
    if (detectsCauses(opened.contract)) {
      throw new ModelError(
        `${opened.contract.name} detects causes and gives no score; expected a model for scores, such ` +
          "as base",
      );
    }
    const network = causes && (await Model.open(runtime, causes));
    if (network && !detectsCauses(network.contract)) {
      throw new ModelError(`${network.contract.name} gives a score; a network for causes is wanted`);
    }
    return new Scorer(opened, network);
  }

  /** What the model says about itself. */
  get contract() {
    return this.model.contract;
  }

  /**
   * Scores one picture.
   *
   * @param {ImageData | VideoFrame | Frame} source A VideoFrame is not closed.
   */
  async score(source) {
    const frame = await toFrame(source);
    const outputs = await this.model.run(preprocess(frame, this.contract.input));
    const quality = qualityFromOutputs(outputs, this.contract);
    if (this.causes) {
      const { input, outputs: specs } = this.causes.contract;
      const seen = detail(frame, input);
      const values = (await this.causes.run(seen.tensor)).get(specs[0].name);
      quality.causes = inOrder({
        ...pooled(values, input.views, specs[0].labels),
        ...exposure(seen.small),
      });
    }
    return quality;
  }

  /** A gate with this model's presets; see `Gate.ofPreset`. */
  gate(preset = "normal", own = {}) {
    return Gate.ofPreset(this.contract, this.causes?.contract ?? null, preset, own);
  }

  /** Frees the memory of both networks. */
  close() {
    this.model.close();
    this.causes?.close();
  }
}

/** Whatever `Scorer.score` takes, as a frame. */
export async function toFrame(source) {
  if (source instanceof Frame) return source;
  if (typeof VideoFrame === "function" && source instanceof VideoFrame) {
    return Frame.fromVideoFrame(source);
  }
  if (typeof ImageData === "function" && source instanceof ImageData) {
    return Frame.fromImageData(source);
  }
  throw new TypeError(
    `cannot score a ${source?.constructor?.name ?? source}, expected ImageData, VideoFrame or Frame`,
  );
}
