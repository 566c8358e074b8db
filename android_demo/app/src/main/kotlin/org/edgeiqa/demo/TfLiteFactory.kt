package org.edgeiqa.demo

import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.edgeiqa.Interpreter
import org.edgeiqa.InterpreterFactory
import org.edgeiqa.TensorInfo
import org.edgeiqa.TensorType
import org.tensorflow.lite.DataType
import org.tensorflow.lite.Tensor

/**
 * TensorFlow Lite, or LiteRT with its classes of the same names.
 *
 * XNNPACK on the CPU is the delegate whose integers are those of Python; others round differently.
 */
class TfLiteFactory : InterpreterFactory {
    override fun open(flatbuffer: ByteArray, threads: Int): Interpreter {
        val options = org.tensorflow.lite.Interpreter.Options().setNumThreads(threads).setUseXNNPACK(true)
        return Opened(org.tensorflow.lite.Interpreter(direct(flatbuffer.size).put(flatbuffer), options))
    }

    private class Opened(private val lite: org.tensorflow.lite.Interpreter) : Interpreter {
        override val inputs = List(lite.inputTensorCount) { info(lite.getInputTensor(it)) }
        override val outputs = List(lite.outputTensorCount) { info(lite.getOutputTensor(it)) }
        private val input = direct(lite.getInputTensor(0).numBytes())
        private val results = List(outputs.size) { direct(lite.getOutputTensor(it).numBytes()) }
        private val byIndex: Map<Int, Any> = results.indices.associateWith { results[it] }

        override fun run(input: ByteArray): List<ByteArray> {
            this.input.rewind()
            this.input.put(input)
            results.forEach { it.rewind() }
            lite.runForMultipleInputsOutputs(arrayOf(this.input), byIndex)
            return results.map { result ->
                result.rewind()
                ByteArray(result.remaining()).also { result.get(it) }
            }
        }

        override fun close() = lite.close()
    }

    private companion object {
        fun direct(size: Int): ByteBuffer = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder())

        fun info(tensor: Tensor): TensorInfo {
            val type = when (val type = tensor.dataType()) {
                DataType.UINT8 -> TensorType.UINT8
                DataType.INT8 -> TensorType.INT8
                DataType.INT16 -> TensorType.INT16
                DataType.FLOAT32 -> TensorType.FLOAT32
                else -> throw IllegalArgumentException("a tensor of $type, expected 8 bits or floats")
            }
            val steps = tensor.quantizationParams()
            return TensorInfo(type, tensor.shape().toList(), steps.scale, steps.zeroPoint)
        }
    }
}
