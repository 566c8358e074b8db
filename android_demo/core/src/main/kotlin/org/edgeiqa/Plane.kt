package org.edgeiqa

/**
 * Where the values of a pixel lie.
 *
 * @property channels values that are read: 3 for colour, 1 for gray.
 * @property red offset of red within a pixel, in bytes; of gray, that of the value.
 * @property green offset of green.
 * @property blue offset of blue.
 * @property alpha offset of straight alpha; -1 where there is none.
 */
internal enum class Layout(
    val channels: Int,
    val red: Int,
    val green: Int,
    val blue: Int,
    val alpha: Int,
) {
    GRAY(1, 0, 0, 0, -1),
    RGB(3, 0, 1, 2, -1),
    BGR(3, 2, 1, 0, -1),
    RGBA(3, 0, 1, 2, 3),
    BGRA(3, 2, 1, 0, 3),
}

/**
 * Samples over the area of a picture, one per pixel or fewer: a view, nothing is copied.
 *
 * Cutting and turning change where the view begins and how it steps. Every byte that it can reach
 * is known to be there.
 *
 * @property rowStep bytes from a row to the next; negative where rows come in the opposite order.
 * @property columnStep bytes from a sample to the next; may be negative likewise.
 * @property height of the picture, in its pixels.
 * @property width of the picture, in its pixels.
 * @property stepY rows of the picture that a sample stands for.
 * @property stepX columns of the picture that a sample stands for.
 * @property leadY pixels by which the first sample begins before the picture: where a region of YUV
 *     starts at an odd pixel, half of its first chroma sample is outside.
 * @property leadX the same across.
 */
internal class Plane(
    val data: ByteArray,
    val offset: Int,
    val rows: Int,
    val columns: Int,
    val rowStep: Int,
    val columnStep: Int,
    val layout: Layout,
    val height: Int,
    val width: Int,
    val stepY: Int = 1,
    val stepX: Int = 1,
    val leadY: Int = 0,
    val leadX: Int = 0,
) {
    /** The part that lies over a box of the picture; right and bottom are exclusive. */
    fun cut(left: Int, top: Int, right: Int, bottom: Int): Plane {
        val firstY = (top + leadY) / stepY
        val firstX = (left + leadX) / stepX
        return Plane(
            data,
            offset + firstY * rowStep + firstX * columnStep,
            ceilDiv(bottom + leadY, stepY) - firstY,
            ceilDiv(right + leadX, stepX) - firstX,
            rowStep,
            columnStep,
            layout,
            bottom - top,
            right - left,
            stepY,
            stepX,
            top + leadY - firstY * stepY,
            left + leadX - firstX * stepX,
        )
    }

    /** The same turned clockwise by 0, 90, 180 or 270 degrees. */
    fun turned(rotation: Int): Plane {
        var plane = this
        repeat(rotation / 90) { plane = plane.turnedOnce() }
        return plane
    }

    private fun turnedOnce(): Plane = Plane(
        data,
        offset + (rows - 1) * rowStep,
        columns,
        rows,
        columnStep,
        -rowStep,
        layout,
        width,
        height,
        stepX,
        stepY,
        leadX,
        rows * stepY - height - leadY, // What was at the bottom comes to the left.
    )
}

/**
 * Pixels that lie tightly, row by row.
 *
 * @property bytes [height * width * channels] values.
 */
internal class Picture(val height: Int, val width: Int, val channels: Int, val bytes: ByteArray) {
    constructor(height: Int, width: Int, channels: Int) :
        this(height, width, channels, ByteArray(height * width * channels))
}
