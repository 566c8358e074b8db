package org.edgeiqa

/**
 * The product: a frame in, its quality out. Serves all threads, one inference at a time.
 *
 * @property model gives the score.
 * @property causesModel detects causes; null for scores alone.
 * @throws ModelException a network for causes in the place of one for scores, or the other way round.
 */
public class Scorer @JvmOverloads constructor(
    public val model: Model,
    public val causesModel: Model? = null,
) : AutoCloseable {
    init {
        if (model.contract.detectsCauses) {
            throw ModelException(
                "${model.contract.name} ${model.contract.version} detects causes and gives no score; " +
                    "expected a model for scores, such as base",
            )
        }
        if (causesModel?.contract?.detectsCauses == false) {
            throw ModelException(
                "${causesModel.contract.name} gives a score; expected a network for causes",
            )
        }
    }

    /**
     * Scores one frame.
     *
     * @param frame any frame.
     * @return the quality, with causes if there is a network for them.
     */
    public fun score(frame: Frame): Quality {
        val contract = model.contract
        val quality = qualityFromOutputs(model.run(preprocess(frame, contract.input)), contract)
        return if (causesModel == null) quality else quality.copy(causes = causes(frame, causesModel))
    }

    /**
     * A gate with this model's presets.
     *
     * @param preset "relaxed", "normal" or "strict".
     * @param minScore a least score 0-100 of your own instead of the preset.
     * @param maxCauses limits 0-1 of your own per cause; 1 switches a cause off.
     * @throws IllegalArgumentException as [Gate.of].
     */
    @JvmOverloads
    public fun gate(
        preset: String = "normal",
        minScore: Double? = null,
        maxCauses: Map<String, Double> = emptyMap(),
    ): Gate = Gate.of(
        preset, model.contract.gate, causesModel?.contract?.limits.orEmpty(), minScore, maxCauses,
    )

    /** Frees the models. */
    override fun close() {
        model.close()
        causesModel?.close()
    }

    private fun causes(frame: Frame, network: Model): Map<String, Double> {
        val output = network.contract.outputs[0]
        val seen = detail(frame, network.contract.input)
        val values = network.run(seen.tensor).getValue(output.name)
        val found = pooled(values, network.contract.input.views, output.labels.orEmpty()) +
            exposure(seen.small)
        return CAUSES.filter { it in found }.associateWith { found.getValue(it) }
    }
}
