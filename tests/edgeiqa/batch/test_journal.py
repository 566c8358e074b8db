"""A journal keeps every whole line, whatever happened to its end."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeiqa.batch.journal import Journal
from edgeiqa.errors import OutputError
from edgeiqa.results.row import Row, json_line
from tests.edgeiqa.batch.trees import ENVIRONMENT


def row(path: str, score: float = 50.0, error: str | None = None) -> Row:
    return Row(path, score) if error is None else Row(path, error=error)


def line(one: Row) -> str:
    return json_line(one.to_dict()) + "\n"


def write(file: Path, rows: list[Row]) -> list[Row]:
    """One run over all rows; returns what the journal then holds."""
    with Journal(str(file)) as journal:
        for one in rows:
            claimed = journal.claim(one.path)
            assert claimed is not None
            journal.append(claimed[0], one)
        return list(journal.finish())


def paths(file: Path) -> list[str]:
    return [json.loads(line)["path"] for line in file.read_text().splitlines()]


def test_rows_end_in_the_order_of_the_listing_whenever_they_came(tmp_path: Path) -> None:
    file = tmp_path / "j.jsonl"
    with Journal(str(file)) as journal:
        numbers = {}
        for name in "abcd":
            claimed = journal.claim(name)
            assert claimed is not None
            numbers[name] = claimed[0]
        for name in "cadb":
            journal.append(numbers[name], row(name))
        assert paths(file) == list("cadb")
        assert [one.path for one in journal.finish()] == list("abcd")
    assert paths(file) == list("abcd")
    assert [p.name for p in tmp_path.iterdir()] == ["j.jsonl"]


def test_what_is_in_order_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "j.jsonl"
    write(file, [row("a"), row("b")])
    inode = file.stat().st_ino
    with Journal(str(file)) as journal:
        for name in "ab":
            claimed = journal.claim(name)
            assert claimed is not None
            assert claimed[1] == row(name)
        list(journal.finish())
    assert file.stat().st_ino == inode


def test_the_later_line_counts_and_stays_alone(tmp_path: Path) -> None:
    file = tmp_path / "j.jsonl"
    file.write_text("".join(line(one) for one in (row("a", 1), row("b"), row("a", 2))))
    with Journal(str(file)) as journal:
        claimed = journal.claim("a")
        assert claimed is not None
        assert claimed[1] == row("a", 2)
        assert journal.claim("a") is None
        assert [one.path for one in journal.unclaimed_rows()] == ["b"]
        assert list(journal.finish()) == [row("a", 2), row("b")]
    assert len(file.read_text().splitlines()) == 2


def test_what_is_gone_goes(tmp_path: Path) -> None:
    file = tmp_path / "j.jsonl"
    write(file, [row("a"), row("b"), row("c")])
    with Journal(str(file)) as journal:
        assert journal.claim("c") is not None
        assert list(journal.finish({"a"})) == [row("c"), row("b")]


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 400), junk=st.sampled_from([b"", b"\0" * 50, b"\xff\xfe", b'{"path": "']))
def test_a_torn_end_is_cut_off_and_no_more(
    tmp_path_factory: pytest.TempPathFactory, cut: int, junk: bytes
) -> None:
    file = tmp_path_factory.mktemp("torn") / "j.jsonl"
    whole = b"".join(line(row(f"{n}é.jpg")).encode() for n in range(6))
    torn = whole[: min(cut, len(whole))]
    if b"\n" not in torn and junk.strip(b"\0"):
        return  # That might be anything, see below.
    file.write_bytes(torn + junk)
    kept = torn[: torn.rfind(b"\n") + 1]
    if torn.endswith(b"}") and not junk:  # Only the end of the line is missing.
        kept = torn + b"\n"
    with Journal(str(file)) as journal:
        assert file.read_bytes() == kept
        assert len([one.path for one in journal.unclaimed_rows()]) == kept.count(b"\n")
        assert journal.damaged == 0


def test_damage_in_the_middle_costs_its_lines_only(tmp_path: Path) -> None:
    file = tmp_path / "j.jsonl"
    lines = [line(row(name)).strip() for name in "abc"]
    file.write_text(f"{lines[0]}\n{lines[1][:9]}\n\0\0\0\n{lines[2]}\n")
    with Journal(str(file)) as journal:
        assert ([one.path for one in journal.unclaimed_rows()], journal.damaged) == (["a", "c"], 2)
        assert list(journal.finish()) == [row("a"), row("c")]
    assert paths(file) == ["a", "c"]


@pytest.mark.parametrize("content", ["my notes\n", "my notes", '{"name": "config"}\n', "[\n]\n"])
def test_what_is_no_journal_is_left_alone(tmp_path: Path, content: str) -> None:
    file = tmp_path / "notes"
    file.write_text(content)
    with pytest.raises(OutputError, match="first line"):
        Journal(str(file))
    assert file.read_text() == content


def test_places_that_cannot_be_written_say_so(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        Journal(str(tmp_path))
    with pytest.raises(OutputError):
        Journal(str(tmp_path / "no" / "j.jsonl"))


@pytest.mark.skipif(os.name == "nt", reason="locks of Unix")
def test_there_is_one_writer_at_a_time_even_after_the_file_was_replaced(tmp_path: Path) -> None:
    file = tmp_path / "j.jsonl"
    with Journal(str(file)) as journal:
        claims = [journal.claim(name) for name in "ab"]
        for claimed in reversed(claims):
            assert claimed is not None
            journal.append(claimed[0], row("ab"[claimed[0]]))
        with pytest.raises(OutputError, match="another edgeiqa"):
            Journal(str(file))
        inode = file.stat().st_ino
        list(journal.finish())
        assert file.stat().st_ino != inode
        with pytest.raises(OutputError, match="another edgeiqa"):
            Journal(str(file))
        with pytest.raises(RuntimeError, match="finished"):
            journal.finish()
    Journal(str(file)).close()


@pytest.mark.skipif(os.name == "nt", reason="links of Unix")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to("real.jsonl")
    with Journal(str(tmp_path / "link.jsonl")) as journal:
        claims = [journal.claim(name) for name in "ab"]
        for claimed in reversed(claims):
            assert claimed is not None
            journal.append(claimed[0], row("ab"[claimed[0]]))
        list(journal.finish())
    assert (tmp_path / "link.jsonl").is_symlink()
    assert paths(tmp_path / "real.jsonl") == ["a", "b"]


def test_odd_paths_come_back_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "j.jsonl"
    odd = ["\udcff.jpg", "a\nb.jpg", "\x1b[31m.jpg", "é.jpg", '"\\.jpg']
    write(file, [row(path, error="\udcfe") for path in odd])
    with Journal(str(file)) as journal:
        assert [one.path for one in journal.unclaimed_rows()] == odd


_KILLED = """
import os, signal, sys
from edgeiqa.batch import journal
from edgeiqa.results.row import Row
moment = sys.argv[2]
replace, fsync = os.replace, os.fsync
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
if moment == "before": os.replace = die
if moment == "after": os.replace = lambda *a: (replace(*a), die())
with journal.Journal(sys.argv[1]) as one:
    claims = {name: one.claim(name)[0] for name in ("b", "a", "new")}
    one.append(claims["new"], Row("new", 3.0))
    one.append(claims["a"], Row("a", 4.0))
    list(one.finish())
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_while_it_is_put_in_order(tmp_path: Path, moment: str) -> None:
    file = tmp_path / "j.jsonl"
    write(file, [row("a"), row("b")])
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(file), moment], env=ENVIRONMENT, timeout=60, check=False
    )
    assert done.returncode == -9
    whole = ["b", "a", "new"] if moment == "after" else ["a", "b", "new", "a"]
    assert paths(file) == whole
    with Journal(str(file)) as journal:
        for name in ("b", "a", "new"):
            assert journal.claim(name) is not None
        rows = list(journal.finish())
    assert rows == [row("b"), row("a", 4.0), row("new", 3.0)]
    assert [p.name for p in tmp_path.iterdir()] == ["j.jsonl"]


@pytest.mark.parametrize(
    "edited",
    [
        {"score": None},
        {"score": "high"},
        {"score": 101},
        {"settings": ["0"]},
        {"causes": 7},
        {"causes": {"blur": 2}},
        {"reasons": [7]},
        {"accept": "maybe"},
        {"path": ""},
        {"path": 5},
    ],
)
def test_an_edited_row_is_scored_again(tmp_path: Path, edited: dict[str, object]) -> None:
    file = tmp_path / "j.jsonl"
    bad = json.dumps({**row("b").to_dict(), **edited})
    file.write_text(f"{line(row('a'))}{bad}\n{line(row('c'))}")
    with Journal(str(file)) as journal:
        assert [one.path for one in journal.unclaimed_rows()] == ["a", "c"]
        assert journal.damaged == 1
        list(journal.finish())
    assert paths(file) == ["a", "c"]


@pytest.mark.parametrize(
    ("key", "value"), [("bytes", "5"), ("mtime_ns", 1.5), ("mtime_ns", 1 << 63), ("mode", {})]
)
def test_an_edited_stamp_leaves_the_score(tmp_path: Path, key: str, value: object) -> None:
    file = tmp_path / "j.jsonl"
    file.write_text(json.dumps({**row("a").to_dict(), key: value}) + "\n")
    with Journal(str(file)) as journal:
        (read,) = journal.unclaimed_rows()
    assert read == replace(row("a"), extra={key: None})


@pytest.mark.parametrize(
    "text",
    [
        '{"path": "b", "score": ' + "[" * 99_999,
        '{"path": "b", "x": ' + '{"x": ' * 99_999,
        "[]",
        "7",
    ],
    ids=["deep list", "deep object", "list", "number"],
)
def test_a_line_that_is_no_row_is_dropped(tmp_path: Path, text: str) -> None:
    file = tmp_path / "j.jsonl"
    file.write_text(f"{line(row('a'))}{text}\n{line(row('c'))}")
    with Journal(str(file)) as journal:
        assert [one.path for one in journal.unclaimed_rows()] == ["a", "c"]


@pytest.mark.parametrize("missing", ["accept", "causes", "reasons", "std"])
@pytest.mark.parametrize("as_null", [False, True])
def test_keys_that_an_editor_removed_are_as_null(
    tmp_path: Path, missing: str, as_null: bool
) -> None:
    file = tmp_path / "j.jsonl"
    document = row("a").to_dict()
    document.pop(missing)
    if as_null:
        document[missing] = None
    file.write_text(json.dumps(document) + "\n")
    with Journal(str(file)) as journal:
        assert list(journal.unclaimed_rows()) == [row("a")]


def appended(journal: Journal, name: str) -> None:
    claimed = journal.claim(name)
    assert claimed is not None
    journal.append(claimed[0], row(name))


@pytest.mark.skipif(os.name == "nt", reason="open files of Unix")
def test_a_file_that_is_deleted_meanwhile_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeiqa.batch.journal.SYNC_S", 0.0)
    file = tmp_path / "j.jsonl"
    write(file, [row("a")])
    with Journal(str(file)) as journal:
        appended(journal, "b")
        file.unlink()
        appended(journal, "c")
        assert paths(file) == ["a", "b", "c"]
        appended(journal, "d")
        file.unlink()
        assert [one.path for one in journal.finish()] == ["b", "c", "d", "a"]
    assert paths(file) == ["b", "c", "d", "a"]
    with Journal(str(file)) as journal:
        appended(journal, "e")
        file.unlink()
    assert paths(file) == ["b", "c", "d", "a", "e"]


@pytest.mark.skipif(os.name == "nt", reason="open files of Unix")
@pytest.mark.parametrize("at_the_end", [False, True])
def test_a_file_that_is_replaced_meanwhile_stays_and_the_rows_are_rescued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_the_end: bool
) -> None:
    monkeypatch.setattr("edgeiqa.batch.journal.SYNC_S", 99.0 if at_the_end else 0.0)
    file = tmp_path / "j.jsonl"
    write(file, [row("a")])
    journal = Journal(str(file))
    appended(journal, "b")
    (tmp_path / "new").write_text("an editor's")
    (tmp_path / "new").replace(file)
    with pytest.raises(OutputError) as caught:
        journal.finish() if at_the_end else appended(journal, "c")
    journal.close()
    assert file.read_text() == "an editor's"
    (rescued,) = (path for path in tmp_path.iterdir() if path != file)
    assert str(rescued) in str(caught.value)
    assert paths(rescued) == (["a", "b"] if at_the_end else ["a", "b", "c"])


@pytest.mark.parametrize("change", ["shorter", "longer"])
def test_a_file_that_is_changed_meanwhile_stops_the_run(tmp_path: Path, change: str) -> None:
    file = tmp_path / "j.jsonl"
    with Journal(str(file)) as journal:
        appended(journal, "a")
        with file.open("r+") as stream:
            stream.truncate(3) if change == "shorter" else stream.write(line(row("x")) * 2)
        with pytest.raises(OutputError, match="changed by another program"):
            journal.finish()


def test_lines_that_came_in_order_are_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "j.jsonl"
    write(file, [row("a")])
    inode = file.stat().st_ino
    with Journal(str(file)) as journal:
        assert journal.claim("a") is not None
        appended(journal, "b")
        appended(journal, "c")
        assert [one.path for one in journal.finish()] == ["a", "b", "c"]
    assert file.stat().st_ino == inode


def test_a_line_that_does_not_fit_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "j.jsonl"
    os_write = os.write

    def full(descriptor: int, data: memoryview) -> int:
        if len(data) > 20:
            return os_write(descriptor, data[:20])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Journal(str(file)) as journal:
        appended(journal, "a")
        content = file.read_bytes()
        claimed = journal.claim("b")
        assert claimed is not None
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises(OutputError, match=os.strerror(errno.ENOSPC)):
                journal.append(claimed[0], row("b"))
        assert file.read_bytes() == content
        journal.append(claimed[0], row("b"))
        assert [one.path for one in journal.finish()] == ["a", "b"]


def test_lines_are_forced_to_the_disk_every_so_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with Journal(str(tmp_path / "j.jsonl")) as journal:
        appended(journal, "a")
        now += 4.9
        appended(journal, "b")
        assert synced == []
        now += 0.1
        appended(journal, "c")
        assert len(synced) == 1
        now += 4.9
        appended(journal, "d")
        assert len(synced) == 1
