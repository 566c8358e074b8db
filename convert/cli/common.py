"""What the commands of this package share: the choice of pictures and the reporting of results."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..common.files import write_json
from ..datasets import biq2021, custom_csv
from ..datasets.errors import DataError
from ..datasets.manifest import (
    SPLITS,
    ManifestRow,
    data_root,
    load_manifest,
    work_dir,
)
from ..datasets.partition import REPEATS, check_repeat
from ..datasets.registry import DATABASES as KNOWN
from ..datasets.registry import database_rows, manifest_file, refuse_exam
from ..training.loop import Schedule


def existing_file(text: str) -> Path:
    """An argument that names a file to read."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder; expected a file")
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"no file {text}")
    return path


def existing_folder(text: str) -> Path:
    """An argument that names a folder to read."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"no folder {text}")
    return Path(text)


def model_name(text: str) -> str:
    """An argument that names a shipped model or a .tflite."""
    from edgeiqa.inference.model import find

    try:
        find(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def initial_weights(text: str) -> str:
    """An argument that names initial weights: a word that steps know, or a file."""
    known = ("imagenet", "random", *SHIPPED)
    return text if text in known else str(existing_file(text))


SHIPPED = ("base", "nano")
"""Shipped models whose weights can be trained further."""


def add_picture_arguments(parser: argparse.ArgumentParser, split: str) -> None:
    """Options that say which rated pictures to use; shared with ``verify``."""
    add_data_arguments(parser)
    parser.add_argument("--split", default=split, choices=SPLITS, help=f"default: {split}")
    parser.add_argument(
        "--manifest",
        type=existing_file,
        metavar="FILE",
        help="CSV of rated pictures (default: what `edgeiqa convert data` wrote to --work, "
        "else the database's official layout)",
    )


def picture_rows(args: argparse.Namespace) -> tuple[list[ManifestRow], Path]:
    """The rated pictures that `add_picture_arguments` names, and the data root."""
    root = data_root(args.data_root)
    work = work_dir(args.work) if args.manifest is None else None
    rows = database_rows(args.database, root, args.split, args.manifest, work, args.repeat)
    return rows, root


def say_next(args: argparse.Namespace, command: str) -> None:
    """Names the step that usually follows, with the shared options as they were given."""
    usual = (None, 0, biq2021.NAME)
    for name in ("database", "repeat", "data_root", "work"):
        if (value := getattr(args, name, None)) not in usual:
            command += f" --{name.replace('_', '-')} {shlex.quote(str(value))}"
    print(f"next: edgeiqa convert {command}", file=sys.stderr)


def report(document: dict[str, Any], table: str, json_file: str | None) -> None:
    """Print the table, and the JSON to a file; with ``-`` the JSON alone to stdout."""
    if json_file == "-":
        import json

        print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
        return
    print(table)
    if json_file:
        write_json(json_file, document)


DATABASES = tuple(KNOWN)


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds ``--database``, ``--repeat``, ``--data-root`` and ``--work``: every step has them."""
    parser.add_argument(
        "--database",
        default=biq2021.NAME,
        choices=DATABASES,
        help="which database to use (default: %(default)s); "
        "`edgeiqa convert data --list` describes each",
    )
    parser.add_argument(
        "--repeat",
        type=int,
        default=0,
        metavar="N",
        help=f"which split of a database that its authors did not split, 0 to {REPEATS - 1} "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--data-root",
        metavar="DIR",
        help="folder that holds the databases, BIQ2021/ for one (default: $EDGEIQA_DATA)",
    )
    parser.add_argument(
        "--work",
        metavar="DIR",
        help="caches, checkpoints and results (default: $EDGEIQA_WORK or ~/.cache/edgeiqa)",
    )


def rows_root_work(args: argparse.Namespace) -> tuple[list[ManifestRow], Path, Path]:
    """The manifest, data root and work folder of a step that learns, from the shared arguments.

    Raises:
        DataError: The database may only be scored, or its manifest is not there.
    """
    refuse_exam(args.database)
    repeat = getattr(args, "repeat", 0)
    check_repeat(repeat)
    root, work = data_root(args.data_root), work_dir(args.work)
    file = manifest_file(work, args.database, repeat)
    if not file.is_file():
        options = "" if args.database == biq2021.NAME else f" --database {args.database}"
        options += " --csv FILE" if args.database == custom_csv.NAME else ""
        options += f" --repeat {repeat}" if repeat else ""
        raise DataError(f"no manifest at {file}: run `edgeiqa convert data{options}` first")
    return load_manifest(file), root, work


def add_schedule_arguments(parser: argparse.ArgumentParser, default: Schedule) -> None:
    """Adds the options that make a :class:`Schedule`."""
    for name, kind, text in (
        ("epochs", int, "passes over the training pictures"),
        ("batch", int, "pictures per step"),
        ("rate", float, "peak learning rate"),
        ("seed", int, "of shuffling and crops"),
    ):
        usual = getattr(default, name)
        parser.add_argument(f"--{name}", type=kind, help=f"{text} (default: {usual:g})")
    parser.add_argument(
        "--head-rate", type=float, help="that of the opinion layer; ten times --rate if not given"
    )


def schedule_of(args: argparse.Namespace, default: Schedule) -> Schedule:
    """The schedule set by the options of :func:`add_schedule_arguments`.

    Args:
        args: The options.
        default: Where an option was not given.

    Raises:
        ValueError: A number makes no sense.
    """
    names = ("epochs", "batch", "rate", "head_rate", "seed")
    chosen = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if "rate" in chosen:
        chosen.setdefault("head_rate", 10 * chosen["rate"])
    return replace(default, **chosen)
