"""The command line: options, paths and bytes in combinations that nobody thought of."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from edgeiqa.cli.main import main
from tests.edgeiqa.pictures import photograph, saved
from tests.fuzz import pictures
from tests.fuzz.draw import Draw
from tests.fuzz.target import DrawnTarget, scratch

CODES = (0, 1, 2, 3)
TEXTS = (
    *(
        "",
        "-",
        "--",
        "x",
        "0",
        "-1",
        "1",
        "50",
        "1e3",
        "nan",
        "inf",
        "1e400",
        "99999999999999999999",
    ),
    *(
        "normal",
        "strict",
        "blur=0.5",
        "blur",
        "=",
        "dark=nan",
        "noise=1e400",
        "٣",
        "½",
        "a\nb",
        "\x1b[31m",
    ),
    *("0x10", "640x480", "8x8", "0x0", "\udcff", "ä" * 300, "no/such/place", " ", "*", "~", "1_0"),
)
FORMATS = ("table", "json", "jsonl", "csv", "parquet", "JSON", "")


class CommandLine(DrawnTarget):
    """`main(argv)` in this process, over real files."""

    name = "cli"
    about = (
        "`edgeiqa score, pick, fit-gate, watch, live, models, service, samples` and made-up "
        "commands with options, values, paths (good, mutated, missing, odd names) and standard "
        "input at random, in one process, with real files"
    )
    length = 120

    def open(self) -> None:
        """Makes the folder that commands are run in."""
        self._folder = scratch()
        self._root = Path(self._folder.name)
        self._store = self._root / "store"
        self._store.mkdir()
        image = photograph().resize((30, 20))
        files = {"a.jpg": saved(image, "JPEG"), "b.png": saved(image.rotate(90), "PNG")}
        files |= {
            "cut.jpg": pictures.files()["cut.jpg"],
            "claims.png": pictures.files()["claims.png"],
        }
        files |= {"empty.gif": b"", "note.txt": b"words", "odd\udcff\x1b[1m.jpg": files["a.jpg"]}
        files |= {"a.xmp": b"no xml", "a.cr2": b"raw"}
        files["table.csv"] = b"path,keep\na.jpg,true\nb.png,no\n"
        files["scores.csv"] = b"score,keep\n" + b"".join(
            b"%d,%s\n" % (index * 3, b"yes" if index > 12 else b"no") for index in range(30)
        )
        for name, data in files.items():
            (self._store / name).write_bytes(data)
        self._work = self._root / "work"
        self._before = os.getcwd()

    def close(self) -> None:
        """Takes it away."""
        os.chdir(self._before)
        self._folder.cleanup()

    def _fresh(self) -> None:
        if self._work.exists():
            shutil.rmtree(self._work)
        for folder in ("photos", "photos/inner", "hollow"):
            (self._work / folder).mkdir(parents=True)
        for file in self._store.iterdir():
            shutil.copyfile(file, self._work / "photos" / file.name)
        shutil.copyfile(self._store / "a.jpg", self._work / "photos" / "inner" / "a.jpg")
        os.symlink("..", self._work / "photos" / "inner" / "circle")
        os.symlink("nowhere.jpg", self._work / "photos" / "gone.jpg")
        os.chdir(self._work)

    def run(self, data: bytes) -> str:
        """Runs one command."""
        draw = Draw(data)
        self._fresh()
        argv = self._argv(draw)
        stdin = draw.choice((b"", b"words", (self._store / "a.jpg").read_bytes(), draw.piece(60)))
        before = _contents(self._work / "photos")
        with _defaults(draw):
            code, out, err = _run(argv, stdin)
        assert code in CODES, f"{argv}: exit code {code}\n{err}"
        assert "Traceback" not in err, f"{argv}:\n{err}"
        assert code != 2 or err, f"{argv}: exit code 2 without a message"
        assert before <= _contents(self._work), f"{argv}: a file was lost or changed"
        parts = [p.name for p in self._work.rglob("*") if "part" in p.name]
        assert not parts, f"{argv}: left {parts}"
        _check_output(argv, code, out)
        return f"{argv[0] if argv and argv[0] in COMMANDS else 'other'}: exit {code}"

    def _argv(self, draw: Draw) -> list[str]:
        command = draw.choice((*tuple(COMMANDS)[:6] * 4, *COMMANDS))
        # Written nowhere: this must not become the machine's service.
        words = [command, "install", "--dry-run"] if command == "service" else [command]
        if draw.chance(50):
            words = [draw.choice(TEXTS)]
        grammar = COMMANDS[command]
        for _ in range(draw.choice((0, 1, 1, 2, 3, 6)) if grammar else 0):
            option = draw.choice(tuple(grammar))
            kind = grammar[option]
            words.append(option)
            if kind:
                words.append(self._value(kind, draw))
        for _ in range(draw.choice((0, 1, 1, 1, 2, 3)) if command == "score" else command in ONE):
            words.append(self._value("folder" if command in ("pick", "watch") else "path", draw))
        if command == "live" or "live" in words:
            words = [word for word in words if "://" not in word] + ["--max-frames", "3"]
            if "-" in words:
                words += ["--duration", "1"]
        if command == "watch":
            words += ["--count", "1", "--existing", "--interval", "0", "--settle", "0"]
        if command == "fit-gate":
            words += draw.choice(
                ([], ["--csv", "photos/scores.csv"], ["--csv", "photos/table.csv"])
            )
        if command == "watch" and "photos" not in words:
            return ["watch"]  # Where nothing ever comes, it would wait for ever, as it should.
        if command == "pick" and draw.chance(2):
            words += ["--apply"]
        own = command in ("models", "samples", "service")
        return words + ([] if own else ["--model", "nano"])

    def _value(self, kind: str, draw: Draw) -> str:
        if draw.chance(24):
            return draw.choice(TEXTS)
        if kind == "folder":
            return draw.choice(("photos", "photos", "photos", "photos", "hollow", "missing"))
        if kind == "path":
            return draw.choice(PATHS)
        if kind == "format":
            return draw.choice(FORMATS)
        if kind == "out":
            return draw.choice(OUTPUTS)
        if kind == "outcome":
            return draw.choice(("accepted", "rejected", "scored", "unreadable", "odd"))
        if kind == "order":
            return draw.choice(("best", "worst", "path", "odd"))
        if kind == "number":
            return draw.choice(("0", "1", "2", "10", "0.5", "99", "100", "-1", "1e9"))
        if kind == "cause":
            return draw.choice(("blur=0.5", "noise=0", "dark=1", "bright=2", "compression=0.1"))
        return draw.choice(("normal", "strict", "relaxed", "nv12", "rgb24", "8x8", "16x4", "odd"))


PATHS = (
    *("photos", "photos", "photos/a.jpg", "photos/b.png", "photos/cut.jpg", "photos/claims.png"),
    *(
        "photos/empty.gif",
        "photos/note.txt",
        "photos/gone.jpg",
        "photos/inner",
        "hollow",
        "missing",
    ),
    *("photos/odd\udcff\x1b[1m.jpg", "-", ".", "photos/a.jpg/x", "x" * 300, "/dev/null"),
)
ONE = ("pick", "watch", "live", "models")
OUTPUTS = (
    *("out.json", "out.csv", "out.jsonl", "out", "-", "hollow", "no/such/out", "photos/new.csv"),
    *("/dev/null", "o\udcff.csv", "deep/er", "x" * 300, "/dev/full"),
)
_GATE = {"--gate": "word", "--min-score": "number", "--max": "cause", "--format": "format"}
COMMANDS: dict[str, dict[str, str]] = {
    "score": {
        **{**_GATE, "--check": "", "--output": "out", "--map": "out", "--no-progress": ""},
        **{"--resume": "", "--rescore": "", "--quick": "", "--timeout": "number"},
        **{"--max-megapixels": "number", "--only": "outcome", "--sort": "order", "--top": "number"},
        **{
            "--move-rejected-to": "out",
            "--xmp": "",
            "--apply": "",
            "-o": "out",
            "-q": "",
            "-v": "",
        },
    },
    "pick": {
        **{"--keep": "number", "--gap": "number", "--likeness": "number", "--copy-to": "out"},
        **{"--move-to": "out", "--xmp": "", "--csv": "out", "--format": "format", "--apply": ""},
    },
    "fit-gate": {
        "--kept": "path",
        "--rejected": "path",
        "--keep-share": "number",
        "--format": "format",
    },
    "watch": {**_GATE, "--recursive": "", "--output": "out"},
    "live": {
        **_GATE,
        **{"--size": "word", "--pixel-format": "word", "--fps": "number", "--every": "number"},
        **{"--output": "out", "--show": "", "--preview": "preview"},
    },
    "models": {"--json": ""},
    "service": {
        **{"--name": "word", "--run-as": "word", "--memory-max": "number", "--root": "out"},
        **{"--mqtt-password-file": "path", "--no-start": "", "--json": ""},
    },
    "samples": {},
    "--version": {},
    "--help": {"--model": "word"},
}


@contextlib.contextmanager
def _defaults(draw: Draw) -> Iterator[None]:
    """Variables and a configuration file, now and then."""
    names = ("MODEL", "WORKERS", "MIN_SCORE", "FORMAT", "QUIET", "MAX", "OUTPUT", "ODD", "CONFIG")
    made = {}
    if draw.chance(6):
        made = {f"EDGEIQA_{draw.choice(names)}": draw.choice(TEXTS).replace("\0", "")}
    if draw.chance(6):
        keys = ("model", "format", "min-score", "quiet", "odd", "[score]\ntop", "[odd]\nx", "=")
        values = ("'nano'", "'json'", "50", "true", "[1]", "{}", "'", draw.choice(TEXTS))
        text = f"{draw.choice(keys)} = {draw.choice(values)}\n"
        Path("config.toml").write_text(text, encoding="utf-8", errors="replace")
        made["EDGEIQA_CONFIG"] = "config.toml"
    before = dict(os.environ)
    os.environ.update(made)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _run(argv: list[str], stdin: bytes) -> tuple[int, bytes, str]:
    out, err = io.BytesIO(), io.BytesIO()
    streams = sys.stdin, sys.stdout, sys.stderr
    descriptor = os.dup(0)
    read, write = os.pipe()
    os.write(write, stdin[:60_000])
    os.close(write)
    os.dup2(read, 0)
    os.close(read)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - over descriptor 0, which stays
    # Both are held to the end, as they close what they write to when they go.
    sys.stdout = printed = io.TextIOWrapper(out, "utf-8", "strict")
    sys.stderr = messages = io.TextIOWrapper(err, "utf-8", "backslashreplace")
    try:
        code = main(argv)
    finally:
        sys.stdin.close()
        sys.stdin, sys.stdout, sys.stderr = streams
        os.dup2(descriptor, 0)
        os.close(descriptor)
    printed.flush()
    messages.flush()
    return code, out.getvalue(), err.getvalue().decode("utf-8", "replace")


def _contents(folder: Path) -> set[bytes]:
    """What the pictures in a folder hold, wherever they lie."""
    return {
        file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not file.is_symlink() and not file.name.endswith((".xmp", ".csv"))
    }


def _check_output(argv: list[str], code: int, out: bytes) -> None:
    if (
        code == 2
        or "score" not in argv[:1]
        or "--help" in argv
        or "--output" in argv
        or "-o" in argv
    ):
        return
    formats = [argv[i + 1] for i, word in enumerate(argv[:-1]) if word == "--format"]
    if formats[-1:] == ["json"]:
        rows = json.loads(out)
    elif formats[-1:] == ["jsonl"]:
        rows = [json.loads(line) for line in out.splitlines()]
    else:
        assert b"\x1b" not in out or formats[-1:] == ["csv"], out
        return
    for row in rows:
        assert (row["score"] is None) == (row["error"] is not None), row
        assert row["score"] is None or 0 <= row["score"] <= 100, row
