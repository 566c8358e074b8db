package org.edgeiqa

private const val BITS = 16

/**
 * The whole numbers that turn Y, U and V into R, G and B, multiples of 2^-16: section 6 of
 * docs/preprocessing.md.
 */
internal class Coefficients private constructor(
    val black: Int,
    val luma: Int,
    val redV: Int,
    val greenU: Int,
    val greenV: Int,
    val blueU: Int,
) {
    companion object {
        fun of(matrix: ColorMatrix, range: ColorRange): Coefficients = when (matrix to range) {
            ColorMatrix.BT601 to ColorRange.FULL -> Coefficients(0, 65536, 91881, 22553, 46802, 116130)
            ColorMatrix.BT601 to ColorRange.LIMITED ->
                Coefficients(16, 76309, 104597, 25675, 53279, 132201)
            ColorMatrix.BT709 to ColorRange.FULL -> Coefficients(0, 65536, 103206, 12276, 30679, 121609)
            else -> Coefficients(16, 76309, 117489, 13975, 34925, 138438)
        }
    }
}

private val FULL_RANGE = ByteArray(256) { y ->
    ((76309 * (y - 16) + (1 shl BITS - 1)) shr BITS).coerceIn(0, 255).toByte()
}

/** Brings luma to full range, in place; what is full already stays as it is. */
internal fun toFullRange(luma: ByteArray, range: ColorRange) {
    if (range == ColorRange.FULL) return
    for (i in luma.indices) luma[i] = FULL_RANGE[luma[i].toInt() and 255]
}

/**
 * Converts one row of samples that lie on each other.
 *
 * @param y sums of the filter, in units of 2^-22.
 * @param u the same of Cb.
 * @param v the same of Cr.
 * @param rgb receives R, G and B.
 * @param place index of the first byte written.
 */
internal fun yuvToRgb(
    y: IntArray,
    u: IntArray,
    v: IntArray,
    numbers: Coefficients,
    rgb: ByteArray,
    place: Int,
) {
    var at = place
    val black = numbers.black shl 13
    for (x in y.indices) {
        val luma = (y[x] shr 9) - black
        val base = (numbers.luma.toLong() * luma shr 8).toInt() + (1 shl 20)
        val blue = (u[x] + (1 shl 16) shr 17) - (128 shl 5)
        val red = (v[x] + (1 shl 16) shr 17) - (128 shl 5)
        rgb[at++] = clipped(base + numbers.redV * red)
        rgb[at++] = clipped(base - numbers.greenU * blue - numbers.greenV * red)
        rgb[at++] = clipped(base + numbers.blueU * blue)
    }
}

private fun clipped(value: Int): Byte = (value shr 21).coerceIn(0, 255).toByte()
