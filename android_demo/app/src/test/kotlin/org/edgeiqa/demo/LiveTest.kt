package org.edgeiqa.demo

import android.content.res.Configuration
import android.view.View
import android.widget.Button
import android.widget.TextView
import org.edgeiqa.testing.Samples
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config

@RunWith(RobolectricTestRunner::class)
class LiveTest {
    private val camera get() = app.camera
    private val sharp = Samples.picture("raccoon")
    private val dark = Samples.picture("astronaut-dark")

    @Before
    fun allowed() = grantCamera()

    @Test
    fun theVerdictFollowsTheCamera() {
        val activity = started().get()
        camera.open()
        assertEquals(activity.getString(R.string.dial_none), activity.dial())
        activity.see(sharp, times = 6) // For longer than a verdict is held.
        assertEquals(activity.getString(R.string.good), activity.said())
        assertTrue(activity.dial(), activity.dial().startsWith("Score 8"))
        // A hand before the lens: rejected with the second frame.
        activity.see(dark, times = 2)
        assertEquals(activity.getString(R.string.weak_dark), activity.said())
        assertTrue(activity.dial(), activity.dial().endsWith("not good enough"))
        val causes = activity.view<View>(R.id.causes).contentDescription.toString()
        assertTrue(causes, causes.startsWith("Dark 7"))
        activity.see(sharp, times = 10)
        assertEquals(activity.getString(R.string.good), activity.said())
    }

    @Test
    @Config(sdk = [24])
    fun runsOnTheOldestAndroid() {
        val activity = started().get()
        camera.open()
        activity.see(sharp, times = 2)
        assertEquals(activity.getString(R.string.good), activity.said())
    }

    @Test
    fun showsTheTimePerFrame() {
        val activity = started().get()
        camera.open()
        assertEquals(View.INVISIBLE, activity.view<View>(R.id.timing).visibility)
        activity.see(sharp)
        assertTrue(Regex("[0-9]+ ms").matches(activity.view<TextView>(R.id.timing).text))
    }

    @Test
    fun closesTheCameraInTheBackground() {
        val controller = started()
        camera.open()
        controller.get().see(sharp)
        controller.pause().stop()
        assertNull(camera.listener)
        assertEquals(controller.get().getString(R.string.dial_none), controller.get().dial())
        controller.restart().resume()
        assertEquals(2, camera.starts)
        camera.open()
        controller.get().see(sharp)
        assertEquals(controller.get().getString(R.string.good), controller.get().said())
        controller.pause().stop().destroy()
        assertNull(camera.listener)
    }

    @Test
    fun goesOnAfterTheDeviceIsTurned() {
        val controller = started()
        controller.get().view<View>(R.id.switch_camera).performClick()
        camera.open()
        controller.get().see(sharp)
        RuntimeEnvironment.setQualifiers("+land")
        controller.configurationChange()
        settle()
        val activity = controller.get()
        assertEquals(Configuration.ORIENTATION_LANDSCAPE, activity.resources.configuration.orientation)
        assertTrue("the front camera stays", camera.front)
        camera.open()
        activity.see(sharp, rotation = 90)
        assertEquals(activity.getString(R.string.good), activity.said())
    }

    @Test
    fun switchesCameras() {
        val activity = started().get()
        assertFalse(camera.front)
        activity.view<View>(R.id.switch_camera).performClick()
        assertTrue(camera.front)
        camera.open(orientation = 270)
        activity.see(sharp, rotation = 270)
        assertEquals(activity.getString(R.string.good), activity.said())
        activity.view<View>(R.id.switch_camera).performClick()
        assertFalse(camera.front)
    }

    @Test
    fun saysWhatIsWrongWithTheCamera() {
        val activity = started().get()
        for ((problem, text) in listOf(
            CameraProblem.NONE_THERE to R.string.no_camera,
            CameraProblem.BUSY to R.string.camera_busy,
            CameraProblem.FAILED to R.string.camera_failed,
        )) {
            val starts = camera.starts
            camera.listener!!.onProblem(problem)
            assertEquals(View.VISIBLE, activity.view<View>(R.id.notice).visibility)
            assertEquals(activity.getString(text), activity.view<TextView>(R.id.notice_text).text)
            activity.view<Button>(R.id.notice_button).performClick()
            assertEquals(starts + 1, camera.starts)
            assertEquals(View.GONE, activity.view<View>(R.id.notice).visibility)
        }
    }

    @Test
    fun aStricterStandardRejectsMore() {
        val controller = started()
        val activity = controller.get()
        camera.open()
        val rocket = Samples.picture("rocket")
        activity.see(rocket)
        assertEquals(activity.getString(R.string.good), activity.said())
        val preset = activity.view<TextView>(R.id.preset)
        preset.performClick()
        assertEquals(activity.getString(R.string.preset_strict), preset.text)
        activity.see(Samples.picture("coffee-motion-blur"))
        assertFalse(activity.getString(R.string.good) == activity.said())
        // The choice is kept.
        controller.recreate()
        settle()
        assertEquals(activity.getString(R.string.preset_strict), controller.get().view<TextView>(R.id.preset).text)
    }

    @Test
    fun everyThingThatCanBeTappedSaysWhatItIs() {
        val activity = started().get()
        val density = activity.resources.displayMetrics.density
        for (id in listOf(R.id.shutter, R.id.switch_camera, R.id.preset)) {
            val view = activity.view<View>(id)
            assertTrue(view.isClickable && view.isFocusable)
            assertFalse(view.contentDescription.isNullOrEmpty())
            assertTrue("$id", view.width >= 48 * density && view.height >= 48 * density)
        }
        assertEquals(View.ACCESSIBILITY_LIVE_REGION_POLITE, activity.view<View>(R.id.verdict).accessibilityLiveRegion)
    }
}
