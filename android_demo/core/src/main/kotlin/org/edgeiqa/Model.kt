package org.edgeiqa

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A model that the runtime cannot open, or that is not what its contract says. */
public class ModelException(message: String, cause: Throwable? = null) :
    IllegalArgumentException(message, cause)

/** Types of tensors that this library reads. */
public enum class TensorType(internal val bytes: Int) {
    UINT8(1),
    INT8(1),
    INT16(2),
    FLOAT32(4),
}

/**
 * What a runtime says about one tensor.
 *
 * @property type of its values.
 * @property shape the first side is the batch, 1.
 * @property scale of quantised values, real = (q - zeroPoint) * scale; 0 for floats.
 * @property zeroPoint of quantised values.
 */
public data class TensorInfo(
    val type: TensorType,
    val shape: List<Int>,
    val scale: Float = 0f,
    val zeroPoint: Int = 0,
)

/**
 * Something that runs a flatbuffer: LiteRT or TensorFlow Lite, behind as little as is needed.
 *
 * For one thread at a time.
 */
public interface Interpreter : AutoCloseable {
    /** The inputs of the graph, in their order. */
    public val inputs: List<TensorInfo>

    /** The outputs of the graph, in the order of the flatbuffer. */
    public val outputs: List<TensorInfo>

    /**
     * Runs the network once.
     *
     * @param input the bytes of the one input tensor, native byte order.
     * @return per output the bytes of its tensor, native byte order; the caller's own copies.
     */
    public fun run(input: ByteArray): List<ByteArray>
}

/** Opens an interpreter. */
public fun interface InterpreterFactory {
    /**
     * @param flatbuffer the .tflite without anything appended.
     * @param threads threads within one run, at least 1.
     * @throws RuntimeException whatever the runtime throws for a network that it cannot run.
     */
    public fun open(flatbuffer: ByteArray, threads: Int): Interpreter
}

/**
 * An opened model: a tensor of 8-bit values in, named numbers out. Serves all threads, one at a time.
 *
 * @property contract what the file says about itself.
 */
public class Model private constructor(
    public val contract: Contract,
    private val interpreter: Interpreter,
) : AutoCloseable {

    /**
     * Runs the model once.
     *
     * @param tensor bytes 0-255 as [preprocess] makes them, of a network for causes as [detail] does.
     * @return per output's name its values, dequantised in double.
     * @throws IllegalArgumentException a tensor of another size.
     */
    public fun run(tensor: ByteArray): Map<String, DoubleArray> =
        runRaw(tensor).mapValues { (name, raw) ->
            real(raw, interpreter.outputs[contract.outputs.indexOfFirst { it.name == name }])
        }

    /**
     * Runs the model once and gives its numbers as they come, int8 for an int8 model.
     *
     * @param tensor as for [run].
     * @return per output's name the bytes of its tensor, native byte order.
     * @throws IllegalArgumentException a tensor of another size.
     */
    @Synchronized
    public fun runRaw(tensor: ByteArray): Map<String, ByteArray> {
        val expected = contract.input.tensorShape.reduce(Int::times)
        require(tensor.size == expected) {
            "the tensor has ${tensor.size} values, expected $expected: ${contract.input.tensorShape}"
        }
        val input = if (contract.input.dtype == "float32") floats(tensor) else tensor
        val outputs = interpreter.run(input)
        return contract.outputs.indices.associate { contract.outputs[it].name to outputs[it] }
    }

    /** Frees the interpreter; the model must not be used after that. */
    @Synchronized
    override fun close(): Unit = interpreter.close()

    public companion object {
        /**
         * Opens a model and checks it against its contract.
         *
         * @param file as [ModelFile.read] gives it.
         * @param factory which runtime to use.
         * @param threads threads within one run, at least 1.
         * @throws ModelException the runtime cannot open it, or it is at odds with its contract.
         */
        @JvmStatic
        @JvmOverloads
        public fun open(file: ModelFile, factory: InterpreterFactory, threads: Int = 1): Model {
            require(threads >= 1) { "threads is $threads, expected a whole number from 1" }
            val interpreter = try {
                factory.open(file.flatbuffer, threads)
            } catch (error: RuntimeException) {
                throw ModelException(
                    "${file.contract.name}: the runtime cannot open it: ${error.message}", error,
                )
            }
            try {
                checkTogether(interpreter, file.contract)
            } catch (error: ModelException) {
                interpreter.close()
                throw error
            }
            return Model(file.contract, interpreter)
        }

        private fun checkTogether(found: Interpreter, contract: Contract) {
            val spec = contract.input
            if (found.inputs.size != 1) {
                throw ModelException("the flatbuffer has ${found.inputs.size} inputs, expected one picture")
            }
            val taken = found.inputs[0]
            if (taken.shape != spec.tensorShape || taken.type.name.lowercase() != spec.dtype) {
                throw ModelException(
                    "the flatbuffer takes ${taken.type.name.lowercase()} ${taken.shape}, its contract " +
                        "says ${spec.dtype} ${spec.tensorShape}",
                )
            }
            if (found.outputs.size != contract.outputs.size) {
                throw ModelException(
                    "the flatbuffer has ${found.outputs.size} outputs, its contract names " +
                        "${contract.outputs.size}",
                )
            }
            for ((output, tensor) in contract.outputs.zip(found.outputs)) {
                if (tensor.type != TensorType.FLOAT32 && tensor.scale == 0f) {
                    throw ModelException("output '${output.name}' is ${tensor.type} without a scale")
                }
                var wanted = output.values
                if (wanted != null && output.kind == "patch_causes") wanted *= spec.views.size
                val values = tensor.shape.fold(1, Int::times)
                val batch = tensor.shape.size > 1 && tensor.shape[0] != 1
                if (batch || (wanted != null && values != wanted)) {
                    throw ModelException(
                        "output '${output.name}' has the shape ${tensor.shape}, its contract says " +
                            "[1, ${wanted ?: "any"}]",
                    )
                }
            }
        }

        private fun floats(tensor: ByteArray): ByteArray {
            val buffer = ByteBuffer.allocate(4 * tensor.size).order(ByteOrder.nativeOrder())
            for (value in tensor) buffer.putFloat((value.toInt() and 255).toFloat())
            return buffer.array()
        }

        private fun real(raw: ByteArray, tensor: TensorInfo): DoubleArray {
            val buffer = ByteBuffer.wrap(raw).order(ByteOrder.nativeOrder())
            return DoubleArray(raw.size / tensor.type.bytes) { i ->
                val value = when (tensor.type) {
                    TensorType.UINT8 -> (raw[i].toInt() and 255).toDouble()
                    TensorType.INT8 -> raw[i].toDouble()
                    TensorType.INT16 -> buffer.getShort(2 * i).toDouble()
                    TensorType.FLOAT32 -> return@DoubleArray buffer.getFloat(4 * i).toDouble()
                }
                (value - tensor.zeroPoint) * tensor.scale.toDouble()
            }
        }
    }
}
