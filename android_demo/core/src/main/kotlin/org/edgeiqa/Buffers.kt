package org.edgeiqa

/** Finds the planes of one picture in one array; see [Frame.fromBuffer]. */
internal fun splitBuffer(
    data: ByteArray,
    width: Int,
    height: Int,
    format: PixelFormat,
    rowStride: Int?,
    chromaRowStride: Int?,
    chromaOffset: Int?,
): List<Plane> {
    require(format != PixelFormat.YUV_420_888) {
        "YUV_420_888 is three planes, not one buffer: use Frame.fromPlanes, or say which of NV12, " +
            "NV21 and I420 the buffer holds"
    }
    checkSide(width, "width")
    checkSide(height, "height")
    val least = format.rowBytes(width)
    val stride = if (rowStride == null) least else checkedStride(rowStride, least, "rowStride")
    val what = "a ${width}x$height $format picture with rows of $stride bytes"
    if (!format.isYuv || format == PixelFormat.YUYV) {
        for ((name, value) in listOf("chromaRowStride" to chromaRowStride, "chromaOffset" to chromaOffset)) {
            require(value == null) { "$name is $value, but $format has no chroma rows" }
        }
        checkLength(data.size, stride.toLong() * (height - 1) + least, what)
        return packed(data, width, height, format, stride)
    }
    val rows = ceilDiv(height, 2)
    val columns = ceilDiv(width, 2)
    val planar = format == PixelFormat.I420
    val chromaBytes = if (planar) columns else 2 * columns
    // Half as long rows, or as long ones; only a tight odd row is one byte short of its pairs.
    val chromaStride = if (chromaRowStride == null) {
        maxOf(chromaBytes, if (planar) ceilDiv(stride, 2) else stride)
    } else {
        checkedStride(chromaRowStride, chromaBytes, "chromaRowStride")
    }
    val start = chromaOffset?.toLong() ?: (stride.toLong() * height)
    require(start >= stride.toLong() * (height - 1) + width) {
        "chromaOffset is $start, inside the Y plane of $what"
    }
    val second = if (planar) start + chromaStride.toLong() * rows else start + 1
    val step = if (planar) 1 else 2
    checkLength(data.size, second + chromaStride.toLong() * (rows - 1) + step * (columns - 1L) + 1, what)
    fun chroma(offset: Long) = Plane(
        data, offset.toInt(), rows, columns, chromaStride, step, Layout.GRAY, height, width, 2, 2,
    )
    val luma = Plane(data, 0, height, width, stride, 1, Layout.GRAY, height, width)
    val pair = listOf(chroma(start), chroma(second))
    return listOf(luma) + if (format == PixelFormat.NV21) pair.reversed() else pair
}

private fun packed(
    data: ByteArray,
    width: Int,
    height: Int,
    format: PixelFormat,
    stride: Int,
): List<Plane> {
    if (format == PixelFormat.YUYV) {
        val columns = ceilDiv(width, 2)
        fun chroma(offset: Int) =
            Plane(data, offset, height, columns, stride, 4, Layout.GRAY, height, width, 1, 2)
        val luma = Plane(data, 0, height, width, stride, 2, Layout.GRAY, height, width)
        return listOf(luma, chroma(1), chroma(3))
    }
    val layout = Layout.valueOf(format.name)
    return listOf(Plane(data, 0, height, width, stride, format.channels, layout, height, width))
}

/** How the samples of one plane lie in its memory. */
internal class PlaneView(
    private val rows: Int,
    private val columns: Int,
    private val rowStride: Int,
    private val pixelStride: Int,
    private val stepY: Int,
    private val stepX: Int,
) {
    /** The view of an array that was checked. */
    fun of(data: ByteArray, width: Int, height: Int): Plane =
        Plane(data, 0, rows, columns, rowStride, pixelStride, Layout.GRAY, height, width, stepY, stepX)
}

/**
 * Checks that three planes can hold a picture; see [Frame.fromPlanes].
 *
 * @param sizes bytes of each plane.
 */
internal fun checkPlanes(
    sizes: List<Int>,
    width: Int,
    height: Int,
    rowStrides: IntArray?,
    pixelStrides: IntArray,
    format: PixelFormat,
): List<PlaneView> {
    require(format.isYuv) { "pixelFormat is $format, expected one of YUV" }
    require(width >= 1 && height >= 1) {
        "the size is ${width}x$height, expected at least 1x1 pixels"
    }
    for ((name, strides) in listOf("rowStrides" to rowStrides, "pixelStrides" to pixelStrides)) {
        require(strides == null || strides.size == 3) {
            "$name is ${strides?.contentToString()}, expected three: of Y, U and V"
        }
    }
    return sizes.mapIndexed { i, size ->
        val name = "YUV"[i]
        val stepY = if (i == 0) 1 else format.chromaStepY
        val stepX = if (i == 0) 1 else format.chromaStepX
        val rows = ceilDiv(height, stepY)
        val columns = ceilDiv(width, stepX)
        val pixelStride = pixelStrides[i]
        require(pixelStride >= 1) {
            "the pixel stride of $name is $pixelStride, expected at least 1"
        }
        val least = pixelStride.toLong() * (columns - 1) + 1
        require(least <= Int.MAX_VALUE) {
            "the pixel stride of $name is $pixelStride, too large for $columns samples"
        }
        val stride = if (rowStrides == null) {
            Math.multiplyExact(pixelStride, columns)
        } else {
            checkedStride(rowStrides[i], least.toInt(), "the row stride of $name")
        }
        // Android leaves out the padding of the last row, and what is after its last sample.
        checkLength(
            size,
            stride.toLong() * (rows - 1) + least,
            "plane $name of ${columns}x$rows samples, row stride $stride, pixel stride $pixelStride",
        )
        PlaneView(rows, columns, stride, pixelStride, stepY, stepX)
    }
}

private fun checkSide(side: Int, name: String) {
    require(side >= 1) { "$name is $side, expected at least 1 pixel" }
}

private fun checkedStride(stride: Int, least: Int, name: String): Int {
    require(stride >= least) { "$name is $stride bytes, expected at least the $least of a row" }
    return stride
}

private fun checkLength(size: Int, needed: Long, what: String) {
    require(size >= needed) {
        "$what needs $needed bytes, got $size: ${needed - size} are missing"
    }
}
