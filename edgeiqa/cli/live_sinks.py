"""Opens what else `edgeiqa live` hands its results to: files, a broker, systemd."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edgeiqa.cli.common import UsageError

if TYPE_CHECKING:
    from edgeiqa.gating.gate import Gate
    from edgeiqa.service.watchdog import Pulse
    from edgeiqa.sinks.fan_out import Outlet
    from edgeiqa.sinks.frame_saver import FrameSaver
    from edgeiqa.sinks.mqtt import MqttPublisher

QUOTA = 500 * 10**6
RESERVE = 100 * 10**6


@dataclass
class Sinks:
    """What was asked for.

    Attributes:
        saver: Saves accepted frames.
        mqtt: Publishes verdicts.
        pulse: Tells systemd and the status file; there only if there is one of them.
        counts: Of results, kept by the command; in the status file.
    """

    saver: FrameSaver | None = None
    mqtt: MqttPublisher | None = None
    pulse: Pulse | None = None
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def all(self) -> list[Outlet]:
        """Those that there are; the pulse last, as it tells what the others did."""
        return [one for one in (self.saver, self.mqtt, self.pulse) if one is not None]

    def summaries(self) -> list[str]:
        """A line for people of each that has something to say."""
        return [one.summary() for one in (self.saver, self.mqtt) if one is not None]

    def status(self) -> dict[str, Any]:
        """For the status file."""
        return {
            "counts": dict(self.counts),
            "save": None if self.saver is None else self.saver.status(),
            "mqtt": None if self.mqtt is None else self.mqtt.status(),
        }


def open_sinks(
    arguments: argparse.Namespace,
    gate: Gate | None,
    *,
    live: bool,
    stack: contextlib.ExitStack,
) -> Sinks:
    """Opens what was asked for; it is closed with the stack.

    Args:
        arguments: With what `add_options` added.
        gate: Says which frames are saved.
        live: Whether the source is one whose frames are lost when nobody takes them.
        stack: Closes it all.

    Raises:
        UsageError: Something cannot be opened.
    """
    sinks = Sinks()
    if arguments.status is not None or os.environ.get("NOTIFY_SOCKET"):
        sinks.pulse = _pulse(arguments, sinks.status)
        stack.callback(sinks.pulse.ended)
    if arguments.save is not None:
        sinks.saver = _saver(arguments, gate, live)
        stack.callback(sinks.saver.close)
    if arguments.mqtt is not None:
        sinks.mqtt = _publisher(arguments, live)
        stack.callback(sinks.mqtt.close)
    return sinks


def _pulse(arguments: argparse.Namespace, parts: Callable[[], dict[str, Any]]) -> Pulse:
    from edgeiqa.service.sd_notify import Notifier
    from edgeiqa.service.watchdog import Pulse

    every_s = arguments.every or 0.0
    return Pulse(Notifier(), every_s=every_s, path=arguments.status, parts=parts)


def _saver(arguments: argparse.Namespace, gate: Gate | None, live: bool) -> FrameSaver:
    from edgeiqa.live.wall_clock import taken_at
    from edgeiqa.sinks.frame_saver import EVERY_S, FrameSaver
    from edgeiqa.sinks.quota_folder import QuotaFolder, SaveError

    if gate is None:
        raise UsageError("--save needs a gate, and this model has none: give --min-score")
    quota = QUOTA if arguments.save_quota is None else arguments.save_quota
    reserve = RESERVE if arguments.save_reserve is None else arguments.save_reserve
    try:
        folder = QuotaFolder(arguments.save, quota, reserve)
    except (SaveError, ValueError) as error:
        raise UsageError(f"--save: {error}") from error
    return FrameSaver(
        folder,
        gate,
        every_s=EVERY_S if arguments.save_every is None else arguments.save_every,
        live=live,
        taken_at=lambda timestamp_ns: taken_at(timestamp_ns, live),
    )


def _publisher(arguments: argparse.Namespace, live: bool) -> MqttPublisher:
    from edgeiqa.live.wall_clock import taken_at
    from edgeiqa.sinks.mqtt import BUFFER, MqttPublisher
    from edgeiqa.sinks.mqtt_url import parse_broker

    try:
        broker = parse_broker(arguments.mqtt)
        if broker.exposed:
            print(
                "edgeiqa: warning: every user of this machine can read the password in --mqtt; "
                "see --help for better places",
                file=sys.stderr,
            )
        return MqttPublisher(
            broker,
            buffer=arguments.mqtt_buffer or BUFFER,
            client_id=arguments.mqtt_client_id,
            ca=arguments.mqtt_ca,
            taken_at=lambda timestamp_ns: taken_at(timestamp_ns, live),
        )
    except ImportError as error:
        raise UsageError(str(error)) from error
    except (ValueError, OSError) as error:
        raise UsageError(f"--mqtt: {error}") from error
