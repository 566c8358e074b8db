"""Opens further destinations of `edgeiqa live`: saved frames, MQTT, systemd."""

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
    from edgeiqa.service.watchdog import Watchdog
    from edgeiqa.sinks.fan_out import Outlet
    from edgeiqa.sinks.frame_saver import FrameSaver
    from edgeiqa.sinks.mqtt import MqttPublisher

QUOTA = 500 * 10**6
RESERVE = 100 * 10**6


@dataclass
class Sinks:
    """The requested destinations.

    Attributes:
        saver: Saves accepted frames.
        mqtt: Publishes verdicts.
        watchdog: Notifies systemd and writes the status file, if either is present.
        counts: Of results, kept by the command, for the status file.
    """

    saver: FrameSaver | None = None
    mqtt: MqttPublisher | None = None
    watchdog: Watchdog | None = None
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def all(self) -> list[Outlet]:
        """Those that exist; the watchdog last, as it reports on the others."""
        return [one for one in (self.saver, self.mqtt, self.watchdog) if one is not None]

    def summaries(self) -> list[str]:
        """A summary line of each, for people."""
        return [one.summary() for one in (self.saver, self.mqtt) if one is not None]

    def status(self) -> dict[str, Any]:
        """Content of the status file."""
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
    """Opens the requested destinations.

    Args:
        arguments: With what `add_options` added.
        gate: Chooses the frames that are saved.
        live: Whether the source is live.
        stack: Closes them.

    Raises:
        UsageError: One cannot be opened.
    """
    sinks = Sinks()
    if arguments.status is not None or os.environ.get("NOTIFY_SOCKET"):
        sinks.watchdog = _watchdog(arguments, sinks.status)
        stack.callback(sinks.watchdog.ended)
    if arguments.save is not None:
        sinks.saver = _saver(arguments, gate, live)
        stack.callback(sinks.saver.close)
    if arguments.mqtt is not None:
        sinks.mqtt = _publisher(arguments, live)
        stack.callback(sinks.mqtt.close)
    return sinks


def _watchdog(arguments: argparse.Namespace, parts: Callable[[], dict[str, Any]]) -> Watchdog:
    from edgeiqa.service.sd_notify import Notifier
    from edgeiqa.service.watchdog import Watchdog

    every_s = arguments.every or 0.0
    return Watchdog(Notifier(), every_s=every_s, path=arguments.status, parts=parts)


def _saver(arguments: argparse.Namespace, gate: Gate | None, live: bool) -> FrameSaver:
    from edgeiqa.live.timestamps import taken_at
    from edgeiqa.sinks.frame_saver import EVERY_S, FrameSaver
    from edgeiqa.sinks.quota_folder import QuotaFolder, SaveError

    if gate is None:
        raise UsageError("--save needs a gate, which this model lacks; add --min-score")
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
    from edgeiqa.live.timestamps import taken_at
    from edgeiqa.sinks.mqtt import BUFFER, MqttPublisher
    from edgeiqa.sinks.mqtt_url import parse_broker

    try:
        broker = parse_broker(arguments.mqtt)
        if broker.exposed:
            print(
                "edgeiqa: warning: every user of this machine can read the password in --mqtt; "
                "see --help for alternatives",
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
