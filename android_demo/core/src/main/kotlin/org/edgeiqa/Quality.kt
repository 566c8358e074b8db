package org.edgeiqa

import kotlin.math.abs
import kotlin.math.exp
import kotlin.math.max
import kotlin.math.sqrt

/**
 * How good a photograph looks.
 *
 * @property score 0-100, higher is better: the expected mean opinion score after calibration.
 * @property std a standard deviation in the same units, 0-100: how far off the score is where the
 *     model's contract calibrates it; null for models that say nothing about it.
 * @property histogram expected share of opinions per bin, worst first, adding up to 1; or null. Not
 *     calibrated.
 * @property bins centres of these bins on 0-1; or null.
 * @property causes severities 0-1 of what spoils the picture, by name, in the order of [CAUSES];
 *     empty for models that do not say. About 0.5 and more is plain to see.
 * @property attributes what else the model measures, by its own labels and in its own units.
 * @property damaged whether the picture lost data, such as in a broken transfer. A [Scorer] cannot know
 *     it of pixels; a decoder may.
 * @property missing the share of rows 0-1 known to be missing in a damaged picture; 0 if unknown.
 */
public data class Quality(
    val score: Double,
    val std: Double? = null,
    val histogram: List<Double>? = null,
    val bins: List<Double>? = null,
    val causes: Map<String, Double> = emptyMap(),
    val attributes: Map<String, Double> = emptyMap(),
    val damaged: Boolean = false,
    val missing: Double = 0.0,
)

/**
 * Reads a model's outputs as its contract says.
 *
 * @param outputs per output's name its values, dequantised, as [Model.run] gives them.
 * @param contract of the model.
 * @throws IllegalArgumentException an output holds NaN or infinity, or a histogram without any share.
 */
public fun qualityFromOutputs(outputs: Map<String, DoubleArray>, contract: Contract): Quality {
    for ((name, numbers) in outputs) {
        require(numbers.all { it.isFinite() }) {
            "the model's output '$name' is not finite: ${numbers.contentToString()}"
        }
    }
    val spec = contract.scoreOutput
    val calibration = contract.calibration
    val values = activated(outputs.getValue(spec.name), spec.activation)
    var std: Double? = null
    var histogram: List<Double>? = null
    val raw: Double
    if (spec.bins != null) {
        val shares = if (spec.kind == "histogram_logits") softmax(values) else shares(values)
        raw = shares.indices.sumOf { shares[it] * spec.bins[it] }
        val spread = sqrt(shares.indices.sumOf { shares[it] * square(spec.bins[it] - raw) })
        std = calibration.std(abs(calibration.scale) * spread)
        histogram = shares.toList()
    } else if (spec.labels != null && spec.scoreLabel != null) {
        raw = values[spec.labels.indexOf(spec.scoreLabel)]
    } else {
        raw = values[0]
    }
    val score = (calibration.scale * raw + calibration.offset).coerceIn(0.0, 100.0)
    return Quality(score, std, histogram, spec.bins, attributes = attributes(outputs, contract))
}

private fun square(x: Double) = x * x

private fun activated(values: DoubleArray, activation: String): DoubleArray =
    if (activation == "sigmoid") DoubleArray(values.size) { sigmoid(values[it]) } else values

private fun softmax(logits: DoubleArray): DoubleArray {
    val most = logits.max()
    val powers = DoubleArray(logits.size) { exp(logits[it] - most) }
    val total = powers.sum()
    return DoubleArray(powers.size) { powers[it] / total }
}

/** A histogram that quantisation may have left slightly off a sum of 1. */
private fun shares(values: DoubleArray): DoubleArray {
    val total = values.sumOf { max(it, 0.0) }
    require(total > 0.0) { "the model's histogram is empty" }
    return DoubleArray(values.size) { max(values[it], 0.0) / total }
}

private fun attributes(outputs: Map<String, DoubleArray>, contract: Contract): Map<String, Double> =
    contract.outputs.flatMap { spec ->
        val values = activated(outputs.getValue(spec.name), spec.activation)
        spec.labels.orEmpty().mapIndexed { i, label -> label to values[i] }
    }.toMap()
