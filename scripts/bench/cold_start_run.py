"""One start, from nothing to verdicts, with a mark after each step.

`scripts/bench/cold_start.py` runs it.

Usage: python scripts/bench/cold_start_run.py FILE MODEL|laplacian causes|plain SCORES

Prints a line of JSON: the marks as [name, CLOCK_MONOTONIC in seconds], and the memory. Imports
nothing of ours before the first mark.
"""

import os
import sys
import time

marks: list[tuple[str, float]] = []


def mark(name: str) -> None:
    """Notes that a step is done."""
    marks.append((name, time.monotonic()))


def memory_mb(key: str) -> float:
    """VmRSS or VmHWM of this process in MB of 10**6 bytes."""
    with open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith(key))
    return round(int(line.split()[1]) * 1024 / 1e6, 1)


def main() -> None:
    """Runs one start."""
    mark("interpreter")
    file, model, causes, scores = sys.argv[1:5]
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    if model == "laplacian":
        import numpy

        mark("numpy")
        import cv2

        mark("opencv")
        cv2.setNumThreads(1)
        mark("ready")
        for number in range(int(scores)):
            cv2.Laplacian(cv2.imread(file, cv2.IMREAD_GRAYSCALE), cv2.CV_64F).var()
            mark(f"score {number + 1}")
            note(number)
    else:
        import numpy  # noqa: F401

        mark("numpy")
        import PIL.Image

        PIL.Image.preinit()
        mark("pillow")
        import ai_edge_litert.interpreter  # noqa: F401

        mark("litert")
        from edgeiqa.scorer import Scorer

        mark("edgeiqa")
        scorer = Scorer(model, causes=causes == "causes")
        gate = scorer.gate()
        mark("open")
        mark("ready")
        for number in range(int(scores)):
            gate(scorer.score(file))
            mark(f"score {number + 1}")
            note(number)
    import json

    print(json.dumps({"marks": marks, **memory, "peak_mb": memory_mb("VmHWM")}))


memory: dict[str, float] = {}


def note(number: int) -> None:
    """Keeps the memory after the first verdict."""
    if number == 0:
        memory["rss_mb"] = memory_mb("VmRSS")


if __name__ == "__main__":
    main()
