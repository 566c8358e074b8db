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
  FOLDER or PICTURE            each picture for itself, not steadied; with --fps as a video
  /dev/video0                  a V4L2 camera; the newest frame wins, as with all below
  rtsp://HOST/PATH             a network camera; rtsps:// too
  http://HOST/PATH             an MJPEG stream; https:// too
  picamera2                    the camera of a Raspberry Pi
  -                            raw frames on standard input, with --size and --pixel-format:
      ffmpeg -i IN -f rawvideo -pix_fmt nv12 - | edgeiqa live - --size 1280x720 --pixel-format nv12

verdicts are steady: smoothed over 0.4 s with hysteresis; a smear is told with its second frame.
--save asks the gate about each frame by itself.

the password for --mqtt: ${NAME} in the URL is an environment variable; or give only a user, and
the password in $EDGEIQA_MQTT_PASSWORD, or in the file mqtt-password of $CREDENTIALS_DIRECTORY.

exit codes:
  0    it ended, or was ended with Ctrl-C or SIGTERM, as cameras are
  2    wrong usage, or a model, an output file or a preview that cannot be opened
  3    the source is not there, or not a single frame of it could be scored
  130  interrupted once more while it was ending
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds all options."""
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="where frames come from")
    parser.add_argument("--source", dest="source_option", metavar="SPEC", help="the same as SOURCE")
    add_gate_options(parser)
    asked = parser.add_argument_group("what the source is asked for, or consists of")
    asked.add_argument("--size", type=size_argument, metavar="WxH", help="such as 1280x720")
    asked.add_argument(
        "--pixel-format", metavar="F", help="as ffmpeg names it, such as nv12, yuyv422, rgb24"
    )
    asked.add_argument("--fps", type=POSITIVE, metavar="N", help="frames per second")
    taken = parser.add_argument_group("which frames are scored")
    taken.add_argument(
        "--every", type=POSITIVE_SECONDS, metavar="S", help="at most one in S seconds"
    )
    taken.add_argument("--max-frames", type=count_argument, metavar="N", help="end after N results")
    taken.add_argument("--duration", type=POSITIVE_SECONDS, metavar="S", help="end after S seconds")
    shown = parser.add_argument_group("what is shown")
    shown.add_argument(
        "--format",
        choices=("table", "jsonl"),
        help="table: a line a second and for each change; jsonl: one for each frame "
        "(default: by the suffix of --output, else table)",
    )
    parser.set_defaults(formats=("table", "jsonl"))
    shown.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write lines there, not to standard output",
    )
    shown.add_argument(
        "--append",
        action="store_true",
        help="keep what is in --output; if it is renamed, as by logrotate, a new one is begun",
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
    shown.add_argument(
        "--status", metavar="FILE", help="write counts and the last verdict there, once a second"
    )
    _add_saving(parser.add_argument_group("accepted frames as files"))
    _add_mqtt(parser.add_argument_group("verdicts to an MQTT broker"))


def _add_saving(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--save", metavar="DIR", help="save accepted frames there as JPEG, named by time and score"
    )
    group.add_argument(
        "--save-every",
        type=SECONDS,
        metavar="S",
        help="the best one of S seconds (default: 1; 0: every accepted frame)",
    )
    group.add_argument(
        "--save-quota",
        type=bytes_argument,
        metavar="SIZE",
        help="what they take at most; the oldest ones go, other files stay (default: 500MB)",
    )
    group.add_argument(
        "--save-reserve",
        type=bytes_argument,
        metavar="SIZE",
        help="save nothing while less would be left on the disk (default: 100MB)",
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
        help="verdicts that wait while the broker is away; beyond it the oldest are dropped and "
        "counted (default: 10000)",
    )
    group.add_argument(
        "--mqtt-ca", metavar="FILE", help="PEM certificates to trust, instead of the system's"
    )
    group.add_argument(
        "--mqtt-client-id", metavar="ID", help="default: made of the machine's name and the topic"
    )


_BELONGS = {
    "append": "output",
    "save_every": "save",
    "save_quota": "save",
    "save_reserve": "save",
    "mqtt_buffer": "mqtt",
    "mqtt_ca": "mqtt",
    "mqtt_client_id": "mqtt",
}


def check_options(arguments: argparse.Namespace) -> None:
    """Refuses what cannot be, before anything is opened; puts the source into `source`.

    Raises:
        UsageError: Two options that exclude each other, or one that lacks another.
    """
    if arguments.source_option is not None:
        if arguments.source is not None:
            raise UsageError("SOURCE and --source are the same; give one of them")
        arguments.source = arguments.source_option
    if arguments.source is None:
        raise UsageError("this argument is required: SOURCE, such as picamera2 or a video")
    preview = arguments.preview
    port = preview is not None and preview.isdecimal()
    if preview is not None and not port and os.path.splitext(preview)[1].lower() != ".mp4":
        raise UsageError(f"--preview {preview}: expected a file that ends in .mp4, or a port")
    if arguments.preview_host is not None and not port:
        raise UsageError("--preview-host is for --preview PORT")
    for name, needed in _BELONGS.items():
        if getattr(arguments, name) and getattr(arguments, needed) is None:
            raise UsageError(f"--{name.replace('_', '-')} is for --{needed}")
