package org.edgeiqa

import kotlin.math.ln
import kotlin.math.max

// Log odds per unit of each term, as in Python's edgeiqa.burst; docs/burst.md says where they are from.
private val DETAIL = doubleArrayOf(4.971, 0.5099, 11.49, 7.369)
private val ACROSS = doubleArrayOf(2.312, 0.4846, 0.7285, -0.3974)
private val EDGES = doubleArrayOf(5.091, -6.531)
private const val NOISE = -8.627
private const val NOISE_LOW = 2.413
private const val BLOCKS = 1.633
private const val BLOCKS_ON_DETAIL = -4.448
private const val LEVEL = 19.42
private const val LEVEL_SQUARED = -0.7055
private const val CONTRAST = 26.53
private const val BRIGHT = -0.2797
private const val DARK = 0.1129
private const val HEADROOM = -19.66

/**
 * A frame in its place among the others of its moment.
 *
 * @property index which of the frames that came, from 0.
 * @property value log odds against the average frame of this moment; one frame is taken to be better
 *     than another with the probability 1 / (1 + exp(other - value)).
 */
public class Ranked internal constructor(public val index: Int, public val value: Double)

/**
 * Ranks frames of one moment: by detail, noise, compression and exposure at the resolution of the
 * sensor, and by their scores.
 *
 * A score sees a small copy, and its differences of a point or two mean nothing; this compares what
 * frames of the same scene have at the same places.
 *
 * @param frames of one scene and about one size; the first chooses the places.
 * @return all of them, best first; equal ones in the order in which they came.
 * @throws IllegalArgumentException frames of different resolutions.
 */
public fun rankMoment(frames: List<ScoredFrame>): List<Ranked> {
    if (frames.isEmpty()) return emptyList()
    val places = Places(frames[0].frame)
    val totals = frames.map { value(places.measure(it.frame), it.quality.score) }
    val mean = totals.average()
    return totals.mapIndexed { index, total -> Ranked(index, total - mean) }.sortedByDescending { it.value }
}

/** The weighted sum of what is measured of a frame, so turned that each term says one thing. */
private fun value(found: FrameDetail, score: Double): Double {
    // Twice the light is four times the energy of gradients: detail counts relative to brightness.
    val level = ln(128.0 * max(0.0, found.mean) + 8.0)
    val octaves = found.detail
    var sum = DETAIL[3] * (octaves[3] - 2.0 * level)
    for (n in 0..2) sum += DETAIL[n] * (octaves[n] - octaves[n + 1])
    for (n in 0..3) sum += ACROSS[n] * (found.across[n] - octaves[n])
    for (n in 0..1) sum += EDGES[n] * (found.edges[n] - 0.5 * octaves[n])
    sum += NOISE * found.noise + NOISE_LOW * found.noiseLow
    sum += BLOCKS * found.blocks + BLOCKS_ON_DETAIL * found.blocks * octaves[0]
    sum += LEVEL * level + LEVEL_SQUARED * level * level + CONTRAST * (found.spread - level)
    // The last points of the score are the hardest to gain.
    return sum + BRIGHT * found.bright + DARK * found.dark + HEADROOM * ln(105.0 - score)
}
