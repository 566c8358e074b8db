package org.edgeiqa

import kotlin.math.abs
import kotlin.math.max
import kotlin.math.min

/** The reduced picture's shorter side is this or more, below twice as much. */
private const val REDUCED_SIDE = 256

/** Steps between neighbours count up to here. */
private const val MAX_STEP = 40

// Mean luma of patches in which noise can show: in black and white it is cut off.
private const val DARKEST = 16L
private const val BRIGHTEST = 239L

/**
 * What a network for causes looks at: docs/preprocessing.md, section 7.
 *
 * @property tensor [patches * side * side] bytes of luma, full range: the patches in the order of
 *     the contract's views, one below the other.
 * @property small the whole picture's luma, full range, reduced; row by row.
 */
public class Detail internal constructor(public val tensor: ByteArray, public val small: ByteArray)

/**
 * Chooses patches of a frame and cuts them out.
 *
 * @param frame any frame.
 * @param spec the input that the contract of a network for causes asks for: its views say how many
 *     patches of which kind, its height their side.
 */
public fun detail(frame: Frame, spec: InputSpec): Detail {
    val side = spec.height
    val factor = reduction(frame.height, frame.width)
    val small = lumaSmall(frame, factor)
    val field = activity(small)
    val window = max(1, side / factor)
    val sums = windowSums(field, window)
    val tensor = ByteArray(spec.views.size * side * side)
    var place = 0
    for (kind in PATCHES) {
        val count = spec.views.count { it == kind }
        if (count == 0) continue
        val ranked = when (kind) {
            "active" -> sums
            "quiet" -> quietness(sums, windowSums(small, window), window)
            else -> windowSums(field, side)
        }
        for ((top, left) in bestPlaces(ranked, exactRoot(count))) {
            val patch = if (kind == "reduced") {
                part(small, top, left, side)
            } else {
                native(frame, top * factor, left * factor, side)
            }
            fill(patch, side, tensor, place)
            place += side * side
        }
    }
    return Detail(tensor, small.bytes)
}

/** The whole number by which a picture is reduced for choosing patches, 1 to 128. */
internal fun reduction(height: Int, width: Int): Int =
    min(MAX_FACTOR, max(1, min(height, width) / REDUCED_SIDE))

/** Whole numbers by row and column. */
private class Field(val height: Int, val width: Int, val values: LongArray)

/** How much neighbours differ, to the right and down; 0 where there is no neighbour. */
private fun activity(luma: Picture): Picture {
    val field = Picture(luma.height, luma.width, 1)
    val bytes = luma.bytes
    for (y in 0 until luma.height) {
        for (x in 0 until luma.width) {
            val at = y * luma.width + x
            val here = bytes[at].toInt() and 255
            var steps = 0
            if (x + 1 < luma.width) steps += min(MAX_STEP, abs((bytes[at + 1].toInt() and 255) - here))
            if (y + 1 < luma.height) {
                steps += min(MAX_STEP, abs((bytes[at + luma.width].toInt() and 255) - here))
            }
            field.bytes[at] = steps.toByte()
        }
    }
    return field
}

/**
 * Sums over all square windows that fit, by their top left corner.
 *
 * @param window side of the windows; in a picture smaller than that, its own side.
 */
private fun windowSums(picture: Picture, window: Int): Field {
    val down = min(window, picture.height)
    val across = min(window, picture.width)
    val width = picture.width - across + 1
    val height = picture.height - down + 1
    val rows = IntArray(picture.height * width)
    for (y in 0 until picture.height) {
        val line = y * picture.width
        var sum = 0
        for (x in 0 until picture.width) {
            sum += picture.bytes[line + x].toInt() and 255
            if (x >= across) sum -= picture.bytes[line + x - across].toInt() and 255
            if (x >= across - 1) rows[y * width + x - across + 1] = sum
        }
    }
    val sums = LongArray(height * width)
    val column = LongArray(width)
    for (y in 0 until picture.height) {
        for (x in 0 until width) {
            column[x] += rows[y * width + x].toLong()
            if (y >= down) column[x] -= rows[(y - down) * width + x].toLong()
        }
        if (y >= down - 1) column.copyInto(sums, (y - down + 1) * width)
    }
    return Field(height, width, sums)
}

/** Ranks windows by how little goes on in them, too dark and too bright ones last. */
private fun quietness(sums: Field, light: Field, window: Int): Field {
    val area = window.toLong() * window
    val worst = sums.values.max() + 1
    val ranked = LongArray(sums.values.size) { i ->
        val beyond = light.values[i] < DARKEST * area || light.values[i] >= (BRIGHTEST + 1) * area
        (if (beyond) worst else 2 * worst) - sums.values[i]
    }
    return Field(sums.height, sums.width, ranked)
}

/** The largest value in each of across x across parts: row and column; of equal ones the first. */
private fun bestPlaces(ranked: Field, across: Int): List<Pair<Int, Int>> =
    List(across * across) { part ->
        val rows = bounds(part / across, ranked.height, across)
        val columns = bounds(part % across, ranked.width, across)
        var best = rows.first to columns.first
        var most = Long.MIN_VALUE
        for (y in rows) {
            for (x in columns) {
                val value = ranked.values[y * ranked.width + x]
                if (value > most) {
                    most = value
                    best = y to x
                }
            }
        }
        best
    }

private fun bounds(index: Int, size: Int, across: Int): IntRange {
    val start = min((index.toLong() * size / across).toInt(), size - 1)
    return start until max(start + 1, ((index + 1L) * size / across).toInt())
}

/** The patch at a place, moved to where it is inside the picture. */
private fun native(frame: Frame, top: Int, left: Int, side: Int): Picture {
    val y = max(0, min(top, frame.height - side))
    val x = max(0, min(left, frame.width - side))
    return lumaCrop(frame, x, y, min(x + side, frame.width), min(y + side, frame.height))
}

private fun part(picture: Picture, top: Int, left: Int, side: Int): Picture {
    val cut = Picture(min(side, picture.height - top), min(side, picture.width - left), 1)
    for (y in 0 until cut.height) {
        val from = (top + y) * picture.width + left
        picture.bytes.copyInto(cut.bytes, y * cut.width, from, from + cut.width)
    }
    return cut
}

/** Copies a patch; what is missing is continued by mirror images, to the right and down. */
private fun fill(patch: Picture, side: Int, tensor: ByteArray, place: Int) {
    for (y in 0 until side) {
        val line = mirrored(y, patch.height) * patch.width
        for (x in 0 until side) {
            tensor[place + y * side + x] = patch.bytes[line + mirrored(x, patch.width)]
        }
    }
}

private fun mirrored(index: Int, length: Int): Int {
    val place = index % (2 * length)
    return if (place < length) place else 2 * length - 1 - place
}
