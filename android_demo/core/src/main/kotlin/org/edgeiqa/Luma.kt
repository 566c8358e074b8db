package org.edgeiqa

/** Reduction divides by multiplying; with larger blocks its fixed point is too coarse. */
internal const val MAX_FACTOR = 128

/**
 * The luma of the whole upright picture, reduced by a whole number of 1 to [MAX_FACTOR].
 *
 * Blocks are averaged in RGB before luma is made of it, in the Y plane before it is brought to full
 * range.
 */
internal fun lumaSmall(frame: Frame, factor: Int): Picture = luma(frame, frame.planes[0], factor)

/** The luma of a box of the upright picture, pixel by pixel; right and bottom are exclusive. */
internal fun lumaCrop(frame: Frame, left: Int, top: Int, right: Int, bottom: Int): Picture =
    luma(frame, frame.planes[0].cut(left, top, right, bottom), 1)

private fun luma(frame: Frame, plane: Plane, factor: Int): Picture {
    val picture = reduced(plane, factor, factor)
    if (picture.channels == 1) {
        if (frame.pixelFormat.isYuv) toFullRange(picture.bytes, frame.colorRange)
        return picture
    }
    return lumaOfRgb(picture)
}

/** Luma of R, G and B: BT.601, as section 6 of docs/preprocessing.md has it. */
internal fun lumaOfRgb(rgb: Picture): Picture {
    val gray = Picture(rgb.height, rgb.width, 1)
    val bytes = rgb.bytes
    for (i in gray.bytes.indices) {
        val red = bytes[3 * i].toInt() and 255
        val green = bytes[3 * i + 1].toInt() and 255
        val blue = bytes[3 * i + 2].toInt() and 255
        gray.bytes[i] = (19595 * red + 38470 * green + 7471 * blue + 32768 shr 16).toByte()
    }
    return gray
}
