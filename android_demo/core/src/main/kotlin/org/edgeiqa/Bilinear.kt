package org.edgeiqa

import kotlin.math.abs
import kotlin.math.max
import kotlin.math.min

private const val PRECISION = 22
private const val CACHED = 64

/**
 * What each output of a filter takes from the inputs: section 4 of docs/preprocessing.md.
 *
 * @property first the first input of each output.
 * @property counts how many inputs each takes.
 * @property taps `stride` weights for each output, multiples of 2^-22; the rest is 0.
 */
internal class Weights(val first: IntArray, val counts: IntArray, val taps: IntArray, val stride: Int) {
    companion object {
        private data class Key(val inputs: Int, val start: Float, val stop: Float, val outputs: Int)

        private val cache = object : LinkedHashMap<Key, Weights>(CACHED, 0.75f, true) {
            override fun removeEldestEntry(eldest: MutableMap.MutableEntry<Key, Weights>) = size > CACHED
        }

        /**
         * The weights of one axis; they depend on the sizes only and are kept.
         *
         * @param inputs samples along the axis.
         * @param start where the picture begins, in samples; rounded to binary32.
         * @param stop where it ends, likewise.
         * @param outputs samples wanted.
         */
        fun of(inputs: Int, start: Double, stop: Double, outputs: Int): Weights {
            val key = Key(inputs, start.toFloat(), stop.toFloat(), outputs)
            return synchronized(cache) { cache.getOrPut(key) { make(key) } }
        }

        private fun make(key: Key): Weights {
            val scale = (key.stop - key.start).toDouble() / key.outputs
            val stretch = max(scale, 1.0)
            val inverse = 1.0 / stretch
            val first = IntArray(key.outputs)
            val counts = IntArray(key.outputs)
            val centres = DoubleArray(key.outputs)
            for (x in 0 until key.outputs) {
                val centre = key.start.toDouble() + (x + 0.5) * scale
                centres[x] = centre
                first[x] = max(0, (centre - stretch + 0.5).toInt())
                counts[x] = min(key.inputs, (centre + stretch + 0.5).toInt()) - first[x]
            }
            val stride = counts.max()
            val taps = IntArray(key.outputs * stride)
            val near = DoubleArray(stride)
            for (x in 0 until key.outputs) {
                var total = 0.0
                for (i in 0 until counts[x]) {
                    near[i] = max(1.0 - abs((first[x] + i - centres[x] + 0.5) * inverse), 0.0)
                    total += near[i]
                }
                for (i in 0 until counts[x]) {
                    taps[x * stride + i] = (0.5 + near[i] / total * (1 shl PRECISION)).toInt()
                }
            }
            return Weights(first, counts, taps, stride)
        }
    }
}

/**
 * Filters along the rows, rounding to 8 bits: the first half of section 4.
 *
 * @param width columns wanted.
 * @param start where the picture begins, in columns.
 * @param stop where it ends.
 */
internal fun alongRows(picture: Picture, width: Int, start: Double, stop: Double): Picture {
    if (isWhole(picture.width, width, start, stop)) return picture
    val by = Weights.of(picture.width, start, stop, width)
    val channels = picture.channels
    val out = Picture(picture.height, width, channels)
    val bytes = picture.bytes
    for (row in 0 until picture.height) {
        val line = row * picture.width * channels
        var place = row * width * channels
        for (x in 0 until width) {
            val from = line + by.first[x] * channels
            val tap = x * by.stride
            for (channel in 0 until channels) {
                var sum = 1 shl PRECISION - 1
                var at = from + channel
                for (i in tap until tap + by.counts[x]) {
                    sum += (bytes[at].toInt() and 255) * by.taps[i]
                    at += channels
                }
                out.bytes[place++] = (sum shr PRECISION).toByte()
            }
        }
    }
    return out
}

/**
 * One row of the second pass, down the columns, with all binary places.
 *
 * @param row which output row.
 * @param sums receives the sums, [picture.width * picture.channels], in units of 2^-22.
 */
internal fun downColumns(picture: Picture, by: Weights, row: Int, sums: IntArray) {
    val length = picture.width * picture.channels
    sums.fill(0)
    for (i in 0 until by.counts[row]) {
        val weight = by.taps[row * by.stride + i]
        val line = (by.first[row] + i) * length
        for (x in 0 until length) sums[x] += (picture.bytes[line + x].toInt() and 255) * weight
    }
}

/** Filters down the columns, rounding to 8 bits: the second half of section 4. */
internal fun downColumns(picture: Picture, height: Int, start: Double, stop: Double): Picture {
    if (isWhole(picture.height, height, start, stop)) return picture
    val by = Weights.of(picture.height, start, stop, height)
    val out = Picture(height, picture.width, picture.channels)
    val length = picture.width * picture.channels
    val sums = IntArray(length)
    for (row in 0 until height) {
        downColumns(picture, by, row, sums)
        for (x in 0 until length) {
            out.bytes[row * length + x] = (sums[x] + (1 shl PRECISION - 1) shr PRECISION).toByte()
        }
    }
    return out
}

/** Whether all weights are 1 for the sample itself and 0 for all others. */
private fun isWhole(inputs: Int, outputs: Int, start: Double, stop: Double): Boolean =
    inputs == outputs && start == 0.0 && stop == inputs.toDouble()
