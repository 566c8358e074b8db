package org.edgeiqa

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

/** Gate, hysteresis and smoothing: the verdicts that Python gave. */
class GoldenSequencesTest {
    private val sequences = Vectors.read("sequences.json")

    @Test
    fun gate() {
        for (case in sequences["gate"].list) {
            val gate = Vectors.gate(case["gate"])
            val qualities = case["qualities"].list.map { Vectors.quality(it) }
            for ((i, quality) in qualities.withIndex()) {
                val where = "${case["name"].text}, $i"
                val verdict = gate.judge(quality)
                Vectors.compare(where, case["verdicts"].list[i], verdict)
                val sentences = case["sentences"].list[i].list.map { it.text }
                assertEquals(where, sentences, verdict.reasons.map { it.sentence })
            }
        }
    }

    @Test
    fun liveGate() {
        for (case in sequences["liveGate"].list) {
            val settings = case["settings"]
            fun number(key: String, default: Double) = settings.optional(key)?.double ?: default
            fun optional(key: String, default: Double) =
                if (key in settings.entries) settings.optional(key)?.double else default
            val live = LiveGate(
                Vectors.gate(case["gate"]), number("holdS", 0.5), number("margin", 2.0),
                number("causeMargin", 0.05), optional("sudden", 8.0), optional("causeSudden", 0.2),
            )
            val verdicts = case["verdicts"].list
            for ((i, frame) in case["frames"].list.withIndex()) {
                judge("${case["name"].text}, $i", verdicts[i]) {
                    live.judge(Vectors.quality(frame), frame["timestampNs"].long)
                }
            }
        }
    }

    @Test
    fun smoother() {
        for (case in sequences["smoother"].list) {
            val settings = case["settings"]
            val smoother = Smoother(
                settings.optional("timeConstantS")?.double ?: 0.4,
                settings.optional("leastJump")?.double ?: 8.0,
                settings.optional("leastCauseJump")?.double ?: 0.15,
            )
            for ((i, frame) in case["frames"].list.withIndex()) {
                smooth("${case["name"].text}, $i", case["smoothed"].list[i]) {
                    smoother.update(Vectors.quality(frame), frame["timestampNs"].long)
                }
            }
        }
    }

    @Test
    fun live() {
        for (case in sequences["live"].list) {
            val smoother = Smoother()
            val live = LiveGate(Vectors.gate(case["gate"]))
            for ((i, frame) in case["frames"].list.withIndex()) {
                val where = "${case["name"].text}, $i"
                val time = frame["timestampNs"].long
                if (smoother.isStale(time)) live.reset()
                val smoothed = smooth(where, case["smoothed"].list[i]) {
                    smoother.update(Vectors.quality(frame), time)
                } ?: continue
                judge(where, case["verdicts"].list[i]) { live.judge(smoothed, time) }
            }
        }
    }

    private fun judge(where: String, expected: Node, judge: () -> Verdict) {
        if (expected.value == null) {
            assertThrows(where, IllegalArgumentException::class.java) { judge() }
        } else {
            Vectors.compare(where, expected, judge())
        }
    }

    private fun smooth(where: String, expected: Node, update: () -> Quality): Quality? {
        if (expected.value == null) {
            assertThrows(where, IllegalArgumentException::class.java) { update() }
            return null
        }
        val found = update()
        Vectors.near("$where: score", expected["score"].double, found.score)
        val std = expected.optional("std")
        assertEquals(where, std == null, found.std == null)
        if (std != null) Vectors.near("$where: std", std.double, found.std!!)
        assertEquals(where, expected["causes"].entries.keys.toList(), found.causes.keys.toList())
        for ((cause, severity) in found.causes) {
            Vectors.near("$where: $cause", expected["causes"][cause].double, severity)
        }
        return found
    }
}
