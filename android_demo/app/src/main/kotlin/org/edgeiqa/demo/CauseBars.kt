package org.edgeiqa.demo

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.text.TextPaint
import android.text.TextUtils
import android.util.AttributeSet
import android.util.TypedValue
import android.view.View
import kotlin.math.roundToInt
import org.edgeiqa.CAUSES

/** Bars of the severities of all causes, in two columns, with a mark at each limit. */
class CauseBars @JvmOverloads constructor(context: Context, attributes: AttributeSet? = null) :
    View(context, attributes) {
    private val label = TextPaint(Paint.ANTI_ALIAS_FLAG).apply {
        color = context.getColor(R.color.muted)
        textSize = TypedValue.applyDimension(TypedValue.COMPLEX_UNIT_SP, 12f, resources.displayMetrics)
    }
    private val bar = Paint(Paint.ANTI_ALIAS_FLAG)
    private var causes = emptyMap<String, Double>()
    private var limits = emptyMap<String, Double>()

    init {
        show(emptyMap(), emptyMap())
    }

    /**
     * Shows severities.
     *
     * @param causes severity 0-1 per cause.
     * @param limits the most severity 0-1 that passes, per cause that has a limit.
     */
    fun show(causes: Map<String, Double>, limits: Map<String, Double>) {
        this.causes = causes
        this.limits = limits
        val present = causes.filter { (cause, severity) -> severity >= NOTABLE && causeName(cause) != 0 }
        contentDescription = if (present.isEmpty()) {
            context.getString(R.string.causes_none)
        } else {
            present.entries.joinToString { (cause, severity) ->
                val percent = (100 * severity).roundToInt()
                context.getString(R.string.causes_item, context.getString(causeName(cause)), percent)
            }
        }
        invalidate()
    }

    override fun onMeasure(widthSpec: Int, heightSpec: Int) {
        val height = (rows() * rowHeight()).roundToInt()
        setMeasuredDimension(getDefaultSize(0, widthSpec), resolveSize(height, heightSpec))
    }

    override fun onDraw(canvas: Canvas) {
        val gap = dp(16f)
        val columnWidth = (width - gap) / COLUMNS
        for ((i, cause) in CAUSES.withIndex()) {
            val left = i / rows() * (columnWidth + gap)
            draw(canvas, cause, left, i % rows() * rowHeight(), columnWidth)
        }
    }

    private fun draw(canvas: Canvas, cause: String, left: Float, top: Float, width: Float) {
        val name = context.getString(causeName(cause))
        val shown = TextUtils.ellipsize(name, label, width, TextUtils.TruncateAt.END)
        canvas.drawText(shown, 0, shown.length, left, top - label.ascent(), label)
        val y = top + lineHeight() + dp(3f)
        val thick = dp(5f)
        bar.color = context.getColor(R.color.track)
        canvas.drawRoundRect(left, y, left + width, y + thick, thick / 2, thick / 2, bar)
        val severity = causes[cause] ?: 0.0
        val limit = limits[cause]
        bar.color = context.getColor(if (limit != null && severity > limit) R.color.reject else R.color.bar)
        if (severity > 0) {
            val end = left + (width * severity).toFloat().coerceAtLeast(thick)
            canvas.drawRoundRect(left, y, end, y + thick, thick / 2, thick / 2, bar)
        }
        if (limit != null && limit < 1) {
            bar.color = context.getColor(R.color.on_panel)
            val x = left + (width * limit).toFloat()
            canvas.drawRect(x - dp(1f), y - dp(2f), x + dp(1f), y + thick + dp(2f), bar)
        }
    }

    private fun rows() = (CAUSES.size + COLUMNS - 1) / COLUMNS

    private fun lineHeight() = label.descent() - label.ascent()

    private fun rowHeight() = lineHeight() + dp(16f)

    private fun dp(value: Float) = value * resources.displayMetrics.density

    private companion object {
        const val COLUMNS = 2

        // Less is not worth a word.
        const val NOTABLE = 0.1
    }
}
