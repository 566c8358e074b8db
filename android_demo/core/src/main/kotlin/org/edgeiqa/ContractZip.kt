package org.edgeiqa

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.CRC32
import java.util.zip.DataFormatException
import java.util.zip.Inflater

private const val ENTRY = "edgeiqa.json"
private const val MAX_JSON_BYTES = 1_000_000
private const val MAX_ENTRIES = 64
private const val MAX_DIRECTORY_BYTES = 65_536
private const val END = 22
private const val LOCAL_HEADER = 30
private const val CENTRAL_HEADER = 46
private const val ENCRYPTED = 0x1 or 0x40 or 0x2000

/**
 * The contract's text in a ZIP at the end of a model file, and where the ZIP starts.
 *
 * Nothing in the file is trusted: the ZIP has to be plain and small and to fill the file to its
 * last byte.
 *
 * @throws ContractException no ZIP, one that is not plain, no contract in it, or one over 1 MB.
 */
internal class ContractZip private constructor(val text: ByteArray, val start: Int) {
    private class Entry(
        val name: String,
        val flags: Int,
        val method: Int,
        val crc: Long,
        val packed: Long,
        val size: Long,
        val attributes: Long,
        val offset: Long,
    )

    companion object {
        fun read(data: ByteArray): ContractZip {
            val buffer = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN)
            val end = data.size - END
            if (end < 0 || buffer.getInt(end) != 0x06054b50) none("File is not a zip file")
            val count = buffer.u16(end + 10)
            val size = buffer.u32(end + 12)
            val directory = buffer.u32(end + 16)
            val inParts = buffer.u16(end + 4) != 0 || buffer.u16(end + 6) != 0 || buffer.u16(end + 8) != count
            check(!inParts && buffer.u16(end + 20) == 0) {
                "the ZIP at the end of the .tflite is in several parts, or has a comment"
            }
            check(count <= MAX_ENTRIES && size <= MAX_DIRECTORY_BYTES) {
                "the ZIP at the end of the .tflite has $count entries in $size bytes, at most " +
                    "$MAX_ENTRIES in $MAX_DIRECTORY_BYTES are read"
            }
            check(directory + size == end.toLong()) {
                "the directory of the ZIP should end at byte $end of the .tflite, but says " +
                    "${directory + size}"
            }
            val entries = entries(buffer, directory.toInt(), end)
            checkPlaces(entries, directory)
            val text = contents(buffer, contract(entries), directory)
            return ContractZip(text, entries.minOf { it.offset }.toInt())
        }

        /** The size of the directory counts, as in Python, and not the number of entries. */
        private fun entries(buffer: ByteBuffer, directory: Int, end: Int): List<Entry> {
            val found = ArrayList<Entry>()
            var at = directory
            while (at < end) {
                if (at + CENTRAL_HEADER > end || buffer.getInt(at) != 0x02014b50) {
                    none("Bad magic number for central directory")
                }
                val length = buffer.u16(at + 28)
                val next = at + CENTRAL_HEADER + length + buffer.u16(at + 30) + buffer.u16(at + 32)
                if (next > end) none("Truncated central directory")
                found += Entry(
                    String(buffer.array(), at + CENTRAL_HEADER, length, Charsets.UTF_8),
                    buffer.u16(at + 8), buffer.u16(at + 10), buffer.u32(at + 16), buffer.u32(at + 20),
                    buffer.u32(at + 24), buffer.u32(at + 38), buffer.u32(at + 42),
                )
                at = next
            }
            return found
        }

        /** Entries lie after each other, in front of the directory. */
        private fun checkPlaces(entries: List<Entry>, directory: Long) {
            var end = 0L
            for (entry in entries.sortedBy { it.offset }) {
                check(entry.offset >= end) { "entries of the ZIP at the end of the .tflite overlap" }
                end = entry.offset + LOCAL_HEADER + entry.packed
            }
            check(end <= directory) {
                "an entry of the ZIP at the end of the .tflite reaches beyond its end"
            }
        }

        private fun contract(entries: List<Entry>): Entry {
            val found = entries.filter { it.name == ENTRY }
            check(found.size == 1) {
                "${found.size} entries $ENTRY in the ZIP at the end of the .tflite, expected one"
            }
            val entry = found[0]
            check(entry.size <= MAX_JSON_BYTES) { "$ENTRY is larger than $MAX_JSON_BYTES bytes" }
            check(entry.flags and ENCRYPTED == 0) { "$ENTRY is encrypted" }
            check(entry.method == 0 || entry.method == 8) { "$ENTRY is packed by method ${entry.method}" }
            val mode = (entry.attributes ushr 16).toInt()
            check(entry.attributes and 0x10 == 0L && mode and 0xf000 in listOf(0, 0x8000)) {
                "$ENTRY is no plain file, its mode is 0o${mode.toString(8)}"
            }
            return entry
        }

        private fun contents(buffer: ByteBuffer, entry: Entry, directory: Long): ByteArray {
            val at = entry.offset.toInt()
            if (buffer.getInt(at) != 0x04034b50) none("Bad magic number for file header")
            val nameLength = buffer.u16(at + 26)
            val start = at.toLong() + LOCAL_HEADER + nameLength + buffer.u16(at + 28)
            if (start + entry.packed > directory) none("Truncated file")
            val name = String(buffer.array(), at + LOCAL_HEADER, nameLength, Charsets.UTF_8)
            if (name != ENTRY) none("File name in directory and header differ")
            val packed = buffer.array().copyOfRange(start.toInt(), (start + entry.packed).toInt())
            val text = if (entry.method == 0) packed else inflated(packed)
            check(text.size <= MAX_JSON_BYTES) { "$ENTRY is larger than $MAX_JSON_BYTES bytes" }
            val crc = CRC32().apply { update(text) }.value
            if (text.size.toLong() != entry.size || crc != entry.crc) none("Bad CRC-32")
            return text
        }

        /** The size in the directory may lie; what is inflated stays bounded. */
        private fun inflated(packed: ByteArray): ByteArray {
            val inflater = Inflater(true)
            try {
                inflater.setInput(packed + 0)
                val text = ByteArray(MAX_JSON_BYTES + 1)
                var length = 0
                while (!inflater.finished() && length < text.size) {
                    val more = inflater.inflate(text, length, text.size - length)
                    if (more == 0) none("Truncated file")
                    length += more
                }
                return text.copyOf(length)
            } catch (error: DataFormatException) {
                none(error.toString())
            } finally {
                inflater.end()
            }
        }

        private fun none(why: String): Nothing = throw ContractException(
            "no contract: the .tflite has no readable $ENTRY in a ZIP at its end (${why.take(200)}); " +
                "it was not made by `python -m convert`, or it is truncated",
        )

        private fun ByteBuffer.u16(at: Int): Int = getShort(at).toInt() and 0xffff

        private fun ByteBuffer.u32(at: Int): Long = getInt(at).toLong() and 0xffffffffL
    }
}
