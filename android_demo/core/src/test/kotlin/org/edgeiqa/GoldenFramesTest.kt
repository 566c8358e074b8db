package org.edgeiqa

import java.io.File
import java.util.Base64
import kotlin.math.abs
import kotlin.math.max
import org.edgeiqa.testing.Models
import org.edgeiqa.testing.Timing
import org.junit.AfterClass
import org.junit.Assert.assertEquals
import org.junit.Test

/** Every tensor, int8 output, score and verdict that Python wrote down, through the real networks. */
class GoldenFramesTest {
    private val index = Vectors.read("index.json")

    @Test
    fun vectorsBelongToTheseModels() {
        for ((name, model) in index["models"].entries) {
            val file = ModelFile.read(Models.bytes(name))
            assertEquals(name, model["version"].text, file.contract.version)
            assertEquals(name, model["flatbufferSha256"].text, Vectors.sha256(file.flatbuffer))
            assertEquals(name, model["tensorShape"].list.map { it.int }, file.contract.input.tensorShape)
        }
    }

    @Test
    fun everyFrame() {
        val networks = listOf("base", "nano", "causes").associateWith { Models.open(it) }
        val limits = networks.getValue("causes").contract.limits
        for (vector in index["vectors"].list) {
            val name = vector["name"].text
            val buffers = Vectors.buffers(vector)
            assertEquals(name, vector["bufferSha256"].list.map { it.text }, buffers.map { Vectors.sha256(it) })
            val frame = Vectors.frame(vector, buffers)
            val size = vector["size"]
            assertEquals(name, size["height"].int to size["width"].int, frame.height to frame.width)
            val causes = causes(name, vector["causes"], frame, networks.getValue("causes"))
            for (kind in listOf("base", "nano")) {
                val model = networks.getValue(kind)
                score("$name, $kind", vector[kind], frame, model, causes, limits)
            }
            tried++
        }
        networks.values.forEach { it.close() }
    }

    @Test
    fun everyResize() {
        val vectors = index["vectors"].list.associateBy { it["name"].text }
        for (resize in index["resizes"].list) {
            val vector = vectors.getValue(resize["name"].text)
            val spec = InputSpec(resize["height"].int, resize["width"].int, fit = resize["fit"].text)
            val tensor = preprocess(Vectors.frame(vector, Vectors.buffers(vector)), spec)
            assertEquals("${resize.value}", resize["tensorSha256"].text, Vectors.sha256(tensor))
        }
    }

    @Test
    fun planesThatWereCopied() {
        val spec = ModelFile.read(Models.bytes("nano")).contract.input
        val vectors = index["vectors"].list.filter { it["frame"]["format"].text == "YUV_420_888" }
        for (vector in vectors) {
            val frame = Vectors.frame(vector, Vectors.buffers(vector), copied = true)
            val tensor = Vectors.sha256(preprocess(frame, spec))
            assertEquals(vector["name"].text, vector["nano"]["tensorSha256"].text, tensor)
        }
    }

    private fun causes(name: String, expected: Node, frame: Frame, model: Model): Map<String, Double> {
        val spec = model.contract.input
        val seen = detail(frame, spec)
        assertEquals("$name: reduced", expected["reducedSha256"].text, Vectors.sha256(seen.small))
        tensor("$name: patches", expected, seen.tensor)
        val raw = model.runRaw(seen.tensor).values.single()
        outputs("$name: causes", Base64.getDecoder().decode(expected["output"].text), raw)
        val labels = model.contract.outputs[0].labels!!
        val found = pooled(model.run(seen.tensor).values.single(), spec.views, labels) + exposure(seen.small)
        val severities = CAUSES.filter { it in found }.associateWith { found.getValue(it) }
        assertEquals(name, expected["causes"].entries.keys.toList(), severities.keys.toList())
        for ((cause, severity) in severities) {
            Vectors.near("$name: $cause", expected["causes"][cause].double, severity)
        }
        return severities
    }

    private fun score(
        where: String,
        expected: Node,
        frame: Frame,
        model: Model,
        causes: Map<String, Double>,
        limits: Map<String, Map<String, Double>>,
    ) {
        val tensor = preprocess(frame, model.contract.input)
        tensor(where, expected, tensor)
        val raw = model.runRaw(tensor).values.single()
        outputs(where, expected["output"].list.map { it.int.toByte() }.toByteArray(), raw)
        val quality = qualityFromOutputs(model.run(tensor), model.contract).copy(causes = causes)
        maxScore = max(maxScore, abs(quality.score - expected["score"].double))
        Vectors.near("$where: score", expected["score"].double, quality.score)
        Vectors.near("$where: std", expected["std"].double, quality.std!!)
        for ((preset, verdict) in expected["verdicts"].entries) {
            val gate = Gate.of(preset, model.contract.gate, limits)
            Vectors.compare("$where, $preset", verdict, gate.judge(quality))
        }
    }

    private fun tensor(where: String, expected: Node, tensor: ByteArray) {
        val found = Vectors.sha256(tensor)
        if (found != expected["tensorSha256"].text) maxTensor = 255 // Its bytes are not known.
        assertEquals("$where: tensor", expected["tensorSha256"].text, found)
    }

    private fun outputs(where: String, expected: ByteArray, found: ByteArray) {
        for (i in expected.indices) maxInt8 = max(maxInt8, abs(expected[i] - found[i]))
        assertEquals("$where: outputs", expected.toList(), found.toList())
    }

    companion object {
        private var tried = 0
        private var maxTensor = 0
        private var maxInt8 = 0
        private var maxScore = 0.0

        /** One row of the table of platforms. */
        @AfterClass
        @JvmStatic
        fun report() {
            val path = System.getProperty("edgeiqa.report") ?: return
            val ms = Timing.score1080pMs()
            File(path).writeText(
                "{\"platform\": \"JVM\", \"vectors\": $tried, \"max_tensor_diff\": $maxTensor, " +
                    "\"max_int8_diff\": $maxInt8, \"max_score_diff\": $maxScore, \"ms_1080p\": $ms}\n",
            )
        }
    }
}
