"""Files of results that somebody else wrote, for the report and for a run that resumes them."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

from edgeiqa.batch.journal import Journal
from edgeiqa.cli.main import main
from edgeiqa.errors import OutputError
from edgeiqa.files.atomic import PART
from edgeiqa.gating.gate import Gate
from edgeiqa.quality import Quality
from edgeiqa.results.parquet import ParquetWriter
from edgeiqa.results.row import Row
from edgeiqa.results.writers import WRITERS
from tests.fuzz.target import Target, has_text, scratch

_CODES = (0, 2, 3)
_NAMES = ("a.jpg", "b/<img src=x onerror=alert(1)>.jpg", "b/odd\udcff\u2028.jpg", "</script>.png")


class Results(Target):
    """`edgeiqa report` and the journal of `edgeiqa score --resume`."""

    name = "results"
    about = (
        "Results as JSON lines, JSON, CSV and Parquet, mutated: `edgeiqa report` makes a page "
        "without foreign scripts, or refuses; a journal that opens has each path once after "
        "`finish`"
    )
    doublings = 2
    tokens = (
        *(b'"path"', b'"score"', b'"error"', b"null", b"1e999", b"NaN", b"-1", b"[[[[", b"{}"),
        *(
            b"</script>",
            b"<script>",
            b"<!--",
            b"]]>",
            b"'\"><svg onload=alert(1)>",
            b"\xe2\x80\xa8",
        ),
        *(b"\\ud83d", b"\\u0000", b"\0", b"\r\n", b";", b",", b'""', b"\xff\xfe", b"\xef\xbb\xbf"),
        *(b"PAR1", b"path,score,std,causes,accept,reasons,error\n", b"blur=0.5 noise=", b"1e5000"),
    )

    def seeds(self) -> Sequence[bytes]:
        """The same rows in every format."""
        rows = _rows()
        found = []
        for kind in ("jsonl", "json", "csv"):
            stream = io.StringIO()
            writer = WRITERS[kind](stream)
            for row in rows:
                writer.write(row)
            writer.finish("")
            found.append(stream.getvalue().encode("utf-8", "backslashreplace"))
        binary = io.BytesIO()
        parquet = ParquetWriter(binary)
        for row in rows:
            parquet.write(row)
        parquet.finish("")
        spreadsheet = found[2].decode("utf-8").replace(",", ";").encode("utf-16", "replace")
        return (*found, found[0], spreadsheet, binary.getvalue())

    def open(self) -> None:
        """Makes a folder, and the page of valid results to compare with."""
        self._folder = scratch()
        self._root = Path(self._folder.name)
        self._file, self._page = self._root / "in.results", self._root / "out.html"
        self._file.write_bytes(self.seeds()[0])
        assert self._report() == 3  # The photographs are not there.
        self._scripts = _shape(self._page.read_text("utf-8"))

    def close(self) -> None:
        """Takes it away."""
        self._folder.cleanup()

    def run(self, data: bytes) -> str:
        """Makes a page of it, and resumes it."""
        self._page.unlink(missing_ok=True)
        self._file.write_bytes(data)
        code = self._report()
        assert code in _CODES, f"exit code {code}"
        assert self._page.exists() == (code != 2)
        if code != 2:
            assert _shape(self._page.read_text("utf-8")) == self._scripts
        return f"report: exit {code}; {self._resumed(data)}"

    def _report(self) -> int:
        messages = io.StringIO()
        with contextlib.redirect_stderr(messages), contextlib.redirect_stdout(io.StringIO()):
            code = main(
                [
                    *("report", str(self._file), "--output", str(self._page)),
                    *("--root", str(self._root), "--thumbnails", "none"),
                    *("--no-duplicates", "--no-progress"),
                ]
            )
        assert code != 2 or messages.getvalue().strip(), "exit code 2 without a message"
        return code

    def _resumed(self, data: bytes) -> str:
        try:
            with Journal(str(self._file)) as journal:
                journal.finish()
        except OutputError as error:
            has_text(error)
            assert self._file.read_bytes() == data, "refused, and yet changed"
            return "journal refused"
        rows = [json.loads(line) for line in self._file.read_bytes().split(b"\n")[:-1]]
        paths = [row["path"] for row in rows]
        assert len(set(paths)) == len(paths), "a path twice"
        assert sorted(path.name for path in self._root.iterdir() if path.name.endswith(PART)) == []
        return "journal"


class _Shape(HTMLParser):
    """Counts what could run."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0
        self.handlers = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag in ("script", "iframe", "object", "embed", "base", "link")
        self.handlers += any(
            name.startswith("on") or (value or "").strip().lower().startswith("javascript:")
            for name, value in attrs
        )


def _shape(page: str) -> tuple[int, int]:
    parser = _Shape()
    parser.feed(page)
    parser.close()
    return parser.scripts, parser.handlers


def _rows() -> list[Row]:
    gate = Gate("normal", thresholds={"normal": 57.5}, limits={"normal": {"blur": 0.5}})
    rows = [Row("gone.jpg", error='damaged <b onclick="x">')]
    for number, name in enumerate(_NAMES):
        quality = Quality(20.0 * number + 3, 5.5, causes={"blur": 0.2 * number, "noise": 0.125})
        rows.append(Row.scored(name, quality, gate(quality)))
    return rows
