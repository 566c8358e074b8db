"""`edgeiqa live`: scores a camera, a stream, a video or a pipe, frame by frame."""

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

if TYPE_CHECKING:  # Loaded when needed, so that --help is fast.
    from edgeiqa.gating.gate import Gate
    from edgeiqa.live.scorer import LiveScorer
    from edgeiqa.sinks.lines import Lines
    from edgeiqa.sinks.preview_server import PreviewServer
    from edgeiqa.sinks.terminal import LiveLine
    from edgeiqa.sinks.video_file import VideoFile
    from edgeiqa.sources.base import Event, OnEvent, Source


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "live",
        allow_abbrev=False,
        help="score a camera, a stream or a video, frame by frame",
        description="Scores frames as they arrive, with stable verdicts and their reasons.",
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
    from edgeiqa.sources.open import UnknownSourceError

    check_options(arguments)
    scorer, gate = open_scorer(arguments)
    threshold = None if gate is None else gate.min_score
    # Both are set once the sinks are open, before the first frame.
    on_event: list[Callable[[Event], None]] = []
    on_frame: list[Callable[[], None]] = []
    try:
        source, independent = open_frames(
            arguments,
            lambda event: on_event[0](event),
            lambda: [call() for call in on_frame],
        )
    except UnknownSourceError as error:
        print(f"edgeiqa: error: {error}", file=sys.stderr)
        return EXIT_UNREADABLE
    with contextlib.ExitStack() as stack:
        sink_stack = stack.enter_context(contextlib.ExitStack())  # Closed before the summary.
        sinks = open_sinks(arguments, gate, live=source.live, stack=sink_stack)
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
            others=sinks.all,
        )
        on_event.append(outlets.event)
        keep = video is not None or server is not None or sinks.saver is not None
        # Without smoothing the gate is passed as a callable, which gets no hysteresis.
        smoother = Smoother(0.0) if independent else None
        judge = gate.__call__ if independent and gate is not None else gate
        live = stack.enter_context(LiveScorer(scorer, judge, smoother=smoother, keep_frames=keep))
        counts = sinks.counts
        counts.update(accepted=0, rejected=0, scored=0, errors=0)
        if sinks.watchdog is not None:
            on_frame.append(sinks.watchdog.frame)
            sinks.watchdog.ready()
        start = time.monotonic()
        with StopOnInterrupt(live.close) as stop:
            _score_all(live, source, outlets, counts, arguments.max_frames)
        seconds = time.monotonic() - start
        if sinks.watchdog is not None:
            sinks.watchdog.stopping()
        sink_stack.close()
    summary = "\n".join([_summary(counts, live, seconds, gate), *sinks.summaries()])
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


def _score_all(
    live: LiveScorer, source: Source, outlets: Any, counts: dict[str, int], limit: int | None
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
            if number == limit:
                return


def open_frames(
    arguments: argparse.Namespace,
    on_event: OnEvent = lambda event: None,
    on_frame: Callable[[], object] = lambda: None,
) -> tuple[Source, bool]:
    """Opens the source, at the requested rate.

    Args:
        arguments: With what `add_options` added.
        on_event: Called with each event.
        on_frame: Called for each frame that arrives when only some of them are scored.

    Returns:
        The source; and whether its frames are judged independently, without smoothing.

    Raises:
        UnknownSourceError: The source does not exist.
        UsageError: A setting that does not apply to it, or a missing package.
    """
    from edgeiqa.sources.folder import FolderSource
    from edgeiqa.sources.open import UnknownSourceError, open_source
    from edgeiqa.sources.throttle import ThrottledSource

    try:
        source = open_source(
            arguments.source,
            size=arguments.size,
            pixel_format=arguments.pixel_format,
            frame_rate=arguments.fps,
            on_event=on_event,
        )
    except UnknownSourceError:
        raise
    except (ValueError, ImportError) as error:
        raise UsageError(str(error)) from error
    if "av" in sys.modules:
        from edgeiqa.sources.av import limit_allocations

        limit_allocations()
    independent = arguments.no_smoothing or (
        isinstance(source, FolderSource) and arguments.fps is None
    )
    every, duration = arguments.every, arguments.duration
    if every is None and duration is None:
        return source, independent
    watched = on_frame if every is not None else lambda: None
    throttled = ThrottledSource(source, every_s=every, duration_s=duration, on_frame=watched)
    return throttled, independent


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
            "edgeiqa: warning: anybody who can reach this address sees the pictures; "
            "there is no password and no encryption",
            file=sys.stderr,
        )
    return None, server


def _line(
    arguments: argparse.Namespace, threshold: float | None, stack: contextlib.ExitStack
) -> LiveLine | None:
    """The live line, if requested, or if nothing else would show progress."""
    from edgeiqa.sinks.terminal import LiveLine, TerminalError

    to_file = arguments.output not in (None, "-", "/dev/stdout")
    if not arguments.show and not (to_file and sys.stderr.isatty()):
        return None
    stream = sys.stdout if arguments.show else sys.stderr
    try:
        return stack.enter_context(LiveLine(threshold=threshold, stream=stream))
    except TerminalError as error:
        if arguments.show:
            print(f"edgeiqa: --show: {error}; printing lines instead", file=sys.stderr)
        return None


def _summary(counts: dict[str, int], live: LiveScorer, seconds: float, gate: Gate | None) -> str:
    total = sum(counts.values())
    parts = [f"{count} {what}" for what, count in counts.items() if count]
    if dropped := live.stats().dropped:
        parts.append(f"{dropped} dropped")
    criteria = "" if gate is None or not total else f" ({gate_words(gate)})"
    noun = "frame" if total == 1 else "frames"
    return f"{total} {noun} in {seconds:.1f} s{': ' if parts else ''}{', '.join(parts)}{criteria}"
