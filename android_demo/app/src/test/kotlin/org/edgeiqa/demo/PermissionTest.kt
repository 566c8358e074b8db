package org.edgeiqa.demo

import android.Manifest
import android.app.Application
import android.content.pm.PackageManager
import android.provider.Settings
import android.view.View
import android.widget.Button
import android.widget.TextView
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf

@RunWith(RobolectricTestRunner::class)
class PermissionTest {
    private val camera get() = app.camera

    @Test
    fun asksWhenItStartsAndSaysWhy() {
        val activity = started().get()
        assertArrayEquals(
            arrayOf(Manifest.permission.CAMERA),
            shadowOf(activity).lastRequestedPermission.requestedPermissions,
        )
        assertEquals(activity.getString(R.string.permission_why), notice(activity))
        assertEquals(0, camera.starts)
    }

    @Test
    fun startsTheCameraOnceItIsAllowed() {
        val activity = started().get()
        grantCamera()
        answer(activity, PackageManager.PERMISSION_GRANTED)
        assertEquals(1, camera.starts)
        assertEquals(View.GONE, activity.view<View>(R.id.notice).visibility)
    }

    @Test
    fun asksAgainOnlyWhenTapped() {
        val controller = started()
        val activity = controller.get()
        shadowOf(app.packageManager)
            .setShouldShowRequestPermissionRationale(Manifest.permission.CAMERA, true)
        answer(activity, PackageManager.PERMISSION_DENIED)
        val asked = shadowOf(activity).lastRequestedPermission
        controller.pause().stop().restart().resume()
        settle()
        assertEquals(asked, shadowOf(activity).lastRequestedPermission)
        val button = activity.view<Button>(R.id.notice_button)
        assertEquals(activity.getString(R.string.allow), button.text)
        button.performClick()
        assertNotNull(shadowOf(activity).lastRequestedPermission)
        assert(asked !== shadowOf(activity).lastRequestedPermission)
        assertEquals(0, camera.starts)
    }

    @Test
    fun leadsToTheSettingsWhereItIsRefusedForGood() {
        val activity = started().get()
        answer(activity, PackageManager.PERMISSION_DENIED)
        assertEquals(activity.getString(R.string.permission_settings), notice(activity))
        activity.view<Button>(R.id.notice_button).performClick()
        val intent = shadowOf(activity).nextStartedActivity
        assertEquals(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, intent.action)
        assertEquals("package:${activity.packageName}", intent.dataString)
    }

    @Test
    fun noticesAPermissionThatCameFromTheSettings() {
        val controller = started()
        answer(controller.get(), PackageManager.PERMISSION_DENIED)
        controller.pause().stop()
        grantCamera()
        controller.restart().resume()
        settle()
        assertEquals(1, camera.starts)
        assertEquals(View.GONE, controller.get().view<View>(R.id.notice).visibility)
    }

    @Test
    fun nothingButTheCameraIsAskedFor() {
        val info = RuntimeEnvironment.getApplication().packageManager
            .getPackageInfo(app.packageName, PackageManager.GET_PERMISSIONS)
        assertArrayEquals(arrayOf(Manifest.permission.CAMERA), info.requestedPermissions)
        assertNull(shadowOf(app as Application).nextStartedActivity)
    }

    private fun notice(activity: MainActivity): String {
        assertEquals(View.VISIBLE, activity.view<View>(R.id.notice).visibility)
        return activity.view<TextView>(R.id.notice_text).text.toString()
    }

    private fun answer(activity: MainActivity, result: Int) {
        activity.onRequestPermissionsResult(1, arrayOf(Manifest.permission.CAMERA), intArrayOf(result))
        settle()
    }
}
