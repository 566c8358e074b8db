package org.edgeiqa

import kotlin.math.abs
import kotlin.math.min

/**
 * Reduces a view by whole numbers: section 3 of docs/preprocessing.md.
 *
 * Memory is read in the order in which it lies, whichever way the view is turned.
 *
 * @param down rows that become one, at least 1.
 * @param across columns that become one, at least 1.
 * @return upright, ceil(columns / across) by ceil(rows / down) pixels; RGB where there is colour.
 */
internal fun reduced(plane: Plane, down: Int, across: Int): Picture {
    val channels = plane.layout.channels
    val out = Picture(ceilDiv(plane.rows, down), ceilDiv(plane.columns, across), channels)
    val exchanged = plane.rows > 1 && plane.columns > 1 && abs(plane.rowStep) < abs(plane.columnStep)
    val lines = if (exchanged) plane.columns else plane.rows
    val length = if (exchanged) plane.rows else plane.columns
    val lineStep = if (exchanged) plane.columnStep else plane.rowStep
    val step = if (exchanged) plane.rowStep else plane.columnStep
    val lineFactor = if (exchanged) across else down
    val factor = if (exchanged) down else across
    val blocks = ceilDiv(length, factor)
    // Where the result goes: bytes from a block to the next, and from a line of blocks to the next.
    val outStep = if (exchanged) out.width * channels else channels
    val outLineStep = if (exchanged) channels else out.width * channels
    val sums = IntArray(blocks * channels)
    for (line in 0 until ceilDiv(lines, lineFactor)) {
        val first = line * lineFactor
        val last = min(first + lineFactor, lines)
        sums.fill(0)
        for (one in first until last) {
            val start = plane.offset + one * lineStep
            if (channels == 1) {
                addGray(plane.data, start, step, length, factor, sums)
            } else {
                addColor(plane, start, step, length, factor, sums)
            }
        }
        val whole = (last - first) * factor
        val rest = (last - first) * (length - (blocks - 1) * factor)
        var place = line * outLineStep
        for (block in 0 until blocks) {
            val n = if (block == blocks - 1) rest else whole
            val m = (16777216f / n).toInt()
            for (channel in 0 until channels) {
                // Below 2^32: the product fits into 32 bits without a sign.
                val mean = (sums[block * channels + channel] + n / 2) * m ushr 24
                out.bytes[place + channel] = mean.toByte()
            }
            place += outStep
        }
    }
    return out
}

private fun addGray(data: ByteArray, start: Int, step: Int, length: Int, factor: Int, sums: IntArray) {
    var at = start
    if (factor == 1) {
        for (i in 0 until length) {
            sums[i] += data[at].toInt() and 255
            at += step
        }
        return
    }
    var left = length
    var block = 0
    while (left > 0) {
        var sum = 0
        repeat(min(factor, left)) {
            sum += data[at].toInt() and 255
            at += step
        }
        sums[block++] += sum
        left -= factor
    }
}

private fun addColor(plane: Plane, start: Int, step: Int, length: Int, factor: Int, sums: IntArray) {
    val data = plane.data
    val layout = plane.layout
    var at = start
    var left = length
    var place = 0
    while (left > 0) {
        var red = 0
        var green = 0
        var blue = 0
        repeat(min(factor, left)) {
            val r = data[at + layout.red].toInt() and 255
            val g = data[at + layout.green].toInt() and 255
            val b = data[at + layout.blue].toInt() and 255
            if (layout.alpha < 0) {
                red += r
                green += g
                blue += b
            } else {
                val alpha = data[at + layout.alpha].toInt() and 255
                red += overWhite(r, alpha)
                green += overWhite(g, alpha)
                blue += overWhite(b, alpha)
            }
            at += step
        }
        sums[place] += red
        sums[place + 1] += green
        sums[place + 2] += blue
        place += 3
        left -= factor
    }
}

private fun overWhite(value: Int, alpha: Int): Int {
    val t = value * alpha + 255 * (255 - alpha) + 128
    return t + (t shr 8) shr 8
}
