"""`edgeiqa fit-gate`: sets the gate's threshold from photographs that were kept and rejected."""

from __future__ import annotations

import argparse
import io
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeiqa.cli.common import (
    EXIT_OK,
    EXIT_UNREADABLE,
    Number,
    UsageError,
    add_model_option,
    add_quiet_option,
    open_scorer,
)

if TYPE_CHECKING:  # Loaded when needed, so that --help comes at once.
    from edgeiqa.gating.gate import GateFit

EPILOG = """a CSV file for --csv has a column keep (true or false, yes or no, 1 or 0, kept or
rejected) and a column score (0-100, all by one model) or path (relative to the file's folder). A
file that `edgeiqa score --format csv` wrote only needs an additional column keep. Rows without a
score, such as those of unreadable photographs, are skipped and counted.

exit codes:
  0    a threshold was found
  2    wrong usage, too few photographs, or scores that do not separate kept from rejected ones
  3    a threshold was found, but some photographs could not be read
  130  interrupted
"""

TRUE = frozenset(("true", "yes", "y", "1", "kept", "keep"))
FALSE = frozenset(("false", "no", "n", "0", "rejected", "reject"))


@dataclass
class Shots:
    """The data of the fit.

    Attributes:
        scores: Scores 0-100.
        keep: Whether each shot was kept.
        unreadable: Number of further photographs without a score.
    """

    scores: list[float]
    keep: list[bool]
    unreadable: int = 0


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describes the command."""
    parser = commands.add_parser(
        "fit-gate",
        allow_abbrev=False,
        help="set the gate's threshold from photographs that you kept and rejected",
        description="Finds the score from which you keep photographs, with a 95% interval, from\n"
        "at least 20 that you kept or rejected, five or more of each.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--kept", nargs="+", metavar="PATH", default=[], help="files or folders that you kept"
    )
    parser.add_argument(
        "--rejected",
        nargs="+",
        metavar="PATH",
        default=[],
        help="those that you rejected",
    )
    parser.add_argument("--csv", metavar="FILE", help="instead, a table with a column keep")
    parser.add_argument(
        "--keep-share",
        type=Number(maximum=1.0, exclusive=True),
        metavar="X",
        help="keep this share of those that you kept, such as 0.95, instead of making the fewest "
        "mistakes",
    )
    add_model_option(parser)
    parser.add_argument(
        "--output",
        "-o",
        metavar="FILE.json",
        help="save the gate, with the limits of causes of the preset normal, for --gate FILE",
    )
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="default: table"
    )
    add_quiet_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Fits and prints; returns the exit code."""
    import json

    from edgeiqa.gating.gate import Gate

    if arguments.csv is not None and (arguments.kept or arguments.rejected):
        raise UsageError("--csv goes without --kept and --rejected")
    if arguments.csv is not None:
        shots = _read_table(arguments)
    elif arguments.kept and arguments.rejected:
        shots = _score_folders(arguments)
    else:
        raise UsageError("name both --kept and --rejected, or a table with --csv")
    try:
        fit = Gate.fit(shots.scores, shots.keep, keep_share=arguments.keep_share)
    except ValueError as error:
        left = f" ({shots.unreadable} more have no score)" if shots.unreadable else ""
        raise UsageError(f"{error}{left}") from error
    if arguments.output is not None:
        _save(fit, arguments)
    if arguments.format == "json":
        document = {**fit.to_dict(), "unreadable": shots.unreadable}
        print(json.dumps(document, indent=2, allow_nan=False))
    else:
        print(_summary(fit, shots.unreadable, arguments.output))
    return EXIT_UNREADABLE if shots.unreadable else EXIT_OK


def _save(fit: GateFit, arguments: argparse.Namespace) -> None:
    from edgeiqa.analysis.cause_detector import CauseDetector

    if not arguments.output.endswith(".json"):
        raise UsageError(f"--output {arguments.output}: the name of a gate ends in .json")
    limits = CauseDetector().contract.limits.get("normal", {})
    fit.gate.with_limits(limits).save(arguments.output)


def _summary(fit: GateFit, unreadable: int, output: str | None) -> str:
    low, high = fit.interval
    lines = [
        f"keep from {fit.threshold:.1f}; 95% interval {low:.1f} to {high:.1f}",
        f"{fit.n} photographs, {fit.kept} kept and {fit.rejected} rejected",
        "thresholds fitted without them would have",
        f"  kept      {fit.kept_right} of the {fit.kept} that you kept",
        f"  rejected  {fit.rejected_right} of the {fit.rejected} that you rejected",
    ]
    if fit.p_value > 0.05:
        lines.append(
            f"caution: the scores hardly separate kept from rejected ones (p {fit.p_value:.2f})"
        )
    if unreadable:
        lines.append(f"{unreadable} more could not be read")
    # Rounded down, or a photograph right at the threshold would be rejected.
    wanted = f"--gate {output}" if output else f"--min-score {int(fit.threshold * 10) / 10}"
    return "\n".join([*lines, "", f"edgeiqa score {wanted} ..."])


def _score_folders(arguments: argparse.Namespace) -> Shots:
    from edgeiqa.imaging.discovery import STDIN, expand

    if STDIN in (*arguments.kept, *arguments.rejected):
        raise UsageError("standard input (-) holds one picture, name files or folders")
    named: list[tuple[str, bool, str | None]] = []
    for names, keep in ((arguments.kept, True), (arguments.rejected, False)):
        named += [(item.path, keep, item.error) for item in expand(names)]
    kept = {path for path, keep, _ in named if keep}
    both = [path for path, keep, _ in named if not keep and path in kept]
    if both:
        raise UsageError(f"{both[0]} is among the kept and among the rejected ones")
    return _scored(named, arguments)


_MAX_TABLE = 64 << 20


def _read_table(arguments: argparse.Namespace) -> Shots:
    import csv
    import os

    try:
        with open(arguments.csv, "rb") as file:
            data = file.read(_MAX_TABLE + 1)
        if len(data) > _MAX_TABLE:
            raise UsageError(f"--csv {arguments.csv} has more than {_MAX_TABLE >> 20} MiB")
        # Spreadsheets save UTF-16 with a mark in front, and separate by whatever the country uses.
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        header = text.partition("\n")[0]
        delimiter = max(",;\t", key=header.count)
        table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        names = [name.strip().lower() for name in next(table, [])]
        rows = [dict(zip(names, row, strict=False)) for row in table if any(row)]
        columns = set(names) - {""}
    except OSError as error:
        raise UsageError(f"--csv {arguments.csv}: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"--csv {arguments.csv} is not a CSV file: {error}") from error
    if "keep" not in columns or not columns & {"score", "path"}:
        raise UsageError(
            f"--csv {arguments.csv} has the columns {', '.join(sorted(columns)) or '(none)'}; "
            "expected keep, and score or path"
        )
    shots = Shots([], [])
    to_score: list[tuple[str, bool, str | None]] = []
    folder = os.path.dirname(arguments.csv)
    for number, row in enumerate(rows, start=2):
        where = f"--csv {arguments.csv}, row {number}"
        keep = _keep(row.get("keep"), where)
        score, path = (str(row.get(key) or "").strip() for key in ("score", "path"))
        if score:
            shots.scores.append(_score(score, where))
            shots.keep.append(keep)
        elif path and "score" not in columns:
            to_score.append((os.path.join(folder, path), keep, None))
        else:
            shots.unreadable += 1
    if to_score:
        found = _scored(to_score, arguments)
        found.unreadable += shots.unreadable
        return found
    return shots


def _keep(text: str | None, where: str) -> bool:
    word = str(text or "").strip().lower()
    if word not in TRUE | FALSE:
        raise UsageError(f"{where}: keep is {text!r}, expected true or false")
    return word in TRUE


def _score(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{where}: score is {text!r}, expected a number 0-100") from None


def _scored(named: list[tuple[str, bool, str | None]], arguments: argparse.Namespace) -> Shots:
    """Scores files; those that cannot be read are named on standard error."""
    from edgeiqa.cli.progress import Progress
    from edgeiqa.errors import UnreadableImageError
    from edgeiqa.results.row import printable

    scorer, _ = open_scorer(arguments)
    shots = Shots([], [])
    errors: list[str] = []
    progress = Progress(len(named), enabled=not arguments.quiet)
    try:
        for path, keep, error_text in named:
            trouble = error_text
            if trouble is None:
                try:
                    shots.scores.append(scorer.score(path).score)
                    shots.keep.append(keep)
                except UnreadableImageError as error:
                    trouble = error.reason
                except Exception as error:  # Whatever one file does, the others still count.
                    trouble = f"{type(error).__name__}: {error}"
            if trouble is not None:
                errors.append(f"edgeiqa: {printable(path)}: {printable(trouble)}")
            progress.step()
    finally:
        progress.close()
    for line in errors:
        print(line, file=sys.stderr)
    shots.unreadable = len(errors)
    return shots
