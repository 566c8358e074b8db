package org.edgeiqa.testing

import java.awt.image.BufferedImage
import java.io.File
import java.nio.ByteBuffer
import javax.imageio.ImageIO
import kotlin.math.roundToInt

/**
 * An image as a phone's camera hands it out: rows padded, U and V in one memory of V U V U ...
 *
 * @property planes Y, U and V.
 */
class PhoneImage(val width: Int, val height: Int, val planes: List<ByteBuffer>, val rowStrides: IntArray) {
    val pixelStrides = intArrayOf(1, 2, 2)
}

/** The sample photographs of the Python package. */
object Samples {
    /** A photograph, upright: "raccoon", "astronaut-dark" and so on. */
    fun picture(name: String): BufferedImage {
        val folder = File(Models.property("edgeiqa.samples"))
        return checkNotNull(ImageIO.read(File(folder, "$name.jpg"))) { "no picture $name.jpg" }
    }

    /**
     * What a camera would deliver of a picture: full-range BT.601.
     *
     * @param picture upright.
     * @param rotation degrees clockwise by which the image has to be turned to be upright again.
     */
    fun phoneImage(picture: BufferedImage, rotation: Int = 0): PhoneImage {
        val sideways = rotation % 180 != 0
        val width = (if (sideways) picture.height else picture.width) / 2 * 2
        val height = (if (sideways) picture.width else picture.height) / 2 * 2
        fun rgb(x: Int, y: Int): Int = when (rotation) {
            90 -> picture.getRGB(picture.width - 1 - y, x)
            180 -> picture.getRGB(picture.width - 1 - x, picture.height - 1 - y)
            270 -> picture.getRGB(y, picture.height - 1 - x)
            else -> picture.getRGB(x, y)
        }
        val stride = (width + 63) / 64 * 64
        val luma = ByteArray(stride * (height - 1) + width)
        val chroma = ByteArray(stride * (height / 2 - 1) + width)
        for (y in 0 until height) {
            for (x in 0 until width) luma[y * stride + x] = byte(weighted(rgb(x, y), 0.299, 0.587, 0.114))
        }
        for (y in 0 until height step 2) {
            for (x in 0 until width step 2) {
                val place = y / 2 * stride + x
                chroma[place] = byte(128 + weighted(rgb(x, y), 0.5, -0.418688, -0.081312))
                chroma[place + 1] = byte(128 + weighted(rgb(x, y), -0.168736, -0.331264, 0.5))
            }
        }
        val u = ByteBuffer.wrap(chroma, 1, chroma.size - 1).slice()
        val v = ByteBuffer.wrap(chroma, 0, chroma.size - 1).slice()
        return PhoneImage(width, height, listOf(ByteBuffer.wrap(luma), u, v), intArrayOf(stride, stride, stride))
    }

    private fun weighted(rgb: Int, red: Double, green: Double, blue: Double): Double =
        red * (rgb shr 16 and 255) + green * (rgb shr 8 and 255) + blue * (rgb and 255)

    private fun byte(value: Double): Byte = value.roundToInt().coerceIn(0, 255).toByte()
}
