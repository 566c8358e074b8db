"""The command `edgeiqa`: reads the arguments, runs one of `edgeiqa.cli`, ends in order."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
from collections.abc import Sequence

from edgeiqa._version import __version__
from edgeiqa.cli import (
    bench,
    fit_gate,
    live,
    models,
    pick,
    report,
    samples,
    score,
    service,
    watch,
)
from edgeiqa.cli.common import EXIT_BROKEN_PIPE, EXIT_INTERRUPTED, EXIT_USAGE, UsageError
from edgeiqa.cli.interrupts import RememberedInterrupt
from edgeiqa.errors import EdgeIQAError

# In the order of --help.
COMMANDS = (score, report, live, service, watch, pick, fit_gate, bench, models, samples)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: Arguments without the program's name; those of the process by default.

    Returns:
        The exit code.
    """
    with RememberedInterrupt() as interrupt:
        try:
            code = _run(argv)
        except KeyboardInterrupt:
            interrupt.came = True
        except _CommandError as failure:
            if not interrupt.came:
                return _fail(failure)
        except Exception:
            if not interrupt.came:
                raise
        if interrupt.came:
            print("edgeiqa: interrupted", file=sys.stderr)
            return EXIT_INTERRUPTED
        return code


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = _parser().parse_args(argv)
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
    except (UsageError, OSError, ImportError, MemoryError, SystemError) as error:
        raise _CommandError(_told(error)) from error


class _CommandError(EdgeIQAError):
    """The command cannot be carried out; its text is for the user."""


def _told(error: Exception) -> str:
    """An error in one line."""
    if isinstance(error, OSError) and error.errno == errno.EBADF:
        return "standard output is closed"
    if isinstance(error, (UsageError, OSError)):
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
    """Python would complain when it flushes at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edgeiqa",
        allow_abbrev=False,
        description="Scores how good photographs look, from 0 to 100, on this machine.",
    )
    parser.add_argument("--version", action="version", version=f"edgeiqa {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    return parser
