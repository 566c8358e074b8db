"""Runs edgeiqa where a socket of any network ends the process; started by test_no_network.py.

Usage: python walled.py wall ARGUMENTS... | probe

Two walls. The kernel kills the process if any code in it, C++ too, makes a socket other than of
the file system (seccomp, Linux). Before that, Python's audit events raise where Python itself
resolves a name, or makes, binds or connects a socket.
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys
from typing import Any

_CALLS = {"x86_64": (41, 0xC000003E), "aarch64": (198, 0xC00000B7)}
_LOAD, _IS, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_AF_UNIX = 1
_EVENTS = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname",
           "socket.sendto", "socket.sendmsg")  # fmt: skip


class _Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("program", ctypes.c_void_p)]


def wall_of_the_kernel() -> None:
    """Kills this process, and those that it starts, when they make a socket of a network."""
    socket_call, architecture = _CALLS[platform.machine()]

    def step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    program = b"".join(
        (
            step(_LOAD, 4),
            step(_IS, architecture, yes=1),
            step(_RETURN, _KILL),
            step(_LOAD, 0),
            step(_IS, socket_call, yes=1),
            step(_RETURN, _ALLOW),
            step(_LOAD, 16),
            step(_IS, _AF_UNIX, no=1),
            step(_RETURN, _ALLOW),
            step(_RETURN, _KILL),
        )
    )
    kept = ctypes.create_string_buffer(program)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    rules = _Filter(len(program) // 8, ctypes.addressof(kept))
    if libc.prctl(22, 2, ctypes.byref(rules)):  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        raise OSError(ctypes.get_errno(), "seccomp")


def wall_of_python(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook that refuses the network."""
    if event in _EVENTS or (event == "socket.__new__" and int(arguments[1]) != _AF_UNIX):
        raise RuntimeError(f"the network was wanted: {event} {arguments[1:]}")


def main() -> int:
    """Puts up the walls and runs what was asked for."""
    mode, *arguments = sys.argv[1:]
    if mode == "probe":  # Whether the kernel does it.
        wall_of_the_kernel()
        import socket

        socket.socket(socket.AF_UNIX).close()
        print("up", flush=True)
        socket.socket(socket.AF_INET)
        print("not kept", flush=True)
        return 0
    if mode == "wall":
        wall_of_the_kernel()
    sys.addaudithook(wall_of_python)
    if arguments == ["library"]:
        return library()
    from edgeiqa.cli.main import main as edgeiqa

    return edgeiqa(arguments)


def library() -> int:
    """What programs do without the command line."""
    import numpy as np

    from edgeiqa import Frame, LiveScorer, Mode, PixelFormat, Scorer, best_of

    scorer = Scorer("nano")
    pictures = [np.full((60, 80, 3), value, np.uint8) for value in (40, 90, 160)]
    print(scorer.score("edgeiqa/assets/samples/coffee.jpg").score)
    frame = Frame.from_buffer(bytes(80 * 60 * 3 // 2), 80, 60, PixelFormat.NV12)
    print(scorer.score(frame).score, len(best_of(pictures, scorer=scorer, k=2)))
    with LiveScorer(scorer, scorer.gate(), mode=Mode.LIVE) as live:
        live.submit(pictures[0])
        print(next(iter(live)).error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
