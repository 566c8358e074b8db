"""Model files: the contract at their end, mutated as bytes and as JSON."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgeiqa.inference.contract import ENTRY, ContractError, append, from_json, read, to_json
from edgeiqa.inference.model import available_models, find
from edgeiqa.quality import quality_from_outputs
from tests.fuzz.draw import Draw
from tests.fuzz.target import Target, has_text

BARE = b"\x1c\0\0\0TFL3" + bytes(56)
"""Stands for a network: the reader looks at its identifier, length and checksum alone."""

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 10**30, 10**400, -(10**310), 0.5, -0.0, 1e308, 5e-324),
    *("", "x", "linear", "sigmoid", "scalar", "histogram", "\ud800", "a\0b", "\u202e", "9" * 5000),
    *([], [[]], [1], [{}], ["global"], ["patch"] * 100, {}, {"": None}, {"blur": 0.5}),
    *([[[[[[]]]]]], [0.1, 0.2], [1, 0], [float("inf")], [None] * 3, {"normal": 50}, [["a"], ["a"]]),
)


class Contracts(Target):
    """Tails of real models, behind a network of a few bytes."""

    name = "contract"
    about = (
        "the contracts of the shipped models, mutated as bytes, as JSON and value by value, "
        "through `contract.read`, `to_json`, and `quality_from_outputs` where they are accepted"
    )
    tokens = (
        *(b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6", b"edgeiqa.json", b"TFL3", b'{"format":1'),
        *(b"NaN", b"Infinity", b"-Infinity", b"1e999", b"null", b"true", b"[" * 50, b"\\ud800"),
    )

    def seeds(self) -> Sequence[bytes]:
        """Small model files, and their documents."""
        found = []
        for name in (*available_models(), "causes"):
            contract, _ = read(find(name).read_bytes())
            file = append(BARE, contract)
            found += [b"\0" + file, b"\1" + to_json(read(file)[0]).encode()]
            found += [b"\2" + bytes(80)] * 2
        return found

    def make(self, rng: Any) -> bytes:
        """Mutated bytes; where they are choices, random ones."""
        data = super().make(rng)
        return b"\2" + rng.randbytes(80) if data[:1] == b"\2" else data

    def open(self) -> None:
        """Reads the documents that values are changed in."""
        self._documents = []
        for name in (*available_models(), "causes"):
            contract, _ = read(find(name).read_bytes())
            self._documents.append(to_json(read(append(BARE, contract))[0]))

    def run(self, data: bytes) -> str:
        """Reads a file: the bytes themselves, a document of these bytes, or a changed one."""
        kind = data[0] % 3 if data else 0
        if kind == 0:
            file = data[1:]
        elif kind == 1:
            file = _packed(data[1:])
        else:
            file = _packed(self._changed(Draw(data[1:])))
        try:
            contract, flatbuffer = read(file)
        except ContractError as error:
            has_text(error)
            return "ContractError"
        assert hashlib.sha256(flatbuffer).hexdigest() == contract.flatbuffer_sha256.lower()
        try:
            assert from_json(to_json(contract)) == contract
        except ContractError:
            return "contract that JSON cannot say"
        if contract.detects_causes:
            return "contract of causes"
        rng = np.random.default_rng(len(file))
        outputs = {spec.name: rng.normal(0, 10, spec.values or 3) for spec in contract.outputs}
        try:
            quality = quality_from_outputs(outputs, contract)
        except ValueError:
            return "contract, no score"
        assert 0 <= quality.score <= 100, quality
        assert quality.std is None or quality.std >= 0, quality
        return "contract"

    def _changed(self, draw: Draw) -> bytes:
        document = json.loads(draw.choice(self._documents))
        for _ in range(draw.integer(1, 3)):
            place, key = self._place(document, draw)
            change = draw.integer(0, 5)
            if change == 0:
                del place[key]
            elif change == 1 and isinstance(place, list):
                place.insert(key, place[key])
            else:
                place[key] = copy.deepcopy(draw.choice(VALUES))
            if not document:
                break
        text = json.dumps(document)
        if draw.chance(20):
            text = text.replace("1", "1" * draw.choice((2, 300, 5000)), 1)
        if draw.chance(40):
            text = "[" * 200_000 + text
        return text.encode(draw.choice(("utf-8", "utf-8", "utf-8", "utf-16", "utf-8-sig")))

    def _place(self, document: Any, draw: Draw) -> tuple[Any, Any]:
        """A container in the document and a key in it."""
        here, found = document, None
        while True:
            keys = list(here) if isinstance(here, dict) else range(len(here))
            found = here, draw.choice(keys)
            inner = here[found[1]]
            if not isinstance(inner, (dict, list)) or not inner or draw.chance(4):
                return found
            here = inner


def _packed(document: bytes) -> bytes:
    """A model file with this document, whatever it says."""
    file = io.BytesIO(BARE)
    file.seek(0, io.SEEK_END)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(ENTRY, document)
    return file.getvalue()
