package org.edgeiqa.demo

import android.graphics.Matrix
import android.graphics.RectF
import android.view.Surface
import kotlin.math.max

/** Degrees of a `Surface.ROTATION_*`. */
internal fun degrees(displayRotation: Int): Int = when (displayRotation) {
    Surface.ROTATION_90 -> 90
    Surface.ROTATION_180 -> 180
    Surface.ROTATION_270 -> 270
    else -> 0
}

/** Degrees clockwise that turn an image of the camera upright on the screen. */
internal fun uprightRotation(shape: CameraShape, displayRotation: Int): Int {
    val turned = if (shape.front) degrees(displayRotation) else -degrees(displayRotation)
    return (shape.sensorOrientation + turned + 360) % 360
}

/**
 * How a view that shows the camera has to be transformed so that the picture fills it, undistorted.
 *
 * The system turns the picture for the natural orientation of the device and stretches it to the
 * view; the rest is here.
 */
internal fun previewMatrix(shape: CameraShape, displayRotation: Int, width: Float, height: Float): Matrix {
    val view = RectF(0f, 0f, width, height)
    val across = shape.sensorOrientation % 180 != 0
    val picture = if (across) {
        RectF(0f, 0f, shape.height.toFloat(), shape.width.toFloat())
    } else {
        RectF(0f, 0f, shape.width.toFloat(), shape.height.toFloat())
    }
    picture.offset(view.centerX() - picture.centerX(), view.centerY() - picture.centerY())
    val sideways = degrees(displayRotation) % 180 != 0
    val shownWidth = if (sideways) picture.height() else picture.width()
    val shownHeight = if (sideways) picture.width() else picture.height()
    val scale = max(width / shownWidth, height / shownHeight)
    return Matrix().apply {
        setRectToRect(view, picture, Matrix.ScaleToFit.FILL)
        postScale(scale, scale, view.centerX(), view.centerY())
        postRotate(-degrees(displayRotation).toFloat(), view.centerX(), view.centerY())
    }
}
