package org.edgeiqa

import java.util.Base64
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

/** What Python refuses, Kotlin refuses, with a message that names what came and what was expected. */
class GoldenRefusalsTest {
    private val bad = Vectors.read("bad.json")

    @Test
    fun framesThatCannotBe() {
        var tried = 0
        for (vector in bad["frames"].list) {
            // A statically typed language cannot even be given these.
            val numbers = vector["frame"].optional("roi")?.list?.size ?: 4
            if (vector["error"].text != "value" || numbers != 4) continue
            val name = vector["name"].text
            val buffers = Vectors.buffers(vector)
            val error = assertThrows(name, IllegalArgumentException::class.java) {
                toRgb(Vectors.frame(vector, buffers))
            }
            for (part in vector["names"].list) {
                assertTrue("$name: '${error.message}' lacks ${part.text}", part.text in error.message!!)
            }
            tried++
        }
        assertTrue("$tried frames", tried > 20)
    }

    @Test
    fun modelFilesThatCannotBeTrusted() {
        for (vector in bad["models"].list) {
            val name = vector["name"].text
            val data = Base64.getDecoder().decode(vector["data"].text)
            if (vector.optional("error") != null) {
                assertThrows(name, ContractException::class.java) { ModelFile.read(data) }
                continue
            }
            val file = ModelFile.read(data)
            assertEquals(name, vector["flatbufferBytes"].int, file.flatbuffer.size)
            assertEquals(name, data.take(file.flatbuffer.size), file.flatbuffer.toList())
            compare(name, vector["contract"], file.contract)
        }
    }

    private fun compare(name: String, expected: Node, contract: Contract) {
        assertEquals(name, expected["name"].text, contract.name)
        assertEquals(name, expected["version"].text, contract.version)
        val input = expected["input"]
        val spec = InputSpec(
            input["height"].int, input["width"].int, input["dtype"].text, input["color"].text,
            input["fit"].text, input["resample"].text, input["views"].list.map { it.text },
        )
        assertEquals(name, spec, contract.input)
        val outputs = expected["outputs"].list.map { output ->
            OutputSpec(
                output["name"].text, output["kind"].text,
                output.optional("bins")?.list?.map { it.double },
                output.optional("labels")?.list?.map { it.text },
                output.optional("score_label")?.text, output.optional("activation")?.text ?: "linear",
            )
        }
        assertEquals(name, outputs, contract.outputs)
        val calibration = expected["calibration"]
        val numbers = listOf("scale", "offset", "std_scale", "std_power")
            .map { calibration.optional(it)?.double ?: 1.0 }
        assertEquals(name, Calibration(numbers[0], numbers[1], numbers[2], numbers[3]), contract.calibration)
        assertEquals(name, expected["gate"].entries.mapValues { it.value.double }, contract.gate)
        val limits = expected.optional("limits")?.entries.orEmpty()
            .mapValues { preset -> preset.value.entries.mapValues { it.value.double } }
        assertEquals(name, limits, contract.limits)
    }
}
