package org.edgeiqa

import kotlin.math.PI
import kotlin.math.abs
import kotlin.math.cos
import kotlin.math.ln
import kotlin.math.max
import kotlin.math.min
import kotlin.math.pow
import kotlin.math.sqrt

/** Side of a patch in pixels. */
private const val PATCH = 128
private const val SAME_CONTENT = 0.7 // Correlation of patches: below, the frame was not aligned.
private const val GUIDES = 5 // Patches that align a frame to the pixel.
private const val GRID = 5 // Cells per side at most.
private const val SMALL = 160 // Longer side of the small copy in pixels, about.
private const val BLOCK = 32 // Four pixels at an eighth of the resolution.
private const val MAX_SHIFT = 0.2 // Of the sides.
private const val CLEAR_PEAK = 6.0 // Times the deviation of the correlation.
private const val OCTAVES = 4
private const val FLOOR = 0.25 // Energies below do not count.

/** Numbers in rows and columns. */
internal class Grid(val height: Int, val width: Int, val values: DoubleArray) {
    operator fun get(y: Int, x: Int): Double = values[y * width + x]

    /** Joins squares of 2 x 2, dropping a rest. */
    inline fun halved(join: (Double, Double, Double, Double) -> Double): Grid {
        val across = width / 2
        val down = height / 2
        return Grid(
            down, across,
            DoubleArray(down * across) { i ->
                val y = 2 * (i / across)
                val x = 2 * (i % across)
                join(this[y, x], this[y, x + 1], this[y + 1, x], this[y + 1, x + 1])
            },
        )
    }

    /** Sums of blocks of 8 x 8. */
    fun eighths(): Grid {
        var grid = this
        repeat(3) { grid = grid.halved { a, b, c, d -> a + b + c + d } }
        return grid
    }
}

/** What is compared of a frame, in the order and with the meaning of Python's `framedetail`. */
internal class FrameDetail(
    val detail: DoubleArray,
    val across: DoubleArray,
    val edges: DoubleArray,
    val noise: Double,
    val noiseLow: Double,
    val blocks: Double,
    val mean: Double,
    val spread: Double,
    val bright: Double,
    val dark: Double,
)

private class Corner(val top: Int, val left: Int)

/**
 * Where the frames of one moment are looked at: in each cell of a grid the place with most texture.
 *
 * The first frame chooses; others are aligned to it by phase correlation. A frame that does not show
 * the same there chooses places of its own.
 */
internal class Places(private val first: Frame) {
    private val factor = max(1, ceilDiv(max(first.height, first.width), SMALL))
    private val small = grid(lumaSmall(first, factor))
    private val patchHeight = patchSide(first.height)
    private val patchWidth = patchSide(first.width)
    private val corners = choose()
    private val coarse = patches(first, 0, 0).map { coarsely(it) }
    private val guides = corners.take(GUIDES).map { it to crop(first, it.top, it.left) }

    /**
     * Measures a frame of the moment.
     *
     * @throws IllegalArgumentException it has another resolution than the first.
     */
    fun measure(frame: Frame): FrameDetail {
        val share = max(first.height, first.width).toDouble() / max(frame.height, frame.width)
        require(share > 0.8 && share < 1.25) {
            "a frame of ${frame.width}x${frame.height}, expected about ${first.width}x${first.height} " +
                "as the first of the moment"
        }
        val (down, right) = fine(frame, shiftBetween(small, grid(lumaSmall(frame, factor))).times(factor))
        var patches = patches(frame, down, right)
        if (!showsTheSame(patches)) patches = Places(frame).let { it.patches(frame, 0, 0) }
        return measured(patches)
    }

    /** Where the content lies to a pixel: the median of what the richest patches say. */
    private fun fine(frame: Frame, shift: Pair<Int, Int>): Pair<Int, Int> {
        val downs = ArrayList<Int>()
        val rights = ArrayList<Int>()
        for ((corner, patch) in guides) {
            val top = within(corner.top + shift.first, frame.height, patchHeight)
            val left = within(corner.left + shift.second, frame.width, patchWidth)
            val (down, right) = shiftBetween(patch, crop(frame, top, left))
            downs += top - corner.top + down
            rights += left - corner.left + right
        }
        val down = median(downs.map { it.toDouble() }).toInt()
        val right = median(rights.map { it.toDouble() }).toInt()
        // The patches can only correct by what the small copy leaves open.
        val far = max(abs(down - shift.first), abs(right - shift.second)) > 2 * factor
        return if (far) shift else down to right
    }

    /** Whether most patches hold what they hold in the first frame, seen coarsely. */
    private fun showsTheSame(patches: List<Grid>): Boolean {
        val alike = ArrayList<Double>()
        for ((one, patch) in coarse.zip(patches)) {
            if (one.all { it == 0.0 }) continue // What has no content has none to be missed.
            val other = coarsely(patch)
            alike += one.indices.sumOf { one[it] * other[it] }
        }
        return alike.isEmpty() || median(alike) >= SAME_CONTENT
    }

    private fun patches(frame: Frame, down: Int, right: Int): List<Grid> = corners.map {
        crop(
            frame,
            within(it.top + down, frame.height, patchHeight),
            within(it.left + right, frame.width, patchWidth),
        )
    }

    /** A patch; what lies outside repeats the border. */
    private fun crop(frame: Frame, top: Int, left: Int): Grid {
        val bottom = min(top + patchHeight, frame.height)
        val right = min(left + patchWidth, frame.width)
        val part = lumaCrop(frame, left, top, right, bottom)
        return Grid(
            patchHeight, patchWidth,
            DoubleArray(patchHeight * patchWidth) { i ->
                val y = min(i / patchWidth, part.height - 1)
                val x = min(i % patchWidth, part.width - 1)
                (part.bytes[y * part.width + x].toInt() and 255).toDouble()
            },
        )
    }

    /** The corners of the places, the one with most texture first. */
    private fun choose(): List<Corner> {
        val sums = sums(texture(small))
        val width = small.width + 1
        val high = max(1, patchHeight / factor)
        val wide = max(1, patchWidth / factor)
        val found = ArrayList<Pair<Double, Corner>>()
        for (rows in cells(first.height, patchHeight)) {
            for (columns in cells(first.width, patchWidth)) {
                var most = -1.0
                var best = Corner(rows.first, columns.first)
                for (top in rows step 8) {
                    for (left in columns step 8) {
                        val i = min(top / factor, max(0, small.height - high))
                        val j = min(left / factor, max(0, small.width - wide))
                        val i2 = min(i + high, small.height)
                        val j2 = min(j + wide, small.width)
                        val held = sums[i2 * width + j2] - sums[i * width + j2] -
                            sums[i2 * width + j] + sums[i * width + j]
                        if (held > most) {
                            most = held
                            best = Corner(top, left)
                        }
                    }
                }
                found += most to best
            }
        }
        return found.sortedByDescending { it.first }.map { it.second }
    }
}

private operator fun Pair<Int, Int>.times(factor: Int) = first * factor to second * factor

private fun grid(picture: Picture): Grid {
    val values = DoubleArray(picture.bytes.size) { (picture.bytes[it].toInt() and 255).toDouble() }
    return Grid(picture.height, picture.width, values)
}

private fun texture(small: Grid): Grid {
    val texture = DoubleArray(small.values.size)
    for (y in 0 until small.height) {
        for (x in 0 until small.width) {
            val i = y * small.width + x
            if (y + 1 < small.height) texture[i] += abs(small[y + 1, x] - small[y, x])
            if (x + 1 < small.width) texture[i] += abs(small[y, x + 1] - small[y, x])
        }
    }
    return Grid(small.height, small.width, texture)
}

/** Sums of all values above and to the left, [height + 1, width + 1]. */
private fun sums(grid: Grid): DoubleArray {
    val width = grid.width + 1
    val sums = DoubleArray((grid.height + 1) * width)
    for (y in 1..grid.height) {
        for (x in 1..grid.width) {
            sums[y * width + x] =
                grid[y - 1, x - 1] + sums[(y - 1) * width + x] + sums[y * width + x - 1] - sums[(y - 1) * width + x - 1]
        }
    }
    return sums
}

/** Where the patches of each cell along a side may begin: on multiples of 8. */
private fun cells(side: Int, patch: Int): List<IntRange> {
    val count = max(1, min(GRID, side / patch))
    val edges = List(count + 1) { Math.rint(it.toLong() * side / count.toDouble()).toInt() / 8 * 8 }
    return edges.zipWithNext { a, b -> a until max(a + 1, b - patch + 1) }
}

/** Of small pictures a whole number of blocks, however small. */
private fun patchSide(side: Int): Int = min(PATCH, ceilDiv(side, BLOCK) * BLOCK)

/** The nearest start whose patch lies inside, and 8 times n pixels from where it should be. */
private fun within(start: Int, side: Int, patch: Int): Int = when {
    start < 0 -> Math.floorMod(start, 8).let { if (it + patch <= side) it else 0 }
    start + patch > side -> max(0, start - ceilDiv(start + patch - side, 8) * 8)
    else -> start
}

/** How far the content of one picture lies from where it is in another: (down, right), in pixels. */
internal fun shiftBetween(first: Grid, second: Grid): Pair<Int, Int> {
    val height = max(first.height, second.height)
    val width = max(first.width, second.width)
    if (min(height, width) < 8) return 0 to 0
    val one = windowed(first, height, width).transform()
    val other = windowed(second, height, width).transform()
    for (i in one.re.indices) {
        val re = other.re[i] * one.re[i] + other.im[i] * one.im[i]
        val im = other.im[i] * one.re[i] - other.re[i] * one.im[i]
        // Whitened by half: noise and blur leave little but noise in the high frequencies.
        val divisor = sqrt(sqrt(re * re + im * im)) + 1e-6
        one.re[i] = re / divisor
        one.im[i] = im / divisor
    }
    val peaks = one.inverse().re
    var most = Double.NEGATIVE_INFINITY
    var shift = 0 to 0
    for (y in near(height)) {
        for (x in near(width)) {
            val value = peaks[Math.floorMod(y, height) * width + Math.floorMod(x, width)]
            if (value > most) {
                most = value
                shift = y to x
            }
        }
    }
    return if (most < CLEAR_PEAK * deviation(peaks)) 0 to 0 else shift
}

/** Shifts that are looked at: 0, 1 ... and then the negative ones, as the first of equal ones counts. */
private fun near(side: Int): List<Int> {
    val limit = max(1, (side * MAX_SHIFT).toInt())
    return (0..limit) + (-limit..-1)
}

private fun windowed(picture: Grid, height: Int, width: Int): Spectrum {
    val mean = picture.values.average()
    val rows = hann(picture.height)
    val columns = hann(picture.width)
    val re = DoubleArray(height * width)
    for (y in 0 until picture.height) {
        for (x in 0 until picture.width) re[y * width + x] = (picture[y, x] - mean) * rows[y] * columns[x]
    }
    return Spectrum(height, width, re, DoubleArray(re.size))
}

private fun hann(length: Int) = DoubleArray(length) { 0.5 - 0.5 * cos(2 * PI * (it + 1) / (length + 1)) }

private fun deviation(values: DoubleArray): Double {
    val mean = values.average()
    return sqrt(values.sumOf { (it - mean) * (it - mean) } / values.size)
}

private fun median(values: List<Double>): Double {
    val sorted = values.sorted()
    val middle = sorted.size / 2
    return if (sorted.size % 2 == 1) sorted[middle] else (sorted[middle - 1] + sorted[middle]) / 2
}

/** Averages of 8 x 8 pixels, with mean 0 and length 1, or all 0. */
private fun coarsely(patch: Grid): DoubleArray {
    val flat = patch.eighths().values
    val mean = flat.average() / 64
    for (i in flat.indices) flat[i] = flat[i] / 64 - mean
    val length = sqrt(flat.sumOf { it * it })
    val seen = length > sqrt(flat.size.toDouble()) // A deviation of 1 of 255.
    return DoubleArray(flat.size) { if (seen) flat[it] / max(length, 1.0) else 0.0 }
}

private fun measured(patches: List<Grid>): FrameDetail {
    val noise = noise(patches)
    val detail = DoubleArray(OCTAVES)
    val across = DoubleArray(OCTAVES)
    val edges = DoubleArray(2)
    var level = patches
    for (octave in 0 until OCTAVES) {
        // White noise of variance v adds 2 v, averaging 4 pixels leaves v / 4.
        val floor = 2.0 * noise * noise / 4.0.pow(octave)
        val directions = DoubleArray(4)
        for (patch in level) {
            val energies = energies(patch)
            for (i in 0..3) directions[i] += ln(max(energies[i] - floor, 0.0) + FLOOR) / level.size
        }
        detail[octave] = directions.average()
        // Motion spoils one direction: the mean over patches, then the poorest direction.
        across[octave] = directions.min()
        if (octave < 2) edges[octave] = edge(level, 3 - octave)
        if (octave + 1 < OCTAVES) level = level.map { it.halved { a, b, c, d -> (a + b + c + d) * 0.25 } }
    }
    val all = patches.sumOf { it.values.size }.toDouble()
    val mean = patches.sumOf { it.values.sum() } / all / 128.0
    val even = patches.flatMap { it.eighths().values.asList() }.toDoubleArray()
    fun clipped(count: Int) = ln(count / all + 0.002)
    return FrameDetail(
        detail, across, edges, ln(noise + 0.5), min(noise, 2.0), blockiness(patches), mean,
        ln(deviation(even) / 64.0 + 4.0),
        clipped(patches.sumOf { patch -> patch.values.count { it > 248 } }),
        clipped(patches.sumOf { patch -> patch.values.count { it < 8 } }),
    )
}

/** Mean squares of gradients to the right, down, falling and rising. */
private fun energies(level: Grid): DoubleArray {
    val sums = DoubleArray(4)
    for (y in 1 until level.height - 1) {
        for (x in 1 until level.width - 1) {
            val right = level[y, x + 1] - level[y, x - 1]
            val down = level[y + 1, x] - level[y - 1, x]
            val falling = level[y + 1, x + 1] - level[y - 1, x - 1]
            val rising = level[y + 1, x - 1] - level[y - 1, x + 1]
            sums[0] += right * right
            sums[1] += down * down
            sums[2] += falling * falling
            sums[3] += rising * rising
        }
    }
    val count = (level.height - 2) * (level.width - 2)
    return DoubleArray(4) { sums[it] / count }
}

/** The mean logarithm of the steepest gradient of each block. */
private fun edge(level: List<Grid>, halvings: Int): Double {
    var sum = 0.0
    var count = 0
    for (patch in level) {
        val height = patch.height - 2
        val width = patch.width - 2
        var steepest = Grid(
            height, width,
            DoubleArray(height * width) { i ->
                val y = i / width + 1
                val x = i % width + 1
                max(abs(patch[y, x + 1] - patch[y, x - 1]), abs(patch[y + 1, x] - patch[y - 1, x]))
            },
        )
        repeat(halvings) { steepest = steepest.halved { a, b, c, d -> max(max(a, b), max(c, d)) } }
        for (value in steepest.values) sum += ln(value + 1.0)
        count += steepest.values.size
    }
    return sum / count
}

/** Standard deviation of the noise, 0-255, in the flattest tenth of all 8 x 8 blocks. */
private fun noise(patches: List<Grid>): Double {
    val means = patches.flatMap { patch ->
        val height = patch.height - 2
        val width = patch.width - 2
        fun second(y: Int, x: Int) = patch[y, x + 2] - 2.0 * patch[y, x + 1] + patch[y, x]
        val mask = DoubleArray(height * width) { i ->
            val y = i / width
            val x = i % width
            abs(second(y + 2, x) - 2.0 * second(y + 1, x) + second(y, x))
        }
        Grid(height, width, mask).eighths().values.asList()
    }.sorted()
    val flat = means.take(max(1, means.size / 10))
    return sqrt(PI / 2.0) / 6.0 * flat.average() / 64.0
}

/** How much larger the steps at one of 8 phases are than at the median one; a logarithm. */
private fun blockiness(patches: List<Grid>): Double {
    val height = patches[0].height
    val width = patches[0].width
    val down = DoubleArray(height - 1) { y ->
        patches.sumOf { patch -> (0 until width).sumOf { abs(patch[y + 1, it] - patch[y, it]) } }
    }
    val across = DoubleArray(width - 1) { x ->
        patches.sumOf { patch -> (0 until height).sumOf { abs(patch[it, x + 1] - patch[it, x]) } }
    }
    fun found(steps: DoubleArray, count: Int): Double {
        val phases = List(8) { phase -> (phase until steps.size step 8).map { steps[it] / count }.average() }
        return ln((phases.max() + 0.2) / (median(phases) + 0.2))
    }
    return 0.5 * (found(down, patches.size * width) + found(across, patches.size * height))
}
