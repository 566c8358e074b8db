package org.edgeiqa.demo

import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import org.edgeiqa.Gate
import org.edgeiqa.Quality
import org.edgeiqa.testing.Samples
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

/** Buffers that go round: no image is ever waited for, and memory does not grow. */
class LiveSessionTest {
    private val image = Samples.phoneImage(Samples.picture("flower"))

    private fun image(time: Long) =
        CameraImage(image.planes, image.width, image.height, image.rowStrides, image.pixelStrides, time)

    @Test
    fun everyBufferComesBack() {
        val scored = AtomicInteger()
        val session = LiveSession({ Quality(50.0) }, Gate(40.0)) { scored.incrementAndGet() }
        for (time in 1L..2000L) {
            session.offer(image(time), 0)
            assertTrue("${session.held}", session.held <= KEPT + 3)
        }
        session.offer(image(5), 0) // Time that goes backwards is ignored.
        await(session) { it.last.all().size == KEPT }
        session.close()
        assertEquals(0, session.held)
        assertTrue("$scored", scored.get() in KEPT..2000)
    }

    @Test
    fun framesOfABusyScorerAreDroppedAndNotQueued() {
        val started = CountDownLatch(1)
        val go = CountDownLatch(1)
        val scored = AtomicInteger()
        val session = LiveSession(
            {
                started.countDown()
                go.await()
                Quality(50.0)
            },
            Gate(40.0),
        ) { scored.incrementAndGet() }
        session.offer(image(1), 0)
        assertTrue(started.await(5, TimeUnit.SECONDS))
        for (time in 2L..100L) session.offer(image(time), 0)
        assertEquals(2, session.held) // One is being scored, one waits.
        go.countDown()
        await(session) { scored.get() == 2 }
        assertEquals(100L, session.last.newest()!!.frame.timestampNs)
        session.close()
    }

    @Test
    fun aFrameThatCannotBeScoredIsNotKept() {
        val results = AtomicInteger()
        val session = LiveSession({ throw IllegalArgumentException("no") }, Gate(40.0)) { result ->
            if (result.error != null) results.incrementAndGet()
        }
        session.offer(image(1), 0)
        await(session) { results.get() == 1 }
        assertEquals(0, session.held)
        session.close()
    }

    @Test
    fun impossiblePlanesAreRefusedAndTheirBufferComesBack() {
        val session = LiveSession({ Quality(50.0) }, Gate(40.0)) {}
        val wrong = CameraImage(image.planes, image.width, image.height, intArrayOf(3, 3, 3), image.pixelStrides, 1)
        val error = assertThrows(IllegalArgumentException::class.java) { session.offer(wrong, 0) }
        assertEquals("the row stride of Y is 3 bytes, expected at least the ${image.width} of a row", error.message)
        assertEquals(0, session.held)
        session.close()
    }

    private fun await(session: LiveSession, holds: (LiveSession) -> Boolean) {
        val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10)
        while (!holds(session)) {
            assertTrue("waited in vain", System.nanoTime() < end)
            Thread.sleep(2)
        }
    }
}
