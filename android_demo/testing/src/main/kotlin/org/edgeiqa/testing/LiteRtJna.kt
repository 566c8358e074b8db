package org.edgeiqa.testing

import com.sun.jna.Memory
import com.sun.jna.NativeLibrary
import com.sun.jna.NativeLong
import com.sun.jna.Pointer
import com.sun.jna.ptr.PointerByReference
import org.edgeiqa.Interpreter
import org.edgeiqa.InterpreterFactory
import org.edgeiqa.TensorInfo
import org.edgeiqa.TensorType

/**
 * LiteRT on a desktop JVM: the C library of the Python wheel `ai-edge-litert`, called through JNA.
 *
 * For tests and the benchmark. On a phone the app's own interpreter takes its place.
 *
 * @param library path of `libLiteRt.so`.
 */
class LiteRtJna(library: String) : InterpreterFactory {
    private val lite = NativeLibrary.getInstance(library)

    // One environment for the life of the process, as the library expects.
    private val environment = out { call("LiteRtCreateEnvironment", 0, Pointer.NULL, it) }

    override fun open(flatbuffer: ByteArray, threads: Int): Interpreter = Opened(flatbuffer)

    private fun call(name: String, vararg arguments: Any?) {
        val status = lite.getFunction(name).invokeInt(arguments)
        check(status == 0) { "$name gave status $status" }
    }

    private fun out(call: (PointerByReference) -> Unit): Pointer =
        PointerByReference().also(call).value

    private fun size(call: (Memory) -> Unit): Int = Memory(8).also { it.clear() }.also(call).getLong(0).toInt()

    private inner class Opened(flatbuffer: ByteArray) : Interpreter {
        // The library reads the model where it lies: this must live as long as the model.
        private val bytes = Memory(flatbuffer.size.toLong()).also { it.write(0, flatbuffer, 0, flatbuffer.size) }
        private val model = out {
            call("LiteRtCreateModelFromBuffer", environment, bytes, NativeLong(bytes.size()), it)
        }
        private val options = out { call("LiteRtCreateOptions", it) }
            .also { call("LiteRtSetOptionsHardwareAccelerators", it, CPU) }
        private val compiled = out { call("LiteRtCreateCompiledModel", environment, model, options, it) }
        private val graph = out { call("LiteRtGetModelSubgraph", model, NativeLong(0), it) }
        private val inputTensors = tensors("Input")
        private val outputTensors = tensors("Output")
        override val inputs = inputTensors.map { info(it) }
        override val outputs = outputTensors.map { info(it) }
        private val inputBuffers = buffers(inputTensors, "Input")
        private val outputBuffers = buffers(outputTensors, "Output")

        override fun run(input: ByteArray): List<ByteArray> {
            locked(inputBuffers[0], WRITE) { it.write(0, input, 0, input.size) }
            call(
                "LiteRtRunCompiledModel", compiled, NativeLong(0),
                NativeLong(inputBuffers.size.toLong()), array(inputBuffers),
                NativeLong(outputBuffers.size.toLong()), array(outputBuffers),
            )
            return outputBuffers.mapIndexed { i, buffer ->
                var raw = ByteArray(0)
                locked(buffer, READ) { raw = it.getByteArray(0, byteSize(outputs[i])) }
                raw
            }
        }

        override fun close() {
            for (buffer in inputBuffers + outputBuffers) destroy("TensorBuffer", buffer)
            destroy("CompiledModel", compiled)
            destroy("Options", options)
            destroy("Model", model)
        }

        private fun destroy(kind: String, handle: Pointer) =
            lite.getFunction("LiteRtDestroy$kind").invokeVoid(arrayOf(handle))

        private fun tensors(side: String): List<Pointer> {
            val count = size { call("LiteRtGetNumSubgraph${side}s", graph, it) }
            return List(count) { i ->
                out { call("LiteRtGetSubgraph$side", graph, NativeLong(i.toLong()), it) }
            }
        }

        private fun rankedType(tensor: Pointer): Memory =
            Memory(TYPE_BYTES).also { it.clear() }.also { call("LiteRtGetRankedTensorType", tensor, it) }

        private fun info(tensor: Pointer): TensorInfo {
            val ranked = rankedType(tensor)
            val type = checkNotNull(TYPES[ranked.getInt(0)]) { "a tensor of type ${ranked.getInt(0)}" }
            val rank = ranked.getInt(4) and 0x7f
            val shape = List(rank) { ranked.getInt(8 + 4L * it) }
            if (type == TensorType.FLOAT32) return TensorInfo(type, shape)
            val steps = Memory(16).also { it.clear() }
            call("LiteRtGetPerTensorQuantization", tensor, steps)
            return TensorInfo(type, shape, steps.getFloat(0), steps.getLong(8).toInt())
        }

        private fun buffers(tensors: List<Pointer>, side: String): List<Pointer> {
            val requirements = "LiteRtGetCompiledModel${side}BufferRequirements"
            val create = "LiteRtCreateManagedTensorBufferFromRequirements"
            return tensors.mapIndexed { i, tensor ->
                val needed = out { call(requirements, compiled, NativeLong(0), NativeLong(i.toLong()), it) }
                out { call(create, environment, rankedType(tensor), needed, it) }
            }
        }

        private fun locked(buffer: Pointer, mode: Int, use: (Pointer) -> Unit) {
            val place = out { call("LiteRtLockTensorBuffer", buffer, it, mode) }
            use(place)
            call("LiteRtUnlockTensorBuffer", buffer)
        }

        private fun array(pointers: List<Pointer>): Memory =
            Memory(8L * pointers.size).also { it.write(0, pointers.toTypedArray(), 0, pointers.size) }

        private fun byteSize(tensor: TensorInfo): Int =
            tensor.shape.fold(if (tensor.type == TensorType.FLOAT32) 4 else 1, Int::times)
    }

    private companion object {
        const val CPU = 1
        const val READ = 0
        const val WRITE = 1
        const val TYPE_BYTES = 256L
        val TYPES = mapOf(
            1 to TensorType.FLOAT32, 3 to TensorType.UINT8, 7 to TensorType.INT16, 9 to TensorType.INT8,
        )
    }
}
