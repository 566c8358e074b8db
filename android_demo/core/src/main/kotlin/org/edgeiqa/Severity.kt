package org.edgeiqa

import kotlin.math.exp
import kotlin.math.max
import kotlin.math.tanh

/** Luma from here on counts as burnt out. */
private const val CLIPPED = 250

/**
 * Measures what is wrong with the light.
 *
 * With q(p) the luma that a share p of the pixels does not exceed, each severity cut to 0-1:
 *
 * - dark = (160 - (q(0.9) + q(0.99)) / 2) / 120
 * - bright = share of pixels from 250 on / 0.5
 * - low_contrast = (0.75 - (q(0.995) - q(0.005)) / q(0.995)) / 0.6
 *
 * @param luma any number of values 0-255, at least one; the picture reduced, [Detail.small].
 * @return severities 0-1 of "dark", "bright" and "low_contrast".
 */
public fun exposure(luma: ByteArray): Map<String, Double> {
    require(luma.isNotEmpty()) { "luma is empty, expected at least one value" }
    val counts = LongArray(256)
    for (value in luma) counts[value.toInt() and 255]++
    for (i in 1..255) counts[i] += counts[i - 1]
    val total = luma.size.toLong()
    fun quantile(thousandths: Int): Int = counts.indexOfFirst { it * 1000 >= thousandths * total }
    val lights = (quantile(900) + quantile(990)) / 2.0
    val burnt = (total - counts[CLIPPED - 1]).toDouble() / total
    val top = quantile(995)
    val bottom = quantile(5)
    return mapOf(
        "dark" to ((160 - lights) / 120).coerceIn(0.0, 1.0),
        "bright" to (burnt / 0.5).coerceIn(0.0, 1.0),
        "low_contrast" to ((0.75 - (top - bottom).toDouble() / max(top, 1)) / 0.6).coerceIn(0.0, 1.0),
    )
}

/**
 * Joins what a network says of patches to severities of the picture.
 *
 * Per cause the logit is the mean of the patches' levels under the softmax of their weights, over
 * all patches and over those at native resolution alone; the larger counts.
 *
 * @param values [patches * 2 * labels.size]: per patch the levels, then the weights.
 * @param views what each patch is, as in the contract.
 * @param labels names of the causes.
 * @return severity 0-1 per label.
 * @throws IllegalArgumentException a value is NaN or infinite, or there are too few or too many.
 */
public fun pooled(values: DoubleArray, views: List<String>, labels: List<String>): Map<String, Double> {
    require(values.size == views.size * 2 * labels.size) {
        "the network for causes gave ${values.size} numbers, expected ${views.size * 2 * labels.size}"
    }
    require(values.all { it.isFinite() }) {
        "the network for causes gave numbers that are not finite: ${values.contentToString()}"
    }
    val all = views.indices.toList()
    val native = all.filter { views[it] != "reduced" }
    return labels.withIndex().associate { (label, name) ->
        var logit = logit(values, all, label, labels.size)
        if (native.isNotEmpty()) logit = max(logit, logit(values, native, label, labels.size))
        name to sigmoid(logit)
    }
}

private fun logit(values: DoubleArray, patches: List<Int>, label: Int, labels: Int): Double {
    fun weight(patch: Int) = values[patch * 2 * labels + labels + label]
    val most = patches.maxOf { weight(it) }
    var sum = 0.0
    var total = 0.0
    for (patch in patches) {
        val share = exp(weight(patch) - most)
        sum += share * values[patch * 2 * labels + label]
        total += share
    }
    return sum / total
}

/** This form cannot overflow, whatever the sign. */
internal fun sigmoid(x: Double): Double = 0.5 * (1.0 + tanh(0.5 * x))
