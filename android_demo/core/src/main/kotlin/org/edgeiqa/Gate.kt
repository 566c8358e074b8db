package org.edgeiqa

import java.math.BigDecimal
import java.math.RoundingMode
import kotlin.math.max

/** The reason that the score itself gives. */
public const val LOW_QUALITY: String = "low_quality"

/** The reason for a picture that lost data. */
public const val DAMAGED: String = "damaged"

/** From this share of its limit on, a cause explains a score that is rejected. */
private const val NOTABLE = 0.5

private val WORDS = mapOf(
    "blur" to Triple("too blurred", "somewhat blurred", "focus again and hold still"),
    "noise" to Triple("too noisy", "somewhat noisy", "add light or lower the ISO"),
    "dark" to Triple("too dark", "somewhat dark", "add light or expose longer"),
    "bright" to Triple("too bright", "somewhat bright", "expose less"),
    "compression" to Triple("too compressed", "somewhat compressed", "save or send in better quality"),
    "low_contrast" to
        Triple("too little contrast", "little contrast", "wipe the lens and avoid haze and backlight"),
)

/**
 * One thing that is wrong with a photograph.
 *
 * @property cause [LOW_QUALITY], the score is below the threshold; [DAMAGED], the picture lost data; or
 *     one of [CAUSES], its severity is above the limit.
 * @property value what was measured: a score 0-100, a severity 0-1, or for [DAMAGED] the share 0-1 of
 *     rows that are missing.
 * @property threshold what was asked for, in the same units: the least score, or the most severity.
 * @property decisive true if this alone rejects the photograph; false for a cause within its limit
 *     that is listed only because it explains a low score.
 */
public data class Reason(
    val cause: String,
    val value: Double,
    val threshold: Double,
    val decisive: Boolean = true,
) {
    /** The same for people, in English, with what to do about it; the same text as in Python. */
    public val sentence: String
        get() {
            if (cause == LOW_QUALITY) {
                val digits = digits(1, 2, 4)
                return "quality ${fixed(value, digits)} is below ${fixed(threshold, digits)}"
            }
            if (cause == DAMAGED) {
                val rows = if (value >= 0.005) " (${fixed(100 * value, 0)}% of its rows are missing)" else ""
                return "damaged: take or transfer the picture again$rows"
            }
            val name = cause.replace('_', ' ')
            // A newer model may know of more than this version has words for.
            val (strong, weak, advice) = WORDS[cause] ?: Triple("too much $name", "some $name", "")
            val said = (if (decisive) strong else weak) + if (advice.isEmpty()) "" else ": $advice"
            if (!decisive) return "$said (${fixed(value, 2)})"
            val digits = digits(2, 3, 4)
            return "$said (${fixed(value, digits)}, at most ${fixed(threshold, digits)})"
        }

    /** More digits where rounding would hide the difference: not "45.0 is below 45.0". */
    private fun digits(vararg choices: Int): Int =
        choices.firstOrNull { fixed(value, it) != fixed(threshold, it) } ?: 6

    private fun fixed(number: Double, digits: Int): String =
        when {
            number.isNaN() -> "nan"
            number.isInfinite() -> if (number > 0) "inf" else "-inf"
            // A BigDecimal has no negative zero, and "-0.0" is what -0.04 is rounded to.
            else -> (if (number.toRawBits() < 0) "-" else "") +
                BigDecimal(number).abs().setScale(digits, RoundingMode.HALF_EVEN).toPlainString()
        }
}

/**
 * Whether a photograph passes, and if not, why.
 *
 * @property accept true if nothing is wrong.
 * @property reasons empty if and only if [accept]. First what decided: damage, causes, the one furthest
 *     beyond its limit first, then the low score. Where the score alone decided, the causes that
 *     explain it follow, the worst first; they are not decisive.
 */
public data class Verdict(val accept: Boolean, val reasons: List<Reason> = emptyList())

/**
 * Turns a quality into a verdict.
 *
 * A photograph is accepted if its score is at least [minScore], no cause is above its limit, and it is
 * not damaged; equal passes, NaN never does.
 *
 * @property minScore the least score that passes, 0-100.
 * @property maxCauses the most severity that passes, 0-1, per cause that has a limit.
 * @property rejectDamaged whether damaged pictures are rejected.
 * @throws IllegalArgumentException a number outside its range.
 */
public class Gate @JvmOverloads constructor(
    public val minScore: Double,
    public val maxCauses: Map<String, Double> = emptyMap(),
    public val rejectDamaged: Boolean = true,
) {
    init {
        require(minScore in 0.0..100.0) { "minScore is $minScore, expected 0 to 100" }
        for ((cause, limit) in maxCauses) {
            require(limit in 0.0..1.0) { "the limit of $cause is $limit, expected 0 to 1" }
        }
    }

    /** Judges one photograph. */
    public fun judge(quality: Quality): Verdict {
        val failing = ArrayList(damage(quality))
        for ((cause, limit) in maxCauses) {
            val value: Double = quality.causes[cause] ?: continue
            // Not "value > limit": that would let NaN pass.
            if (!(value <= limit)) failing += Reason(cause, value, limit)
        }
        if (!(quality.score >= minScore)) failing += Reason(LOW_QUALITY, quality.score, minScore)
        return verdict(quality, failing)
    }

    /** The reason for a damaged picture, in a list; empty for any other. */
    internal fun damage(quality: Quality): List<Reason> =
        if (quality.damaged && rejectDamaged) listOf(Reason(DAMAGED, quality.missing, 0.0)) else emptyList()

    /** Puts what is wrong into its order and adds what explains it. */
    internal fun verdict(quality: Quality, failing: List<Reason>): Verdict {
        if (failing.isEmpty()) return Verdict(true)
        val decisive = failing.sortedWith(EXCESS)
        if (decisive.any { it.cause != LOW_QUALITY }) return Verdict(false, decisive)
        val explaining = ArrayList<Reason>()
        for ((cause, severity) in quality.causes) {
            val limit = maxCauses[cause] ?: 1.0
            if (severity >= max(NOTABLE * limit, 1e-9)) {
                explaining += Reason(cause, severity, limit, decisive = false)
            }
        }
        explaining.sortByDescending { it.value / it.threshold }
        return Verdict(false, decisive + explaining)
    }

    public companion object {
        // Damage, then causes, the one that has used up most of the room above its limit first, then
        // the score.
        private val EXCESS = compareByDescending<Reason> { it.cause == DAMAGED }
            .thenByDescending { it.cause != LOW_QUALITY }
            .thenByDescending { beyond(it) }
            .thenBy { if (it.cause in CAUSES) CAUSES.indexOf(it.cause) else CAUSES.size }

        private fun beyond(reason: Reason): Double {
            if (reason.cause == LOW_QUALITY) return 0.0
            val room = 1.0 - reason.threshold
            val beyond = if (room > 0) (reason.value - reason.threshold) / room else Double.NaN
            return if (beyond.isNaN()) Double.POSITIVE_INFINITY else beyond
        }

        /**
         * A gate from the presets of model files.
         *
         * @param preset such as "relaxed", "normal" or "strict".
         * @param thresholds least score 0-100 per preset: [Contract.gate] of a model for scores.
         * @param limits per preset the most severity 0-1 per cause: [Contract.limits] of a network
         *     for causes.
         * @param minScore a least score 0-100 of your own; the preset then does not count, nor do
         *     its limits.
         * @param maxCauses limits 0-1 of your own per cause; they replace single ones of the preset,
         *     and 1 switches a cause off.
         * @throws IllegalArgumentException an unknown preset or cause, a number outside its range.
         */
        @JvmStatic
        @JvmOverloads
        public fun of(
            preset: String,
            thresholds: Map<String, Double>,
            limits: Map<String, Map<String, Double>> = emptyMap(),
            minScore: Double? = null,
            maxCauses: Map<String, Double> = emptyMap(),
        ): Gate {
            val unknown = maxCauses.keys.firstOrNull { it !in CAUSES }
            require(unknown == null) {
                "no cause '$unknown' in maxCauses, known: ${CAUSES.joinToString()}"
            }
            if (minScore != null) return Gate(minScore, maxCauses)
            val least = requireNotNull(thresholds[preset]) {
                "no gate preset '$preset', this model has " +
                    thresholds.keys.joinToString().ifEmpty { "none: give minScore" }
            }
            return Gate(least, limits[preset].orEmpty() + maxCauses)
        }
    }
}
