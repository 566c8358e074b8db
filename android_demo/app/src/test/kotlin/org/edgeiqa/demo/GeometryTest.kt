package org.edgeiqa.demo

import android.graphics.RectF
import android.util.Size
import android.view.Surface
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner

@RunWith(RobolectricTestRunner::class)
class GeometryTest {
    private val rotations = listOf(Surface.ROTATION_0, Surface.ROTATION_90, Surface.ROTATION_180, Surface.ROTATION_270)

    @Test
    fun imagesAreTurnedUpright() {
        val back = CameraShape(1920, 1080, 90, front = false)
        assertEquals(listOf(90, 0, 270, 180), rotations.map { uprightRotation(back, it) })
        val front = CameraShape(1920, 1080, 270, front = true)
        assertEquals(listOf(270, 0, 90, 180), rotations.map { uprightRotation(front, it) })
        val tablet = CameraShape(1920, 1080, 0, front = false)
        assertEquals(listOf(0, 270, 180, 90), rotations.map { uprightRotation(tablet, it) })
    }

    @Test
    fun thePreviewFillsTheScreenUndistorted() {
        for (orientation in listOf(0, 90, 270)) {
            for (rotation in rotations) {
                for ((width, height) in listOf(1080f to 2400f, 2400f to 1080f, 1000f to 1000f)) {
                    val shape = CameraShape(1920, 1080, orientation, false)
                    val shown = RectF(0f, 0f, width, height)
                    val before = RectF(shown)
                    previewMatrix(shape, rotation, width, height).mapRect(shown)
                    val where = "$orientation, $rotation, $width x $height: $shown"
                    assertTrue(where, RectF(shown).apply { inset(-0.5f, -0.5f) }.contains(before))
                    // As upright as the picture is for a person: the sensor's shape, turned or not.
                    val turned = (orientation + degrees(rotation)) % 180 != 0
                    val ratio = if (turned) 1080f / 1920 else 1920f / 1080
                    assertEquals(where, ratio, shown.width() / shown.height(), 0.001f)
                }
            }
        }
    }

    @Test
    fun imagesAreAsLargeAsTenOfThemMayBe() {
        val sizes = arrayOf(Size(4000, 3000), Size(1920, 1080), Size(1600, 1200), Size(640, 480))
        assertEquals(Size(1920, 1080), imageSize(sizes))
        assertEquals(Size(4000, 3000), imageSize(arrayOf(Size(4000, 3000), Size(4608, 3456))))
        assertEquals(Size(1920, 1080), previewSize(sizes, Size(1920, 1080)))
        val others = arrayOf(Size(640, 480), Size(1600, 1200), Size(1280, 720))
        assertEquals(Size(1600, 1200), previewSize(others, Size(1440, 1080)))
    }
}
