package org.edgeiqa.demo

import android.content.Context
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.os.Environment
import java.io.File
import java.io.IOException
import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale
import kotlin.math.roundToInt
import org.edgeiqa.Frame
import org.edgeiqa.toRgb

/**
 * A photograph that was kept.
 *
 * @property score 0-100, out of the name of the file.
 */
class Shot(val file: File, val score: Int)

/** The photographs that were kept: JPEG files whose names say when, and how good. */
class Shots(context: Context) {
    // The app's own pictures: no permission is needed, and a file manager or a cable finds them.
    private val folder = context.getExternalFilesDir(Environment.DIRECTORY_PICTURES) ?: File(context.filesDir, "shots")

    /** All of them, the newest first. */
    fun all(): List<Shot> = folder.listFiles().orEmpty()
        .sortedByDescending { it.name }
        .mapNotNull { file -> NAME.matchEntire(file.name)?.let { Shot(file, it.groupValues[1].toInt()) } }

    /**
     * Stores a frame, upright. Takes a while.
     *
     * @param score 0-100.
     * @throws IOException there is no room, or the storage is gone; nothing is left behind then.
     */
    fun keep(frame: Frame, score: Double): Shot {
        if (!folder.isDirectory && !folder.mkdirs()) throw IOException("no folder $folder")
        val time = SimpleDateFormat("yyyyMMdd_HHmmss_SSS", Locale.ROOT).format(Date())
        val file = File(folder, "IMG_${time}_q${score.roundToInt()}.jpg")
        val beside = File(folder, "${file.name}.part")
        try {
            beside.outputStream().use { out ->
                if (!bitmap(frame).compress(Bitmap.CompressFormat.JPEG, 92, out)) throw IOException("no JPEG")
            }
            if (!beside.renameTo(file)) throw IOException("${beside.name} cannot be renamed")
        } finally {
            beside.delete()
        }
        return Shot(file, score.roundToInt())
    }

    /** A small copy of a photograph, at least [side] pixels on its shorter side; null if it is gone. */
    fun small(shot: Shot, side: Int): Bitmap? {
        val options = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        BitmapFactory.decodeFile(shot.file.path, options)
        val shorter = minOf(options.outWidth, options.outHeight)
        options.inJustDecodeBounds = false
        options.inSampleSize = maxOf(1, shorter / maxOf(1, side))
        return BitmapFactory.decodeFile(shot.file.path, options)
    }

    private companion object {
        val NAME = Regex("IMG_[0-9_]+_q([0-9]+)\\.jpg")
    }
}

/** A frame as a picture, upright. */
internal fun bitmap(frame: Frame): Bitmap {
    val rgb = toRgb(frame)
    val pixels = IntArray(frame.width * frame.height) { i ->
        val red = rgb[3 * i].toInt() and 255
        val green = rgb[3 * i + 1].toInt() and 255
        val blue = rgb[3 * i + 2].toInt() and 255
        (255 shl 24) or (red shl 16) or (green shl 8) or blue
    }
    return Bitmap.createBitmap(pixels, frame.width, frame.height, Bitmap.Config.ARGB_8888)
}
