"""The bars that were set for each model before it was trained, and where it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scripts.docs.markdown import table
from scripts.docs.tables.reports import Shipped

FLOAT, INT8 = "keras float", "tflite int8"


@dataclass(frozen=True)
class Bar:
    """One thing that was asked of a model.

    Attributes:
        name: Short and unique.
        text: For people.
        bound: The figure to reach.
        at_least: Whether larger is better.
        digits: How many to show after the point.
        value: Of a model; None where the report is missing.
    """

    name: str
    text: str
    bound: float
    at_least: bool
    digits: int
    value: Callable[[Shipped], float | None]

    def met(self, value: float) -> bool:
        """Whether a measured figure clears the bar."""
        return value >= self.bound if self.at_least else value <= self.bound


def _srocc(group: str) -> Callable[[Shipped], float | None]:
    def value(model: Shipped) -> float | None:
        report = model.reports.get("evaluate")
        if report is None or report["protocol"]["split"] != "test":
            return None
        found: float | None = report["groups"].get(group, {}).get("SROCC", {}).get("value")
        return found

    return value


def _srocc_change(model: Shipped) -> float | None:
    found = model.reports.get("verify", {}).get("srocc_mos")
    return abs(found[INT8] - found[FLOAT]) if found else None


def _shift(model: Shipped) -> float | None:
    for shift in model.reports.get("verify", {}).get("shifts", ()):
        if (shift["reference"], shift["other"]) == (FLOAT, INT8):
            return float(shift["p99"])
    return None


def _monotone(model: Shipped) -> float | None:
    total = model.reports.get("ladder", {}).get("total")
    return 1 - total["violations"] / total["pairs"] if total else None


def _burst(model: Shipped) -> float | None:
    burst = model.reports.get("ladder", {}).get("burst")
    return float(burst["total"]["accuracy"]) if burst else None


def _plcc_gap(model: Shipped) -> float | None:
    return model.reports.get("calibrate", {}).get("plcc_gap")


def _blurred_half(model: Shipped) -> float | None:
    kinds = model.reports.get("maps", {}).get("kinds")
    blurs = [kinds[kind] for kind in ("gaussian_blur", "defocus") if kind in kinds] if kinds else []
    total = sum(blur["maps"] for blur in blurs)
    return sum(blur["maps"] * blur["mean_iou"] for blur in blurs) / total if total else None


def _macs(bound: float) -> Bar:
    return Bar("macs", "work, GMAC", bound, False, 2, lambda model: model.macs / 1e9)


def _common(
    macs: float,
    size: float,
    srocc: float,
    change: float,
    shift: float,
    monotone: float,
    burst: float,
) -> tuple[Bar, ...]:
    return (
        _macs(macs),
        Bar("size", "size of the file, MB", size, False, 2, lambda model: model.size / 1e6),
        Bar("srocc", "BIQ2021 test SROCC, pooled", srocc, True, 3, _srocc("pooled")),
        Bar("int8 srocc", "int8 against float, change of SROCC", change, False, 4, _srocc_change),
        Bar("int8 shift", "99th percentile of int8 shifts, points", shift, False, 2, _shift),
        Bar("monotone", "distortion ladders, pairs that fall", monotone, True, 3, _monotone),
        Bar("burst", "burst pairs one level apart, right", burst, True, 3, _burst),
        Bar("plcc gap", "PLCC gained by a logistic fit", 0.01, False, 4, _plcc_gap),
        Bar("map", "map finds a blurred half, mean IoU", 0.7, True, 3, _blurred_half),
    )


BARS: dict[str, tuple[Bar, ...]] = {
    "nano": _common(0.12, 1.2, 0.82, 0.003, 2.0, 0.95, 0.85),
    "base": (
        *_common(1.0, 4.5, 0.87, 0.002, 1.0, 0.97, 0.90),
        Bar("ss01", "BIQ2021 test SROCC within ss01", 0.93, True, 3, _srocc("ss01")),
        Bar("ss02", "BIQ2021 test SROCC within ss02", 0.48, True, 3, _srocc("ss02")),
        Bar("ss03", "BIQ2021 test SROCC within ss03", 0.75, True, 3, _srocc("ss03")),
    ),
    "pro": (_macs(4.0),),
}
"""Bars by model."""


def bars_table(models: tuple[Shipped, ...]) -> str:
    """Every bar of every shipped model, what was measured, and by how much it is missed."""
    rows = []
    for model in models:
        for bar in BARS.get(model.name, ()):
            value = bar.value(model)
            sign = "at least" if bar.at_least else "at most"
            shown, verdict = "-", "not measured yet"
            if value is not None:
                shown = f"{value:.{bar.digits}f}"
                short = f"{abs(value - bar.bound):.{bar.digits}f}"
                verdict = "met" if bar.met(value) else f"**missed by {short}**"
            rows.append([model.name, bar.text, f"{sign} {bar.bound:g}", shown, verdict])
    return table(["model", "what", "asked", "measured", ""], rows, left=2)
