package org.edgeiqa.demo

import android.content.Context
import android.graphics.ImageFormat
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
import android.util.Size
import android.view.TextureView
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowCameraCharacteristics
import org.robolectric.shadows.StreamConfigurationMapBuilder

/** Opening and closing, as far as Robolectric has cameras; it has no images. */
@RunWith(RobolectricTestRunner::class)
class Camera2FeedTest {
    private class Heard : CameraFeed.Listener {
        @Volatile
        var shape: CameraShape? = null

        @Volatile
        var problem: CameraProblem? = null

        override fun onOpened(shape: CameraShape) {
            this.shape = shape
        }

        override fun onImage(image: CameraImage) = Unit

        override fun onProblem(problem: CameraProblem) {
            this.problem = problem
        }
    }

    private val manager get() = app.getSystemService(Context.CAMERA_SERVICE) as CameraManager
    private val heard = Heard()
    private lateinit var preview: TextureView

    @Before
    fun allowed() {
        grantCamera()
        preview = TextureView(app)
    }

    private fun add(id: String, facing: Int, orientation: Int) {
        val known = ShadowCameraCharacteristics.newCameraCharacteristics()
        val sizes = StreamConfigurationMapBuilder.newBuilder()
        for (size in listOf(Size(4000, 3000), Size(1920, 1080), Size(640, 480))) {
            sizes.addOutputSize(size)
            sizes.addOutputSize(ImageFormat.YUV_420_888, size)
        }
        shadowOf(known).set(CameraCharacteristics.LENS_FACING, facing)
        shadowOf(known).set(CameraCharacteristics.SENSOR_ORIENTATION, orientation)
        shadowOf(known).set(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP, sizes.build())
        shadowOf(manager).addCamera(id, known)
    }

    @Test
    fun saysThatThereIsNoCamera() {
        Camera2Feed(app).start(false, preview, heard)
        await("a problem") { heard.problem == CameraProblem.NONE_THERE }
    }

    @Test
    fun opensTheCameraThatIsAskedFor() {
        add("0", CameraCharacteristics.LENS_FACING_BACK, 90)
        add("1", CameraCharacteristics.LENS_FACING_FRONT, 270)
        val feed = Camera2Feed(app)
        feed.start(true, preview, heard)
        await("the camera") { heard.shape != null }
        assertEquals(true, heard.shape!!.front)
        assertEquals(270, heard.shape!!.sensorOrientation)
        assertEquals(1920 to 1080, heard.shape!!.width to heard.shape!!.height)
        // The screen is ready: preview and images begin.
        preview.surfaceTextureListener?.onSurfaceTextureAvailable(SurfaceTexture(1), 1080, 2000)
        settle()
        assertNull(heard.problem)
        feed.stop()
        feed.stop()
        assertNull(preview.surfaceTextureListener)
    }

    @Test
    fun takesTheOnlyCameraThereIs() {
        add("0", CameraCharacteristics.LENS_FACING_BACK, 90)
        val feed = Camera2Feed(app)
        feed.start(true, preview, heard)
        await("the camera") { heard.shape != null }
        assertEquals(false, heard.shape!!.front)
        feed.stop()
    }
}
