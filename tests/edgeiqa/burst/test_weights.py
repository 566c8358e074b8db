"""The file of burst weights has a contract, and nothing else is accepted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeiqa.burst.ranking import TERMS, burst_weights
from edgeiqa.burst.weights import FILE, load_weights
from edgeiqa.errors import ModelError


def test_the_shipped_weights() -> None:
    found = burst_weights()
    assert (found.name, found.version, found.model) == ("burst", "0.1.0", "base")
    assert found.training["command"].startswith("python -m convert burst-weights")
    assert json.loads(FILE.read_text()) == found.to_dict()


def change(key: str, value: Any) -> Callable[[dict], None]:
    def apply(document: dict) -> None:
        document[key] = value

    return apply


def drop_a_term(document: dict) -> None:
    del document["weights"]["noise"]


def move_a_weight(document: dict) -> None:
    document["weights"]["noise"] = 1.0


def infinite_weight(document: dict) -> None:
    document["weights"]["noise"] = float("inf")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change("format", 2), "format 1"),
        (change("version", "9"), "checksum"),
        (change("weights", [1]), "damaged"),
        (change("training", None), "damaged"),
        (drop_a_term, "expected weights for"),
        (move_a_weight, "checksum"),
        (infinite_weight, "not finite"),
        (lambda document: document.pop("sha256"), "damaged"),
    ],
)
def test_another_file_is_refused(
    damage: Callable[[dict], None], message: str, tmp_path: Path
) -> None:
    document = json.loads(FILE.read_text())
    damage(document)
    path = tmp_path / "burst.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ModelError, match=message) as error:
        load_weights(TERMS, path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff"])
def test_no_json_object_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "burst.json"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="burst"):
        load_weights(TERMS, path)
    with pytest.raises(ModelError, match="No such file"):
        load_weights(TERMS, tmp_path / "missing.json")
