"""`edgeiqa live`: scores what a camera, a stream, a video or a pipe gives, frame by frame."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgeiqa.cli.common import (
    EXIT_OK,
    EXIT_UNREADABLE,
    UsageError,
    gate_words,
    open_scorer,
    output_format,
)
from edgeiqa.cli.live_options import EPILOG, add_options, check_options
from edgeiqa.cli.live_sinks import open_sinks

if TYPE_CHECKING:  # Loaded when needed, so that --help comes at once.
    from edgeiqa.gating.gate import Gate
    from edgeiqa.live.scorer import LiveScorer
    from edgeiqa.sinks.lines import Lines
    from edgeiqa.sinks.preview_server import PreviewServer
    from edgeiqa.sinks.terminal import LiveLine
    from edgeiqa.sinks.video_file import VideoFile
    from edgeiqa.sources.base import OnEvent, Source


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
    add_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Scores the source until its end or Ctrl-C; returns the exit code."""
    from edgeiqa.cli.interrupts import StopOnInterrupt
    from edgeiqa.live.scorer import LiveScorer
    from edgeiqa.live.smoothing import Smoother
    from edgeiqa.sinks.fan_out import Outlets
    from edgeiqa.sinks.lines import LINES, opened_lines

    check_options(arguments)
    scorer, gate = open_scorer(arguments)
    threshold = None if gate is None else gate.min_score
    tell: list[OnEvent] = []
    left_out: list[Callable[[], None]] = []
    try:
        source, singly = asked_source(arguments, lambda event: tell[0](event), left_out)
    except FileNotFoundError as error:
        print(f"edgeiqa: error: {error}", file=sys.stderr)
        return EXIT_UNREADABLE
    with contextlib.ExitStack() as stack:
        sinks = stack.enter_context(contextlib.ExitStack())  # Closed before the summary.
        more = open_sinks(arguments, gate, live=source.live, stack=sinks)
        video, server = _preview(arguments, stack)
        line = _line(arguments, threshold, stack)
        lines: Lines | None = None
        if line is None or arguments.output is not None:
            lines = LINES[output_format(arguments)](
                stack.enter_context(opened_lines(arguments.output, append=arguments.append))
            )
        outlets = Outlets(
            source.name,
            lines=lines,
            line=line,
            video=video,
            server=server,
            threshold=threshold,
            others=more.all,
        )
        tell.append(outlets.event)
        keep = video is not None or server is not None or more.saver is not None
        # A smoother that smooths nothing, and a gate that gets no hysteresis as it is no `Gate`.
        smoother = Smoother(0.0) if singly else None
        asked = gate.__call__ if singly and gate is not None else gate
        live = stack.enter_context(LiveScorer(scorer, asked, smoother=smoother, keep_frames=keep))
        counts = more.counts
        counts.update(accepted=0, rejected=0, scored=0, errors=0)
        if more.pulse is not None:
            left_out.append(more.pulse.left_out)
            more.pulse.ready()
        start = time.monotonic()
        with StopOnInterrupt(live.close) as stop:
            _drive(live, source, outlets, counts, arguments.max_frames)
        seconds = time.monotonic() - start
        if more.pulse is not None:
            more.pulse.stopping()
        sinks.close()
    summary = "\n".join([_summary(counts, live, seconds, gate), *more.summaries()])
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


def asked_source(
    arguments: argparse.Namespace, on_event: OnEvent, left_out: list[Callable[[], None]]
) -> tuple[Source, bool]:
    """The source, and whether its frames have nothing to do with each other.

    What is in `left_out` by then is called for each frame, also for those that are left out.
    """
    from edgeiqa.sources.folder import FolderSource
    from edgeiqa.sources.open import open_source
    from edgeiqa.sources.throttle import ThinnedSource

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
    from edgeiqa.service.watchdog import WatchedSource

    def came() -> None:
        for call in left_out:
            call()

    if arguments.every is not None:
        source = WatchedSource(source, came)
    thinned = ThinnedSource(source, every_s=arguments.every, duration_s=arguments.duration)
    return thinned, singly


def _preview(
    arguments: argparse.Namespace, stack: contextlib.ExitStack
) -> tuple[VideoFile | None, PreviewServer | None]:
    if arguments.preview is None:
        return None, None
    if not arguments.preview.isdecimal():
        from edgeiqa.sinks.video_file import VideoFile

        try:
            return stack.enter_context(VideoFile(arguments.preview)), None
        except ImportError as error:
            raise UsageError(str(error)) from error
    from edgeiqa.sinks.preview_server import HOST, PreviewServer

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
    from edgeiqa.sinks.terminal import LiveLine, TerminalError

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
