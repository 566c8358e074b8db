package org.edgeiqa

import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.security.MessageDigest

private const val FORMAT = 1L
private const val MAX_OUTPUTS = 16
private const val MAX_PRESETS = 16
private const val MAX_FILE_BYTES = 1 shl 28

/**
 * All that is to be known about a model file: docs/contract.md.
 *
 * @property name of the model, such as "base".
 * @property version of the model, such as "1.0.0".
 * @property input the picture that goes in.
 * @property outputs in the order of the flatbuffer's outputs.
 * @property calibration from raw score to 0-100.
 * @property gate least score 0-100 per preset: "relaxed", "normal", "strict"; may be empty.
 * @property limits most severity 0-1 per preset and cause; may be empty.
 */
public data class Contract(
    val name: String,
    val version: String,
    val input: InputSpec,
    val outputs: List<OutputSpec>,
    val calibration: Calibration = Calibration(),
    val gate: Map<String, Double> = emptyMap(),
    val limits: Map<String, Map<String, Double>> = emptyMap(),
) {
    init {
        checkText(name, "name")
        checkText(version, "version")
        check(outputs.size <= MAX_OUTPUTS) { "${outputs.size} outputs, at most $MAX_OUTPUTS are read" }
        check(maxOf(gate.size, limits.size) <= MAX_PRESETS) { "more than $MAX_PRESETS presets of a gate" }
        for (preset in gate.keys + limits.keys) checkText(preset, "the name of a preset")
        val names = outputs.map { it.name }
        check(names.toSet().size == names.size) { "outputs share a name: ${names.joinToString()}" }
        if (detectsCauses) {
            check(!input.isGlobal && outputs.size == 1) {
                "causes come from patches, and from one output alone"
            }
        } else {
            check(outputs.any { it.givesScore }) {
                "no output gives a score: expected a histogram, a scalar, or attributes with a score_label"
            }
            check(input.isGlobal) { "a score comes from the whole picture, not from patches" }
        }
        for ((preset, least) in gate) {
            check(least in 0.0..100.0) { "gate preset '$preset' is $least, expected 0 to 100" }
        }
        for ((preset, causes) in limits) {
            for ((cause, most) in causes) {
                check(cause in CAUSES && most in 0.0..1.0) {
                    "limit ${shown(cause)} of preset '$preset' is $most, expected 0 to 1 for one of " +
                        CAUSES.joinToString()
                }
            }
        }
    }

    /** Whether this is a network for causes and not for scores. */
    public val detectsCauses: Boolean get() = outputs.any { it.kind == "patch_causes" }

    /** The output that the score is taken from: the first that gives one. */
    internal val scoreOutput: OutputSpec get() = outputs.first { it.givesScore }
}

/**
 * A model file whose contract and checksum were checked.
 *
 * The checksum reveals damage. It does not make a stranger's file safe to run: Python's reader also
 * verifies every offset of the flatbuffer, this one does not. Run files that you built or shipped.
 *
 * @property contract what the file says about itself.
 * @property flatbuffer what is to be run: the .tflite without anything appended.
 */
public class ModelFile private constructor(
    public val contract: Contract,
    public val flatbuffer: ByteArray,
) {
    public companion object {
        /**
         * Takes a model file apart.
         *
         * @param data the bytes of a .tflite that carries a contract, at most 256 MiB.
         * @throws ContractException no contract, a newer format, a wrong checksum, a truncated file,
         *     or a contract that says something impossible.
         */
        @JvmStatic
        public fun read(data: ByteArray): ModelFile {
            check(data.size <= MAX_FILE_BYTES) {
                "${data.size} bytes, a model file has at most $MAX_FILE_BYTES"
            }
            check(data.size >= 8 && String(data, 4, 4, Charsets.ISO_8859_1) == "TFL3") {
                "not a TFLite model: the identifier TFL3 is missing"
            }
            val zip = ContractZip.read(data)
            val document = Document(parsed(zip.text))
            val contract = contract(document)
            val length = document.whole("flatbuffer_bytes")
            val sum = document.text("flatbuffer_sha256")
            check(length in 1L..zip.start.toLong()) {
                "the contract speaks of $length bytes of flatbuffer, the file has ${zip.start}"
            }
            val flatbuffer = data.copyOf(length.toInt())
            val digest = MessageDigest.getInstance("SHA-256").digest(flatbuffer)
                .joinToString("") { "%02x".format(it) }
            check(digest == sum.lowercase()) {
                "wrong checksum: the flatbuffer has SHA-256 $digest, its contract says ${shown(sum)}"
            }
            return ModelFile(contract, flatbuffer)
        }

        private fun parsed(text: ByteArray): Map<*, *> {
            val document = try {
                Json.parse(Charsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString())
            } catch (error: CharacterCodingException) {
                throw ContractException("edgeiqa.json is not valid JSON: it is not UTF-8", error)
            } catch (error: IllegalArgumentException) {
                val why = error.message.orEmpty().take(200)
                throw ContractException("edgeiqa.json is not valid JSON: $why", error)
            }
            if (document !is Map<*, *>) {
                throw ContractException("edgeiqa.json is ${shown(document)}, expected an object")
            }
            return document
        }

        private fun contract(document: Document): Contract {
            // The format decides how to read the rest, so it comes first.
            val format = document.get("format")
            check(isInt(format) && (format as Number).toDouble() >= 1) {
                "format is ${shown(format)}, expected a whole number from 1"
            }
            check(format == FORMAT) {
                "the contract has format ${shown(format)}, this edgeiqa reads up to $FORMAT: " +
                    "a newer edgeiqa is needed"
            }
            val calibration = document.section("calibration")
            // Free JSON, but it has to be there, as for every reader.
            document.section("training")
            document.section("metrics")
            return Contract(
                name = document.text("name"),
                version = document.text("version"),
                input = input(document.section("input")),
                outputs = document.list("outputs").map { output(it) },
                calibration = Calibration(
                    calibration.number("scale"),
                    calibration.number("offset"),
                    calibration.optional("std_scale") { number(it) } ?: 1.0,
                    calibration.optional("std_power") { number(it) } ?: 1.0,
                ),
                gate = document.section("gate").numbers("gate preset"),
                limits = document.optional("limits") { section(it).sections() }.orEmpty(),
            )
        }

        private fun input(document: Document) = InputSpec(
            height = document.side("height"),
            width = document.side("width"),
            dtype = document.text("dtype"),
            color = document.text("color"),
            fit = document.text("fit"),
            resample = document.text("resample"),
            views = document.list("views").map { view ->
                view as? String ?: throw ContractException("a view is ${shown(view)}, expected text")
            },
        )

        private fun output(value: Any?): OutputSpec {
            if (value !is Map<*, *>) {
                throw ContractException("an output is ${shown(value)}, expected an object")
            }
            val document = Document(value)
            return OutputSpec(
                name = document.text("name"),
                kind = document.text("kind"),
                bins = document.optional("bins") { list(it) }?.map { bin ->
                    check(isNumber(bin)) { "${shown(bin)} is not a finite number" }
                    (bin as Number).toDouble()
                },
                labels = document.optional("labels") { list(it) }?.map { label ->
                    label as? String ?: throw ContractException("labels must be text, not ${shown(label)}")
                },
                scoreLabel = document.optional("score_label") { text(it) },
                activation = document.optional("activation") { text(it) }?.ifEmpty { null } ?: "linear",
            )
        }
    }
}

/** An object of JSON, of which values of a certain kind are asked for. */
private class Document(private val values: Map<*, *>) {
    fun get(key: String): Any? = values[key]

    fun text(key: String): String = take(key, "text") { it is String } as String

    fun whole(key: String): Long =
        take(key, "a whole number") { isInt(it) }.let { it as? Long ?: Long.MAX_VALUE }

    fun side(key: String): Int = whole(key).coerceIn(Int.MIN_VALUE.toLong(), Int.MAX_VALUE.toLong()).toInt()

    fun number(key: String): Double = (take(key, "a finite number") { isNumber(it) } as Number).toDouble()

    fun list(key: String): List<*> = take(key, "a list") { it is List<*> } as List<*>

    fun section(key: String): Document =
        Document(take(key, "an object") { it is Map<*, *> } as Map<*, *>)

    fun <T> optional(key: String, take: Document.(String) -> T): T? =
        if (values[key] == null) null else take(key)

    fun numbers(what: String): Map<String, Double> = values.entries.associate { (key, value) ->
        check(isNumber(value)) { "$what '$key' is ${shown(value)}, expected a number" }
        key as String to (value as Number).toDouble()
    }

    fun sections(): Map<String, Map<String, Double>> = values.keys.associate { preset ->
        val limits = values[preset]
        if (limits !is Map<*, *>) {
            throw ContractException(
                "limits of preset ${shown(preset)} are ${shown(limits)}, expected an object",
            )
        }
        preset as String to Document(limits).numbers("limit of preset '$preset'")
    }

    private fun take(key: String, kind: String, fits: (Any?) -> Boolean): Any? {
        check(key in values) { "edgeiqa.json says nothing about '$key'" }
        val value = values[key]
        check(fits(value)) { "$key is ${shown(value)}, expected $kind" }
        return value
    }
}
