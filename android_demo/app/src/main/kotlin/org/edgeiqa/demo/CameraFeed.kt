package org.edgeiqa.demo

import android.view.TextureView
import java.nio.ByteBuffer

/**
 * An image of the camera in YUV_420_888; its buffers belong to the camera again after the callback.
 *
 * @property planes Y, U and V.
 * @property rowStrides bytes from row to row, of each plane.
 * @property pixelStrides bytes from sample to sample, of each plane.
 * @property timestampNs by the camera's clock.
 */
class CameraImage(
    val planes: List<ByteBuffer>,
    val width: Int,
    val height: Int,
    val rowStrides: IntArray,
    val pixelStrides: IntArray,
    val timestampNs: Long,
)

/**
 * What is known about the camera that was opened.
 *
 * @property width of its images, in pixels, as they lie in memory.
 * @property height of its images.
 * @property sensorOrientation degrees clockwise by which an image has to be turned where the device
 *     is in its natural orientation.
 * @property front whether it looks at the person.
 */
class CameraShape(val width: Int, val height: Int, val sensorOrientation: Int, val front: Boolean)

/** What can go wrong with a camera. */
enum class CameraProblem { NONE_THERE, BUSY, FAILED }

/** A camera, or something that takes its place in tests. */
interface CameraFeed {
    /** What it calls, in a thread of its own unless said otherwise. */
    interface Listener {
        /** It is open; in the main thread. */
        fun onOpened(shape: CameraShape)

        /** The next image, valid until this returns. */
        fun onImage(image: CameraImage)

        /** It ended, or never began; in the main thread. */
        fun onProblem(problem: CameraProblem)
    }

    /** Opens the camera; to be called in the main thread, with the permission granted. */
    fun start(front: Boolean, preview: TextureView, listener: Listener)

    /** Closes it; nothing is called after this, except an image that is on its way. */
    fun stop()
}
