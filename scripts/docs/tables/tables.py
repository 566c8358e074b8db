"""What the reports about one model say, as Markdown."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from scripts.docs.markdown import Blocks, measured_with, table
from scripts.docs.tables.reports import Shipped, measure_command

Report = dict[str, Any]


def evaluate_table(report: Report) -> str:
    """The correlations with human scores, one row per group of pictures."""
    first = next(iter(report["groups"].values()))
    metrics = [name for name, found in first.items() if isinstance(found, dict)]
    rows = []
    for name, group in report["groups"].items():
        cells = [name, f"{group['pictures']:,}"]
        for metric in metrics:
            found = group.get(metric)
            cells.append(
                f"{found['value']:.3f} <sub>{found['low']:.3f}-{found['high']:.3f}</sub>"
                if found and found["value"] is not None
                else "-"
            )
        rows.append(cells)
    facts = report["protocol"]
    note = (
        f"{facts['database']}, {facts['split']} split; model {facts['model']} "
        f"{facts['model_version']}; small print: 95% bootstrap interval. {measured_with(facts)}"
    )
    return table(["pictures of", "number", *metrics], rows) + "\n\n" + note


def verify_table(report: Report) -> str:
    """What the conversion to int8 changed and what the file holds."""
    rows = [
        [
            f"{shift['reference']} to {shift['other']}",
            f"{shift['srocc']:.4f}",
            f"{shift['p99']:.2f}",
            f"{shift['largest']:.2f}",
        ]
        for shift in report["shifts"]
    ]
    head = ["from, to", "SROCC between them", "99th percentile of shifts", "largest shift"]
    facts = report["tflite"]
    lines = [table(head, rows), ""]
    if report["srocc_mos"]:
        each = ", ".join(f"{name} {value:.4f}" for name, value in report["srocc_mos"].items())
        lines.append(f"SROCC with human scores: {each}. Shifts are in points of 0-100.")
    else:
        lines.append("Shifts are in points of 0-100.")
    lines.append(
        f"The file has {facts['bytes'] / 1e6:.2f} MB and takes {facts['macs'] / 1e6:.0f} million "
        f"multiply-accumulates per score; float islands: "
        f"{', '.join(facts['float_islands']) or 'none'}. "
        f"{report['protocol']['pictures']:,} pictures. {measured_with(report['protocol'])}"
    )
    return "\n".join(lines)


def ladder_table(report: Report) -> str:
    """Per distortion, how often the score does not fall from one level to the next."""
    counts = dict(report["kinds"])
    if "original" in report and len(counts) > 6:
        counts["the six of the first report"] = report["original"]
    counts["all"] = report["total"]
    rows = [
        [
            kind.replace("_", " "),
            str(count["pairs"]),
            str(count["violations"]),
            f"{count['share']:.1%}",
            f"{count['drop']:.1f}",
        ]
        for kind, count in counts.items()
    ]
    head = ["distortion", "pairs of levels", "score does not fall", "share", "mean fall"]
    note = (
        f"{len(report['pictures'])} photographs, five levels each; mean fall from the original to "
        f"level 5 in points of 0-100. {measured_with(report['protocol'])}"
    )
    return table(head, rows) + "\n\n" + note


def burst_table(report: Report) -> str:
    """How often the better of two frames of one moment, one level apart, scores higher."""
    burst = report["burst"]
    named = {"all": burst["total"], "the six of the first report": burst.get("original")}
    named |= {f"level {int(n) - 1} against {n}": one for n, one in burst["levels"].items()}
    named |= {kind.replace("_", " "): one for kind, one in burst["kinds"].items()}
    rows = [
        [
            name,
            str(found["pairs"]),
            f"{found['accuracy']:.1%} <sub>{found['low']:.1%}-{found['high']:.1%}</sub>",
        ]
        for name, found in named.items()
        if found
    ]
    how = burst["protocol"]
    note = (
        f"Frames of {how['scenes']} scenes that also differ in framing (by up to "
        f"{1 - how['least_share_of_sides']:.0%}), exposure (up to {how['most_stops']:g} stops), "
        f"noise and JPEG {how['jpeg_quality']}; small print: 95% bootstrap interval over scenes. "
        f"These differences alone move the score of an unspoilt frame by {burst['unrest']:.2f} "
        f"points (median deviation). {measured_with(report['protocol'])}"
    )
    return table(["frames", "pairs", "better one scores higher"], rows) + "\n\n" + note


def calibrate_tables(report: Report) -> str:
    """Mean score against mean MOS, and what `std` says about the difference."""
    rows = [
        [
            f"{b['score']:.1f}",
            f"{b['mos']:.1f} <sub>{b['low']:.1f}-{b['high']:.1f}</sub>",
            f"{b['pictures']:,}",
        ]
        for b in report["reliability"]
    ]
    parts = [
        table(["mean score", "mean MOS", "pictures"], rows, left=0),
        f"Expected calibration error {report['expected_calibration_error']:.2f} points. PLCC "
        f"{report['plcc']:.4f}; {report['plcc_logistic']:.4f} after a logistic fit, which is "
        f"{report['plcc_gap']:.4f} more.",
    ]
    if report["std"]:
        rows = []
        for title, key in (("as shipped", "std"), ("fitted, 5 folds", "std_fitted")):
            for group, found in report[key].items():
                if key == "std_fitted" and report[key] == report["std"]:
                    continue
                rows.append(
                    [
                        title,
                        group,
                        f"{found['pictures']:,}",
                        f"{found['nll']:.3f}",
                        f"{found['coverage']:.1%}",
                        f"{found['sharpness']:.1f}",
                        f"{found['rmse']:.1f}",
                    ]
                )
        head = ["std", "pictures of", "number", "NLL", "MOS inside", "mean std", "RMSE"]
        parts.append(table(head, rows, left=2))
    facts = report["protocol"]
    parts.append(
        f"{facts['database']}, {facts['split']} split. Points of 0-100; small print: 95% bootstrap "
        f"interval. NLL: {facts['nll']}. MOS inside: {facts['coverage']}, which 80% should be. "
        f"{measured_with(facts)}"
    )
    return "\n\n".join(parts)


def stability_table(report: Report) -> str:
    """How far scores move under what should not matter."""
    rows = [
        [
            change,
            group,
            str(found["pictures"]),
            f"{found['median']:.2f}",
            f"{found['p95']:.2f}",
            f"{found['largest']:.2f}",
            f"{found['mean_shift']:+.2f}",
        ]
        for group, changes in report["groups"].items()
        for change, found in changes.items()
    ]
    head = ["change", "pictures of", "number", "median", "95th percentile", "largest", "mean shift"]
    note = f"Shifts of the score in points of 0-100. {measured_with(report['protocol'])}"
    return table(head, rows, left=2) + "\n\n" + note


def maps_table(report: Report) -> str:
    """How well quality maps find the half of a photograph that was spoilt."""
    rows = [
        [
            kind.replace("_", " "),
            str(found["maps"]),
            f"{found['mean_iou']:.2f}",
            f"{found['worst_iou']:.2f}",
            f"{found['found']:.0%}",
            f"{found['spoilt_score']:.0f}",
            f"{found['sound_score']:.0f}",
        ]
        for kind, found in report["kinds"].items()
    ]
    head = ["half spoilt by", "maps", "mean IoU", "worst", "IoU of 0.7 or more"]
    head += ["score there", "score elsewhere"]
    facts = report["protocol"]
    note = (
        f"{len(report['pictures'])} photographs, each with its left, right, top and bottom half "
        f"spoilt at level {facts['level']}. IoU: intersection over union of the spoilt half and "
        f"what the map calls worse ({facts['rule']}). {measured_with(facts)}"
    )
    return table(head, rows) + "\n\n" + note


def std_sentence(model: Shipped) -> str:
    """What `std` of a model means, with what was measured about it."""
    calibration = model.contract.calibration
    if calibration.std_scale == 1 and calibration.std_power == 1:
        said = (
            f"`std` of {model.name} is the spread of opinions that the network expects, not an "
            "error bar"
        )
    else:
        said = (
            f"`std` of {model.name} is the error bar of its score: eight in ten mean opinions "
            "should lie within score ± 1.28 std"
        )
    report = model.reports.get("calibrate")
    if report is None or not report["std"]:
        return said + "."
    pooled = report["std"]["pooled"]
    others = [f"{name} {one['coverage']:.0%}" for name, one in report["std"].items()]
    inside = f", by subset {', '.join(others[1:])}" if len(others) > 1 else ""
    return (
        f"{said}. Of {pooled['pictures']:,} {report['protocol']['split']} photographs, "
        f"{pooled['coverage']:.0%} have their mean opinion within score ± 1.28 std{inside}."
    )


TABLES: dict[str, tuple[str, Callable[[Report], str]]] = {
    "evaluate": ("evaluate", evaluate_table),
    "verify": ("verify", verify_table),
    "ladder": ("ladder", ladder_table),
    "burst": ("ladder", burst_table),
    "calibrate": ("calibrate", calibrate_tables),
    "stability": ("stability", stability_table),
    "maps": ("maps", maps_table),
}
"""Block to the step that measures it and the function that shows it."""


def model_block(block: str, model: Shipped) -> str:
    """One of `TABLES` for one model, or the command that makes it."""
    step, show = TABLES[block]
    report = model.reports.get(step)
    if report is None or (block == "burst" and not report.get("burst")):
        again = " --again" if report is not None else ""
        command = measure_command(step, model.name) + again
        return f"_Not measured yet for {model.name} as it is shipped: `{command}`_"
    return show(report)


def model_blocks(model: Shipped) -> Blocks:
    """All of `TABLES` for one model."""
    return {block: partial(model_block, block, model) for block in TABLES}
