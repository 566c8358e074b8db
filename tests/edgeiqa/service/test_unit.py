"""The unit, as systemd's own programs judge it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgeiqa.service.unit import UnitSpec, is_hidden, unit_text
from tests.edgeiqa.service.units import values, words
from tests.tools import needs

STRANGE = '/opt/a b/100%i/$HOME/${X}/"q"/it\'s/Tür/back\\slash/semi;colon/:x'
LIVE = ["-m", "edgeiqa", "live"]


def spec(**changes: Any) -> UnitSpec:
    settings: dict[str, Any] = {
        "name": "edgeiqa",
        "words": [sys.executable, *LIVE, "picamera2"],
        "description": "a camera",
        "cameras": True,
        "udev": True,
    }
    return UnitSpec(**settings | changes)


def written(folder: Path, unit: UnitSpec) -> Path:
    path = folder / f"{unit.name}.service"
    path.write_text(unit_text(unit), encoding="utf-8")
    return path


def analyze(*words: object) -> subprocess.CompletedProcess[str]:
    needs("systemd-analyze")
    return subprocess.run(
        ["systemd-analyze", *map(str, words)], capture_output=True, text=True, timeout=60
    )


UNITS = {
    "a camera": {},
    "a camera and a broker": {"network": True},
    "a broker on this machine": {"network": True, "only_host": "localhost"},
    "a stream": {"cameras": False, "udev": False, "network": True},
    "a video": {"cameras": False, "udev": False},
    "a user's": {
        "user": "pi",
        "readable": ("/home/pi/venv", f"/home{STRANGE}"),
        "writable": (f"/home/pi{STRANGE}", "/srv/pictures", f"/srv{STRANGE}"),
        "credentials": {"mqtt-password": "/etc/edge iqa/100%"},
        "network": True,
        "environment": {"LIBCAMERA_LOG_LEVELS": "*:WARN"},
    },
    "newer": {"systemd": 257},
}


@pytest.mark.parametrize("changes", UNITS.values(), ids=UNITS)
def test_systemd_understands_every_line(changes: dict[str, Any], tmp_path: Path) -> None:
    unit = spec(**changes)
    done = analyze("verify", written(tmp_path, unit))
    said = [
        line
        for line in (done.stdout + done.stderr).splitlines()
        # What 254 knows, 252 does not; it continues without.
        if not re.search(r"Unknown key (name )?'(RestartSteps|RestartMaxDelaySec)'", line)
    ]
    assert (done.returncode, said) == (0, [])


@pytest.mark.parametrize("changes", UNITS.values(), ids=UNITS)
def test_the_sandbox_is_tight(changes: dict[str, Any], tmp_path: Path) -> None:
    unit = written(tmp_path, spec(**changes))
    most = 20 if changes.get("network") else 10  # In tenths.
    done = analyze("security", "--offline=true", f"--threshold={most}", "--no-pager", unit)
    assert done.returncode == 0, done.stdout[-400:]


@pytest.mark.parametrize(
    "word", [STRANGE, "$x", "%i %%", "a\nb", "", "\udcff\udcfe", "'", '"', "\\x41", "$$", "-x=y"]
)
def test_strange_words_survive(word: str, tmp_path: Path) -> None:
    unit = spec(words=[sys.executable, *LIVE, word])
    text = unit_text(unit)
    (line,) = values(text, "ExecStart")
    assert words(line) == [sys.executable, *LIVE, word]
    (tmp_path / "x.service").write_text(text, encoding="utf-8")
    done = analyze("verify", tmp_path / "x.service")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_strange_interpreter_is_found_by_systemd(tmp_path: Path) -> None:
    program = tmp_path / "a b" / "100%i $HOME ${X};Tür" / "python"
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)
    unit = written(tmp_path, spec(words=[str(program), *LIVE, "picamera2"]))
    done = analyze("verify", unit)
    assert (done.returncode, done.stderr) == (0, "")
    program.unlink()
    assert "is not executable" in analyze("verify", unit).stderr  # It did look for that one.


def test_what_the_service_can_reach_is_what_it_needs() -> None:
    camera = unit_text(spec())
    assert values(camera, "RestrictAddressFamilies") == ["AF_UNIX AF_NETLINK"]
    assert values(camera, "PrivateNetwork") == ["yes"]
    assert values(camera, "DeviceAllow") == [
        "char-video4linux rw", "char-media rw", "char-dma_heap rw"
    ]  # fmt: skip
    broker = unit_text(spec(network=True, udev=False))
    assert values(broker, "RestrictAddressFamilies") == ["AF_UNIX AF_INET AF_INET6"]
    assert values(broker, "PrivateNetwork") == values(broker, "IPAddressDeny") == []
    local = unit_text(spec(network=True, only_host="10.0.0.2"))
    assert values(local, "IPAddressDeny") == ["any"]
    assert values(local, "IPAddressAllow") == ["10.0.0.2"]
    video = unit_text(spec(cameras=False, udev=False))
    assert values(video, "PrivateDevices") == ["yes"]
    assert values(video, "SupplementaryGroups") == []
    for text in (camera, broker, video):
        assert "ProcSubset=" not in text.replace("# Not ProcSubset", "")
        assert values(text, "MemoryDenyWriteExecute") == ["yes"]
        assert values(text, "DynamicUser") == ["yes"]
    assert values(unit_text(spec(user="pi")), "DynamicUser") == []


def test_hidden_places() -> None:
    for path in ("/home/pi/venv", "/root", "/tmp/x", "/run/user/1000/x", "/var/tmp/a"):
        assert is_hidden(path)
    for path in ("/opt/venv", "/homes/x", "/usr", "/srv/home", "/var/lib/edgeiqa"):
        assert not is_hidden(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"words": ["python", "-m", "edgeiqa"]},
        {"words": ["/usr/bin/python", "a\0b"]},
        {"words": ["/opt/it's/python"]},
        {"words": ["/opt/\udcff/python"]},
        {"writable": ("/srv/a\nb",)},
        {"description": "two\nlines"},
        {"user": "pi\nExecStartPre=/bin/true"},
        {"memory_max": "1G\nUser=root"},
        {"credentials": {"x": "/a\nb"}},
    ],
)
def test_what_a_unit_cannot_represent_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"python|/srv|character|zero byte"):
        unit_text(spec(**changes))
