package org.edgeiqa

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Test

/** The ranking of a moment, against that of Python: tests/android/moments.py writes the file. */
class BurstTest {
    @Test
    fun ranksAsPythonDoes() {
        val path = System.getProperty("edgeiqa.moments").orEmpty()
        assumeTrue("without the moments that tests/android writes", path.isNotEmpty())
        val file = File(path)
        for (moment in Node(Json.parse(file.readText())).list) {
            val name = moment["name"].text
            val frames = moment["frames"].list.map { frame ->
                val rgb = File(file.parentFile, frame["file"].text).readBytes()
                val picture = Frame.fromBuffer(rgb, frame["width"].int, frame["height"].int, PixelFormat.RGB)
                ScoredFrame(picture, Quality(frame["score"].double))
            }
            val ranked = rankMoment(frames)
            assertEquals(name, moment["order"].list.map { it.int }, ranked.map { it.index })
            for (one in ranked) {
                // Python sums the squares of gradients in 32-bit floats, this in 64 bits.
                assertEquals("$name, ${one.index}", moment["values"].list[one.index].double, one.value, 0.01)
            }
        }
    }

    @Test
    fun theSharperOfTwoIsTheBetter() {
        val sharp = ByteArray(200 * 160) { i -> if ((i % 200 / 5 + i / 200 / 5) % 2 == 0) 40 else 120 }
        val soft = ByteArray(sharp.size) { i ->
            var sum = 0
            for (step in -3..3) sum += sharp[(i + step).coerceIn(sharp.indices)]
            (sum / 7).toByte()
        }
        fun scored(luma: ByteArray) =
            ScoredFrame(Frame.fromBuffer(luma, 200, 160, PixelFormat.GRAY), Quality(60.0))
        assertEquals(listOf(1, 0), rankMoment(listOf(scored(soft), scored(sharp))).map { it.index })
        assertTrue(rankMoment(emptyList()).isEmpty())
        val small = ScoredFrame(Frame.fromBuffer(ByteArray(400), 20, 20, PixelFormat.GRAY), Quality(60.0))
        assertThrows(IllegalArgumentException::class.java) { rankMoment(listOf(scored(sharp), small)) }
    }
}
