package org.edgeiqa

import java.io.File
import java.nio.ByteBuffer
import java.security.MessageDigest

import org.edgeiqa.testing.Models

/** The golden vectors that Python wrote; tests/golden/vectors/README.md describes them. */
internal object Vectors {
    val folder = File(Models.property("edgeiqa.vectors"))

    fun read(name: String): Node {
        val node = Node(Json.parse(File(folder, name).readText()))
        check(node["format"].int == 1) { "$name has format ${node["format"].value}, expected 1" }
        return node
    }

    fun buffers(vector: Node): List<ByteArray> = vector["buffers"].list.map { buffer(it) }

    /** @param copied whether planes are copied by [YuvBuffer], as the app does, or read in place. */
    fun frame(vector: Node, buffers: List<ByteArray>, copied: Boolean = false): Frame {
        val frame = vector["frame"]
        val format = PixelFormat.valueOf(frame["format"].text)
        val width = frame["width"].int
        val height = frame["height"].int
        val rotation = frame.optional("rotation")?.int ?: 0
        val roi = frame.optional("roi")?.list?.map { it.int }?.let { Roi(it[0], it[1], it[2], it[3]) }
        val matrix = if (frame.optional("matrix")?.text == "BT.709") ColorMatrix.BT709 else ColorMatrix.BT601
        val range = if (frame.optional("range")?.text == "full") ColorRange.FULL else ColorRange.LIMITED
        val planes = frame.optional("planes")?.list
        if (planes == null) {
            return Frame.fromBuffer(
                buffers[frame["buffer"].int], width, height, format, frame.optional("rowStride")?.int,
                frame.optional("chromaRowStride")?.int, frame.optional("chromaOffset")?.int,
                rotation, roi, null, matrix, range,
            )
        }
        val views = planes.map { plane ->
            val bytes = buffers[plane["buffer"].int]
            val offset = plane.optional("offset")?.int ?: 0
            ByteBuffer.wrap(bytes, offset, plane.optional("length")?.int ?: (bytes.size - offset))
        }
        val rowStrides = IntArray(planes.size) { planes[it]["rowStride"].int }
        val pixelStrides = IntArray(planes.size) { planes[it]["pixelStride"].int }
        if (copied) {
            return YuvBuffer().copy(
                views[0], views[1], views[2], width, height, rowStrides, pixelStrides, rotation, roi,
                null, matrix, range,
            )
        }
        val arrays = views.map { view -> ByteArray(view.remaining()).also { view.get(it) } }
        return Frame.fromPlanes(
            arrays[0], arrays[1], arrays[2], width, height, rowStrides, pixelStrides, format, rotation,
            roi, null, matrix, range,
        )
    }

    fun quality(node: Node): Quality {
        val causes = node["causes"].entries.mapValues { it.value.double }
        return Quality(node["score"].double, node.optional("std")?.double, causes = causes)
    }

    fun gate(node: Node): Gate =
        Gate(node["minScore"].double, node["maxCauses"].entries.mapValues { it.value.double })

    /** Compares a verdict with what Python said. */
    fun compare(where: String, expected: Node, verdict: Verdict) {
        if (expected["accept"].value != verdict.accept) fail("$where: accept is ${verdict.accept}")
        val reasons = expected["reasons"].list
        if (reasons.map { it["cause"].text } != verdict.reasons.map { it.cause }) {
            fail("$where: ${verdict.reasons}, expected ${reasons.map { it.value }}")
        }
        for ((reason, found) in reasons.zip(verdict.reasons)) {
            if (reason["decisive"].value != found.decisive) fail("$where: $found")
            near("$where, value", reason["value"].double, found.value)
            near("$where, threshold", reason["threshold"].double, found.threshold)
        }
    }

    fun near(where: String, expected: Double, found: Double) {
        val same = if (expected.isNaN()) found.isNaN() else kotlin.math.abs(expected - found) <= 1e-6
        if (!same) fail("$where: $found, expected $expected")
    }

    fun sha256(bytes: ByteArray): String =
        MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { "%02x".format(it) }

    private fun buffer(node: Node): ByteArray = when (val kind = node["kind"].text) {
        "file" -> File(folder, node["file"].text).readBytes()
        "lcg" -> noise(node["length"].int, node["seed"].long.toInt())
        "waves" -> waves(node)
        else -> fail("a buffer of kind $kind")
    }

    private fun noise(length: Int, seed: Int): ByteArray {
        var state = seed
        return ByteArray(length) {
            state = state * 1664525 + 1013904223
            (state ushr 24).toByte()
        }
    }

    private fun waves(node: Node): ByteArray {
        val bytes = noise(node["length"].int, node["seed"].long.toInt())
        val (ax, ay, bx, by) = node["slopes"].list.map { it.int }
        val stride = node["stride"].int
        val unit = node["unit"].int
        val tint = node["tint"].int
        val gain = node["gain"].int
        val base = node["base"].int
        val noise = node["noise"].int
        for (i in bytes.indices) {
            val row = i / stride
            val column = i % stride / unit
            val channel = i % stride % unit
            val one = triangle(column * ax + row * ay + channel * tint)
            val two = triangle(column * bx - row * by)
            val wave = (one * two shr 8) * gain
            val step = wave + ((bytes[i].toInt() and 255) - 128) * noise shr 8
            bytes[i] = (base + step).coerceIn(0, 255).toByte()
        }
        return bytes
    }

    private fun triangle(v: Int): Int {
        val phase = v and 511
        return if (phase < 256) phase else 511 - phase
    }
}

/** A value of JSON; a missing key is an error, NaN is written as a text. */
internal class Node(val value: Any?) {
    operator fun get(key: String): Node = optional(key) ?: error("no $key in ${shown(value)}")

    fun optional(key: String): Node? = (value as Map<*, *>)[key]?.let { Node(it) }

    val list: List<Node> get() = (value as List<*>).map { Node(it) }
    val entries: Map<String, Node> get() = (value as Map<*, *>).entries.associate { it.key as String to Node(it.value) }
    val text: String get() = value as String
    val long: Long get() = value as Long
    val int: Int get() = Math.toIntExact(long)
    val double: Double get() = if (value == "NaN") Double.NaN else (value as Number).toDouble()
}

private fun fail(why: String): Nothing = throw AssertionError(why)
