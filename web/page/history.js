/**
 * The scores of the last minute of a camera, single ones as dots and smoothed ones as a line; or of
 * the last photographs, one dot each; and the gate's threshold.
 */

const SECONDS = 60;
const MAX_POINTS = 2000;
const MAX_PHOTOGRAPHS = 120;

export class History {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this._canvas = canvas;
    this._points = [];
    this._minScore = 0;
    this._drawn = false;
    this._live = true;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this._draw());
    new ResizeObserver(() => this._draw()).observe(canvas);
  }

  setGate(gate) {
    this._minScore = gate.minScore;
    this._draw();
  }

  clear() {
    this._points = [];
    this._draw();
  }

  /** Starts anew with a camera, or goes on with photographs. */
  begin(live) {
    if (live || this._live) this._points = [];
    this._live = live;
    document.getElementById("history-title").textContent = live ? "Last minute" : "Photographs so far";
    this._draw();
  }

  add(score, smoothed, accept) {
    const now = performance.now();
    this._points.push({ at: now, score, smoothed, accept });
    const oldest = this._live ? now - SECONDS * 1000 : 0;
    const most = this._live ? MAX_POINTS : MAX_PHOTOGRAPHS;
    while (this._points.length > most || this._points[0].at < oldest) this._points.shift();
    if (this._drawn) return;
    this._drawn = true;
    requestAnimationFrame(() => {
      this._drawn = false;
      this._draw();
    });
  }

  _draw() {
    const canvas = this._canvas;
    const scale = devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (!width) return;
    if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
    if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
    const context = canvas.getContext("2d");
    const color = (name) => getComputedStyle(canvas).getPropertyValue(name);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const left = 26;
    const y = (score) => 6 + (height - 12) * (1 - score / 100);
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const score of [0, 50, 100]) {
      context.fillStyle = color("--quiet");
      context.fillText(score, left - 6, y(score));
      context.fillStyle = color("--line");
      context.fillRect(left, Math.round(y(score)), width - left, 1);
    }
    context.strokeStyle = color("--quiet");
    context.setLineDash([4, 4]);
    context.beginPath();
    context.moveTo(left, y(this._minScore));
    context.lineTo(width, y(this._minScore));
    context.stroke();
    context.setLineDash([]);
    const room = width - left - 12;
    const newest = this._points.at(-1)?.at ?? 0;
    const step = room / Math.max(this._points.length - 1, 24);
    const x = this._live
      ? ({ at }) => width - 6 - (room * (newest - at)) / (SECONDS * 1000)
      : (_, index) => left + 6 + step * index;
    this._drawPoints(context, x, y, color);
    this._describe();
  }

  _drawPoints(context, x, y, color) {
    const [good, bad] = [color("--good"), color("--bad")];
    context.globalAlpha = this._live ? 0.35 : 1;
    for (const [index, point] of this._points.entries()) {
      context.fillStyle = point.accept ? good : bad;
      context.beginPath();
      context.arc(x(point, index), y(point.score), this._live ? 1.8 : 4, 0, 7);
      context.fill();
    }
    context.globalAlpha = 1;
    if (!this._live) return;
    context.lineWidth = 2;
    context.lineJoin = "round";
    for (let i = 1; i < this._points.length; i++) {
      const [a, b] = [this._points[i - 1], this._points[i]];
      context.strokeStyle = b.accept ? good : bad;
      context.beginPath();
      context.moveTo(x(a), y(a.smoothed));
      context.lineTo(x(b), y(b.smoothed));
      context.stroke();
    }
  }

  _describe() {
    const scores = this._points.map((point) => point.smoothed);
    if (!scores.length) {
      this._canvas.setAttribute("aria-label", "No scores yet");
      return;
    }
    const [least, most] = [Math.min(...scores), Math.max(...scores)];
    const text = `Scores ${this._live ? "of the last minute" : "of the photographs so far"}: between ${least.toFixed(0)} and ${most.toFixed(0)}, now ${scores.at(-1).toFixed(0)}`;
    if (this._canvas.getAttribute("aria-label") !== text) this._canvas.setAttribute("aria-label", text);
  }
}
