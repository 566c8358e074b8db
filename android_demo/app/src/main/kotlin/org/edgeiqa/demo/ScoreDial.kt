package org.edgeiqa.demo

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.RectF
import android.util.AttributeSet
import android.util.TypedValue
import android.view.View
import kotlin.math.min
import kotlin.math.roundToInt

/** A dial of 0-100 with the score in its middle. */
class ScoreDial @JvmOverloads constructor(context: Context, attributes: AttributeSet? = null) :
    View(context, attributes) {
    private val back = Paint(Paint.ANTI_ALIAS_FLAG).apply { color = context.getColor(R.color.panel) }
    private val arc = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        style = Paint.Style.STROKE
        strokeCap = Paint.Cap.ROUND
    }
    private val text = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        textAlign = Paint.Align.CENTER
        color = context.getColor(R.color.on_panel)
        isFakeBoldText = true
    }
    private val box = RectF()
    private var score: Double? = null
    private var accept = false

    init {
        show(null, false)
    }

    /**
     * Shows a score.
     *
     * @param score 0-100; null for none.
     * @param accept whether it passes, which decides about the colour.
     */
    fun show(score: Double?, accept: Boolean) {
        if (contentDescription != null && score == this.score && accept == this.accept) return
        this.score = score
        this.accept = accept
        contentDescription = if (score == null) {
            context.getString(R.string.dial_none)
        } else {
            val words = if (accept) R.string.dial_accept else R.string.dial_reject
            context.getString(words, score.roundToInt())
        }
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        val side = min(width, height).toFloat()
        val middle = side / 2
        canvas.drawCircle(middle, middle, middle, back)
        arc.strokeWidth = side * 0.09f
        val inset = side * 0.13f
        box.set(inset, inset, side - inset, side - inset)
        arc.color = context.getColor(R.color.track)
        canvas.drawArc(box, START, SWEEP, false, arc)
        val shown = score
        if (shown != null) {
            arc.color = context.getColor(if (accept) R.color.accept else R.color.reject)
            canvas.drawArc(box, START, SWEEP * (shown / 100).toFloat(), false, arc)
        }
        // Grows with the font scale as far as there is room.
        val wanted = TypedValue.applyDimension(TypedValue.COMPLEX_UNIT_SP, 34f, resources.displayMetrics)
        text.textSize = min(wanted, side * 0.4f)
        val line = middle - (text.ascent() + text.descent()) / 2
        canvas.drawText(shown?.roundToInt()?.toString() ?: "–", middle, line, text)
    }

    private companion object {
        const val START = 135f
        const val SWEEP = 270f
    }
}
