"""The command `edgeiqa`: score photographs, list models, find the sample photographs."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from edgeiqa import __version__

if TYPE_CHECKING:  # Loaded when needed, so that --help comes at once.
    from edgeiqa.gate import Gate
    from edgeiqa.listing import Item
    from edgeiqa.mapfolder import MapFolder
    from edgeiqa.output import Row
    from edgeiqa.progress import Progress
    from edgeiqa.scorer import Scorer

EXIT_OK = 0
EXIT_REJECTED = 1
EXIT_USAGE = 2
EXIT_UNREADABLE = 3
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

_EXIT_CODES = """exit codes:
  0    all were scored
  1    with --check: some were rejected
  2    wrong usage, or a model or an output file that cannot be opened
  3    some could not be read (the others are scored); counts before 1
  130  interrupted; a file named with --output is then left as it was
"""

_MODELS_EXIT_CODES = """exit codes:
  0    all are listed
  2    wrong usage
  3    some are not there, cannot be read or have no valid contract (the others are listed)
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: Arguments without the program's name; those of the process by default.

    Returns:
        The exit code.
    """
    try:
        arguments = _parser().parse_args(argv)
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except SystemExit as stop:  # argparse, after --help or a wrong argument.
        return stop.code if isinstance(stop.code, int) else EXIT_USAGE
    except KeyboardInterrupt:
        print("edgeiqa: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough. Python would complain when it flushes.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except (_UsageError, OSError) as error:
        print(f"edgeiqa: error: {error}", file=sys.stderr)
        return EXIT_USAGE


class _UsageError(Exception):
    """A wish that cannot be met; its text is for the user."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edgeiqa",
        allow_abbrev=False,
        description="Scores how good photographs look, from 0 to 100, on this machine.",
    )
    parser.add_argument("--version", action="version", version=f"edgeiqa {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    score = commands.add_parser(
        "score",
        allow_abbrev=False,
        help="score photographs",
        description="Scores photographs from 0 to 100, higher is better.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    score.add_argument(
        "paths", nargs="+", metavar="PATH", help="a file, a folder (searched to its depths), or -"
    )
    score.add_argument(
        "--model", default="base", help="a model's name or a .tflite file (default: base)"
    )
    least = score.add_mutually_exclusive_group()
    least.add_argument(
        "--gate", metavar="PRESET", help="relaxed, normal or strict (default: normal)"
    )
    least.add_argument(
        "--min-score", type=_score, metavar="X", help="accept from this score on, 0-100"
    )
    score.add_argument(
        "--check", action="store_true", help="exit with 1 if a photograph is rejected"
    )
    score.add_argument(
        "--format",
        choices=("table", "json", "jsonl", "csv"),
        help="default: by the suffix of --output, else table",
    )
    score.add_argument("--output", metavar="FILE", help="write there instead of standard output")
    score.add_argument(
        "--map",
        metavar="DIR",
        help="also write for each photograph a PNG that shows which regions are good or bad, "
        "PHOTO.map.png; JSON gets the grid of scores (some 90 times the work of a score)",
    )
    score.add_argument("--no-progress", action="store_true", help="no progress on standard error")
    score.set_defaults(run=_score_command)

    models = commands.add_parser(
        "models",
        allow_abbrev=False,
        help="list models",
        description="Lists models and what they say about themselves.",
        epilog=_MODELS_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    models.add_argument(
        "files", nargs="*", metavar="FILE", help=".tflite files (default: those of the package)"
    )
    models.add_argument("--json", action="store_true", help="the contracts in full")
    models.set_defaults(run=_models_command)

    samples = commands.add_parser(
        "samples", allow_abbrev=False, help="print the folder of the sample photographs"
    )
    samples.set_defaults(run=_samples_command)
    return parser


def _score(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 100")
    return value


def _score_command(arguments: argparse.Namespace) -> int:
    from edgeiqa import output
    from edgeiqa.listing import STDIN, expand
    from edgeiqa.progress import Progress

    if not sys.warnoptions:
        # What a decoder thinks of a file's metadata is no concern of whoever wants scores.
        warnings.simplefilter("ignore")
    if arguments.paths.count(STDIN) > 1:
        raise _UsageError("standard input (-) can be read only once")
    maps = None if arguments.map is None else _map_folder(arguments.map)
    scorer, gate = _open(arguments)
    items = list(expand(arguments.paths))
    if maps is not None:
        # Of an earlier run over a folder that the maps lie in.
        items = [item for item in items if not maps.is_map(item.path)]
    counts = {"accepted": 0, "rejected": 0, "scored": 0, "unreadable": 0}
    # Rows that run over a terminal are progress enough.
    visible = arguments.output is None and sys.stdout.isatty()
    progress = Progress(len(items), enabled=not (arguments.no_progress or visible))
    with output.opened(arguments.output) as stream:
        writer = output.WRITERS[_format(arguments)](stream)
        try:
            for item in items:
                row = _score_item(item, scorer, gate, maps, progress)
                counts[_outcome(row)] += 1
                writer.write(row)
        finally:
            progress.close()
        contract = scorer.contract
        writer.finish(_summary(counts, gate, f"{contract.name} {contract.version}"))
    if counts["unreadable"]:
        return EXIT_UNREADABLE
    return EXIT_REJECTED if arguments.check and counts["rejected"] else EXIT_OK


def _open(arguments: argparse.Namespace) -> tuple[Scorer, Gate | None]:
    from edgeiqa.contract import ContractError
    from edgeiqa.model import ModelError
    from edgeiqa.scorer import Scorer

    try:
        with _without_chatter():
            scorer = Scorer(arguments.model)
        presets = scorer.contract.gate
        asked = arguments.gate is not None or arguments.min_score is not None or arguments.check
        if not asked and "normal" not in presets:
            return scorer, None  # A model of the user's own may come without a gate.
        return scorer, scorer.gate(arguments.gate or "normal", min_score=arguments.min_score)
    except (ModelError, ContractError, ImportError, ValueError) as error:
        raise _UsageError(str(error)) from error


def _map_folder(folder: str) -> MapFolder:
    from edgeiqa.mapfolder import MapFolder

    try:
        return MapFolder(folder)
    except FileExistsError as error:
        raise _UsageError(f"--map {folder}: this is a file, name a folder") from error
    except OSError as error:
        raise _UsageError(f"--map {folder}: {error.strerror or error}") from error


def _score_item(
    item: Item, scorer: Scorer, gate: Gate | None, maps: MapFolder | None, progress: Progress
) -> Row:
    from edgeiqa.decode import UnreadableImageError
    from edgeiqa.output import Row

    before = progress.done
    drawn: dict[str, Any] | None = None
    try:
        if item.error is not None:
            return Row(item.path, error=item.error)
        source = _stdin() if item.path == "-" else item.path
        if maps is None:
            quality = scorer.score(source)
        else:
            quality, drawn = maps.score(scorer, source, item.path, progress)
    except UnreadableImageError as error:
        return Row(item.path, error=error.reason)
    except Exception as error:  # Whatever one file does, the others are still to be scored.
        text = " ".join(str(error).split())
        return Row(item.path, error=f"{type(error).__name__}: {text}")
    finally:
        progress.step(before + 1 - progress.done)
    return Row(item.path, quality, None if gate is None else gate(quality), map=drawn)


def _stdin() -> bytes:
    from edgeiqa.decode import UnreadableImageError, read_bounded

    if sys.stdin is None or sys.stdin.isatty():
        raise UnreadableImageError("standard input is a terminal, expected a picture")
    return read_bounded(sys.stdin.buffer)


def _outcome(row: Row) -> str:
    if row.error is not None:
        return "unreadable"
    if row.verdict is None:
        return "scored"
    return "accepted" if row.verdict.accept else "rejected"


def _format(arguments: argparse.Namespace) -> str:
    if arguments.format is not None:
        return str(arguments.format)
    suffix = os.path.splitext(arguments.output or "")[1].lower().lstrip(".")
    return suffix if suffix in ("json", "jsonl", "csv") else "table"


def _summary(counts: dict[str, int], gate: Gate | None, model: str) -> str:
    total = sum(counts.values())
    parts = [f"{count} {what}" for what, count in counts.items() if count]
    asked = "" if gate is None else f", accepted from {gate.min_score:g} on"
    noun = "photograph" if total == 1 else "photographs"
    return f"{total} {noun}: {', '.join(parts)} (model {model}{asked})"


def _models_command(arguments: argparse.Namespace) -> int:
    from edgeiqa import contract as contracts
    from edgeiqa import model as models

    entries: list[dict[str, Any]] = []
    for name in arguments.files or models.available_models():
        entry: dict[str, Any] = {"model": name, "contract": None, "error": None}
        try:
            data = models.find(name).read_bytes()
            contract, _ = contracts.read(data)
            entry |= {"bytes": len(data), "contract": json.loads(contracts.to_json(contract))}
        except (models.ModelError, contracts.ContractError, OSError) as error:
            entry["error"] = str(error)
        entries.append(entry)
    if arguments.json:
        print(json.dumps(entries, indent=2, ensure_ascii=False))
    else:
        print(_models_table(entries))
    return EXIT_UNREADABLE if any(entry["error"] for entry in entries) else EXIT_OK


def _models_table(entries: list[dict[str, Any]]) -> str:
    lines = []
    for entry in entries:
        if entry["error"] is not None:
            lines.append(f"{entry['model']}: {entry['error']}")
            continue
        contract = entry["contract"]
        spec = contract["input"]
        outputs = ", ".join(f"{o['name']} ({o['kind']})" for o in contract["outputs"])
        gate = ", ".join(f"{preset} {least:g}" for preset, least in contract["gate"].items())
        lines += [
            f"{contract['name']} {contract['version']}  ({entry['model']})",
            f"  size    {entry['bytes'] / 1e6:.2f} MB",
            f"  input   {spec['width']} x {spec['height']} {spec['color']} {spec['dtype']}, "
            f"{spec['fit']}",
            f"  output  {outputs}",
            f"  gate    {gate or 'none'}",
        ]
    return "\n".join(lines) if lines else "no models"


def _samples_command(arguments: argparse.Namespace) -> int:
    from edgeiqa.samples import FOLDER

    print(FOLDER)
    return EXIT_OK


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    """Keeps the runtime's INFO lines, which C++ writes to descriptor 2, off the terminal.

    Warnings and errors come through. For this command only: a library must not touch the
    descriptors of the program that uses it.
    """
    try:
        sys.stderr.flush()
        saved = os.dup(2)
    except (OSError, ValueError, AttributeError):  # No standard error, as under some services.
        yield
        return
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            caught.seek(0)
            lines = [line for line in caught if not line.startswith((b"INFO:", b"I0000"))]
            if lines:
                os.write(2, b"".join(lines))
