"""The command `convert`: hands its arguments to the tools for conversion and training."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

TOOLS = "edgeiqa_convert"
"""The tools' package in an installation; in a checkout it is the folder `convert`."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command. All that follows its name belongs to the tools, `--help` too."""
    parser = commands.add_parser(
        "convert",
        help="turn a Keras model into a model file, or train one",
        add_help=False,
        prefix_chars="\0",
    )
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs one step of the tools."""
    code: int = _tools().main(arguments.arguments, "edgeiqa convert")
    return code


def _tools() -> Any:
    name = TOOLS
    checkout = Path(__file__).resolve().parents[2]
    if importlib.util.find_spec(name) is None and (checkout / "convert" / "__main__.py").is_file():
        # Before any other package of that name, also for processes that are started later.
        sys.path.insert(0, str(checkout))
        name = "convert"
    return importlib.import_module(f"{name}.__main__")
