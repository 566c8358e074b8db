package org.edgeiqa

import kotlin.math.max

// Box reduction stops at twice the final size; bilinear filtering does the rest.
private const val REDUCING_GAP = 2

/**
 * Makes the input tensor of a model for scores: docs/preprocessing.md, sections 1 to 6.
 *
 * @param frame any frame.
 * @param spec the input that the model's contract asks for.
 * @return [spec.height * spec.width * 3] bytes: rows from top to bottom, pixels from left to right,
 *     R, G, B, 0-255.
 */
public fun preprocess(frame: Frame, spec: InputSpec): ByteArray =
    fitted(frame, spec.height, spec.width, spec.fit).bytes

/**
 * Cuts a frame to its region of interest, turns it upright and converts it to RGB.
 *
 * Scoring needs no such picture; it is for those who show or keep one.
 *
 * @param frame any frame.
 * @return [frame.height * frame.width * 3] bytes, R, G, B, 0-255.
 */
public fun toRgb(frame: Frame): ByteArray = fitted(frame, frame.height, frame.width, "squash").bytes

/** A frame at another size, RGB. */
internal fun fitted(frame: Frame, height: Int, width: Int, fit: String): Picture {
    var parts = frame.planes
    if (fit == "crop") {
        val box = centreBox(frame.width, frame.height, width, height)
        parts = parts.map { it.cut(box[0], box[1], box[2], box[3]) }
    }
    if (!frame.pixelFormat.isYuv) {
        val part = along(parts[0], height, width)
        val picture = downColumns(part.picture, height, part.start, part.stop)
        return if (picture.channels == 3) picture else repeated(picture)
    }
    val sources = parts.map { along(it, height, width) }
    val weights = sources.map { Weights.of(it.picture.height, it.start, it.stop, height) }
    val sums = List(3) { IntArray(width) }
    val numbers = Coefficients.of(frame.colorMatrix, frame.colorRange)
    val rgb = Picture(height, width, 3)
    for (row in 0 until height) {
        for (i in 0..2) downColumns(sources[i].picture, weights[i], row, sums[i])
        yuvToRgb(sums[0], sums[1], sums[2], numbers, rgb.bytes, row * width * 3)
    }
    return rgb
}

/** A plane after the first pass, and between which of its rows the picture lies. */
private class Along(val picture: Picture, val start: Double, val stop: Double)

private fun along(plane: Plane, height: Int, width: Int): Along {
    val down = max(1, plane.rows / (REDUCING_GAP * height))
    val across = max(1, plane.columns / (REDUCING_GAP * width))
    val unitY = (plane.stepY * down).toDouble()
    val unitX = (plane.stepX * across).toDouble()
    val picture = alongRows(
        reduced(plane, down, across), width,
        plane.leadX / unitX, (plane.leadX + plane.width) / unitX,
    )
    return Along(picture, plane.leadY / unitY, (plane.leadY + plane.height) / unitY)
}

/** The largest centred box of an aspect ratio: left, top, right, bottom; the latter exclusive. */
internal fun centreBox(width: Int, height: Int, toWidth: Int, toHeight: Int): IntArray {
    var boxWidth = width
    var boxHeight = height
    if (width.toLong() * toHeight > height.toLong() * toWidth) {
        boxWidth = max(1L, height.toLong() * toWidth / toHeight).toInt()
    } else {
        boxHeight = max(1L, width.toLong() * toHeight / toWidth).toInt()
    }
    val left = (width - boxWidth) / 2
    val top = (height - boxHeight) / 2
    return intArrayOf(left, top, left + boxWidth, top + boxHeight)
}

private fun repeated(gray: Picture): Picture {
    val rgb = Picture(gray.height, gray.width, 3)
    for (i in rgb.bytes.indices) rgb.bytes[i] = gray.bytes[i / 3]
    return rgb
}
