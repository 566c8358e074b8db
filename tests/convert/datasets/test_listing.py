from __future__ import annotations

import json
from pathlib import Path

import pytest

from convert.__main__ import main
from convert.datasets import listing
from convert.datasets.registry import DATABASES
from tests.convert.datasets.layouts import make_spaq, make_tid


def test_what_is_here_and_what_is_not(tmp_path: Path) -> None:
    make_spaq(tmp_path)
    base = make_tid(tmp_path, "tid2013", 24, 5)
    (base / "mos_with_names.txt").unlink()
    by_name = {entry["name"]: entry for entry in listing.entries(tmp_path)}
    assert by_name.keys() == DATABASES.keys()
    assert by_name["spaq"]["found"] == "yes"
    assert by_name["tid2013"]["found"] == "partly"
    assert by_name["tid2013"]["missing"] == ["tid2013/mos_with_names.txt"]
    assert by_name["csiq"]["found"] == "no"
    assert by_name["live-challenge"]["trainable"] is False
    assert by_name["koniq10k"]["repeats"] == 1
    assert by_name["csiq"]["repeats"] == 10
    text = listing.table(tmp_path)
    assert all(name in text for name in DATABASES)
    assert "missing: tid2013/mos_with_names.txt" in text
    assert max(map(len, text.splitlines())) <= 110


def test_the_command_needs_no_data_root(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EDGEIQA_DATA", raising=False)
    assert main(["data", "--list"]) == 0
    assert "EDGEIQA_DATA" in capsys.readouterr().out
    assert main(["data", "--list", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert {entry["found"] for entry in entries} == {None}
    assert all(entry["terms"] and entry["where"] for entry in entries)
