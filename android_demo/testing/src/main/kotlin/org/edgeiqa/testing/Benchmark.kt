package org.edgeiqa.testing

import kotlin.math.abs
import org.edgeiqa.Gate
import org.edgeiqa.LiveGate
import org.edgeiqa.Smoother
import org.edgeiqa.YuvBuffer
import org.edgeiqa.detail
import org.edgeiqa.exposure
import org.edgeiqa.pooled
import org.edgeiqa.preprocess
import org.edgeiqa.qualityFromOutputs

/** Milliseconds per stage of one 1080p frame, beside the measure that people write themselves. */
object Benchmark {
    private const val RUNS = 200

    /** Prints a table; the argument is the model, "base" or "nano". */
    @JvmStatic
    fun main(arguments: Array<String>) {
        val name = arguments.firstOrNull() ?: "base"
        val scorer = Models.scorer(name)
        val model = scorer.model
        val causes = scorer.causesModel!!
        val frame = Timing.frame1080p()
        val buffer = YuvBuffer()
        val phone = Timing.phoneImage1080p()
        val tensor = preprocess(frame, model.contract.input)
        val seen = detail(frame, causes.contract.input)
        val outputs = model.run(tensor)
        val levels = causes.run(seen.tensor).values.single()
        val labels = causes.contract.outputs[0].labels!!
        val quality = scorer.score(frame)
        val gate = LiveGate(Gate(40.0))
        val smoother = Smoother()
        var time = 0L

        val stages = listOf(
            "copy three planes (YuvBuffer)" to Timing.measure(RUNS) {
                buffer.copy(
                    phone.planes[0], phone.planes[1], phone.planes[2], phone.width, phone.height,
                    phone.rowStrides, phone.pixelStrides,
                )
            },
            "preprocess for $name" to Timing.measure(RUNS) { preprocess(frame, model.contract.input) },
            "network $name" to Timing.measure(RUNS) { model.run(tensor) },
            "patches for causes" to Timing.measure(RUNS) { detail(frame, causes.contract.input) },
            "network for causes" to Timing.measure(RUNS) { causes.run(seen.tensor) },
            "outputs to quality and causes" to Timing.measure(RUNS) {
                qualityFromOutputs(outputs, model.contract)
                pooled(levels, causes.contract.input.views, labels)
                exposure(seen.small)
            },
            "smoothing and gate" to Timing.measure(RUNS) {
                time += 33_000_000
                gate.judge(smoother.update(quality, time), time)
            },
        )
        val whole = Timing.measure(RUNS) { scorer.score(frame) }
        val laplacian = Timing.measure(RUNS) { varianceOfLaplacian(Timing.luma1080p, frame.width, frame.height) }
        val machine = "${System.getProperty("java.vm.name")} ${System.getProperty("java.version")}"
        println("1080p NV21, $RUNS runs, $machine")
        println("%-34s %9s %9s".format("milliseconds", "median", "minimum"))
        val rows = stages + ("all of it: Scorer.score" to whole) + ("variance of the Laplacian" to laplacian)
        for ((stage, took) in rows) println("%-34s %9.3f %9.3f".format(stage, took.median, took.minimum))
        val ratios = listOf(whole.median / laplacian.median, whole.minimum / laplacian.minimum)
        println("%-34s %9.1f %9.1f".format("Scorer.score / Laplacian", ratios[0], ratios[1]))
    }

    /** What many apps take for sharpness: the variance of the Laplacian of the whole luma plane. */
    private fun varianceOfLaplacian(luma: ByteArray, width: Int, height: Int): Double {
        var sum = 0L
        var squares = 0L
        for (y in 1 until height - 1) {
            var at = y * width + 1
            for (x in 1 until width - 1) {
                val value = 4 * (luma[at].toInt() and 255) - (luma[at - 1].toInt() and 255) -
                    (luma[at + 1].toInt() and 255) - (luma[at - width].toInt() and 255) -
                    (luma[at + width].toInt() and 255)
                sum += value
                squares += (value * value).toLong()
                at++
            }
        }
        val count = (width - 2L) * (height - 2)
        val mean = sum.toDouble() / count
        return abs(squares.toDouble() / count - mean * mean)
    }
}
