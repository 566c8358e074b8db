package org.edgeiqa.testing

import java.util.Random
import org.edgeiqa.Frame
import org.edgeiqa.PixelFormat

/** Milliseconds on this machine. */
object Timing {
    /** The median of so many runs, after as many to warm up, in milliseconds. */
    fun medianMs(runs: Int, work: () -> Unit): Double {
        repeat(runs) { work() }
        val times = List(runs) {
            val start = System.nanoTime()
            work()
            System.nanoTime() - start
        }
        return times.sorted()[runs / 2] / 1e6
    }

    /** A frame of 1920 x 1080 pixels, NV21, of noise: the time does not depend on what is there. */
    fun frame1080p(): Frame {
        val data = ByteArray(1920 * 1080 * 3 / 2).also { Random(1).nextBytes(it) }
        return Frame.fromBuffer(data, 1920, 1080, PixelFormat.NV21)
    }

    /** From the bytes of [frame1080p] to the quality by base with causes. */
    fun score1080pMs(): Double {
        val frame = frame1080p()
        return Models.scorer("base").use { scorer -> medianMs(20) { scorer.score(frame) } }
    }
}
