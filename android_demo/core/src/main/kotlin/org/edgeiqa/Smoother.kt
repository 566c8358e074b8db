package org.edgeiqa

import kotlin.math.abs
import kotlin.math.exp
import kotlin.math.max
import kotlin.math.min

private const val JUMP_SPREADS = 4.0
private const val STALE = 5.0

// How many outliers in a row make the level jump.
private const val WORSE_AFTER = 2
private const val BETTER_AFTER = 3

/** One number over time; `sign` is 1 where higher is better and -1 where it is worse. */
private class Level(var value: Double, private val leastJump: Double, private val sign: Int) {
    private var newest = value
    private var flicker = leastJump / JUMP_SPREADS / 2 // At first, that of a steady stream.
    private var outliers = 0 // In a row: below 0 for the worse, above 0 for the better.
    private var spanned = 0.0 // Seconds.

    /** Takes the next value, [step] seconds after the last; returns whether the level jumped. */
    fun update(next: Double, step: Double, timeConstant: Double): Boolean {
        val off = next - value
        val limit = max(leastJump, JUMP_SPREADS * flicker)
        // Half as quick as the level; one wild value must not raise the limit beyond reach.
        val weight = 1.0 - exp(-step / (2.0 * timeConstant))
        flicker += weight * (min(abs(next - newest), limit) - flicker)
        newest = next
        if (abs(off) <= limit) {
            outliers = 0
            value += (1.0 - exp(-step / timeConstant)) * off
            return false
        }
        val way = if (off * sign > 0) 1 else -1
        if (outliers * way <= 0) {
            outliers = 0
            spanned = 0.0
        }
        outliers += way
        spanned += step
        val enough = if (way < 0) WORSE_AFTER else BETTER_AFTER
        if (abs(outliers) < enough && spanned < timeConstant) return false
        jump(next)
        return true
    }

    /** Forgets the level for this value. */
    fun jump(next: Double) {
        value = next
        outliers = 0
    }
}

/**
 * Smooths score, spread and causes of one stream, and still reacts to a sudden smear at once.
 *
 * Between jumps it is exponential smoothing with a time constant in seconds. A value far off has to
 * be confirmed: for the worse by two frames in a row, for the better by three, or by frames that span a
 * time constant; then the level jumps to it. After a pause of five time constants smoothing
 * starts anew.
 *
 * Not for several threads at a time.
 *
 * @param timeConstantS seconds after which a small change is shown to 63%; 0 smooths nothing.
 * @param leastJump points of the score, 0-100; changes up to here are always smoothed.
 * @param leastCauseJump the same for severities, 0-1.
 * @throws IllegalArgumentException a negative number, NaN, or a least jump of 0.
 */
public class Smoother @JvmOverloads constructor(
    private val timeConstantS: Double = 0.4,
    private val leastJump: Double = 8.0,
    private val leastCauseJump: Double = 0.15,
) {
    private var timeNs: Long? = null
    private var score = Level(0.0, leastJump, 1)
    private var std: Double? = null
    private var causes = emptyMap<String, Level>()

    init {
        require(leastJump > 0) { "leastJump is $leastJump, expected a number above 0" }
        require(leastCauseJump > 0) { "leastCauseJump is $leastCauseJump, expected a number above 0" }
        require(timeConstantS >= 0 && timeConstantS < Double.POSITIVE_INFINITY) {
            "timeConstantS is $timeConstantS, expected 0 or more seconds"
        }
    }

    /** Forgets everything: the next quality starts a new stream. */
    public fun reset() {
        timeNs = null
    }

    /**
     * Whether a frame comes so late that the past no longer counts; never without smoothing.
     *
     * @param timestampNs when it was taken, in nanoseconds.
     */
    public fun isStale(timestampNs: Long): Boolean {
        val staleS = STALE * timeConstantS
        return staleS > 0 && timeNs?.let { (timestampNs - it) / 1e9 >= staleS } == true
    }

    /**
     * Takes the quality of the next frame.
     *
     * @param quality as the model gave it.
     * @param timestampNs when the frame was taken, in nanoseconds; later than the one before.
     * @return the same with score, std and causes smoothed, without a histogram.
     * @throws IllegalArgumentException [timestampNs] is not later; nothing is changed then.
     */
    public fun update(quality: Quality, timestampNs: Long): Quality {
        var step = Double.POSITIVE_INFINITY
        timeNs?.let {
            step = (timestampNs - it) / 1e9
            require(step > 0) {
                "timestampNs is $timestampNs, expected later than the $it of the frame before"
            }
        }
        timeNs = timestampNs
        if (step >= STALE * timeConstantS) start(quality) else step(quality, step)
        return quality.copy(
            score = score.value,
            std = std,
            histogram = null,
            bins = null,
            causes = causes.mapValues { (_, level) -> level.value.coerceIn(0.0, 1.0) },
        )
    }

    private fun start(quality: Quality) {
        score = Level(quality.score, leastJump, 1)
        std = quality.std
        causes = quality.causes.mapValues { (_, severity) -> Level(severity, leastCauseJump, -1) }
    }

    private fun step(quality: Quality, step: Double) {
        val jumped = score.update(quality.score, step, timeConstantS)
        val weight = if (jumped) 1.0 else 1.0 - exp(-step / timeConstantS)
        val before = std
        std = if (quality.std == null || before == null) {
            quality.std
        } else {
            before + weight * (quality.std - before)
        }
        causes = quality.causes.mapValues { (name, severity) ->
            val level = causes[name] ?: Level(severity, leastCauseJump, -1)
            level.update(severity, step, timeConstantS)
            if (jumped) level.jump(severity)
            level
        }
    }
}
