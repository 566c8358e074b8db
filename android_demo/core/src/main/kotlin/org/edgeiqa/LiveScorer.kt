package org.edgeiqa

/** So many refused frames in a row that rise among themselves show a clock that was set back. */
private const val RESTART_AFTER = 5

/**
 * What came of one frame of a stream.
 *
 * @property timestampNs of the frame, in nanoseconds.
 * @property frame what was scored.
 * @property quality of this frame alone; null if there is an error.
 * @property smoothed over time, see [Smoother]; null if there is an error.
 * @property verdict on [smoothed], with hysteresis; null without a gate or with an error. It says
 *     how the stream is: to keep single frames, ask the gate about [quality].
 * @property latencyMs from handing the frame in to this result, in milliseconds.
 * @property error null if it was scored.
 * @property dropped frames that were dropped since the result before.
 */
public class LiveResult internal constructor(
    public val timestampNs: Long,
    public val frame: Frame,
    public val quality: Quality?,
    public val smoothed: Quality?,
    public val verdict: Verdict?,
    public val latencyMs: Double,
    public val error: Exception?,
    public val dropped: Int,
)

/**
 * How a [LiveScorer] is doing.
 *
 * @property received frames handed in, those that were refused as well.
 * @property scored frames with a result.
 * @property dropped frames that gave way to newer ones.
 * @property failed frames that were refused or could not be scored.
 */
public data class LiveStats(val received: Long, val scored: Long, val dropped: Long, val failed: Long)

/**
 * Scores frames as they come, in a thread of its own: the newest frame wins.
 *
 * Never queues: at most one frame waits while one is scored, and a newer one takes its place. A
 * frame that cannot be scored gives a result with an error; the ones after it go on.
 *
 * @param score gives a frame its quality: `scorer::score`.
 * @param gate gets hysteresis; null for no verdicts.
 * @param smoother with constants of your own.
 * @param onDropped called with each frame that was dropped, so that its buffer can be used again.
 * @param onResult called with each result, in the scoring thread. It should return soon: while it
 *     runs no frame is scored.
 */
public class LiveScorer @JvmOverloads constructor(
    private val score: (Frame) -> Quality,
    private val gate: LiveGate?,
    private val smoother: Smoother = Smoother(),
    private val onDropped: (Frame) -> Unit = {},
    private val onResult: (LiveResult) -> Unit,
) : AutoCloseable {
    private class Job(val frame: Frame, val timestampNs: Long, val stream: Int, val start: Long)

    private val clock = StreamClock()
    private val counts = LongArray(4)
    private var reportedDrops = 0L
    private var stream = 0
    private val worker = LatestOnlyWorker<Job>("edgeiqa-live", ::work, ::dropped)

    /**
     * Hands in a frame to be scored and returns at once.
     *
     * The frame's arrays must stay as they are until its result has come or it was dropped.
     *
     * @param frame any frame with a timestamp that is later than the one before.
     * @throws IllegalArgumentException no timestamp, or one that does not rise. Nothing has changed
     *     then, and the next frame may come.
     * @throws ClosedException after [close].
     */
    @Synchronized
    public fun submit(frame: Frame) {
        count(RECEIVED)
        val start = System.nanoTime()
        val job = try {
            val timestampNs = requireNotNull(frame.timestampNs) { "a frame without timestampNs" }
            Job(frame, timestampNs, clock.admit(timestampNs), start)
        } catch (error: IllegalArgumentException) {
            count(FAILED)
            throw error
        }
        worker.submit(job)
    }

    /** Forgets time, smoothing and hysteresis: the next frame begins a new stream. */
    public fun reset(): Unit = clock.reset()

    /** Counts since the beginning. */
    public fun stats(): LiveStats = synchronized(counts) {
        LiveStats(counts[RECEIVED], counts[SCORED], counts[DROPPED], counts[FAILED])
    }

    /** Ends it within a second, from any thread, the callback's too, any number of times. */
    override fun close(): Unit = worker.close()

    private fun work(job: Job) {
        var quality: Quality? = null
        var smoothed: Quality? = null
        var verdict: Verdict? = null
        var problem: Exception? = null
        try {
            quality = score(job.frame)
            if (job.stream != stream) {
                stream = job.stream
                smoother.reset()
                gate?.reset()
            }
            if (smoother.isStale(job.timestampNs)) gate?.reset()
            smoothed = smoother.update(quality, job.timestampNs)
            verdict = gate?.judge(smoothed, job.timestampNs)
            count(SCORED)
        } catch (error: Exception) { // Whatever one frame does, the others are still to come.
            count(FAILED)
            problem = error
        }
        val latencyMs = (System.nanoTime() - job.start) / 1e6
        val dropped = synchronized(counts) {
            (counts[DROPPED] - reportedDrops).also { reportedDrops = counts[DROPPED] }
        }
        val failed = problem != null
        onResult(
            LiveResult(
                job.timestampNs, job.frame, quality.takeUnless { failed },
                smoothed.takeUnless { failed }, verdict, latencyMs, problem, dropped.toInt(),
            ),
        )
    }

    private fun dropped(job: Job) {
        count(DROPPED)
        onDropped(job.frame)
    }

    private fun count(which: Int) = synchronized(counts) { counts[which]++ }

    private companion object {
        const val RECEIVED = 0
        const val SCORED = 1
        const val DROPPED = 2
        const val FAILED = 3
    }
}

/** Admits rising timestamps; numbers the streams that begin anew. From any thread. */
internal class StreamClock {
    private var stream = 0
    private var lastNs: Long? = null
    private val refused = ArrayList<Long>()

    /** Which stream a frame belongs to, from 0; throws for one not later than the last. */
    @Synchronized
    fun admit(timestampNs: Long): Int {
        val last = lastNs
        if (last == null || timestampNs > last) {
            lastNs = timestampNs
            refused.clear()
            return stream
        }
        if (refused.isNotEmpty() && timestampNs <= refused.last()) refused.clear()
        refused += timestampNs
        if (refused.size >= RESTART_AFTER) {
            reset()
            lastNs = timestampNs
            return stream
        }
        throw IllegalArgumentException(
            "time goes backwards: timestampNs is $timestampNs, expected later than the $last of the " +
                "frame before; reset() begins a new stream",
        )
    }

    @Synchronized
    fun reset() {
        stream++
        lastNs = null
        refused.clear()
    }
}
