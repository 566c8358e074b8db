package org.edgeiqa.demo

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.ImageFormat
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureRequest
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import android.os.Looper
import android.util.Size
import android.view.Surface
import android.view.TextureView
import kotlin.math.abs

/** The largest images that are asked for, in pixels: ten of them are kept. */
private const val MAX_PIXELS = 1920 * 1080

/** The camera through Camera2: a preview on the screen, and images for scoring. */
class Camera2Feed(context: Context) : CameraFeed {
    private val manager = context.getSystemService(CameraManager::class.java)
    private val main = Handler(Looper.getMainLooper())
    private var session: Session? = null

    override fun start(front: Boolean, preview: TextureView, listener: CameraFeed.Listener) {
        stop()
        val started = Session(preview, listener)
        session = started
        try {
            started.open(front)
        } catch (error: CameraAccessException) {
            val busy = error.reason == CameraAccessException.CAMERA_IN_USE ||
                error.reason == CameraAccessException.MAX_CAMERAS_IN_USE
            started.fail(if (busy) CameraProblem.BUSY else CameraProblem.FAILED)
        } catch (error: IllegalArgumentException) { // The camera went while it was being opened.
            started.fail(CameraProblem.FAILED)
        }
    }

    override fun stop() {
        session?.close()
        session = null
    }

    /** From opening to closing; what comes late for one that was closed is ignored. */
    private inner class Session(private val preview: TextureView, private val listener: CameraFeed.Listener) {
        private val thread = HandlerThread("camera").apply { start() }
        private val handler = Handler(thread.looper)
        private var device: CameraDevice? = null
        private var reader: ImageReader? = null
        private var surface: Surface? = null

        @Volatile
        private var closed = false

        @SuppressLint("MissingPermission") // The activity asks for it before it starts a feed.
        fun open(front: Boolean) {
            val id = choose(front) ?: return fail(CameraProblem.NONE_THERE)
            val known = manager.getCameraCharacteristics(id)
            val sizes = known.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP)
                ?: return fail(CameraProblem.FAILED)
            val size = imageSize(sizes.getOutputSizes(ImageFormat.YUV_420_888))
            val previewSize = previewSize(sizes.getOutputSizes(SurfaceTexture::class.java), size)
            val lens = known.get(CameraCharacteristics.LENS_FACING)
            val shape = CameraShape(
                size.width, size.height, known.get(CameraCharacteristics.SENSOR_ORIENTATION) ?: 90,
                lens == CameraCharacteristics.LENS_FACING_FRONT,
            )
            reader = ImageReader.newInstance(size.width, size.height, ImageFormat.YUV_420_888, 3).apply {
                setOnImageAvailableListener({ deliver(it) }, handler)
            }
            manager.openCamera(
                id,
                object : CameraDevice.StateCallback() {
                    override fun onOpened(camera: CameraDevice) {
                        device = camera
                        if (closed) return camera.close()
                        main.post {
                            if (closed) return@post
                            listener.onOpened(shape)
                            whenThereIsATexture { texture ->
                                texture.setDefaultBufferSize(previewSize.width, previewSize.height)
                                handler.post { begin(camera, Surface(texture)) }
                            }
                        }
                    }

                    override fun onDisconnected(camera: CameraDevice) = fail(CameraProblem.BUSY)

                    override fun onError(camera: CameraDevice, error: Int) = fail(
                        if (error == ERROR_CAMERA_IN_USE || error == ERROR_MAX_CAMERAS_IN_USE) {
                            CameraProblem.BUSY
                        } else {
                            CameraProblem.FAILED
                        },
                    )
                },
                handler,
            )
        }

        fun fail(problem: CameraProblem) {
            main.post {
                if (closed) return@post
                close()
                listener.onProblem(problem)
            }
        }

        fun close() {
            if (closed) return
            closed = true
            preview.surfaceTextureListener = null
            handler.post {
                device?.close()
                reader?.close()
                surface?.release()
                thread.quitSafely()
            }
        }

        private fun choose(front: Boolean): String? {
            val wanted = if (front) CameraCharacteristics.LENS_FACING_FRONT else CameraCharacteristics.LENS_FACING_BACK
            val ids = manager.cameraIdList
            return ids.firstOrNull { id ->
                manager.getCameraCharacteristics(id).get(CameraCharacteristics.LENS_FACING) == wanted
            } ?: ids.firstOrNull()
        }

        private fun whenThereIsATexture(use: (SurfaceTexture) -> Unit) {
            preview.surfaceTexture?.let { return use(it) }
            preview.surfaceTextureListener = object : TextureView.SurfaceTextureListener {
                override fun onSurfaceTextureAvailable(texture: SurfaceTexture, width: Int, height: Int) {
                    preview.surfaceTextureListener = null
                    if (!closed) use(texture)
                }

                override fun onSurfaceTextureSizeChanged(texture: SurfaceTexture, width: Int, height: Int) = Unit

                override fun onSurfaceTextureDestroyed(texture: SurfaceTexture) = true

                override fun onSurfaceTextureUpdated(texture: SurfaceTexture) = Unit
            }
        }

        // API 28 has a newer call; this one works on all.
        @Suppress("DEPRECATION")
        private fun begin(camera: CameraDevice, shown: Surface) {
            surface = shown
            val images = reader?.surface
            if (closed || images == null) return
            try {
                camera.createCaptureSession(
                    listOf(shown, images),
                    object : CameraCaptureSession.StateCallback() {
                        override fun onConfigured(configured: CameraCaptureSession) =
                            repeat(camera, configured, listOf(shown, images))

                        override fun onConfigureFailed(configured: CameraCaptureSession) = fail(CameraProblem.FAILED)
                    },
                    handler,
                )
            } catch (error: CameraAccessException) {
                fail(CameraProblem.FAILED)
            } catch (error: IllegalStateException) { // It was closed in between.
                fail(CameraProblem.FAILED)
            } catch (error: IllegalArgumentException) { // The surface went in between.
                fail(CameraProblem.FAILED)
            }
        }

        private fun repeat(camera: CameraDevice, session: CameraCaptureSession, targets: List<Surface>) {
            if (closed) return
            try {
                val request = camera.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW).apply {
                    targets.forEach { addTarget(it) }
                    set(CaptureRequest.CONTROL_AF_MODE, CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE)
                }
                session.setRepeatingRequest(request.build(), null, handler)
            } catch (error: CameraAccessException) {
                fail(CameraProblem.FAILED)
            } catch (error: IllegalStateException) {
                fail(CameraProblem.FAILED)
            }
        }

        private fun deliver(reader: ImageReader) {
            val image = reader.acquireLatestImage() ?: return
            image.use {
                if (closed) return
                val planes = image.planes
                listener.onImage(
                    CameraImage(
                        planes.map { it.buffer },
                        image.width,
                        image.height,
                        IntArray(planes.size) { planes[it].rowStride },
                        IntArray(planes.size) { planes[it].pixelStride },
                        image.timestamp,
                    ),
                )
            }
        }
    }
}

/** The largest size that is not too large; the smallest of all if all are. */
internal fun imageSize(sizes: Array<Size>): Size {
    val fit = sizes.filter { it.width.toLong() * it.height <= MAX_PIXELS }
    return fit.maxByOrNull { it.width * it.height } ?: sizes.minByOrNull { it.width.toLong() * it.height }
        ?: Size(640, 480)
}

/** The size for the screen whose shape is nearest to that of the images, and as many pixels. */
internal fun previewSize(sizes: Array<Size>, image: Size): Size {
    val shape = image.width.toDouble() / image.height
    return sizes.minByOrNull { size ->
        val off = abs(size.width.toDouble() / size.height - shape)
        100 * off + abs(size.width - image.width) / 1000.0
    } ?: image
}
