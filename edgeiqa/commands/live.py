"""`edgeiqa live`: scores what a camera, a stream, a video or a pipe gives, frame by frame."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import re
import sys
import time
from typing import TYPE_CHECKING, Any

from edgeiqa.commands.common import (
    EXIT_OK,
    EXIT_UNREADABLE,
    UsageError,
    add_gate_options,
    asked_format,
    count_argument,
    gate_words,
    open_scorer,
)

if TYPE_CHECKING:  # Loaded when needed, so that --help comes at once.
    from edgeiqa.gate import Gate
    from edgeiqa.live import LiveScorer
    from edgeiqa.livelines import Lines
    from edgeiqa.preview.server import PreviewServer
    from edgeiqa.preview.terminal import LiveLine
    from edgeiqa.preview.videofile import VideoFile
    from edgeiqa.sources.base import OnEvent, Source

EPILOG = """sources:
  VIDEO                        every frame is scored
  FOLDER or PICTURE            each picture for itself, not steadied; with --fps as a video
  /dev/video0                  a V4L2 camera; the newest frame wins, as with all below
  rtsp://HOST/PATH             a network camera; rtsps:// too
  http://HOST/PATH             an MJPEG stream; https:// too
  picamera2                    the camera of a Raspberry Pi
  -                            raw frames on standard input, with --size and --pixel-format:
      ffmpeg -i IN -f rawvideo -pix_fmt nv12 - | edgeiqa live - --size 1280x720 --pixel-format nv12

verdicts are steady: smoothed over 0.4 s with hysteresis; a smear is told with its second frame.

exit codes:
  0    it ended, or was ended with Ctrl-C or SIGTERM, as cameras are
  2    wrong usage, or a model, an output file or a preview that cannot be opened
  3    the source is not there, or not a single frame of it could be scored
  130  interrupted once more while it was ending
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describes the command."""
    parser = commands.add_parser(
        "live",
        allow_abbrev=False,
        help="score a camera, a stream or a video, frame by frame",
        description="Scores frames as they come, with steady verdicts and their reasons.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", help="where frames come from, see below")
    add_gate_options(parser)
    asked = parser.add_argument_group("what the source is asked for, or consists of")
    asked.add_argument("--size", type=_size, metavar="WxH", help="such as 1280x720")
    asked.add_argument(
        "--pixel-format", metavar="F", help="as ffmpeg names it, such as nv12, yuyv422, rgb24"
    )
    asked.add_argument("--fps", type=_positive, metavar="N", help="frames per second")
    taken = parser.add_argument_group("which frames are scored")
    taken.add_argument("--every", type=_positive, metavar="S", help="one in S seconds at most")
    taken.add_argument("--max-frames", type=count_argument, metavar="N", help="end after N results")
    taken.add_argument("--duration", type=_positive, metavar="S", help="end after S seconds")
    shown = parser.add_argument_group("what is shown")
    shown.add_argument(
        "--format",
        choices=("table", "jsonl"),
        help="table: a line a second and for each change; jsonl: one for each frame "
        "(default: by the suffix of --output, else table)",
    )
    parser.set_defaults(formats=("table", "jsonl"))
    shown.add_argument(
        "--output", metavar="FILE", help="write lines there, each at once, not to standard output"
    )
    shown.add_argument("--show", action="store_true", help="a live line in the terminal, not lines")
    shown.add_argument(
        "--preview",
        metavar="FILE.mp4|PORT",
        help="write a video with the overlay, or serve it to browsers (0: any free port)",
    )
    shown.add_argument(
        "--preview-host",
        metavar="HOST",
        help="serve at this address; the default, 127.0.0.1, can be reached from this machine only",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Scores the source until its end or Ctrl-C; returns the exit code."""
    from edgeiqa.interrupts import StopOnInterrupt
    from edgeiqa.live import LiveScorer
    from edgeiqa.livelines import LINES, opened_lines
    from edgeiqa.preview.outlets import Outlets
    from edgeiqa.smoothing import Smoother

    _check(arguments)
    scorer, gate = open_scorer(arguments)
    threshold = None if gate is None else gate.min_score
    tell: list[OnEvent] = []
    try:
        source, singly = _source(arguments, lambda event: tell[0](event))
    except FileNotFoundError as error:
        print(f"edgeiqa: error: {error}", file=sys.stderr)
        return EXIT_UNREADABLE
    with contextlib.ExitStack() as stack:
        video, server = _preview(arguments, stack)
        line = _line(arguments, threshold, stack)
        lines: Lines | None = None
        if line is None or arguments.output is not None:
            lines = LINES[asked_format(arguments)](
                stack.enter_context(opened_lines(arguments.output))
            )
        outlets = Outlets(
            source.name, lines=lines, line=line, video=video, server=server, threshold=threshold
        )
        tell.append(outlets.event)
        keep = video is not None or server is not None
        # A smoother that smooths nothing, and a gate that gets no hysteresis as it is no `Gate`.
        smoother = Smoother(0.0) if singly else None
        asked = gate.__call__ if singly and gate is not None else gate
        live = stack.enter_context(LiveScorer(scorer, asked, smoother=smoother, keep_frames=keep))
        counts = {"accepted": 0, "rejected": 0, "scored": 0, "errors": 0}
        start = time.monotonic()
        with StopOnInterrupt(live.close) as stop:
            _drive(live, source, outlets, counts, arguments.max_frames)
        seconds = time.monotonic() - start
    summary = _summary(counts, live, seconds, gate)
    if isinstance(lines, LINES["table"]) and arguments.output is None:
        outlets.finish(summary)
    else:
        print(summary, file=sys.stdout if line is not None else sys.stderr)
    if video is not None and video.frames:
        print(f"{video.path}: {video.frames} frames", file=sys.stderr)
    if sum(counts.values()) == counts["errors"] and not (stop.interrupted and not counts["errors"]):
        print(f"edgeiqa: error: no frame of {source.name} could be scored", file=sys.stderr)
        return EXIT_UNREADABLE
    return EXIT_OK


def _drive(
    live: LiveScorer, source: Source, outlets: Any, counts: dict[str, int], most: int | None
) -> None:
    results = live.run(source)
    with contextlib.closing(results):
        for number, result in enumerate(results, 1):
            if result.error is not None:
                outcome = "errors"
            elif result.verdict is None:
                outcome = "scored"
            else:
                outcome = "accepted" if result.verdict.accept else "rejected"
            counts[outcome] += 1
            outlets.result(result, live)
            if number == most:
                return


def _check(arguments: argparse.Namespace) -> None:
    """Refuses what cannot be, before anything is opened."""
    preview = arguments.preview
    port = preview is not None and preview.isdecimal()
    if preview is not None and not port and os.path.splitext(preview)[1].lower() != ".mp4":
        raise UsageError(f"--preview {preview}: expected a file that ends in .mp4, or a port")
    if arguments.preview_host is not None and not port:
        raise UsageError("--preview-host is for --preview PORT")


def _source(arguments: argparse.Namespace, on_event: OnEvent) -> tuple[Source, bool]:
    """The source, and whether its frames have nothing to do with each other."""
    from edgeiqa.sources.folder import FolderSource
    from edgeiqa.sources.opening import open_source
    from edgeiqa.thinned import ThinnedSource

    spec = arguments.source
    try:
        source = open_source(
            spec,
            size=arguments.size,
            pixel_format=arguments.pixel_format,
            frame_rate=arguments.fps,
            on_event=on_event,
        )
    except (ValueError, ImportError) as error:
        if isinstance(error, ValueError) and "is no source of frames" in str(error):
            raise FileNotFoundError(str(error)) from error
        raise UsageError(str(error)) from error
    singly = isinstance(source, FolderSource) and arguments.fps is None
    if arguments.every is None and arguments.duration is None:
        return source, singly
    thinned = ThinnedSource(source, every_s=arguments.every, duration_s=arguments.duration)
    return thinned, singly


def _preview(
    arguments: argparse.Namespace, stack: contextlib.ExitStack
) -> tuple[VideoFile | None, PreviewServer | None]:
    if arguments.preview is None:
        return None, None
    if not arguments.preview.isdecimal():
        from edgeiqa.preview.videofile import VideoFile

        try:
            return stack.enter_context(VideoFile(arguments.preview)), None
        except ImportError as error:
            raise UsageError(str(error)) from error
    from edgeiqa.preview.server import HOST, PreviewServer

    server = PreviewServer(int(arguments.preview), host=arguments.preview_host or HOST)
    stack.callback(server.close)
    print(f"edgeiqa: preview at {server.url}", file=sys.stderr)
    if not server.local:
        print(
            "edgeiqa: warning: everybody who can reach this address sees the pictures; "
            "there is no password and no encryption",
            file=sys.stderr,
        )
    return None, server


def _line(
    arguments: argparse.Namespace, threshold: float | None, stack: contextlib.ExitStack
) -> LiveLine | None:
    """The live line, if it was asked for, or if nothing else would show that it goes on."""
    from edgeiqa.preview.terminal import LiveLine, TerminalError

    to_file = arguments.output not in (None, "-", "/dev/stdout")
    if not arguments.show and not (to_file and sys.stderr.isatty()):
        return None
    stream = sys.stdout if arguments.show else sys.stderr
    try:
        return stack.enter_context(LiveLine(threshold=threshold, stream=stream))
    except TerminalError as error:
        if arguments.show:
            print(f"edgeiqa: --show: {error}; there are lines instead", file=sys.stderr)
        return None


def _summary(counts: dict[str, int], live: LiveScorer, seconds: float, gate: Gate | None) -> str:
    total = sum(counts.values())
    parts = [f"{count} {what}" for what, count in counts.items() if count]
    if dropped := live.stats().dropped:
        parts.append(f"{dropped} dropped")
    asked = "" if gate is None or not total else f" ({gate_words(gate)})"
    noun = "frame" if total == 1 else "frames"
    return f"{total} {noun} in {seconds:.1f} s{': ' if parts else ''}{', '.join(parts)}{asked}"


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)[xX](\d+)", text)
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if min(size) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no size WIDTHxHEIGHT, such as 1280x720")
    return size


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return value
