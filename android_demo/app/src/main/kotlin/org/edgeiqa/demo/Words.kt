package org.edgeiqa.demo

import org.edgeiqa.LOW_QUALITY
import org.edgeiqa.Reason
import org.edgeiqa.Verdict

/** What is said about a verdict: the resource of a sentence. */
internal fun sentence(verdict: Verdict): Int {
    val first = verdict.reasons.firstOrNull() ?: return R.string.good
    if (first.cause != LOW_QUALITY) return strong(first)
    // The score decided; the worst cause explains it.
    val explaining = verdict.reasons.firstOrNull { !it.decisive } ?: return R.string.reason_low_quality
    return when (explaining.cause) {
        "blur" -> R.string.weak_blur
        "noise" -> R.string.weak_noise
        "dark" -> R.string.weak_dark
        "bright" -> R.string.weak_bright
        "compression" -> R.string.weak_compression
        "low_contrast" -> R.string.weak_low_contrast
        else -> R.string.reason_low_quality
    }
}

private fun strong(reason: Reason): Int = when (reason.cause) {
    "blur" -> R.string.reason_blur
    "noise" -> R.string.reason_noise
    "dark" -> R.string.reason_dark
    "bright" -> R.string.reason_bright
    "compression" -> R.string.reason_compression
    "low_contrast" -> R.string.reason_low_contrast
    else -> R.string.reason_low_quality
}

/** The name of a cause: a resource; 0 for one that this version does not know. */
internal fun causeName(cause: String): Int = when (cause) {
    "blur" -> R.string.cause_blur
    "noise" -> R.string.cause_noise
    "dark" -> R.string.cause_dark
    "bright" -> R.string.cause_bright
    "compression" -> R.string.cause_compression
    "low_contrast" -> R.string.cause_low_contrast
    else -> 0
}

/** The name of a preset: a resource. */
internal fun presetName(preset: String): Int = when (preset) {
    "relaxed" -> R.string.preset_relaxed
    "strict" -> R.string.preset_strict
    else -> R.string.preset_normal
}
