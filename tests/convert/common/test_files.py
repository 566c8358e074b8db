from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from convert.common.files import prepare_targets, write_bytes, write_json, write_text


def test_replaces_whole_and_leaves_nothing_beside(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    target.write_bytes(b"old")
    write_bytes(target, b"new" * 1000)
    assert target.read_bytes() == b"new" * 1000
    assert os.listdir(tmp_path) == ["out.bin"]
    mask = os.umask(0)
    os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_failure_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out.txt"
    write_text(target, "ä old")

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        write_text(target, "new")
    assert target.read_text(encoding="utf-8") == "ä old"
    assert os.listdir(tmp_path) == ["out.txt"]


def test_json_refuses_what_json_cannot_say(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": [1, "ö"]})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"b": [1, "ö"]}
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "nan.json", float("nan"))
    assert not (tmp_path / "nan.json").exists()


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"the folder .*nowhere is missing"):
        write_text(tmp_path / "nowhere" / "x.txt", "")


def test_targets_are_prepared(tmp_path: Path) -> None:
    prepare_targets(None, "-", tmp_path / "a" / "b" / "x.json", tmp_path / "y.csv")
    assert (tmp_path / "a" / "b").is_dir()
    assert os.listdir(tmp_path) == ["a"]
    with pytest.raises(OSError, match="it is a folder"):
        prepare_targets(tmp_path / "a")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot create the folder"):
        prepare_targets(tmp_path / "file" / "x.json")
