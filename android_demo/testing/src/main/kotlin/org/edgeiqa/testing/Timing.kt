package org.edgeiqa.testing

import java.nio.ByteBuffer
import java.util.Random
import org.edgeiqa.Frame
import org.edgeiqa.PixelFormat

/** Milliseconds on this machine. */
object Timing {
    private const val WIDTH = 1920
    private const val HEIGHT = 1080

    /** Milliseconds of several runs. */
    class Took(val median: Double, val minimum: Double)

    /** Runs something so often to warm up, and as often to measure it. */
    fun measure(runs: Int, work: () -> Unit): Took {
        repeat(runs) { work() }
        val times = List(runs) {
            val start = System.nanoTime()
            work()
            (System.nanoTime() - start) / 1e6
        }.sorted()
        return Took(times[runs / 2], times[0])
    }

    private val nv21 = ByteArray(WIDTH * HEIGHT * 3 / 2).also { Random(1).nextBytes(it) }

    /** The luma of [frame1080p], row by row. */
    val luma1080p: ByteArray = nv21.copyOf(WIDTH * HEIGHT)

    /** A frame of 1920 x 1080 pixels, NV21, of noise: the time does not depend on what is there. */
    fun frame1080p(): Frame = Frame.fromBuffer(nv21, WIDTH, HEIGHT, PixelFormat.NV21)

    /** The same as an image of a phone's camera. */
    fun phoneImage1080p(): PhoneImage {
        val luma = ByteBuffer.wrap(nv21, 0, WIDTH * HEIGHT).slice()
        val chroma = WIDTH * HEIGHT / 2 - 1
        val v = ByteBuffer.wrap(nv21, WIDTH * HEIGHT, chroma).slice()
        val u = ByteBuffer.wrap(nv21, WIDTH * HEIGHT + 1, chroma).slice()
        return PhoneImage(WIDTH, HEIGHT, listOf(luma, u, v), intArrayOf(WIDTH, WIDTH, WIDTH))
    }

    /** From the bytes of [frame1080p] to the quality by base with causes. */
    fun score1080pMs(): Double {
        val frame = frame1080p()
        return Models.scorer("base").use { scorer -> measure(20) { scorer.score(frame) }.median }
    }
}
