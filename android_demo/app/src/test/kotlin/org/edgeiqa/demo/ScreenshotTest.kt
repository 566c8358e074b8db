package org.edgeiqa.demo

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Canvas
import android.view.View
import android.view.ViewGroup
import android.widget.FrameLayout
import android.widget.ImageView
import java.io.File
import org.edgeiqa.testing.Models
import org.edgeiqa.testing.Samples
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowAlertDialog

/** Pictures of the app for its README and for whoever changes a layout: build/screenshots. */
@RunWith(RobolectricTestRunner::class)
class ScreenshotTest {
    @Test
    @Config(qualifiers = PORTRAIT)
    fun portrait() = shoot("portrait", "raccoon", kept = 3)

    @Test
    @Config(qualifiers = LANDSCAPE)
    fun landscape() = shoot("landscape", "china-over-exposed", kept = 1)

    @Test
    @Config(qualifiers = "w360dp-h740dp-port-night-hdpi")
    fun dark() = shoot("dark", "astronaut-dark", kept = 2)

    @Test
    @Config(qualifiers = PORTRAIT)
    fun largeText() {
        RuntimeEnvironment.setFontScale(1.5f)
        shoot("font-1.5", "coffee-motion-blur", kept = 1)
    }

    @Test
    @Config(qualifiers = LANDSCAPE)
    fun largeTextInLandscape() {
        RuntimeEnvironment.setFontScale(1.5f)
        shoot("landscape-font-1.5", "coffee-motion-blur", kept = 1)
    }

    @Test
    @Config(qualifiers = "de-rDE-$PORTRAIT")
    fun german() = shoot("german", "flower-compressed", kept = 0)

    @Test
    @Config(qualifiers = PORTRAIT)
    fun warning() {
        grantCamera()
        val activity = started().get()
        app.camera.open()
        activity.see(Samples.picture("coffee"), times = 2)
        activity.see(Samples.picture("coffee-motion-blur"), times = 3)
        activity.view<View>(R.id.shutter).performClick()
        await("a dialog") { ShadowAlertDialog.getLatestAlertDialog()?.isShowing == true }
        settle()
        write("warning", ShadowAlertDialog.getLatestAlertDialog().window!!.decorView)
    }

    @Test
    @Config(qualifiers = PORTRAIT)
    fun permission() {
        val activity = started().get()
        write("permission", activity.window.decorView)
    }

    private fun shoot(name: String, sample: String, kept: Int) {
        grantCamera()
        val activity = started().get()
        app.camera.open()
        for (i in 1..kept) {
            activity.see(Samples.picture(listOf("coffee", "flower", "china")[i - 1]), times = 10)
            activity.view<View>(R.id.shutter).performClick()
            await("photograph $i") { activity.view<ViewGroup>(R.id.strip).childCount == i }
            await("the shutter") { activity.view<View>(R.id.shutter).isEnabled }
        }
        activity.see(Samples.picture(sample), times = 10)
        // Without a graphics card a TextureView stays empty: the picture is laid in its place.
        val file = File(Models.property("edgeiqa.samples"), "$sample.jpg")
        val behind = ImageView(activity).apply {
            scaleType = ImageView.ScaleType.CENTER_CROP
            setImageBitmap(BitmapFactory.decodeFile(file.path))
        }
        activity.view<View>(R.id.preview).visibility = View.INVISIBLE
        activity.view<FrameLayout>(R.id.root).addView(behind, 0)
        settle()
        write(name, activity.window.decorView)
    }

    private fun write(name: String, view: View) {
        view.measure(
            View.MeasureSpec.makeMeasureSpec(view.width, View.MeasureSpec.EXACTLY),
            View.MeasureSpec.makeMeasureSpec(view.height, View.MeasureSpec.EXACTLY),
        )
        view.layout(0, 0, view.width, view.height)
        val picture = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
        view.draw(Canvas(picture))
        val folder = File(Models.property("edgeiqa.screenshots")).apply { mkdirs() }
        File(folder, "$name.png").outputStream().use {
            assertTrue(picture.compress(Bitmap.CompressFormat.PNG, 100, it))
        }
    }

    private companion object {
        const val PORTRAIT = "w360dp-h740dp-port-hdpi"
        const val LANDSCAPE = "w740dp-h360dp-land-hdpi"
    }
}
