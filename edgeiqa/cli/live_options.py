"""The options of `edgeiqa live`."""

from __future__ import annotations

import argparse
import os

from edgeiqa.cli.common import (
    POSITIVE,
    POSITIVE_SECONDS,
    SECONDS,
    UsageError,
    add_gate_options,
    bytes_argument,
    count_argument,
    size_argument,
)

EPILOG = """sources:
  VIDEO                        every frame is scored
  FOLDER or PICTURE            pictures are judged independently; with --fps as a video
  /dev/video0                  a V4L2 camera; the newest frame wins, as in all below
  rtsp://HOST/PATH             a network camera; also rtsps://
  http://HOST/PATH             an MJPEG stream; also https://
  picamera2                    the camera of a Raspberry Pi
  -                            raw frames on standard input, with --size and --pixel-format:
      ffmpeg -i IN -f rawvideo -pix_fmt nv12 - | edgeiqa live - --size 1280x720 --pixel-format nv12

Verdicts are stable: smoothed over 0.4 s, with hysteresis; a blurred frame is confirmed by the next
one, or at once at low rates. --no-smoothing and --save judge every frame on its own.

Passwords for --mqtt: write ${NAME} in the URL for an environment variable; or give only a user, and
the password in $EDGEIQA_MQTT_PASSWORD or in the file mqtt-password in $CREDENTIALS_DIRECTORY.

exit codes:
  0    the source ended, or was stopped with Ctrl-C or SIGTERM
  2    invalid usage, or a model, output file or preview that cannot be opened
  3    the source does not exist, or none of its frames could be scored
  130  interrupted again while stopping
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds all options."""
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="the source of the frames")
    parser.add_argument("--source", dest="source_option", metavar="SPEC", help="the same as SOURCE")
    add_gate_options(parser)
    requested = parser.add_argument_group("format of the source")
    requested.add_argument("--size", type=size_argument, metavar="WxH", help="such as 1280x720")
    requested.add_argument(
        "--pixel-format", metavar="F", help="ffmpeg's name, such as nv12, yuyv422, rgb24"
    )
    requested.add_argument("--fps", type=POSITIVE, metavar="N", help="frames per second")
    taken = parser.add_argument_group("selection of frames")
    taken.add_argument(
        "--every", type=POSITIVE_SECONDS, metavar="S", help="at most one in S seconds"
    )
    taken.add_argument(
        "--max-frames", type=count_argument, metavar="N", help="stop after N results"
    )
    taken.add_argument(
        "--duration", type=POSITIVE_SECONDS, metavar="S", help="stop after S seconds"
    )
    taken.add_argument(
        "--no-smoothing", action="store_true", help="judge every frame on its own, at once"
    )
    shown = parser.add_argument_group("output")
    shown.add_argument(
        "--format",
        choices=("table", "jsonl"),
        help="table: a line per second and per change; jsonl: one per frame "
        "(default: by the suffix of --output, else table)",
    )
    parser.set_defaults(formats=("table", "jsonl"))
    shown.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write lines to this file, each immediately",
    )
    shown.add_argument(
        "--append",
        action="store_true",
        help="keep the content of --output; recreate the file when it is renamed, as by logrotate",
    )
    shown.add_argument("--show", action="store_true", help="show a live line in the terminal")
    shown.add_argument(
        "--preview",
        metavar="FILE.mp4|PORT",
        help="write a video with overlay, or serve it to browsers (0: any free port)",
    )
    shown.add_argument(
        "--preview-host",
        metavar="HOST",
        help="address to serve at; the default, 127.0.0.1, is reachable from this machine only",
    )
    shown.add_argument(
        "--status", metavar="FILE", help="write counts and the last verdict to FILE every second"
    )
    _add_saving(parser.add_argument_group("saving accepted frames"))
    _add_mqtt(parser.add_argument_group("publishing to an MQTT broker"))


def _add_saving(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--save", metavar="DIR", help="save accepted frames there as JPEGs named by time and score"
    )
    group.add_argument(
        "--save-every",
        type=SECONDS,
        metavar="S",
        help="save the best of every S seconds (default: 1; 0: every accepted frame)",
    )
    group.add_argument(
        "--save-quota",
        type=bytes_argument,
        metavar="SIZE",
        help="maximum total size; the oldest are removed, other files stay (default: 500MB)",
    )
    group.add_argument(
        "--save-reserve",
        type=bytes_argument,
        metavar="SIZE",
        help="disk space to keep free (default: 100MB)",
    )


def _add_mqtt(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--mqtt",
        metavar="URL",
        help="publish each verdict: mqtt://[USER@]HOST[:PORT]/TOPIC, or mqtts:// with TLS",
    )
    group.add_argument(
        "--mqtt-buffer",
        type=count_argument,
        metavar="N",
        help="verdicts kept while the broker is away; beyond it the oldest are dropped "
        "(default: 10000)",
    )
    group.add_argument(
        "--mqtt-ca", metavar="FILE", help="PEM certificates to trust instead of the system's"
    )
    group.add_argument(
        "--mqtt-client-id", metavar="ID", help="default: derived from host name and topic"
    )


_REQUIRES = {
    "append": "output",
    "save_every": "save",
    "save_quota": "save",
    "save_reserve": "save",
    "mqtt_buffer": "mqtt",
    "mqtt_ca": "mqtt",
    "mqtt_client_id": "mqtt",
}


def check_options(arguments: argparse.Namespace) -> None:
    """Checks combinations of options before anything is opened; sets `source`.

    Raises:
        UsageError: Options that exclude each other, or that need another one.
    """
    if arguments.source_option is not None:
        if arguments.source is not None:
            raise UsageError("SOURCE and --source are the same; give one of them")
        arguments.source = arguments.source_option
    if arguments.source is None:
        raise UsageError("SOURCE is missing, such as picamera2 or a video file")
    preview = arguments.preview
    port = preview is not None and preview.isdecimal()
    if preview is not None and not port and os.path.splitext(preview)[1].lower() != ".mp4":
        raise UsageError(f"--preview {preview}: expected a file ending in .mp4, or a port")
    if arguments.preview_host is not None and not port:
        raise UsageError("--preview-host requires --preview PORT")
    for name, needed in _REQUIRES.items():
        if getattr(arguments, name) and getattr(arguments, needed) is None:
            raise UsageError(f"--{name.replace('_', '-')} requires --{needed}")
