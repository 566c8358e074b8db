"""One start, from nothing to verdicts, with a mark after each step.

`scripts/bench/cold_start.py` runs it.

Usage: python scripts/bench/cold_start_run.py photo FILE|frame MODEL|laplacian causes|plain SCORES

Prints a line of JSON: the marks as [name, CLOCK_MONOTONIC in seconds], and the memory. With each
mark it calls getpgid(2), which nothing else here does: callgrind is told to write down there what
it has counted (--dump-before=getpgid). Imports nothing of its own before the first mark.
"""

import os
import sys
import time

marks: list[tuple[str, float]] = []


def mark(name: str) -> None:
    """Notes that a step is done."""
    marks.append((name, time.monotonic()))
    os.getpgid(0)


def memory_mb(key: str) -> float:
    """VmRSS or VmHWM of this process in MB of 10**6 bytes."""
    with open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith(key))
    return round(int(line.split()[1]) * 1024 / 1e6, 1)


def main() -> None:
    """Runs one start."""
    mark("interpreter")
    kind, file, model, causes, scores = sys.argv[1:6]
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    if model == "laplacian":
        import numpy

        mark("numpy")
        import cv2

        mark("opencv")
        cv2.setNumThreads(1)
        luma = frame(file).pixels if kind == "frame" else None
        mark("ready")
        for number in range(int(scores)):
            gray = cv2.imread(file, cv2.IMREAD_GRAYSCALE) if luma is None else luma
            cv2.Laplacian(gray, cv2.CV_64F).var()
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
        picture = frame(file) if kind == "frame" else file
        mark("ready")
        for number in range(int(scores)):
            gate(scorer.score(picture))
            mark(f"score {number + 1}")
            note(number)
    import json

    print(json.dumps({"marks": marks, **memory, "peak_mb": memory_mb("VmHWM")}))


memory: dict[str, float] = {}


def note(number: int) -> None:
    """Keeps the memory after the first verdict."""
    if number == 0:
        memory["rss_mb"] = memory_mb("VmRSS")


def frame(file: str):  # type: ignore[no-untyped-def]
    """A file of 1920 x 1080 NV21 as a frame, as a camera would hand it over."""
    from edgeiqa.imaging.frame import ColorRange, Frame, PixelFormat

    with open(file, "rb") as stream:
        data = stream.read()
    return Frame.from_buffer(data, 1920, 1080, PixelFormat.NV21, color_range=ColorRange.FULL)


if __name__ == "__main__":
    main()
