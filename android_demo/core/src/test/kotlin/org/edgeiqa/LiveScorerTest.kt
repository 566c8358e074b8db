package org.edgeiqa

import java.util.concurrent.CountDownLatch
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

/** The newest frame wins, time goes forward, and one bad frame spoils nothing. */
class LiveScorerTest {
    private val results = LinkedBlockingQueue<LiveResult>()

    private fun frame(timestampNs: Long?, luma: Int = 100) = Frame.fromBuffer(
        ByteArray(4) { luma.toByte() }, 2, 2, PixelFormat.GRAY, timestampNs = timestampNs,
    )

    private fun next(): LiveResult = checkNotNull(results.poll(10, TimeUnit.SECONDS)) { "no result came" }

    @Test
    fun theNewestFrameWins() {
        val started = CountDownLatch(1)
        val go = CountDownLatch(1)
        val dropped = ArrayList<Long>()
        val score = { _: Frame ->
            started.countDown()
            go.await()
            Quality(50.0)
        }
        LiveScorer(score, null, onDropped = { dropped += it.timestampNs!! }) { results += it }.use { live ->
            live.submit(frame(1))
            started.await()
            for (time in 2L..5L) live.submit(frame(time))
            go.countDown()
            assertEquals(1L, next().timestampNs)
            val last = next()
            assertEquals(5L, last.timestampNs)
            assertEquals(listOf(2L, 3L, 4L), dropped)
            assertEquals(LiveStats(received = 5, scored = 2, dropped = 3, failed = 0), live.stats())
        }
    }

    @Test
    fun timeGoesForwardUntilAClockIsSetBack() {
        LiveScorer({ Quality(50.0) }, LiveGate(Gate(40.0))) { results += it }.use { live ->
            live.submit(frame(1000))
            next()
            assertThrows(IllegalArgumentException::class.java) { live.submit(frame(1000)) }
            assertThrows(IllegalArgumentException::class.java) { live.submit(frame(null)) }
            // Five frames in a row that rise among themselves: a new stream.
            for (time in 1L..4L) {
                assertThrows(IllegalArgumentException::class.java) { live.submit(frame(time)) }
            }
            live.submit(frame(5))
            assertEquals(5L, next().timestampNs)
            live.reset()
            live.submit(frame(1))
            assertNotNull(next().verdict)
        }
    }

    @Test
    fun aFrameThatCannotBeScoredGivesAnError() {
        val score = { frame: Frame ->
            require(frame.timestampNs != 2L) { "the second one" }
            Quality(50.0)
        }
        LiveScorer(score, LiveGate(Gate(40.0))) { results += it }.use { live ->
            live.submit(frame(1))
            assertNull(next().error)
            live.submit(frame(2))
            val failed = next()
            assertEquals("the second one", failed.error!!.message)
            assertNull(failed.quality)
            assertNull(failed.verdict)
            live.submit(frame(3))
            assertEquals(true, next().verdict!!.accept)
            assertEquals(1L, live.stats().failed)
        }
    }

    @Test
    fun aDamagedPictureIsRejectedAtOnceUnlessThatIsSwitchedOff() {
        val damaged = Quality(90.0, damaged = true, missing = 0.25)
        val verdict = Gate(40.0).judge(damaged)
        assertEquals("damaged: take or transfer the picture again (25% of its rows are missing)",
            verdict.reasons.single().sentence)
        assertTrue(Gate(40.0, rejectDamaged = false).judge(damaged).accept)
        val live = LiveGate(Gate(40.0))
        assertTrue(live.judge(Quality(90.0), 1).accept)
        assertEquals(listOf(DAMAGED), live.judge(damaged, 2).reasons.map { it.cause })
    }

    @Test
    fun nothingIsTakenAfterItWasClosed() {
        val live = LiveScorer({ Quality(50.0) }, null) { results += it }
        live.close()
        live.close()
        assertThrows(ClosedException::class.java) { live.submit(frame(1)) }
    }

    @Test
    fun theLastFramesAreKeptAndTheBestOfThemIsFound() {
        val gone = ArrayList<Frame>()
        val last = LastFrames(3, gone::add)
        assertNull(last.best())
        val frames = List(5) { frame(it.toLong()) }
        for ((i, one) in frames.withIndex()) last.add(one, Quality(if (i == 3) 80.0 else 40.0))
        assertEquals(frames.take(2), gone)
        assertEquals(frames.drop(2), last.all().map { it.frame })
        assertEquals(frames[4], last.newest()!!.frame)
        assertEquals(frames[3], last.best()!!.frame)
        last.clear()
        assertEquals(frames, gone)
        assertThrows(IllegalArgumentException::class.java) { LastFrames(0) }
    }

    @Test
    fun numbersOutsideTheirRangesAreRefused() {
        for (make in listOf(
            { Gate(101.0) }, { Gate(50.0, mapOf("blur" to -0.1)) }, { Gate(Double.NaN) },
            { Gate.of("loose", mapOf("normal" to 50.0)) },
            { Gate.of("normal", mapOf("normal" to 50.0), maxCauses = mapOf("haze" to 0.5)) },
            { LiveGate(Gate(50.0), margin = -1.0) }, { Smoother(leastJump = 0.0) },
            { Smoother(timeConstantS = Double.POSITIVE_INFINITY) },
        )) {
            val error = assertThrows(IllegalArgumentException::class.java) { make() }
            val known = listOf("expected", "known", "this model has")
            assertTrue(error.message, known.any { it in error.message!! })
        }
    }
}
