package org.edgeiqa

import java.math.BigInteger

private const val MAX_DEPTH = 32
private const val MAX_DIGITS = 400

/**
 * Reads JSON that may come from anybody: nothing twice, nothing endless, nothing too deep.
 *
 * Objects become maps in their order, lists become lists; whole numbers become [Long] or
 * [BigInteger], others [Double]; then there are texts, booleans and null.
 *
 * @throws IllegalArgumentException not JSON; lists and objects more than 32 deep; a key twice in one
 *     object; a number beyond 1e308 or of more than 400 digits.
 */
internal class Json private constructor(private val text: String) {
    private var at = 0

    companion object {
        fun parse(text: String): Any? = Json(text).run {
            val value = value(0)
            blank()
            if (at < text.length) fail("extra data")
            value
        }
    }

    private fun value(depth: Int): Any? {
        blank()
        return when (peek()) {
            '{' -> objectAt(depth + 1)
            '[' -> listAt(depth + 1)
            '"' -> string()
            't' -> word("true", true)
            'f' -> word("false", false)
            'n' -> word("null", null)
            else -> number()
        }
    }

    private fun objectAt(depth: Int): Map<String, Any?> {
        open(depth)
        val found = LinkedHashMap<String, Any?>()
        blank()
        if (skip('}')) return found
        do {
            blank()
            if (peek() != '"') fail("a key is missing")
            val key = string()
            blank()
            if (!skip(':')) fail("':' is missing")
            val value = value(depth)
            require(key !in found) { "the key '${key.take(60)}' is there twice" }
            found[key] = value
            blank()
        } while (skip(','))
        if (!skip('}')) fail("'}' is missing")
        return found
    }

    private fun listAt(depth: Int): List<Any?> {
        open(depth)
        val found = ArrayList<Any?>()
        blank()
        if (skip(']')) return found
        do {
            found += value(depth)
            blank()
        } while (skip(','))
        if (!skip(']')) fail("']' is missing")
        return found
    }

    private fun open(depth: Int) {
        require(depth <= MAX_DEPTH) { "lists and objects lie more than $MAX_DEPTH deep" }
        at++
    }

    private fun string(): String {
        at++
        val found = StringBuilder()
        while (true) {
            when (val c = next()) {
                '"' -> return found.toString()
                '\\' -> found.append(escaped())
                else -> if (c < ' ') fail("a control character in a text") else found.append(c)
            }
        }
    }

    private fun escaped(): Char = when (val c = next()) {
        '"', '\\', '/' -> c
        'b' -> '\b'
        'f' -> '\u000c'
        'n' -> '\n'
        'r' -> '\r'
        't' -> '\t'
        'u' -> {
            val digits = text.substring(at, minOf(at + 4, text.length))
            if (digits.length < 4 || digits.any { it !in "0123456789abcdefABCDEF" }) fail("a wrong \\u")
            at += 4
            digits.toInt(16).toChar()
        }
        else -> fail("a wrong escape")
    }

    private fun number(): Any {
        val match = NUMBER.matchAt(text, at) ?: fail("a value is missing or wrong")
        at = match.range.last + 1
        val digits = match.value
        if (digits.none { it in ".eE" }) {
            require(digits.length <= MAX_DIGITS) {
                "the number ${digits.take(40)}... has ${digits.length} digits"
            }
            return digits.toLongOrNull() ?: BigInteger(digits)
        }
        val value = if (digits.length <= MAX_DIGITS) digits.toDouble() else Double.POSITIVE_INFINITY
        require(value.isFinite()) { "the number ${digits.take(40)} is too large or too long" }
        return value
    }

    private fun word(word: String, value: Any?): Any? {
        if (!text.startsWith(word, at)) fail("a value is missing or wrong")
        at += word.length
        return value
    }

    private fun blank() {
        while (at < text.length && text[at] in " \t\n\r") at++
    }

    private fun peek(): Char = if (at < text.length) text[at] else fail("it ends too early")

    private fun next(): Char = peek().also { at++ }

    private fun skip(c: Char): Boolean = (at < text.length && text[at] == c).also { if (it) at++ }

    private fun fail(why: String): Nothing =
        throw IllegalArgumentException("$why at character $at of ${text.length}")
}

private val NUMBER = Regex("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?")
