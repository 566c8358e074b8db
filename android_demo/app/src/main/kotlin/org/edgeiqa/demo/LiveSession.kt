package org.edgeiqa.demo

import java.util.concurrent.ConcurrentLinkedQueue
import org.edgeiqa.ClosedException
import org.edgeiqa.Frame
import org.edgeiqa.Gate
import org.edgeiqa.LastFrames
import org.edgeiqa.LiveGate
import org.edgeiqa.LiveResult
import org.edgeiqa.LiveScorer
import org.edgeiqa.Quality
import org.edgeiqa.YuvBuffer

/** How many scored frames are kept for the shutter. */
internal const val KEPT = 10

/**
 * Scores a camera's images in buffers that are used again and again, so that memory does not grow.
 *
 * @param score gives a frame its quality.
 * @param gate of the preset chosen.
 * @param onResult called with each result, in the scoring thread.
 */
class LiveSession(score: (Frame) -> Quality, gate: Gate, private val onResult: (LiveResult) -> Unit) : AutoCloseable {
    // Besides those that are kept, one is being scored, one waits, one is being filled.
    private val free = ConcurrentLinkedQueue(List(KEPT + 3) { YuvBuffer() })
    private val taken = HashMap<Frame, YuvBuffer>()

    /** The last frames that were scored. */
    val last = LastFrames(KEPT, ::release)

    private val live = LiveScorer(score, LiveGate(gate), onDropped = ::release, onResult = ::scored)

    /** Buffers that hold a frame which is kept, scored or waiting. */
    internal val held: Int get() = synchronized(taken) { taken.size }

    /** While true, images are ignored, and the frames that are kept stay as they are. */
    @Volatile
    var paused = false

    /**
     * Takes an image, or ignores it where scoring is paused.
     *
     * @param rotation degrees clockwise that turn it upright.
     */
    fun offer(image: CameraImage, rotation: Int) {
        if (paused) return
        val buffer = free.poll() ?: return
        val frame = try {
            buffer.copy(
                image.planes[0], image.planes[1], image.planes[2], image.width, image.height,
                image.rowStrides, image.pixelStrides, rotation, timestampNs = image.timestampNs,
            )
        } catch (error: IllegalArgumentException) {
            free.add(buffer)
            throw error
        }
        synchronized(taken) { taken[frame] = buffer }
        try {
            live.submit(frame)
        } catch (error: IllegalArgumentException) { // A time that does not rise: the next one will.
            release(frame)
        } catch (error: ClosedException) {
            release(frame)
        }
    }

    override fun close() {
        live.close()
        last.clear()
    }

    private fun scored(result: LiveResult) {
        val quality = result.quality
        if (quality == null) release(result.frame) else last.add(result.frame, quality)
        onResult(result)
    }

    private fun release(frame: Frame) {
        synchronized(taken) { taken.remove(frame) }?.let { free.add(it) }
    }
}
