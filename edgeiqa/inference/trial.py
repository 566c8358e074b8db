"""Runs a new model once in a separate process.

The verifier checks for everything known to crash LiteRT, but that is not a proof. A crash of the
child process does not affect the program.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

from edgeiqa.errors import ModelError

TIMEOUT_S = 120.0

_passed: set[bytes] = set()
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def try_in_process(flatbuffer: bytes, origin: str) -> None:
    """Runs a flatbuffer once in a child process; a later call for the same bytes does nothing.

    Args:
        flatbuffer: A flatbuffer that passed the verifier.
        origin: Its path, for messages.

    Raises:
        ModelError: The process crashed or took longer than two minutes.
    """
    digest = hashlib.sha256(flatbuffer).digest()
    if digest in _passed or getattr(sys, "frozen", False) or not sys.executable:
        return
    # Not -I: it would ignore a checkout that is found through PYTHONPATH.
    code = f"import sys; sys.path.insert(0, {_ROOT!r}); from {__name__} import main; main()"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=flatbuffer,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            check=False,
        )
    except OSError:  # Processes cannot be started here, as in some sandboxes.
        return
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"{origin}: the network is refused: one inference takes more than {TIMEOUT_S:g} s"
        ) from error
    # Python errors, such as a missing runtime, occur again in this process, with their message.
    if done.returncode < 0 or done.returncode > 2:
        raise ModelError(
            f"{origin}: the network is refused: it crashes the runtime "
            f"(exit code {done.returncode})"
        )
    _passed.add(digest)


def main() -> None:
    """Runs the flatbuffer from standard input once; a crash ends this process."""
    import numpy as np

    from edgeiqa.inference.interpreter import new_interpreter

    interpreter = new_interpreter(sys.stdin.buffer.read(), 1)
    for tensor in interpreter.get_input_details():
        rng = np.random.default_rng(0)
        values = rng.integers(0, 256, tensor["shape"]).astype(tensor["dtype"])
        interpreter.set_tensor(tensor["index"], values)
    interpreter.invoke()
    for tensor in interpreter.get_output_details():
        interpreter.get_tensor(tensor["index"])
