package org.edgeiqa.demo

import android.Manifest
import android.app.Activity
import android.app.AlertDialog
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.Bitmap
import android.net.Uri
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import android.provider.Settings
import android.util.Log
import android.view.TextureView
import android.view.View
import android.view.ViewGroup
import android.view.WindowManager
import android.widget.Button
import android.widget.ImageButton
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.TextView
import android.widget.Toast
import java.io.IOException
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import kotlin.math.roundToInt
import org.edgeiqa.Gate
import org.edgeiqa.LiveResult
import org.edgeiqa.Scorer
import org.edgeiqa.ScoredFrame

/** The one screen: what the camera sees, how good it is, and a shutter that warns. */
class MainActivity : Activity(), CameraFeed.Listener {
    private val main = Handler(Looper.getMainLooper())
    private lateinit var work: ExecutorService
    private lateinit var feed: CameraFeed
    private lateinit var shots: Shots
    private lateinit var preview: TextureView
    private lateinit var dial: ScoreDial
    private lateinit var bars: CauseBars
    private lateinit var verdict: TextView
    private lateinit var timing: TextView
    private lateinit var presetButton: TextView
    private lateinit var shutter: ImageButton
    private lateinit var strip: LinearLayout
    private lateinit var notice: View
    private lateinit var noticeText: TextView
    private lateinit var noticeButton: Button

    private var front = false
    private var preset = "normal"
    private var asking = false
    private var started = false
    private var scorer: Scorer? = null
    private var gate: Gate? = null
    private var dialog: AlertDialog? = null
    private var shownMs = 0.0

    /** How many frames were scored since the start; for tests. */
    internal var results = 0
        private set

    // Read by the camera's thread.
    @Volatile
    private var session: LiveSession? = null

    @Volatile
    private var shape: CameraShape? = null

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.main)
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        findViews()
        front = state?.getBoolean(FRONT) ?: false
        asking = state?.getBoolean(ASKING) ?: false
        preset = getPreferences(MODE_PRIVATE).getString(PRESET, null) ?: "normal"
        work = Executors.newSingleThreadExecutor()
        feed = (application as DemoApplication).feed()
        shots = Shots(this)
        showPreset()
        fillStrip()
        openModels()
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putBoolean(FRONT, front)
        state.putBoolean(ASKING, asking)
    }

    override fun onStart() {
        super.onStart()
        started = true
        begin()
    }

    override fun onStop() {
        started = false
        end()
        super.onStop()
    }

    override fun onDestroy() {
        dialog?.dismiss()
        work.shutdown()
        super.onDestroy()
    }

    override fun onRequestPermissionsResult(request: Int, permissions: Array<String>, results: IntArray) {
        asking = false
        if (results.isEmpty()) return // The question was interrupted: it is asked again.
        if (granted()) begin() else showPermission()
    }

    // The camera.

    override fun onOpened(shape: CameraShape) {
        this.shape = shape
        layOut()
    }

    override fun onImage(image: CameraImage) {
        val shape = shape ?: return
        try {
            session?.offer(image, uprightRotation(shape, displayRotation()))
        } catch (error: IllegalArgumentException) { // Planes at odds with their sizes; the message says how.
            Log.e(TAG, "an image of the camera was refused", error)
        }
    }

    override fun onProblem(problem: CameraProblem) {
        val text = when (problem) {
            CameraProblem.NONE_THERE -> R.string.no_camera
            CameraProblem.BUSY -> R.string.camera_busy
            CameraProblem.FAILED -> R.string.camera_failed
        }
        end()
        showNotice(getString(text), R.string.again) { begin() }
    }

    /** Starts camera and scoring as far as there is what they need. */
    private fun begin() {
        val scorer = scorer
        if (!started || scorer == null || session != null) return
        if (!granted()) return askForCamera()
        notice.visibility = View.GONE
        startSession(scorer)
        feed.start(front, preview, this)
    }

    private fun startSession(scorer: Scorer) {
        val gate = scorer.gate(preset).also { gate = it }
        shownMs = 0.0
        session = LiveSession(scorer::score, gate) { result -> main.post { show(result) } }
    }

    private fun end() {
        feed.stop()
        shape = null
        session?.close()
        session = null
        dialog?.dismiss()
        showNothing()
    }

    private fun openModels() {
        val application = application as DemoApplication
        work.execute {
            try {
                val opened = application.scorer
                main.post {
                    scorer = opened
                    begin()
                }
            } catch (error: Exception) {
                Log.e(TAG, "the models cannot be opened", error)
                main.post {
                    showNotice(getString(R.string.model_failed, error.message), R.string.again) { openModels() }
                }
            }
        }
    }

    // The permission.

    private fun granted() =
        checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED

    private fun askForCamera() {
        showPermission()
        val asked = getPreferences(MODE_PRIVATE).getBoolean(ASKED, false)
        // Without a tap only the first time: who has refused is not pestered.
        if (!asked) request()
    }

    private fun request() {
        if (asking) return
        asking = true
        getPreferences(MODE_PRIVATE).edit().putBoolean(ASKED, true).apply()
        requestPermissions(arrayOf(Manifest.permission.CAMERA), REQUEST)
    }

    private fun showPermission() {
        val asked = getPreferences(MODE_PRIVATE).getBoolean(ASKED, false)
        if (!asked || asking || shouldShowRequestPermissionRationale(Manifest.permission.CAMERA)) {
            showNotice(getString(R.string.permission_why), R.string.allow) { request() }
        } else {
            showNotice(getString(R.string.permission_settings), R.string.open_settings) {
                val app = Uri.fromParts("package", packageName, null)
                startActivity(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, app))
            }
        }
    }

    // What is seen.

    private fun show(result: LiveResult) {
        results++
        val session = session ?: return
        if (session.paused) return
        result.error?.let { Log.e(TAG, "a frame could not be scored", it) }
        val quality = result.smoothed ?: return
        val judged = result.verdict ?: return
        dial.show(quality.score, judged.accept)
        bars.show(quality.causes, gate?.maxCauses.orEmpty())
        say(getString(sentence(judged)), if (judged.accept) R.color.accept else R.color.reject)
        shownMs = if (shownMs == 0.0) result.latencyMs else shownMs + 0.1 * (result.latencyMs - shownMs)
        val ms = shownMs.roundToInt()
        timing.text = getString(R.string.milliseconds, ms)
        timing.contentDescription = getString(R.string.milliseconds_description, ms)
        timing.visibility = View.VISIBLE
        shutter.isEnabled = true
    }

    private fun showNothing() {
        dial.show(null, false)
        bars.show(emptyMap(), emptyMap())
        say(getString(R.string.waiting), R.color.on_panel)
        timing.visibility = View.INVISIBLE
        shutter.isEnabled = false
    }

    /** A new text is read out, so the same one is not set again. */
    private fun say(text: String, color: Int) {
        if (verdict.text.toString() != text) verdict.text = text
        verdict.setTextColor(getColor(color))
    }

    private fun showNotice(text: String, button: Int, action: () -> Unit) {
        noticeText.text = text
        noticeButton.setText(button)
        noticeButton.setOnClickListener { action() }
        notice.visibility = View.VISIBLE
    }

    private fun showPreset() {
        val name = getString(presetName(preset))
        presetButton.text = name
        presetButton.contentDescription = getString(R.string.preset_description, name)
    }

    private fun nextPreset() {
        preset = PRESETS[(PRESETS.indexOf(preset) + 1) % PRESETS.size]
        getPreferences(MODE_PRIVATE).edit().putString(PRESET, preset).apply()
        showPreset()
        val old = session ?: return
        val scorer = scorer ?: return
        startSession(scorer)
        old.close()
    }

    private fun switchCamera() {
        front = !front
        end()
        begin()
    }

    // The shutter.

    private fun release() {
        val session = session ?: return
        val gate = gate ?: return
        val newest = session.last.newest() ?: return
        session.paused = true
        val single = gate.judge(newest.quality)
        if (single.accept) return keep(session, newest)
        shutter.isEnabled = false
        val reason = sentence(single)
        inBackground {
            val best = session.last.best()?.takeIf { it.quality.score > newest.quality.score }
            val pictures = listOfNotNull(newest, best).map { bitmap(it.frame) }
            main.post { if (this.session === session) warn(session, reason, newest, best, pictures) }
        }
    }

    private fun warn(
        session: LiveSession,
        reason: Int,
        newest: ScoredFrame,
        best: ScoredFrame?,
        pictures: List<Bitmap>,
    ) {
        val content = layoutInflater.inflate(R.layout.choice, null)
        content.find<TextView>(R.id.choice_reason).setText(reason)
        content.find<ImageView>(R.id.choice_this).setImageBitmap(pictures[0])
        content.find<TextView>(R.id.choice_this_text).text =
            getString(R.string.this_frame, newest.quality.score.roundToInt())
        if (best == null) {
            content.find<View>(R.id.choice_best_column).visibility = View.GONE
        } else {
            content.find<ImageView>(R.id.choice_best).setImageBitmap(pictures[1])
            content.find<TextView>(R.id.choice_best_text).text =
                getString(R.string.best_frame, best.quality.score.roundToInt())
        }
        var chosen: ScoredFrame? = null
        val builder = AlertDialog.Builder(this)
            .setTitle(R.string.warn_title)
            .setView(content)
            .setNegativeButton(R.string.retake, null)
            .setNeutralButton(R.string.keep_anyway) { _, _ -> chosen = newest }
            .setOnDismissListener {
                dialog = null
                val kept = chosen
                if (kept == null) resume(session) else keep(session, kept)
            }
        if (best != null) builder.setPositiveButton(R.string.keep_best) { _, _ -> chosen = best }
        dialog = builder.show()
    }

    private fun keep(session: LiveSession, kept: ScoredFrame) {
        shutter.isEnabled = false
        inBackground {
            val told = try {
                getString(R.string.kept, shots.keep(kept.frame, kept.quality.score).score)
            } catch (error: IOException) {
                getString(R.string.not_kept, error.message)
            }
            main.post {
                Toast.makeText(this, told, Toast.LENGTH_SHORT).show()
                if (!isDestroyed) fillStrip()
                resume(session)
            }
        }
    }

    private fun resume(session: LiveSession) {
        session.paused = false
        if (this.session === session) shutter.isEnabled = true
    }

    private fun inBackground(job: () -> Unit) {
        if (!work.isShutdown) work.execute(job)
    }

    private fun fillStrip() {
        val side = resources.getDimensionPixelSize(R.dimen.thumbnail)
        work.execute {
            val found = shots.all().take(MAX_STRIP).map { it to shots.small(it, side) }
            main.post {
                strip.removeAllViews()
                for ((shot, picture) in found) if (picture != null) strip.addView(thumbnail(shot, picture))
            }
        }
    }

    private fun thumbnail(shot: Shot, picture: Bitmap): View {
        val view = layoutInflater.inflate(R.layout.thumbnail, strip, false) as ViewGroup
        view.find<ImageView>(R.id.thumbnail_picture).setImageBitmap(picture)
        view.find<TextView>(R.id.thumbnail_score).text = shot.score.toString()
        view.contentDescription = getString(R.string.shot_description, shot.score)
        view.setOnClickListener { look(shot) }
        return view
    }

    private fun look(shot: Shot) {
        val side = resources.displayMetrics.heightPixels / 2
        inBackground {
            val picture = shots.small(shot, side)
            main.post {
                if (isDestroyed || picture == null) return@post
                val view = ImageView(this).apply {
                    setImageBitmap(picture)
                    adjustViewBounds = true
                    contentDescription = getString(R.string.shot_description, shot.score)
                }
                dialog = AlertDialog.Builder(this)
                    .setTitle(getString(R.string.score, shot.score))
                    .setView(view)
                    .setPositiveButton(R.string.close, null)
                    .setNeutralButton(R.string.delete) { _, _ ->
                        shot.file.delete()
                        fillStrip()
                    }
                    .show()
            }
        }
    }

    private fun findViews() {
        val root = window.decorView
        preview = root.find(R.id.preview)
        dial = root.find(R.id.dial)
        bars = root.find(R.id.causes)
        verdict = root.find(R.id.verdict)
        timing = root.find(R.id.timing)
        presetButton = root.find(R.id.preset)
        shutter = root.find(R.id.shutter)
        strip = root.find(R.id.strip)
        notice = root.find(R.id.notice)
        noticeText = root.find(R.id.notice_text)
        noticeButton = root.find(R.id.notice_button)
        presetButton.setOnClickListener { nextPreset() }
        shutter.setOnClickListener { release() }
        root.find<View>(R.id.switch_camera).setOnClickListener { switchCamera() }
        preview.addOnLayoutChangeListener { _, _, _, _, _, _, _, _, _ -> layOut() }
        val overlay = root.find<View>(R.id.overlay)
        root.find<View>(R.id.root).setOnApplyWindowInsetsListener { _, insets ->
            for (view in listOf(overlay, notice)) {
                view.setPadding(
                    insets.systemWindowInsetLeft, insets.systemWindowInsetTop,
                    insets.systemWindowInsetRight, insets.systemWindowInsetBottom,
                )
            }
            insets
        }
        preview.systemUiVisibility = View.SYSTEM_UI_FLAG_LAYOUT_STABLE or
            View.SYSTEM_UI_FLAG_LAYOUT_FULLSCREEN or View.SYSTEM_UI_FLAG_LAYOUT_HIDE_NAVIGATION
        showNothing()
    }

    private fun layOut() {
        val shape = shape ?: return
        val width = preview.width.toFloat()
        val height = preview.height.toFloat()
        if (width > 0 && height > 0) {
            preview.setTransform(previewMatrix(shape, displayRotation(), width, height))
        }
    }

    private fun displayRotation(): Int = windowManager.defaultDisplay.rotation

    private companion object {
        const val TAG = "edgeiqa"
        const val FRONT = "front"
        const val ASKING = "asking"
        const val ASKED = "asked"
        const val PRESET = "preset"
        const val REQUEST = 1
        const val MAX_STRIP = 30
        val PRESETS = listOf("relaxed", "normal", "strict")
    }
}

/** A view inside of another one. On the oldest Android of this app the call has no type. */
@Suppress("UNCHECKED_CAST")
private fun <T : View> View.find(id: Int): T = findViewById(id) as T
