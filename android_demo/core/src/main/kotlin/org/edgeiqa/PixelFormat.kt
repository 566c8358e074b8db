package org.edgeiqa

/**
 * How the numbers of a buffer are to be read; each value is 8 bits, 0-255.
 *
 * Formats of the RGB kind name the order in memory: [BGRA] is blue first, alpha last. Alpha is
 * straight (not premultiplied) and is composited over white. The rest are YUV (properly Y'CbCr; U
 * is Cb, V is Cr), with one Y for every pixel:
 *
 * - [NV12]: the Y plane, then rows of U V U V ..., one pair for 2x2 pixels.
 * - [NV21]: the same with V U V U ...; what Android's old camera API calls its default.
 * - [I420]: the Y plane, the U plane, the V plane.
 * - [YUYV]: Y U Y V for every two pixels of a row.
 * - [YUV_420_888]: three planes, each with a row stride and a pixel stride of its own, as an
 *   `android.media.Image` has them; see [Frame.fromPlanes].
 *
 * An odd side has half a chroma sample more than it needs: there are ceil(width / 2) by
 * ceil(height / 2) of them.
 *
 * @property channels values per pixel: 3, 4 with alpha, 1 for gray and for the luma of YUV.
 * @property isYuv whether colour is in planes of its own, of a lower resolution than the luma.
 */
public enum class PixelFormat(public val channels: Int, public val isYuv: Boolean) {
    RGB(3, false),
    BGR(3, false),
    RGBA(4, false),
    BGRA(4, false),
    GRAY(1, false),
    NV12(1, true),
    NV21(1, true),
    I420(1, true),
    YUYV(1, true),
    YUV_420_888(1, true),
    ;

    /** Rows of pixels that share one U and one V; 1 where there are none. */
    internal val chromaStepY: Int get() = if (isYuv && this != YUYV) 2 else 1

    /** Columns of pixels that share one U and one V; 1 where there are none. */
    internal val chromaStepX: Int get() = if (isYuv) 2 else 1

    /**
     * Bytes of one row without padding; of the Y plane where there are several planes.
     *
     * @param width in pixels, at least 1.
     */
    public fun rowBytes(width: Int): Int =
        if (this == YUYV) 4 * ceilDiv(width, 2) else Math.multiplyExact(width, channels)
}

/** How Y, U and V were made of R, G and B. */
public enum class ColorMatrix {
    /** ITU-R BT.601, which JPEG shares: cameras, webcams. */
    BT601,

    /** ITU-R BT.709: HD video. */
    BT709,
}

/** Which numbers stand for black and white in YUV. */
public enum class ColorRange {
    /** Y 16-235, U and V 16-240: video files and streams, webcams. */
    LIMITED,

    /** 0-255: JPEG, and what Android's cameras hand to apps (`DataSpace.DATASPACE_JFIF`). */
    FULL,
}

/** The quotient of whole numbers from 0 on, rounded up. */
internal fun ceilDiv(a: Int, b: Int): Int = (a + b - 1) / b
