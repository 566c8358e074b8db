package org.edgeiqa

/**
 * A frame that was scored.
 *
 * @property frame whose arrays must stay as they are while this is kept.
 * @property quality of the frame alone, not smoothed.
 */
public class ScoredFrame(public val frame: Frame, public val quality: Quality)

/**
 * The last frames of a stream, of which the best one can be had: what a shutter offers in the place
 * of a bad frame. From any thread.
 *
 * @param capacity how many are kept, at least 1.
 * @param release called with each frame that is kept no longer, so that its buffer can be used again.
 */
public class LastFrames(private val capacity: Int, private val release: (Frame) -> Unit = {}) {
    private val kept = ArrayDeque<ScoredFrame>()

    init {
        require(capacity >= 1) { "capacity is $capacity, expected at least 1" }
    }

    /** Keeps a frame; the oldest one goes if there are too many. */
    @Synchronized
    public fun add(frame: Frame, quality: Quality) {
        kept.addLast(ScoredFrame(frame, quality))
        while (kept.size > capacity) release(kept.removeFirst().frame)
    }

    /** All of them, the oldest first. */
    @Synchronized
    public fun all(): List<ScoredFrame> = kept.toList()

    /** The newest; null if there is none. */
    @Synchronized
    public fun newest(): ScoredFrame? = kept.lastOrNull()

    /**
     * The best of them by their detail, noise, exposure and score, see [rankMoment]; of equal ones the
     * newest. Takes as long as measuring all of them: call it from a thread that may wait.
     */
    public fun best(): ScoredFrame? {
        val newestFirst = all().asReversed()
        val best = rankMoment(newestFirst).firstOrNull() ?: return null
        return newestFirst[best.index]
    }

    /** Forgets all of them. */
    @Synchronized
    public fun clear() {
        kept.forEach { release(it.frame) }
        kept.clear()
    }
}
