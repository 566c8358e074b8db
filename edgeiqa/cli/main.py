"""The command `edgeiqa`: parses the arguments, runs one of `edgeiqa.cli`, ends in order."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from edgeiqa._version import __version__
from edgeiqa.cli import (
    bench,
    convert,
    fit_gate,
    live,
    models,
    pick,
    report,
    samples,
    score,
    service,
    watch,
    web,
)
from edgeiqa.cli.common import EXIT_BROKEN_PIPE, EXIT_OK, EXIT_USAGE, UsageError
from edgeiqa.cli.interrupts import InterruptHandler
from edgeiqa.cli.parser import Parser, apply_defaults
from edgeiqa.errors import EdgeIQAError
from edgeiqa.files.atomic import discard_unfinished

# In the order of --help.
COMMANDS = (
    *(score, report, live, service, watch, web, pick, fit_gate, convert, bench, models, samples),
)

SHELLS = ("bash", "zsh", "fish")

EPILOG = """defaults:
Environment variables set the defaults of options, such as EDGEIQA_MODEL=nano for --model. So does
~/.config/edgeiqa.toml (or the file that EDGEIQA_CONFIG names), for all commands or in a table for
one:

  model = "nano"
  [score]
  workers = 4
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: Arguments without the program's name; those of the process by default.

    Returns:
        The exit code.
    """
    with InterruptHandler() as interrupt:
        try:
            code = _run(sys.argv[1:] if argv is None else argv)
        except KeyboardInterrupt:
            interrupt.number = interrupt.number or signal.SIGINT
        except _CommandError as failure:
            if not interrupt.number:
                return _fail(failure)
        except Exception:
            if not interrupt.number:
                raise
        if interrupt.number:
            interrupt.ignore()
            discard_unfinished()
            what = "interrupted" if interrupt.number == signal.SIGINT else "terminated"
            print(f"edgeiqa: {what}", file=sys.stderr)
            return 128 + interrupt.number
        return code


def _run(argv: Sequence[str]) -> int:
    try:
        parser = make_parser()
        if not argv:
            parser.print_help()
            return EXIT_USAGE
        apply_defaults(parser, argv)
        arguments = parser.parse_args(argv)
        code: int = arguments.run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except SystemExit as stop:  # argparse, after --help or a wrong argument.
        return stop.code if isinstance(stop.code, int) else EXIT_USAGE
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        _give_up_output()
        return EXIT_BROKEN_PIPE
    except (UsageError, EdgeIQAError, OSError, ImportError, MemoryError, SystemError) as error:
        raise _CommandError(_message(error)) from error


class _CommandError(EdgeIQAError):
    """The command fails; the message is shown to the user."""


def _message(error: Exception) -> str:
    """An error in one line."""
    if isinstance(error, OSError) and error.errno == errno.EBADF:
        return "standard output is closed"
    if isinstance(error, (UsageError, EdgeIQAError, OSError)):
        return str(error)
    # A broken installation, or a machine with hardly any memory left.
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1] if lines else 'not enough memory'}"


def _fail(failure: _CommandError) -> int:
    print(f"edgeiqa: error: {failure}", file=sys.stderr)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        _give_up_output()
    return EXIT_USAGE


def _give_up_output() -> None:
    """Keeps Python from complaining when it flushes at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _PrintCompletion(argparse.Action):
    """Prints a script that completes commands and options in a shell, and ends the program."""

    def __call__(self, parser: argparse.ArgumentParser, *values: Any) -> None:
        try:
            import shtab
        except ImportError:
            parser.error('--print-completion needs shtab: pip install "edgeiqa[completion]"')
        print(shtab.complete(parser, values[1]))
        parser.exit(EXIT_OK)


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command and all its subcommands."""
    parser = Parser(
        prog="edgeiqa",
        allow_abbrev=False,
        description="Scores how good photographs look, from 0 to 100, on this machine.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"edgeiqa {__version__}")
    parser.add_argument(
        "--print-completion",
        action=_PrintCompletion,
        choices=SHELLS,
        metavar="SHELL",
        help="print a script that completes commands and options: bash, zsh or fish",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    return parser
