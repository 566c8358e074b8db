"""`edgeiqa samples`: prints the folder of the sample photographs."""

from __future__ import annotations

import argparse

from edgeiqa.cli.common import EXIT_OK


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "samples", allow_abbrev=False, help="print the folder of the sample photographs"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the folder; returns the exit code."""
    from edgeiqa.assets import FOLDER

    print(FOLDER)
    return EXIT_OK
