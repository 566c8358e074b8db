package org.edgeiqa

import java.math.BigInteger
import kotlin.math.abs
import kotlin.math.min
import kotlin.math.pow
import kotlin.math.sqrt

/**
 * What can spoil a picture: the names of the severities in [Quality.causes], in the order in which
 * they are listed. Blur is defocus and motion alike.
 */
@JvmField
public val CAUSES: List<String> = listOf("blur", "noise", "dark", "bright", "compression", "low_contrast")

internal val PATCHES = listOf("active", "quiet", "reduced")
private val KINDS =
    listOf("histogram_logits", "histogram", "scalar", "attributes", "features", "patch_causes")
private val HISTOGRAMS = listOf("histogram_logits", "histogram")
private const val MAX_SIDE = 4096
private const val MAX_VALUES = 65_536
private const val MAX_TEXT = 200
private const val MAX_VIEWS = 64
private const val MAX_CALIBRATION = 1e12
private const val MAX_STD_SCALE = 1e6
private const val MAX_STD_POWER = 4.0
private const val BIDIRECTIONAL =
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

/** A model file without a contract, or with one that cannot be trusted or understood. */
public class ContractException(message: String, cause: Throwable? = null) :
    IllegalArgumentException(message, cause)

/**
 * The one input of a model: a picture, or patches of one.
 *
 * @property height in pixels, 1-4096; of one patch.
 * @property width in pixels, 1-4096; of one patch.
 * @property dtype "uint8", or "float32" for float models; the values are 0-255 either way.
 * @property color "RGB" for the whole picture; "GRAY", luma, for patches.
 * @property fit how another aspect ratio is brought to this one: "squash" or "crop".
 * @property resample the resize, "reduce-bilinear"; see docs/preprocessing.md.
 * @property views ("global") is the whole picture once; the patches of a network for causes are
 *     "active", "quiet" and "reduced", in this order, of each kind none or a square number.
 */
public data class InputSpec(
    val height: Int,
    val width: Int,
    val dtype: String = "uint8",
    val color: String = "RGB",
    val fit: String = "squash",
    val resample: String = "reduce-bilinear",
    val views: List<String> = listOf("global"),
) {
    init {
        for ((name, side) in listOf("height" to height, "width" to width)) {
            check(side in 1..MAX_SIDE) { "input.$name is $side, expected 1 to $MAX_SIDE" }
        }
        oneOf(dtype, listOf("uint8", "float32"), "input.dtype")
        oneOf(color, listOf("RGB", "GRAY"), "input.color")
        oneOf(fit, listOf("squash", "crop"), "input.fit")
        oneOf(resample, listOf("reduce-bilinear"), "input.resample")
        if (isGlobal) oneOf(color, listOf("RGB"), "input.color of a whole picture") else checkPatches()
    }

    /** Whether the whole picture goes in. */
    internal val isGlobal: Boolean get() = views == listOf("global")

    /** Of the input tensor: [1, height, width, 3], or patches below each other with 1 channel. */
    public val tensorShape: List<Int>
        get() = if (isGlobal) listOf(1, height, width, 3) else listOf(1, views.size * height, width, 1)

    private fun checkPatches() {
        val ordered = views.all { it in PATCHES } && views == views.sortedBy { PATCHES.indexOf(it) }
        val squares = PATCHES.all { kind ->
            val count = views.count { it == kind }
            exactRoot(count) * exactRoot(count) == count
        }
        check(ordered && squares && views.size in 1..MAX_VIEWS) {
            "input.views is ${shown(views)}, expected ['global'], or patches: active, quiet, " +
                "reduced in this order, a square number of each, at most $MAX_VIEWS"
        }
        oneOf(color, listOf("GRAY"), "input.color of patches")
        check(height == width) { "patches are square, not $height x $width" }
    }
}

/**
 * One output of a model.
 *
 * @property name for people and for [Model.run].
 * @property kind "histogram_logits", "histogram", "scalar", "attributes", "features" or
 *     "patch_causes"; see docs/contract.md.
 * @property bins centres of the opinion bins on 0-1, worst to best; histograms only.
 * @property labels names of the attributes or causes; there only.
 * @property scoreLabel which label is the quality score; attributes only.
 * @property activation "sigmoid" where the reader has to apply one to each value, else "linear".
 */
public data class OutputSpec(
    val name: String,
    val kind: String,
    val bins: List<Double>? = null,
    val labels: List<String>? = null,
    val scoreLabel: String? = null,
    val activation: String = "linear",
) {
    init {
        checkText(name, "an output's name")
        val where = "output '$name'"
        oneOf(kind, KINDS, "the kind of $where")
        oneOf(activation, listOf("linear", "sigmoid"), "the activation of $where")
        check(activation == "linear" || kind == "scalar" || kind == "attributes") {
            "$where: an activation belongs to a scalar or to attributes"
        }
        check((bins != null) == (kind in HISTOGRAMS)) { "$where: bins belong to histograms, and only to them" }
        check((labels != null) == (kind == "attributes" || kind == "patch_causes")) {
            "$where: labels belong to attributes and causes, and only there"
        }
        bins?.let {
            check(it.size in 2..MAX_VALUES && it.zipWithNext().all { (a, b) -> a < b }) {
                "$where: expected at least two bins, in rising order"
            }
            check(it.all { bin -> bin in 0.0..1.0 }) { "$where: bins are centres on 0-1" }
        }
        labels?.let { checkLabels(it, where) }
        check(scoreLabel == null || scoreLabel in labels.orEmpty()) {
            "$where: score_label ${shown(scoreLabel)} is none of its labels"
        }
    }

    private fun checkLabels(labels: List<String>, where: String) {
        check(labels.size <= MAX_VALUES) { "$where: ${labels.size} labels, at most $MAX_VALUES" }
        for (label in labels) checkText(label, "a label of $where")
        check(labels.isNotEmpty() && labels.toSet().size == labels.size) {
            "$where: labels must be there, each once"
        }
        check(kind != "patch_causes" || CAUSES.containsAll(labels)) {
            "$where: causes are ${CAUSES.joinToString()}"
        }
    }

    /** How many numbers it has, of causes per patch; null if the contract leaves it open. */
    internal val values: Int?
        get() = when (kind) {
            "scalar" -> 1
            "patch_causes" -> 2 * labels.orEmpty().size
            else -> (bins ?: labels)?.size
        }

    /** Whether the quality score can be taken from this output. */
    internal val givesScore: Boolean
        get() = kind in HISTOGRAMS || kind == "scalar" || (kind == "attributes" && scoreLabel != null)
}

/**
 * From a model's raw score to 0-100: score = clip(scale * raw + offset, 0, 100).
 *
 * @property scale 100 for a raw score on 0-1; negative where a larger raw score is worse.
 * @property offset added after scaling.
 * @property stdScale above 0, at most 1e6.
 * @property stdPower 0 to 4; 0 gives every picture the same `std`.
 */
public data class Calibration(
    val scale: Double = 100.0,
    val offset: Double = 0.0,
    val stdScale: Double = 1.0,
    val stdPower: Double = 1.0,
) {
    init {
        check(isNumber(scale) && isNumber(offset) && scale != 0.0) {
            "calibration is scale=$scale, offset=$offset, expected finite numbers and a scale other than 0"
        }
        check(abs(scale) <= MAX_CALIBRATION && abs(offset) <= MAX_CALIBRATION) {
            "calibration is scale=$scale, offset=$offset, expected at most $MAX_CALIBRATION"
        }
        check(stdScale > 0 && stdScale <= MAX_STD_SCALE) {
            "calibration.std_scale is $stdScale, expected more than 0 and at most $MAX_STD_SCALE"
        }
        check(stdPower in 0.0..MAX_STD_POWER) {
            "calibration.std_power is $stdPower, expected 0 to $MAX_STD_POWER"
        }
    }

    /**
     * The `std` of a quality, in points.
     *
     * @param spread of the network's histogram, in points of 0-100.
     */
    internal fun std(spread: Double): Double {
        if (stdScale == 1.0 && stdPower == 1.0) return spread
        // More than the whole scale means nothing, and a power of it could overflow.
        return min(stdScale * min(spread, 100.0).pow(stdPower), 100.0)
    }
}

/** Throws [ContractException] with a message unless something holds. */
internal inline fun check(holds: Boolean, message: () -> String) {
    if (!holds) throw ContractException(message())
}

internal fun oneOf(value: String, known: List<String>, what: String) {
    check(value in known) { "$what is ${shown(value)}, this edgeiqa knows ${known.joinToString()}" }
}

/** What came, for a message, shortened, for it may be a megabyte. */
internal fun shown(value: Any?): String {
    val text = when (value) {
        null -> "None"
        is String -> "'${if (value.length > 80) value.take(77) + "..." else value}'"
        else -> value.toString()
    }
    return if (text.length <= MAX_TEXT) text else text.take(MAX_TEXT) + "..."
}

/** Throws [ContractException] unless a text is short and safe to print. */
internal fun checkText(value: String, what: String) {
    check(value.isNotEmpty()) { "$what is ${shown(value)}, expected some text" }
    val length = value.codePointCount(0, value.length)
    check(length <= MAX_TEXT) { "$what has $length characters, at most $MAX_TEXT are allowed" }
    val unprintable = value.codePoints().anyMatch { point ->
        when (Character.getType(point).toByte()) {
            Character.CONTROL, Character.SURROGATE, Character.LINE_SEPARATOR,
            Character.PARAGRAPH_SEPARATOR,
            -> true
            else -> point <= 0xffff && point.toChar() in BIDIRECTIONAL
        }
    }
    check(!unprintable) { "$what is ${shown(value)}, with a character that does not print" }
}

/** Whether a value of JSON is a whole number. */
internal fun isInt(value: Any?): Boolean = value is Long || value is BigInteger

/** Whether a value of JSON is a number that fits into a double with room to spare. */
internal fun isNumber(value: Any?): Boolean = when (value) {
    is Long, is BigInteger, is Double -> abs((value as Number).toDouble()) <= 1e300
    else -> false
}

/** The whole part of a square root. */
internal fun exactRoot(count: Int): Int = sqrt(count.toDouble()).toInt()
