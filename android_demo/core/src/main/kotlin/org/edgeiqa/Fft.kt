package org.edgeiqa

import kotlin.math.PI
import kotlin.math.cos
import kotlin.math.sin

/**
 * Complex numbers in rows and columns.
 *
 * @property re real parts, row by row.
 * @property im imaginary parts.
 */
internal class Spectrum(val height: Int, val width: Int, val re: DoubleArray, val im: DoubleArray) {
    /** The discrete Fourier transform of both axes, in place. */
    fun transform(): Spectrum {
        val rows = Fft(width)
        for (y in 0 until height) rows.apply(re, im, y * width, 1)
        val columns = Fft(height)
        for (x in 0 until width) columns.apply(re, im, x, width)
        return this
    }

    /** The inverse transform, in place. */
    fun inverse(): Spectrum {
        for (i in im.indices) im[i] = -im[i]
        transform()
        for (i in re.indices) {
            re[i] /= re.size.toDouble()
            im[i] = -im[i] / im.size
        }
        return this
    }
}

/** The transform of one length, of whatever factors: those of 160 x 120 are small. */
private class Fft(private val length: Int) {
    private val cosines = DoubleArray(length) { cos(2 * PI * it / length) }
    private val sines = DoubleArray(length) { -sin(2 * PI * it / length) }
    private val re = DoubleArray(length)
    private val im = DoubleArray(length)
    private val partRe = DoubleArray(length)
    private val partIm = DoubleArray(length)

    fun apply(dataRe: DoubleArray, dataIm: DoubleArray, start: Int, step: Int) {
        split(length, dataRe, dataIm, start, step, 0)
        for (i in 0 until length) {
            dataRe[start + i * step] = re[i]
            dataIm[start + i * step] = im[i]
        }
    }

    /** Cooley and Tukey: transforms every n-th value, then joins the parts. */
    private fun split(n: Int, dataRe: DoubleArray, dataIm: DoubleArray, start: Int, step: Int, place: Int) {
        if (n == 1) {
            re[place] = dataRe[start]
            im[place] = dataIm[start]
            return
        }
        val parts = (2..n).first { n % it == 0 }
        val size = n / parts
        for (part in 0 until parts) {
            split(size, dataRe, dataIm, start + part * step, step * parts, place + part * size)
        }
        val turn = length / n
        for (k in 0 until size) {
            for (part in 0 until parts) {
                partRe[part] = re[place + part * size + k]
                partIm[part] = im[place + part * size + k]
            }
            for (q in 0 until parts) {
                var sumRe = 0.0
                var sumIm = 0.0
                for (part in 0 until parts) {
                    val angle = part * (k + q * size) % n * turn
                    sumRe += partRe[part] * cosines[angle] - partIm[part] * sines[angle]
                    sumIm += partRe[part] * sines[angle] + partIm[part] * cosines[angle]
                }
                re[place + q * size + k] = sumRe
                im[place + q * size + k] = sumIm
            }
        }
    }
}
