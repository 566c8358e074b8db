package org.edgeiqa

import java.nio.ByteBuffer

/**
 * A region of interest, in pixels of the buffer as it lies in memory, that is before rotation.
 *
 * @property x of the left column, from 0.
 * @property y of the top row, from 0.
 * @property width in pixels, at least 1.
 * @property height in pixels, at least 1.
 */
public data class Roi(val x: Int, val y: Int, val width: Int, val height: Int)

/**
 * A picture as it lies in memory: pixels, how to read them, and which way is up.
 *
 * Arrays are kept, not copied: whoever writes the next picture into the same array changes the
 * frame. All parts are checked when a frame is made, so nothing downstream has to check again.
 *
 * @property pixelFormat order and meaning of the bytes.
 * @property rotation clockwise degrees that turn the buffer upright: 0, 90, 180 or 270.
 * @property roi region of interest before rotation; null for all of it.
 * @property timestampNs when it was taken, in nanoseconds of any monotonic clock; null if unknown.
 * @property colorMatrix for YUV, how it was made of RGB.
 * @property colorRange for YUV, which numbers are black and white.
 */
public class Frame private constructor(
    private val parts: List<Plane>,
    public val pixelFormat: PixelFormat,
    public val rotation: Int,
    public val roi: Roi?,
    public val timestampNs: Long?,
    public val colorMatrix: ColorMatrix,
    public val colorRange: ColorRange,
) {
    init {
        require(rotation in ROTATIONS) {
            "rotation is $rotation, expected 0, 90, 180 or 270 degrees clockwise"
        }
        val width = parts[0].width
        val height = parts[0].height
        roi?.let {
            val fits = it.x >= 0 && it.y >= 0 && it.width >= 1 && it.height >= 1 &&
                it.x.toLong() + it.width <= width && it.y.toLong() + it.height <= height
            require(fits) {
                "roi (x=${it.x}, y=${it.y}, width=${it.width}, height=${it.height}) is not " +
                    "inside the buffer of width $width and height $height"
            }
        }
    }

    /** What it consists of, cut to the region of interest and turned upright. */
    internal val planes: List<Plane> by lazy(LazyThreadSafetyMode.PUBLICATION) {
        parts.map { part ->
            val cut = roi?.let { part.cut(it.x, it.y, it.x + it.width, it.y + it.height) } ?: part
            cut.turned(rotation)
        }
    }

    /** Columns of the upright region of interest, in pixels. */
    public val width: Int get() = planes[0].width

    /** Rows of the upright region of interest, in pixels. */
    public val height: Int get() = planes[0].height

    public companion object {
        private val ROTATIONS = setOf(0, 90, 180, 270)

        /**
         * A frame that lies in one array, as from decoders or Android's old camera API.
         *
         * @param data the bytes; more than needed are welcome.
         * @param width in pixels, at least 1.
         * @param height in pixels, at least 1.
         * @param pixelFormat anything but [PixelFormat.YUV_420_888].
         * @param rowStride bytes from one row to the next, of the Y plane where there are planes;
         *     null for rows without padding.
         * @param chromaRowStride the same of the chroma rows of NV12, NV21 and I420; by default
         *     that of Y, for I420 half of it rounded up, but never less than a row.
         * @param chromaOffset byte where chroma begins in NV12, NV21 and I420; by default
         *     `rowStride * height`. Decoders that pad the height (1080 to 1088) need it.
         * @param rotation clockwise degrees that turn the buffer upright: 0, 90, 180 or 270.
         * @param roi region of interest before rotation.
         * @param timestampNs in nanoseconds of any monotonic clock.
         * @param colorMatrix for YUV.
         * @param colorRange for YUV; Android's cameras give [ColorRange.FULL].
         * @throws IllegalArgumentException too few bytes, a stride shorter than a row, a region
         *     outside the buffer; the message says what came and what was expected.
         */
        @JvmStatic
        @JvmOverloads
        public fun fromBuffer(
            data: ByteArray,
            width: Int,
            height: Int,
            pixelFormat: PixelFormat,
            rowStride: Int? = null,
            chromaRowStride: Int? = null,
            chromaOffset: Int? = null,
            rotation: Int = 0,
            roi: Roi? = null,
            timestampNs: Long? = null,
            colorMatrix: ColorMatrix = ColorMatrix.BT601,
            colorRange: ColorRange = ColorRange.LIMITED,
        ): Frame {
            val parts =
                splitBuffer(data, width, height, pixelFormat, rowStride, chromaRowStride, chromaOffset)
            return Frame(parts, pixelFormat, rotation, roi, timestampNs, colorMatrix, colorRange)
        }

        /**
         * A YUV frame in three planes, as `android.media.Image` and video decoders have it.
         *
         * @param y luma, from the first sample on.
         * @param u Cb, ceil(height / 2) by ceil(width / 2) samples.
         * @param v Cr, likewise.
         * @param width in pixels, at least 1.
         * @param height in pixels, at least 1.
         * @param rowStrides bytes from one row to the next, of Y, U and V
         *     (`Image.Plane.getRowStride`); null for rows without padding.
         * @param pixelStrides bytes from one sample to the next, of Y, U and V
         *     (`Image.Plane.getPixelStride`).
         * @param pixelFormat what to call it; [PixelFormat.YUYV] means planes of 4:2:2.
         * @param rotation clockwise degrees that turn the buffer upright: 0, 90, 180 or 270.
         * @param roi region of interest before rotation.
         * @param timestampNs in nanoseconds of any monotonic clock.
         * @param colorMatrix how it was made of RGB.
         * @param colorRange Android's cameras give [ColorRange.FULL].
         * @throws IllegalArgumentException too few bytes (the last row may lack its padding), not
         *     three strides, a stride shorter than a row, a region outside the buffer.
         */
        @JvmStatic
        @JvmOverloads
        public fun fromPlanes(
            y: ByteArray,
            u: ByteArray,
            v: ByteArray,
            width: Int,
            height: Int,
            rowStrides: IntArray? = null,
            pixelStrides: IntArray = intArrayOf(1, 1, 1),
            pixelFormat: PixelFormat = PixelFormat.YUV_420_888,
            rotation: Int = 0,
            roi: Roi? = null,
            timestampNs: Long? = null,
            colorMatrix: ColorMatrix = ColorMatrix.BT601,
            colorRange: ColorRange = ColorRange.LIMITED,
        ): Frame {
            val data = listOf(y, u, v)
            val sizes = data.map { it.size }
            val views = checkPlanes(sizes, width, height, rowStrides, pixelStrides, pixelFormat)
            val parts = views.mapIndexed { i, view -> view.of(data[i], width, height) }
            return Frame(parts, pixelFormat, rotation, roi, timestampNs, colorMatrix, colorRange)
        }
    }
}

/**
 * Copies the planes of camera images into arrays of its own and uses these again.
 *
 * An `android.media.Image` has to be closed before the camera can deliver another one, and is
 * scored later, in another thread. The copy has neither padding nor gaps: 1.5 bytes per pixel. One
 * buffer holds one frame: a frame made of it is valid until the next [copy].
 *
 * Not for several threads at a time.
 */
public class YuvBuffer {
    private val arrays = Array(3) { ByteArray(0) }
    private var line = ByteArray(0)

    /**
     * Copies three planes of 4:2:0; see [Frame.fromPlanes] for the other parameters.
     *
     * @param y luma; read from the buffer's position on, which is not changed.
     * @param u Cb, likewise.
     * @param v Cr, likewise.
     * @throws IllegalArgumentException as [Frame.fromPlanes]; the buffer then keeps what it holds.
     */
    public fun copy(
        y: ByteBuffer,
        u: ByteBuffer,
        v: ByteBuffer,
        width: Int,
        height: Int,
        rowStrides: IntArray,
        pixelStrides: IntArray,
        rotation: Int = 0,
        roi: Roi? = null,
        timestampNs: Long? = null,
        colorMatrix: ColorMatrix = ColorMatrix.BT601,
        colorRange: ColorRange = ColorRange.FULL,
    ): Frame {
        val planes = listOf(y, u, v)
        val format = PixelFormat.YUV_420_888
        checkPlanes(planes.map { it.remaining() }, width, height, rowStrides, pixelStrides, format)
        for (i in 0..2) {
            val rows = if (i == 0) height else ceilDiv(height, 2)
            val columns = if (i == 0) width else ceilDiv(width, 2)
            if (arrays[i].size != rows * columns) arrays[i] = ByteArray(rows * columns)
            gather(planes[i], rows, columns, rowStrides[i], pixelStrides[i], arrays[i])
        }
        return Frame.fromPlanes(
            arrays[0], arrays[1], arrays[2], width, height, null, intArrayOf(1, 1, 1), format,
            rotation, roi, timestampNs, colorMatrix, colorRange,
        )
    }

    private fun gather(from: ByteBuffer, rows: Int, columns: Int, stride: Int, step: Int, to: ByteArray) {
        val source = from.duplicate()
        val start = source.position()
        val length = step * (columns - 1) + 1
        if (step != 1 && line.size < length) line = ByteArray(length)
        for (row in 0 until rows) {
            source.position(start + row * stride)
            if (step == 1) {
                source.get(to, row * columns, columns)
                continue
            }
            source.get(line, 0, length)
            val place = row * columns
            for (x in 0 until columns) to[place + x] = line[x * step]
        }
    }
}
