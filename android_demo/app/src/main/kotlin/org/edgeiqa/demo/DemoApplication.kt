package org.edgeiqa.demo

import android.app.Application
import org.edgeiqa.InterpreterFactory
import org.edgeiqa.Model
import org.edgeiqa.ModelFile
import org.edgeiqa.Scorer

/** What lives as long as the process. Tests replace the parts that a JVM does not have. */
open class DemoApplication : Application() {
    /** Opened once and kept: opening takes longer than a frame. Slow the first time. */
    val scorer: Scorer by lazy { Scorer(open("base"), open("causes")) }

    /** The camera. */
    open fun feed(): CameraFeed = Camera2Feed(this)

    /** What runs the networks. */
    open val interpreters: InterpreterFactory get() = TfLiteFactory()

    private fun open(name: String): Model {
        val bytes = assets.open("$name.tflite").use { it.readBytes() }
        return Model.open(ModelFile.read(bytes), interpreters, THREADS)
    }

    private companion object {
        // More threads heat a phone and hardly shorten a frame of a network this small.
        const val THREADS = 2
    }
}
