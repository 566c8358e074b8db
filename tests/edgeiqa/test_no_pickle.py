"""What the runtime may import and call: nothing that runs code out of data, no stray socket."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "edgeiqa"
FILES = sorted(PACKAGE.rglob("*.py"))

RUNS_DATA = {
    *("pickle", "_pickle", "cPickle", "marshal", "shelve", "dbm", "dill", "joblib", "cloudpickle"),
    *("copyreg", "code", "codeop", "runpy", "imp"),
    # These unpickle what comes through a socket.
    *("multiprocessing.connection", "multiprocessing.managers", "logging.config"),
}
CALLS = {"eval", "exec", "compile", "__import__"}
ATTRIBUTES = {
    *("np.load", "numpy.load", "np.fromregex", "yaml.load", "yaml.unsafe_load", "torch.load"),
    *("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"),
    *("pd.read_pickle", "pandas.read_pickle"),
}
NETWORK = {
    *(
        "socket",
        "ssl",
        "http",
        "urllib.request",
        "urllib3",
        "requests",
        "httpx",
        "aiohttp",
        "asyncio",
    ),
    *("ftplib", "smtplib", "poplib", "imaplib", "telnetlib", "xmlrpc", "socketserver", "paho"),
    *("websockets", "grpc", "zmq"),
}
MAY_USE_THE_NETWORK = {
    "sinks/preview_server.py": {"http", "socket"},  # `edgeiqa live --preview PORT`.
    "sinks/mqtt.py": {"paho", "socket", "ssl"},  # `edgeiqa live --mqtt ADDRESS`.
    "web/server.py": {"http", "socket"},  # `edgeiqa web`.
    "service/sd_notify.py": {"socket"},  # The socket in the file system that systemd names.
}
"""Only where the user asks for it by an option, and nowhere else. Sources of rtsp:// and http://
are opened by FFmpeg, within PyAV, in sources/av.py."""


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, packages: set[str]) -> str | None:
    """Which of some packages a module is, or lies in."""
    return next((p for p in packages if name == p or name.startswith(f"{p}.")), None)


def offences(source: str) -> list[str]:
    """What in a file would run code out of data."""
    tree = ast.parse(source)
    found = [name for name in imported(tree) if within(name, RUNS_DATA)]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in CALLS or called in ATTRIBUTES:
            found.append(called)
        for keyword in node.keywords:
            if keyword.arg in ("shell", "allow_pickle") and ast.unparse(keyword.value) != "False":
                found.append(f"{called}({keyword.arg}=...)")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_nothing_runs_code_out_of_data(file: Path) -> None:
    assert offences(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "def f():\n    import joblib.parallel",
        "from multiprocessing import managers",
        "eval('1')",
        "import numpy as np\nnp.load('x')",
        "np.savez('x', allow_pickle=True)",
        "subprocess.run('x', shell=True)",
        "os.system('x')",
    ],
)
def test_it_would_be_noticed(source: str) -> None:
    assert offences(source)


def test_only_what_the_user_asks_for_knows_the_network() -> None:
    found: dict[str, set[str]] = {}
    for file in FILES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        used = {package for name in imported(tree) if (package := within(name, NETWORK))}
        if used:
            found[file.relative_to(PACKAGE).as_posix()] = used
    for name, used in found.items():
        assert used <= MAY_USE_THE_NETWORK.get(name, set()), name
    assert "sinks/preview_server.py" in found
