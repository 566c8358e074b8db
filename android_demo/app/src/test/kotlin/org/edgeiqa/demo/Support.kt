package org.edgeiqa.demo

import android.Manifest
import android.app.Application
import android.os.Looper
import android.view.TextureView
import android.view.View
import android.widget.TextView
import java.awt.image.BufferedImage
import java.util.concurrent.TimeUnit
import org.edgeiqa.InterpreterFactory
import org.edgeiqa.testing.LiteRtJna
import org.edgeiqa.testing.Models
import org.edgeiqa.testing.Samples
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController

/** The app with a camera that shows what a test wants, and the real networks by LiteRT for the JVM. */
class TestApplication : DemoApplication() {
    val camera = FakeFeed()

    override fun feed(): CameraFeed = camera

    override val interpreters: InterpreterFactory get() = LiteRtJna(Models.property("edgeiqa.litert"))
}

/** A camera that delivers pictures; its sensor lies sideways, as those of phones do. */
class FakeFeed : CameraFeed {
    var listener: CameraFeed.Listener? = null
    var front = false
    var starts = 0
    private var timeNs = 0L

    override fun start(front: Boolean, preview: TextureView, listener: CameraFeed.Listener) {
        this.front = front
        this.listener = listener
        starts++
    }

    override fun stop() {
        listener = null
    }

    /** Says that the camera is open. */
    fun open(width: Int = 800, height: Int = 600, orientation: Int = 90) {
        listener!!.onOpened(CameraShape(width, height, orientation, front))
    }

    /** Delivers a picture, turned as the sensor of a phone in portrait would see it. */
    fun deliver(picture: BufferedImage, stepNs: Long = 100_000_000, rotation: Int = 90) {
        timeNs += stepNs
        val image = Samples.phoneImage(picture, rotation)
        listener!!.onImage(
            CameraImage(image.planes, image.width, image.height, image.rowStrides, image.pixelStrides, timeNs),
        )
    }
}

internal val app: TestApplication get() = RuntimeEnvironment.getApplication() as TestApplication

internal fun grantCamera() = shadowOf(app as Application).grantPermissions(Manifest.permission.CAMERA)

/** Starts the activity and waits until the models are open. */
internal fun started(): ActivityController<MainActivity> {
    val controller = Robolectric.buildActivity(MainActivity::class.java).setup()
    app.scorer // Opened here or by the activity's own thread, whichever is first.
    settle()
    return controller
}

/** Runs what waits for the main thread, now and for a moment. */
internal fun settle() {
    repeat(20) {
        shadowOf(Looper.getMainLooper()).idle()
        Thread.sleep(5)
    }
}

/** Waits until something holds, while the main thread goes on. */
internal fun await(what: String, holds: () -> Boolean) {
    val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20)
    while (true) {
        shadowOf(Looper.getMainLooper()).idle()
        if (holds()) return
        if (System.nanoTime() > end) throw AssertionError("waited in vain: $what")
        Thread.sleep(5)
    }
}

/** Delivers a picture so many times, each after the one before was scored. */
internal fun MainActivity.see(picture: BufferedImage, times: Int = 1, rotation: Int = 90) {
    repeat(times) {
        val before = results
        app.camera.deliver(picture, rotation = rotation)
        await("a result") { results > before }
    }
}

@Suppress("UNCHECKED_CAST")
internal fun <T : View> MainActivity.view(id: Int): T = findViewById(id) as T

internal fun MainActivity.said(): String = view<TextView>(R.id.verdict).text.toString()

internal fun MainActivity.dial(): String = view<View>(R.id.dial).contentDescription.toString()
