package org.edgeiqa.demo

import android.app.AlertDialog
import android.content.DialogInterface
import android.graphics.BitmapFactory
import android.os.Environment
import android.view.View
import android.view.ViewGroup
import android.widget.TextView
import java.io.File
import org.edgeiqa.testing.Samples
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.shadows.ShadowAlertDialog

@RunWith(RobolectricTestRunner::class)
class ShutterTest {
    private val sharp = Samples.picture("coffee")
    private val blurred = Samples.picture("coffee-motion-blur")
    private lateinit var activity: MainActivity

    @Before
    fun start() {
        grantCamera()
        activity = started().get()
        app.camera.open()
    }

    @Test
    fun keepsAGoodFrameAtOnce() {
        activity.see(sharp, times = 2)
        press()
        await("a photograph in the strip") { strip().childCount == 1 }
        val file = files().single()
        assertTrue(file.name, Regex("IMG_.*_q7[0-9]\\.jpg").matches(file.name))
        val kept = BitmapFactory.decodeFile(file.path)
        assertEquals(sharp.width to sharp.height, kept.width to kept.height)
        assertEquals("Kept photograph, score ${score(file)}", strip().getChildAt(0).contentDescription)
        await("the shutter") { activity.view<View>(R.id.shutter).isEnabled }
    }

    @Test
    fun warnsBeforeItKeepsABadOneAndOffersTheBest() {
        activity.see(sharp, times = 2)
        activity.see(blurred, times = 3)
        press()
        val dialog = dialog()
        val reason = (dialog.findViewById(R.id.choice_reason) as TextView).text
        assertEquals(activity.getString(R.string.reason_blur), reason)
        dialog.getButton(DialogInterface.BUTTON_POSITIVE).performClick()
        await("a photograph in the strip") { strip().childCount == 1 }
        assertTrue(files().single().name, score(files().single()) > 70)
    }

    @Test
    fun keepsTheBadOneWhereAPersonWantsIt() {
        activity.see(sharp)
        activity.see(blurred, times = 3)
        press()
        dialog().getButton(DialogInterface.BUTTON_NEUTRAL).performClick()
        await("a photograph in the strip") { strip().childCount == 1 }
        assertTrue(files().single().name, score(files().single()) < 60)
    }

    @Test
    fun keepsNothingWhereAPersonTriesAgain() {
        activity.see(blurred, times = 3)
        press()
        val dialog = dialog()
        // No better frame, nothing to offer.
        assertEquals(View.GONE, (dialog.findViewById(R.id.choice_best_column) as View).visibility)
        dialog.getButton(DialogInterface.BUTTON_NEGATIVE).performClick()
        settle()
        assertFalse(dialog.isShowing)
        assertTrue(files().isEmpty())
        assertTrue(activity.view<View>(R.id.shutter).isEnabled)
        activity.see(sharp, times = 4)
        assertEquals(activity.getString(R.string.good), activity.said())
    }

    @Test
    fun aKeptPhotographCanBeLookedAtAndDeleted() {
        activity.see(sharp, times = 2)
        press()
        await("a photograph in the strip") { strip().childCount == 1 }
        strip().getChildAt(0).performClick()
        dialog().getButton(DialogInterface.BUTTON_NEUTRAL).performClick()
        await("an empty strip") { strip().childCount == 0 }
        assertTrue(files().isEmpty())
    }

    @Test
    fun theShutterWaitsForAScore() {
        assertFalse(activity.view<View>(R.id.shutter).isEnabled)
        press()
        settle()
        assertNull(ShadowAlertDialog.getLatestAlertDialog())
        assertTrue(files().isEmpty())
    }

    private fun press() {
        activity.view<View>(R.id.shutter).performClick()
    }

    private fun dialog(): AlertDialog {
        await("a dialog") { ShadowAlertDialog.getLatestAlertDialog()?.isShowing == true }
        return ShadowAlertDialog.getLatestAlertDialog()
    }

    private fun strip(): ViewGroup = activity.view(R.id.strip)

    private fun files(): List<File> =
        activity.getExternalFilesDir(Environment.DIRECTORY_PICTURES)!!.listFiles().orEmpty().toList()

    private fun score(file: File): Int = Regex("_q([0-9]+)").find(file.name)!!.groupValues[1].toInt()
}
