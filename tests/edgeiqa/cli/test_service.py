"""`edgeiqa service`: what it writes, what it refuses, and the command that systemd would run."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import edgeiqa
from edgeiqa.assets import FOLDER
from edgeiqa.cli import live, service
from edgeiqa.cli.main import main
from edgeiqa.live.result import LiveResult
from edgeiqa.service import install as systemctl
from edgeiqa.service.status import ServiceState
from tests.edgeiqa.service.units import values, words
from tests.tools import needs

ROOT = Path(edgeiqa.__file__).parent.parent
pytestmark = pytest.mark.skipif(os.name == "nt", reason="systemd is of Linux")


def install(*words: object, options: tuple[object, ...] = ("--dry-run",)) -> int:
    return main(["service", "install", *map(str, options), "--", *map(str, words)])


def unit(capsys: pytest.CaptureFixture[str], *more: object, options: tuple = ()) -> str:
    """The unit that would be written."""
    assert install(*more, options=("--dry-run", *options)) == 0
    return capsys.readouterr().out


def test_without_options_it_is_the_camera_of_a_pi(capsys: pytest.CaptureFixture[str]) -> None:
    text = unit(capsys)
    (line,) = values(text, "ExecStart")
    assert words(line) == [
        sys.executable, "-m", "edgeiqa", "live", "--source", "picamera2", "--every", "1",
        "--format", "jsonl", "--status", "/run/edgeiqa/status.json",
    ]  # fmt: skip
    assert values(text, "PrivateNetwork") == ["yes"]
    assert "char-media rw" in values(text, "DeviceAllow")
    assert values(text, "Environment") == ['"LIBCAMERA_LOG_LEVELS=*:WARN"']


def test_the_examples_of_the_help_can_be_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = service.EPILOG.replace("\\\n", " ").replace("/etc/edgeiqa.password", str(tmp_path / "x"))
    (tmp_path / "x").write_text("hush")
    examples = re.findall(r"sudo edgeiqa service install(.*)", text)
    assert len(examples) == 4
    for example in examples:
        assert main(["service", "install", "--dry-run", *example.split()]) == 0
        line = words(values(capsys.readouterr().out, "ExecStart")[0])
        assert line[line.index("--source") + 1] == "picamera2"
        assert line[line.index("--every") + 1] == ("0.5" if "0.5" in example else "1")


def test_words_after_the_dashes_are_those_of_live(capsys: pytest.CaptureFixture[str]) -> None:
    asked = [
        "rtsp://viewer@camera/100%25 $x",
        "--every",
        "2",
        "--gate",
        "strict",
        "--max",
        "blur=1",
    ]
    text = unit(capsys, *asked, options=("--name", "door-2", "--memory-max", "1G"))
    (line,) = values(text, "ExecStart")
    assert words(line)[4:-4] == asked
    assert words(line)[-1] == "/run/door-2/status.json"
    assert values(text, "StateDirectory") == ["door-2"]
    assert values(text, "MemoryMax") == ["1G"]
    assert values(text, "RestrictAddressFamilies") == ["AF_UNIX AF_INET AF_INET6"]
    assert values(text, "DeviceAllow") == []


def test_pictures_go_below_the_state_directory_or_to_an_account_that_exists(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for written in ("--save=pictures", "--save=/var/lib/edgeiqa/pictures"):
        text = unit(capsys, "picamera2", written)
        assert "--save=/var/lib/edgeiqa/pictures" in words(values(text, "ExecStart")[0])
        assert values(text, "ReadWritePaths") == values(text, "BindPaths") == []
    for outside in ("/srv/pictures", "../pictures", "/var/lib/edgeiqa2"):
        assert install("picamera2", "--save", outside) == 2
        assert "--run-as USER" in capsys.readouterr().err
    options = ("--run-as", "pi")
    text = unit(capsys, "picamera2", "--save", "/srv/pictures", options=options)
    assert values(text, "ReadWritePaths") == ['"/srv/pictures"']
    assert values(text, "User") == ["pi"]
    text = unit(capsys, "picamera2", "--save", "/home/pi/pictures", options=options)
    assert values(text, "BindPaths") == ['"/home/pi/pictures"']


def test_files_are_found_from_wherever_the_service_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my model.tflite").write_bytes(b"")
    (tmp_path / "photos").mkdir()
    text = unit(capsys, "photos", "--model", "my model.tflite")
    (line,) = values(text, "ExecStart")
    assert words(line)[4:7] == [f"{tmp_path}/photos", "--model", f"{tmp_path}/my model.tflite"]
    bound = " ".join(values(text, "BindReadOnlyPaths"))
    if str(tmp_path).startswith("/tmp/"):
        assert "photos" in bound
        assert "my model.tflite" in bound
    assert values(text, "PrivateDevices") == ["yes"]


def test_the_password_of_the_broker_stays_out_of_the_unit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "password"
    secret.write_text("hush")
    options = ("--mqtt-password-file", secret)
    text = unit(capsys, "picamera2", "--mqtt", "mqtt://pi@127.0.0.1/t", options=options)
    assert values(text, "LoadCredential") == [f"mqtt-password:{secret}"]
    assert "hush" not in text
    assert values(text, "IPAddressAllow") == ["127.0.0.1"]
    text = unit(capsys, "picamera2", "--mqtt", "mqtt://broker.local/t")
    assert values(text, "IPAddressDeny") == []


@pytest.mark.parametrize(
    ("asked", "options", "message"),
    [
        (["picamera2", "--mqtt", "mqtt://pi:hush@h/t"], [], "--mqtt-password-file FILE"),
        (["picamera2", "--mqtt", "mqtt://pi:${X}@h/t"], [], "--mqtt-password-file FILE"),
        (["picamera2", "--mqtt", "mqtt://h"], [], "the topic is missing"),
        (
            ["picamera2"],
            ["--mqtt-password-file", "/etc/passwd"],
            "--mqtt-password-file requires --mqtt",
        ),
        (
            ["picamera2", "--mqtt", "mqtt://h/t"],
            ["--mqtt-password-file", "/etc/passwd"],
            "mqtt://USER@HOST/TOPIC",
        ),
        (
            ["picamera2", "--mqtt", "mqtt://u@h/t"],
            ["--mqtt-password-file", "/no/such"],
            "/no/such: no such file",
        ),
        (["picamera2", "--output", "x.jsonl"], [], "journalctl"),
        (["picamera2", "--show"], [], "--show"),
        (["picamera2", "--format", "table"], [], "JSON lines"),
        (["picamera2", "--preview", "x.mp4"], [], "--preview PORT"),
        (["picamera2", "--status", "x"], [], "--status"),
        (["-", "--size", "2x2", "--pixel-format", "gray"], [], "standard input"),
        (["no/such.mp4"], [], "no/such.mp4: no such file"),
        (["picamera2", "--no-such-option"], [], "unrecognized arguments"),
        (["picamera2", "--save-quota", "5"], [], "--save-quota requires --save"),
        (["picamera2"], ["--name", "a/b"], "'a/b'"),
        (["picamera2"], ["--run-as", "pi\nExecStartPre=/bin/true"], "account"),
        (["picamera2"], ["--memory-max", "lots"], "256M"),
    ],
)
def test_what_cannot_be_a_service_is_refused(
    asked: list[str], options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install(*asked, options=("--dry-run", *options)) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert "hush" not in captured.err


def test_installing_is_the_same_twice_and_keeps_what_was_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = ("--root", tmp_path)
    path = tmp_path / "etc/systemd/system/edgeiqa.service"
    assert main(["service", "status", *map(str, root)]) == 4
    assert install(options=root) == 0
    first = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o644
    assert install(options=root) == 0
    assert not path.with_suffix(".service.before").exists()
    assert install("/dev/video0", options=root) == 0
    assert path.with_suffix(".service.before").read_text() == first
    assert "/dev/video0" in path.read_text()
    capsys.readouterr()
    assert main(["service", "status", *map(str, root)]) == 3
    assert "starts at boot" in capsys.readouterr().out
    link = path.parent / "multi-user.target.wants/edgeiqa.service"
    assert os.readlink(link) == "/etc/systemd/system/edgeiqa.service"
    assert main(["service", "uninstall", *map(str, root)]) == 0
    assert main(["service", "uninstall", *map(str, root)]) == 4
    assert not path.exists()
    assert not link.is_symlink()


def test_without_root_it_shows_the_command_to_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", ["edgeiqa", "service", "install", "--", "a b"])
    assert install("picamera2", options=("--no-start",)) == 2
    assert f"sudo {sys.executable} -m edgeiqa service install -- 'a b'" in capsys.readouterr().err


def test_without_systemd_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(systemctl, "is_running", lambda: False)
    assert install("/dev/video0", options=()) == 2
    assert "--dry-run" in capsys.readouterr().err


def test_an_installation_for_one_user_cannot_be_a_service(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("site.ENABLE_USER_SITE", True)
    monkeypatch.setattr("site.getusersitepackages", lambda: str(ROOT))
    assert install("picamera2") == 2
    assert "virtual environment" in capsys.readouterr().err


SHOWN = """Result=watchdog
NRestarts=3
MainPID=158
ExecMainStatus=0
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
StatusText=last verdict 74.2 at 2026-11-24T12:33:14.514Z
ActiveEnterTimestamp=Tue 2026-11-24 12:33:07 UTC
MemoryCurrent=98304000
"""
REPORT: dict[str, Any] = {
    "written": "2026-11-24T12:33:14Z",
    "counts": {"accepted": 9, "rejected": 2, "scored": 0, "errors": 0},
    "last": {
        "smoothed": 31.2, "accept": False, "reasons": [{"cause": "dark"}], "error": None,
        "time": "2026-11-24T12:33:13Z",
    },
    "event": {"event": "lost", "message": "unplugged", "time": "2026-11-24T12:33:14Z"},
    "save": {
        "folder": "/var/lib/edgeiqa/pictures", "files": 6, "bytes": 191_000, "quota": 200_000,
        "saved": 8, "removed": 2, "not_saved": 1, "trouble": "No space left on device",
    },
    "mqtt": {
        "broker": "mqtt://h:1883", "connected": False, "waiting": 5, "in_flight": 1,
        "delivered": 7, "dropped": 2, "refused": 0, "trouble": "cannot be reached: odd",
    },
}  # fmt: skip


def test_the_status_has_all_figures_and_the_exit_codes_of_systemctl() -> None:
    shown = systemctl.parsed(SHOWN)
    state = ServiceState("edgeiqa", True, True, "active", shown, REPORT)
    first, frames, last, source, saved, mqtt = state.lines()
    for line, parts in (
        (first, ["active since Tue 2026-11-24 12:33:07 UTC", "3 times", "98.3 MB"]),
        (frames, ["9 accepted, 2 rejected", "2026-11-24T12:33:14Z"]),
        (last, ["31.2", "reject", "dark", "2026-11-24T12:33:13Z"]),
        (source, ["lost", "unplugged", "2026-11-24T12:33:14Z"]),
        (saved, ["191 kB of 200 kB", "/var/lib/edgeiqa/pictures", "2 removed", "No space left"]),
        (mqtt, ["mqtt://h:1883", "7 delivered", "6 waiting", "2 dropped", "odd"]),
    ):
        assert all(part in line for part in parts), line
    assert state.exit_code == 0
    failed = ServiceState("x", True, False, "failed", {"Result": "exit-code"})
    assert failed.exit_code == 3
    first, log = failed.lines()
    assert "failed (exit-code" in first
    assert "journalctl -u x" in log
    assert ServiceState("x", False, False).exit_code == 4


def test_the_status_as_json_with_what_the_service_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install(options=("--root", tmp_path)) == 0
    (tmp_path / "run/edgeiqa").mkdir(parents=True)
    (tmp_path / "run/edgeiqa/status.json").write_text(json.dumps(REPORT))
    capsys.readouterr()
    assert main(["service", "status", "--json", "--root", str(tmp_path)]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["installed"] is document["enabled"] is True
    assert document["report"] == REPORT
    (tmp_path / "run/edgeiqa/status.json").write_text("{half")
    assert main(["service", "status", "--json", "--root", str(tmp_path)]) == 3
    assert json.loads(capsys.readouterr().out)["report"] is None


def test_the_page_on_the_pi_names_options_and_keys_that_exist() -> None:
    text = (ROOT / "docs" / "raspberry-pi.md").read_text(encoding="utf-8")
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    for command in (live, service):
        command.add(commands)
    known = {"--system-site-packages", "--no-index", "--find-links", "--list-cameras", "--since"}
    waiting: list[argparse.ArgumentParser] = [parser]
    for one in waiting:
        known.update(one._option_string_actions)
        for action in one._actions:
            if isinstance(action, argparse._SubParsersAction):
                waiting.extend(action.choices.values())
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) <= known
    assert set(re.findall(r"value_json\.(\w+)", text)) <= LiveResult(0).to_dict().keys()


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("install", "status", "uninstall"):
        assert main(["service", action, "--help"]) == 0
    assert "--mqtt-password-file" in capsys.readouterr().out
    assert service.EPILOG.count("sudo edgeiqa service install") == 4


@pytest.mark.slow
def test_the_command_of_the_unit_runs_as_systemd_runs_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs("systemd-analyze")
    pictures = tmp_path / "a b%c $d"
    pictures.mkdir()
    for path in sorted(FOLDER.glob("*.jpg"))[:3]:
        (pictures / path.name).write_bytes(path.read_bytes())
    name = f"edgeiqa-test-{os.getpid()}"
    video = "lavfi:testsrc2=size=320x240:rate=20,realtime"
    for source, least in ((str(pictures), 3), (video, 30)):
        text = unit(capsys, source, "--model", "nano", options=("--name", name))
        (tmp_path / f"{name}.service").write_text(text)
        done = subprocess.run(
            ["systemd-analyze", "verify", tmp_path / f"{name}.service"], capture_output=True
        )
        assert (done.returncode, done.stderr) == (0, b"")
        run_like_systemd(words(values(text, "ExecStart")[0]), tmp_path, least, source == video)


def run_like_systemd(command: list[str], folder: Path, least: int, endless: bool) -> None:
    """Starts it, listens, and ends it with SIGTERM."""
    path = folder / f"notify-{endless}"
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        environ = {**os.environ, "NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "1000000"}
        process = subprocess.Popen(
            command, cwd=ROOT, env=environ, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        manager.settimeout(0.2)

        def listen() -> None:
            while process.poll() is None:
                try:
                    heard.extend(manager.recv(10_000).decode().splitlines())
                except TimeoutError:
                    continue

        listener = threading.Thread(target=listen)
        listener.start()
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(least + 1)]
        if endless:
            time.sleep(1.0)
            process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=60)
        listener.join()
    assert process.returncode == 0, errors
    assert heard[0] == "READY=1"
    assert heard.count("WATCHDOG=1") >= (3 if endless else 1)
    assert "STOPPING=1" in heard
    assert any(line.startswith("STATUS=last verdict") for line in heard)
    lines += [json.loads(line) for line in rest.splitlines()]
    assert sum("score" in line for line in lines) >= least
    assert lines[-1]["event"] == "ended"
    assert "cannot write /run/" in errors  # Only systemd makes that folder; it goes on without.
    assert "Traceback" not in errors
