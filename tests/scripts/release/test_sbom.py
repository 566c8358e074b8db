"""The bill of materials names our networks, and the wheels that were installed."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from edgeiqa.inference.contract import read
from edgeiqa.inference.model import find
from scripts.release.sbom import completed, networks, wheel_identity, write


def wheel(folder: Path, name: str, version: str, licence: str = "", **files: bytes) -> Path:
    path = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{licence}"
        archive.writestr(f"{name}-{version}.dist-info/METADATA", metadata)
        for file, data in files.items():
            archive.writestr(f"edgeiqa/assets/models/{file}.tflite", data)
    return path


def component(name: str, version: str) -> dict:
    return {"type": "library", "bom-ref": f"{name}=={version}", "name": name, "version": version}


@pytest.fixture
def wheels(tmp_path: Path) -> list[Path]:
    base = find("base").read_bytes()
    causes = find("causes").read_bytes()
    return [
        wheel(tmp_path, "edgeiqa", "1.0", base=base, causes=causes),
        wheel(tmp_path, "Some_Package", "2.1", "License: 3-Clause\n  BSD License\n"),
    ]


def test_networks_have_checksum_licence_and_what_they_learnt_from(wheels: list[Path]) -> None:
    base, causes = networks(wheels[0])
    data = find("base").read_bytes()
    assert base["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}]
    assert base["version"] == read(data)[0].version
    assert base["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    for one in (base, causes):
        assert one["type"] == "machine-learning-model"
        names = [d["name"] for d in one["modelCard"]["modelParameters"]["datasets"]]
        assert any("BIQ2021" in name for name in names)


def test_packages_get_the_hash_of_their_wheel(wheels: list[Path]) -> None:
    assert wheel_identity(wheels[1]) == ("some-package", "2.1")
    found = {**component("some.package", "2.1"), "externalReferences": [{"url": "file:///x"}]}
    document = {"metadata": {}, "components": [component("edgeiqa", "1.0"), found]}
    done = completed(document, wheels[0], wheels)
    assert done["metadata"]["component"]["name"] == "edgeiqa"
    assert len(done["metadata"]["component"]["components"]) == 2
    (other,) = done["components"]
    content = hashlib.sha256(wheels[1].read_bytes()).hexdigest()
    assert other["hashes"] == [{"alg": "SHA-256", "content": content}]
    assert other["licenses"] == [{"license": {"name": "3-Clause BSD License"}}]
    assert other["externalReferences"] == []


def test_a_package_of_unknown_origin_is_refused(wheels: list[Path]) -> None:
    document = {"metadata": {}, "components": [component("stranger", "1")]}
    with pytest.raises(ValueError, match="no wheel of stranger 1 is there"):
        completed(document, wheels[0], wheels)
    with pytest.raises(ValueError, match="edgeiqa is not among the packages"):
        completed({"metadata": {}, "components": []}, wheels[0], wheels)


def test_the_same_document_is_the_same_bytes(tmp_path: Path) -> None:
    write({"b": 1, "a": {"d": "ü", "c": 2}}, tmp_path / "one")
    write({"a": {"c": 2, "d": "ü"}, "b": 1}, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
