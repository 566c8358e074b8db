package org.edgeiqa

import java.math.BigDecimal
import java.math.RoundingMode
import kotlin.math.max
import kotlin.math.min

/**
 * The thresholds of one value on a scale where more is worse.
 *
 * @property limit of the gate: at most this much passes.
 * @property fine at most this much ends a rejection; at or below [limit].
 * @property bad more than this ends an acceptance; at or above [limit].
 * @property sudden more than this ends it at once; infinite where nothing does.
 */
private class Band(val limit: Double, val fine: Double, val bad: Double, val sudden: Double) {
    /** Whether a value counts as bad; NaN always does. */
    fun isBad(value: Double, wasBad: Boolean?): Boolean = !(
        value <= when (wasBad) {
            null -> limit
            true -> fine
            false -> bad
        }
    )
}

private fun band(limit: Double, least: Double, most: Double, margin: Double, sudden: Double?): Band {
    // Near an end of the scale a margin takes half of what is left: else the best value could not
    // end a rejection there, or the worst not end an acceptance.
    val below = (limit - least) / 2
    val above = (most - limit) / 2
    val far = if (sudden == null) Double.POSITIVE_INFINITY else min(max(sudden, margin), above)
    return Band(
        limit,
        min(limit, rounded(limit - min(margin, below))),
        max(limit, rounded(limit + min(margin, above))),
        max(limit, rounded(limit + far)),
    )
}

/** To nine digits, so that 0.6 - 0.05 is the 0.55 that it is taken for. */
private fun rounded(x: Double): Double =
    if (x.isFinite()) BigDecimal(x).setScale(9, RoundingMode.HALF_EVEN).toDouble() else x

/**
 * A verdict on a stream of frames that does not flicker: two thresholds and a hold time.
 *
 * | situation | what happens |
 * | --- | --- |
 * | the first frame | judged as the gate judges it |
 * | a value between its two thresholds | as it was |
 * | a value beyond the far threshold, [holdNs] after the last change | the verdict changes at once |
 * | the same, earlier | the verdict waits until the hold time has passed |
 * | a value far on the wrong side, "sudden", or a damaged frame | rejected at once, whatever the hold time |
 *
 * Not for several threads at a time.
 *
 * @property gate what to apply.
 * @param holdS seconds that a verdict stays, at least; 0 for no hold time.
 * @param margin half the distance between the two thresholds of the score, in points 0-100.
 * @param causeMargin the same for causes, in units of severity 0-1.
 * @param sudden a score below `gate.minScore` by more than this many points rejects at once; null:
 *     none does. Never less than [margin].
 * @param causeSudden the same for causes above their limits, in units of severity.
 * @throws IllegalArgumentException a negative or infinite number, or NaN.
 */
public class LiveGate @JvmOverloads constructor(
    public val gate: Gate,
    holdS: Double = 0.5,
    margin: Double = 2.0,
    causeMargin: Double = 0.05,
    sudden: Double? = 8.0,
    causeSudden: Double? = 0.2,
) {
    /** The hold time in nanoseconds. */
    public val holdNs: Long

    private val bands: Map<String, Band>
    private var bad = emptyMap<String, Boolean>()
    private var lastNs: Long? = null
    private var changedNs = 0L
    private var current: Verdict? = null

    init {
        val numbers = mapOf(
            "holdS" to holdS, "margin" to margin, "causeMargin" to causeMargin,
            "sudden" to (sudden ?: 0.0), "causeSudden" to (causeSudden ?: 0.0),
        )
        for ((name, value) in numbers) {
            require(value >= 0 && value < Double.POSITIVE_INFINITY) {
                "$name is $value, expected a finite number from 0 on"
            }
        }
        holdNs = Math.rint(holdS * 1e9).toLong()
        bands = mapOf(LOW_QUALITY to band(-gate.minScore, -100.0, 0.0, margin, sudden)) +
            gate.maxCauses.mapValues { (_, limit) -> band(limit, 0.0, 1.0, causeMargin, causeSudden) }
    }

    /** Forgets all frames, as before a new stream; timestamps may start anew. */
    public fun reset() {
        bad = emptyMap()
        lastNs = null
        changedNs = 0
        current = null
    }

    /**
     * Judges the next frame.
     *
     * @param quality of the frame; smoothed over a few frames if single ones are noisy.
     * @param timestampNs when it was taken, in nanoseconds of any clock.
     * @return the verdict that stands with this frame.
     * @throws IllegalArgumentException the frame is not later than the one before; nothing has
     *     changed then.
     */
    public fun judge(quality: Quality, timestampNs: Long): Verdict {
        lastNs?.let {
            require(timestampNs > it) {
                "timestampNs is $timestampNs, expected later than the $it of the frame before; call " +
                    "reset() to begin a new stream"
            }
        }
        lastNs = timestampNs
        val damage = gate.damage(quality)
        val sudden = look(quality) || damage.isNotEmpty()
        val failing = bad.filterValues { it }.keys.map { reason(it, quality) } + damage
        val verdict = gate.verdict(quality, failing)
        val before = current
        if (before != null && verdict.accept != before.accept) {
            val held = timestampNs - changedNs < holdNs
            if (held && !(sudden && !verdict.accept)) return before
        }
        if (before == null || verdict.accept != before.accept) changedNs = timestampNs
        current = verdict
        return verdict
    }

    /** Takes in what each value counts as; returns whether one is suddenly bad. */
    private fun look(quality: Quality): Boolean {
        val before = bad
        val now = LinkedHashMap<String, Boolean>()
        var sudden = false
        for ((name, band) in bands) {
            // A score with its sign turned, which is exact: more is worse.
            val value: Double = if (name == LOW_QUALITY) -quality.score else quality.causes[name] ?: continue
            now[name] = band.isBad(value, before[name])
            if (!(value <= band.sudden)) sudden = true
        }
        bad = now
        return sudden
    }

    private fun reason(name: String, quality: Quality): Reason {
        val band = bands.getValue(name)
        if (name == LOW_QUALITY) {
            val passes = quality.score >= gate.minScore
            return Reason(name, quality.score, if (passes) -band.fine else gate.minScore)
        }
        val value = quality.causes.getValue(name)
        return Reason(name, value, if (value <= band.limit) band.fine else band.limit)
    }
}
