"""`python -m edgeiqa` is the command `edgeiqa`."""

import os
import sys

INTERRUPTED = 130  # As `edgeiqa.cli.main` returns it, which is not loaded yet.


def command() -> int:
    """Runs the command as a process of its own; returns the exit code.

    An interrupt during loading ends it as quietly as a later one, and one that comes when all is
    done changes nothing.
    """
    code = INTERRUPTED
    try:
        import signal  # Imported here, since it takes a while.

        _fill_closed_descriptors()
        from edgeiqa.cli.main import main

        code = main()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
    except KeyboardInterrupt:
        if code == INTERRUPTED:
            print("edgeiqa: interrupted", file=sys.stderr)
    if code > 128:
        # If an interrupt arrives while code is compiled from text (a dataclass in an import),
        # CPython under `-m` dies of the signal at its end, whoever caught it. This also ends
        # threads that are still working.
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(code)
    return code


def _fill_closed_descriptors() -> None:
    """Keeps the next file from becoming standard output or error where these are closed.

    Otherwise, what libraries written in C print to descriptor 2 would end up in it.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # Only for reading, so that writing results to a closed output fails.
            os.open(os.devnull, os.O_WRONLY if descriptor == 2 else os.O_RDONLY)
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - to the end
    if sys.stderr is None:
        # print() would take standard output instead.
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - to the end


if __name__ == "__main__":
    sys.exit(command())
