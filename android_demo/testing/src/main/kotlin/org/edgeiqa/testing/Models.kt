package org.edgeiqa.testing

import java.io.File
import org.edgeiqa.Model
import org.edgeiqa.ModelFile
import org.edgeiqa.Scorer

/** Models and folders that tests and the benchmark use; `build.sh` sets the properties. */
object Models {
    private val runtime by lazy { LiteRtJna(property("edgeiqa.litert")) }

    /** The folder of models in the Python package. */
    val folder: File by lazy { File(property("edgeiqa.models")) }

    /** The value of a property of the JVM. */
    fun property(name: String): String = checkNotNull(System.getProperty(name)) {
        "the property $name is not set; android_demo/build.sh sets it"
    }

    /** The bytes of a model: "base", "nano" or "causes". */
    fun bytes(name: String): ByteArray {
        val inside = if (name == "causes") "causes/causes.tflite" else "$name.tflite"
        return File(folder, inside).readBytes()
    }

    /** A model, opened. */
    fun open(name: String): Model = Model.open(ModelFile.read(bytes(name)), runtime)

    /** A scorer with causes. */
    fun scorer(name: String): Scorer = Scorer(open(name), open("causes"))
}
