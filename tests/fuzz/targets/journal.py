"""Journals that were edited by hand, resumed while the folder changes, in every format."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from edgeiqa.batch.journal import Journal
from edgeiqa.batch.resume import Resumption
from edgeiqa.batch.settings import Fingerprint
from edgeiqa.errors import OutputError
from edgeiqa.files.atomic import PART
from edgeiqa.imaging.discovery import expand
from edgeiqa.results.parquet import ParquetWriter
from edgeiqa.results.reader import read_results
from edgeiqa.results.row import Row
from edgeiqa.results.writers import WRITERS
from tests.fuzz.draw import Draw
from tests.fuzz.target import DrawnTarget, has_text, scratch

_SETTINGS = Fingerprint("nano 0.1.0", "exact", "0" * 16)
_KEYS = (
    *("path", "score", "std", "causes", "accept", "reasons", "error", "model", "width", "height"),
    *("taken", "attributes", "bytes", "mtime_ns", "mode", "settings", "map", "new"),
)
_VALUES: tuple[Any, ...] = (
    *(
        None,
        "",
        "x",
        "=x",
        "\udcff",
        "a\r\nb",
        "x" * 5000,
        True,
        False,
        0,
        1,
        -1,
        50.5,
        1e308,
        10**40,
    ),
    *(
        [],
        ["blur"],
        [{"cause": "blur", "value": 0.5}],
        [[]],
        {},
        {"blur": 0.5},
        {"blur": "x"},
        {"": 1},
    ),
    *({"x": None}, [{"cause": "blur", "value": None, "threshold": 0.1, "decisive": False}], "true"),
)


class EditedJournal(DrawnTarget):
    """A journal whose rows were edited, and a folder in which files came and went."""

    name = "journal"
    about = (
        "Journals whose rows were edited value by value, resumed over folders in which files came, "
        "went, became empty or unreachable, then written in every format: no traceback, no path "
        "twice, no valid score lost without proof"
    )
    length = 90

    def open(self) -> None:
        """Makes a folder to work in."""
        self._folder = scratch()
        self._root = Path(self._folder.name)

    def close(self) -> None:
        """Removes it."""
        self._folder.cleanup()

    def run(self, data: bytes) -> str:
        """Makes a journal, changes it and the folder, and resumes it."""
        draw = Draw(data)
        for name in ("photos", "away", "out.jsonl"):
            shutil.rmtree(self._root / name, ignore_errors=True)
            (self._root / name).unlink(missing_ok=True)
        photos = self._root / "photos"
        for name in ("a/1.jpg", "a/2.jpg", "a/b/3.jpg", "c/4.jpg"):
            (photos / name).parent.mkdir(parents=True, exist_ok=True)
            (photos / name).write_bytes(b"x")
        self._resume(photos)
        edited = self._edit(draw)
        self._change(photos, draw)
        valid = self._valid_scores()
        try:
            rows = self._resume(photos)
        except OutputError as error:
            has_text(error)
            return "refused"
        paths = [row.path for row in rows]
        assert len(set(paths)) == len(paths), "a path twice"
        lost = [
            path
            for path in valid - {row.path for row in rows if row.error is None}
            if not os.path.exists(path) and not any(Path(path).parent.glob("*"))
            if Path(path).parent.is_dir()
        ]
        assert not lost, f"scores of {lost} are lost, and their folder is empty"
        self._write(rows)
        assert not [name for name in os.listdir(self._root) if name.endswith(PART)]
        return f"{min(edited, 3)} edited, {len(rows)} rows"

    def _resume(self, photos: Path) -> list[Row]:
        with Journal(str(self._root / "out.jsonl")) as journal:
            work = Resumption(journal, _SETTINGS, [str(photos)])
            work.check_settings()
            for job in work.jobs(expand([str(photos)])):
                missing = None if os.path.exists(job.path) else "no such file"
                error = job.error or missing
                row = (
                    Row(job.path, error=error) if error else Row(job.path, 50.0, 5.0, {"blur": 0.1})
                )
                work.record(job, row)
            return list(work.finish())

    def _edit(self, draw: Draw) -> int:
        file = self._root / "out.jsonl"
        documents = [json.loads(line) for line in file.read_text().splitlines()]
        edits = draw.integer(0, 4)
        for _ in range(edits):
            document, key = draw.choice(documents), draw.choice(_KEYS)
            if draw.chance(4):
                document.pop(key, None)
            else:
                document[key] = draw.choice(_VALUES)
        lines = [json.dumps(document) for document in documents]
        if draw.chance(4):
            lines.insert(draw.integer(0, len(lines)), draw.piece(20).decode("latin-1"))
        if draw.chance(8):
            lines.append('{"path": ' + "[" * 10_000)
        file.write_text("\n".join(lines) + draw.choice(("\n", "\n", "", "\0\0")), "utf-8")
        return edits

    def _change(self, photos: Path, draw: Draw) -> None:
        for _ in range(draw.integer(0, 2)):
            folder = photos / draw.choice(("a", "a/b", "c"))
            kind = draw.integer(0, 4)
            if not folder.is_dir() or folder.is_symlink():
                continue
            if kind == 0:
                shutil.rmtree(folder)
            elif kind == 1:  # As a drive that is not mounted.
                shutil.rmtree(folder)
                folder.mkdir()
            elif kind == 2:
                shutil.rmtree(folder)
                folder.symlink_to(self._root / "away")
            else:
                for path in list(folder.glob("*.jpg"))[: kind - 2]:
                    path.unlink()

    def _valid_scores(self) -> set[str]:
        """What the journal has, read as the report reads it."""
        from edgeiqa.errors import ResultsError

        try:
            rows = list(read_results(str(self._root / "out.jsonl")))
        except ResultsError:
            return set()
        return {row.path for row in rows if row.error is None and self._is_ours(row)}

    def _is_ours(self, row: Row) -> bool:
        ours = row.path.startswith(str(self._root / "photos"))
        return ours and row.extra.get("settings") == _SETTINGS.digest

    def _write(self, rows: list[Row]) -> None:
        for name, kind in WRITERS.items():
            file = self._root / f"written.{name}"
            with open(file, "w", encoding="utf-8", errors="backslashreplace", newline="") as text:
                writer = kind(text)
                for row in rows:
                    writer.write(row)
                writer.finish("")
            if name != "table" and rows:
                assert len(list(read_results(str(file)))) == len(rows), name
        with open(self._root / "written.parquet", "wb") as binary:
            parquet = ParquetWriter(binary, journal=True)
            for row in rows:
                parquet.write(row)
            parquet.finish("")
        assert len(list(read_results(str(self._root / "written.parquet")))) == len(rows)
