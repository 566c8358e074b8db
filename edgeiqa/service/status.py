"""The state of a service, as reported by systemd and by its status file."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

from edgeiqa.files.size import size_words

EXIT_RUNNING = 0
EXIT_NOT_RUNNING = 3
EXIT_NO_UNIT = 4
"""As in `systemctl status`."""


@dataclass(frozen=True)
class ServiceState:
    """The state of a service.

    Attributes:
        name: Name of the service.
        installed: Whether its unit exists.
        enabled: Whether it starts at boot.
        active: "active", "activating", "inactive" or "failed"; None if systemd is not running.
        properties: From `systemctl show`.
        report: The status file; None if there is none.
    """

    name: str
    installed: bool
    enabled: bool
    active: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    report: dict[str, Any] | None = None

    @property
    def exit_code(self) -> int:
        """0 if the service runs, 3 if not, 4 without a unit."""
        if not self.installed:
            return EXIT_NO_UNIT
        return EXIT_RUNNING if self.active == "active" else EXIT_NOT_RUNNING

    def to_dict(self) -> dict[str, Any]:
        """Returns a JSON-ready dict."""
        return {
            "name": self.name,
            "installed": self.installed,
            "enabled": self.enabled,
            "active": self.active,
            "systemd": self.properties,
            "report": self.report,
        }

    def lines(self) -> list[str]:
        """Returns the state as text lines."""
        if not self.installed:
            return [f"{self.name}: not installed; run edgeiqa service install"]
        boot = "starts at boot" if self.enabled else "does not start at boot"
        lines = [f"{self.name}: {self._activity()}; {boot}"]
        if self.report is not None:
            lines += _report_lines(self.report)
        if self.active in ("failed", "activating"):
            lines.append(f"log: journalctl -u {self.name} -n 20 -o cat")
        return lines

    def _activity(self) -> str:
        if self.active is None:
            return "systemd is not running"
        known = self.properties
        text = self.active
        if self.active == "active" and known.get("ActiveEnterTimestamp"):
            text += f" since {known['ActiveEnterTimestamp']}"
        if self.active != "active" and known.get("Result") not in (None, "", "success"):
            text += f" ({known['Result']}, exit code {known.get('ExecMainStatus', '?')})"
        if known.get("NRestarts", "0") != "0":
            text += f", restarted {known['NRestarts']} times"
        if known.get("MemoryCurrent", "").isdecimal():
            memory = int(known["MemoryCurrent"])
            text += f", {size_words(memory)} of memory" if memory < 2**60 else ""
        return text


def read_report(path: str) -> dict[str, Any] | None:
    """Reads the status file of `edgeiqa live --status`; None if it is missing or invalid."""
    try:
        with open(path, encoding="utf-8") as stream:
            report = json.load(stream)
    except (OSError, ValueError):
        return None
    return report if isinstance(report, dict) else None


def report_path(name: str, root: str = "/") -> str:
    """Returns the path of a service's status file."""
    return os.path.join(root, "run", name, "status.json")


def _report_lines(report: dict[str, Any]) -> list[str]:
    counts = report.get("counts") or {}
    frames = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    lines = [f"frames: {frames or 'none yet'} (written {report.get('written')})"]
    last = report.get("last")
    if last:
        word = {True: "accept", False: "reject"}.get(last.get("accept"), last.get("error") or "-")
        causes = ", ".join(str(one.get("cause")) for one in last.get("reasons") or [])
        why = f" ({causes})" if causes else ""
        lines.append(f"last verdict: {last.get('smoothed')} {word}{why} at {last.get('time')}")
    event = report.get("event")
    if event and event.get("event") != "opened":
        lines.append(f"source: {event.get('event')}: {event.get('message')} at {event.get('time')}")
    save = report.get("save")
    if save:
        used, quota = size_words(save["bytes"]), size_words(save["quota"])
        trouble = f"; {save['trouble']}" if save.get("trouble") else ""
        lines.append(
            f"saved: {save['files']} files, {used} of {quota}, in {save['folder']}"
            f" ({save['removed']} removed, {save['not_saved']} not saved{trouble})"
        )
    mqtt = report.get("mqtt")
    if mqtt:
        there = "connected" if mqtt["connected"] else "not connected"
        late = mqtt["waiting"] + mqtt["in_flight"]
        trouble = f"; {mqtt['trouble']}" if mqtt.get("trouble") else ""
        lines.append(
            f"mqtt: {there} to {mqtt['broker']}, {mqtt['delivered']} delivered, {late} waiting, "
            f"{mqtt['dropped']} dropped, {mqtt['refused']} refused{trouble}"
        )
    return lines
