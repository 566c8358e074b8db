"""The service under a real systemd, in its whole sandbox, with a video in place of a camera.

systemd is booted in namespaces of its own, which needs root and a kernel that allows it; elsewhere
these tests are skipped.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import site
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import edgeiqa
from tests.edgeiqa.sinks.mosquitto import wait_for
from tests.tools import needs

ROOT = Path(edgeiqa.__file__).parent.parent
SCRIPT = Path(__file__).with_name("boot_systemd.sh")
VIDEO = "lavfi:testsrc2=size=320x240:rate=10,realtime"
STATE = "/var/lib/edgeiqa"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd is of Linux"),
]


class Booted:
    """The inside of the namespaces."""

    def __init__(self, first: int) -> None:
        self.first = first

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return subprocess.run(
            ["nsenter", "-t", str(self.first), "-m", "-p", "-u", "-n", "-i", "-C", "-r", "-w",
             *words],
            capture_output=True, text=True, timeout=60, cwd="/", env=environ,
        )  # fmt: skip

    def edgeiqa(self, *words: str, code: int = 0) -> str:
        done = self.run(sys.executable, "-m", "edgeiqa", *words)
        if done.returncode != code:
            log = self.run("journalctl", "-n", "20", "-o", "cat", "--no-pager").stdout
            pytest.fail(done.stdout + done.stderr + log)
        return done.stdout

    def report(self) -> dict:
        text = self.run("cat", "/run/edgeiqa/status.json").stdout
        document: dict = json.loads(text) if text else {}
        return document

    def verdicts(self) -> int:
        return sum((self.report().get("counts") or {}).values())

    def restarts(self) -> int:
        return int(self.run("systemctl", "show", "edgeiqa", "-p", "NRestarts").stdout[10:])


@contextlib.contextmanager
def cgroup() -> Iterator[Path]:
    """A control group of our own, so that systemd sees no other."""
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    places = [Path(line[1]) for line in mounts if line[2] == "cgroup2"]
    if not places:
        pytest.skip("no cgroup2")
    path = places[0] / f"edgeiqa-test-{os.getpid()}"
    path.mkdir()
    try:
        yield path
    finally:
        deadline = time.monotonic() + 10
        while path.exists() and time.monotonic() < deadline:
            for folder, _, _ in os.walk(path, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
            time.sleep(0.1)


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    needs("systemd-analyze")
    if os.geteuid() or not shutil.which("unshare") or not Path("/lib/systemd/systemd").exists():
        pytest.skip("booting systemd in namespaces needs root")
    folder = tmp_path_factory.mktemp("booted")
    log = folder / "log"
    root = folder / "root"
    root.mkdir()
    line = f"import sys; sys.path.insert(0, {str(ROOT)!r})"
    with cgroup() as group, log.open("w") as stream:
        process = subprocess.Popen(
            ["sh", "-c", f'echo $$ > "{group}/cgroup.procs" && exec "$@"', "sh",
             "unshare", "--pid", "--fork", "--kill-child", "--mount", "--propagation", "private",
             "--uts", "--net", "--ipc", "--cgroup",
             "sh", str(SCRIPT), str(root), line, site.getsitepackages()[0]],
            stdout=stream, stderr=stream, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            inside = None
            for _ in range(100):
                time.sleep(0.1)
                children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
                found = children.read_text().split() if children.exists() else []
                inside = Booted(int(found[0])) if found else None
                if process.poll() is not None:
                    break
                if inside and inside.run("systemctl", "is-system-running").stdout == "running\n":
                    break
            else:
                process.kill()
            if process.poll() is not None or inside is None:
                pytest.skip(f"systemd does not boot here: {log.read_text()[-300:]}")
            yield inside
        finally:
            process.kill()
            process.wait()


def broker_with_a_password(booted: Booted) -> str:
    """Starts mosquitto; returns the file with the password, which root alone can read."""
    needs("mosquitto", "mosquitto_passwd")
    lines = "listener 1883 127.0.0.1\nuser root\npassword_file /broker/words\n"
    for command in (
        "mkdir /broker",
        f"printf '{lines}' > /broker/conf",
        "mosquitto_passwd -b -c /broker/words pi 'a %b $c'",
        "(umask 077; printf 'a %%b $c\n' > '/broker/pass word')",
        "systemd-run --unit broker $(PATH=$PATH:/usr/sbin command -v mosquitto) -c /broker/conf",
    ):
        done = booted.run("sh", "-c", command)
        assert done.returncode == 0, done.stderr
    return "/broker/pass word"


def test_the_service_runs_in_its_sandbox_is_watched_and_ends_in_order(booted: Booted) -> None:
    live = ["--source", VIDEO, "--model", "nano", "--min-score", "1", "--max", "compression=1"]
    live += ["--save", "a b%c", "--save-quota", "1M", "--mqtt", "mqtt://pi@127.0.0.1/camera"]
    secret = broker_with_a_password(booted)
    out = booted.edgeiqa("service", "install", "--mqtt-password-file", secret, "--", *live)
    assert "/etc/systemd/system/edgeiqa.service" in out
    wait_for(lambda: booted.verdicts() > 15)
    state = json.loads(booted.edgeiqa("service", "status", "--json"))
    assert (state["active"], state["enabled"]) == ("active", True)
    assert state["report"]["save"]["files"] >= 1
    assert state["report"]["mqtt"]["connected"], state["report"]["mqtt"]
    assert state["report"]["mqtt"]["delivered"] > 5
    lines = booted.run("journalctl", "-u", "edgeiqa", "-o", "cat", "--no-pager").stdout.splitlines()
    assert sum("score" in json.loads(line) for line in lines if line.startswith("{")) > 10
    process = state["systemd"]["MainPID"]
    status = booted.run("cat", f"/proc/{process}/status").stdout
    assert "CapBnd:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    owner = booted.run("stat", "-c", "%u", f"/proc/{process}").stdout
    assert int(owner) >= 61184  # Of a dynamic user.

    # A process that hangs is started again.
    drop_in = "/run/systemd/system/edgeiqa.service.d"
    booted.run("mkdir", "-p", drop_in)
    settings = "[Service]\nWatchdogSec=2\nRestartSec=1\nTimeoutAbortSec=1\n"
    booted.run("sh", "-c", f"printf '{settings}' > {drop_in}/quick.conf")
    booted.run("systemctl", "daemon-reload")
    booted.run("systemctl", "restart", "edgeiqa")
    wait_for(lambda: booted.verdicts() > 5)
    assert booted.restarts() == 0
    booted.run("systemctl", "kill", "-s", "STOP", "edgeiqa")
    wait_for(lambda: booted.restarts() == 1)
    wait_for(lambda: booted.verdicts() > 0)

    booted.run("systemctl", "stop", "edgeiqa")
    shown = booted.run("systemctl", "show", "edgeiqa", "-p", "Result,ExecMainStatus").stdout
    assert sorted(shown.split()) == ["ExecMainStatus=0", "Result=success"]
    assert "inactive" in booted.edgeiqa("service", "status", code=3)
    saved = booted.run("ls", f"{STATE}/a b%c").stdout.split()
    assert saved
    assert all(name.endswith(".jpg") for name in saved)
    booted.edgeiqa("service", "uninstall")
    booted.edgeiqa("service", "status", code=4)
    assert booted.run("ls", f"{STATE}/a b%c").stdout.split() == saved


def test_a_users_folders_are_seen_and_nothing_else_of_the_homes(booted: Booted) -> None:
    home = "/home/edgeiqa-test"
    pictures = f"{home}/a b%c:$d'é"
    model = f"{home}/n $HOME %i.tflite"
    nano = Path(edgeiqa.__file__).parent / "assets" / "models" / "nano.tflite"
    booted.run("useradd", "-d", home, "edgeiqa-test")
    booted.run("mkdir", "-p", pictures, f"{home}/private")
    booted.run("chown", "edgeiqa-test", pictures)
    booted.run("cp", str(nano), model)
    words = ["--model", model, "--min-score", "1", "--max", "compression=1", "--save", pictures]
    booted.edgeiqa("service", "install", "--run-as", "edgeiqa-test", "--", VIDEO, *words)
    wait_for(lambda: (booted.report().get("save") or {}).get("saved", 0) > 0)
    assert booted.run("stat", "-c", "%U", pictures).stdout == "edgeiqa-test\n"
    process = booted.run("systemctl", "show", "edgeiqa", "-p", "MainPID", "--value").stdout.strip()
    seen = booted.run("nsenter", "-t", process, "-m", "ls", home).stdout.splitlines()
    assert sorted(seen) == sorted([os.path.basename(pictures), os.path.basename(model)])
    # No network, though there is one outside.
    devices = booted.run("nsenter", "-t", process, "-n", "cat", "/proc/net/dev").stdout
    assert [line.split(":")[0].strip() for line in devices.splitlines()[2:]] == ["lo"]
    booted.edgeiqa("service", "uninstall")


def test_wrong_usage_is_not_tried_for_ever_and_a_missing_camera_is(booted: Booted) -> None:
    booted.edgeiqa("service", "install", "--", "/dev/video99")
    wait_for(lambda: (booted.report().get("event") or {}).get("event") == "retrying")
    assert "video99" in booted.edgeiqa("service", "status")
    unit = "/etc/systemd/system/edgeiqa.service"
    booted.run("sed", "-i", "s/--format jsonl/--no-such-option/", unit)
    booted.run("systemctl", "daemon-reload")
    booted.run("systemctl", "restart", "edgeiqa")
    out = booted.edgeiqa("service", "status", code=3)
    assert "failed (exit-code, exit code 2)" in out
    assert "journalctl -u edgeiqa" in out
    assert booted.restarts() == 0
    booted.edgeiqa("service", "uninstall")
