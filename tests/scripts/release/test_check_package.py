"""The package is checked for real, and what is wrong with one is found."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import zipfile
from pathlib import Path

import pytest

from edgeiqa._version import __version__
from scripts.release import check_package
from scripts.release.check_package import CheckError, contents, main, size, twine

NEEDED = ("hatchling", "twine", "check_wheel_contents")
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in NEEDED), reason="needs the extra test"
)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    assert main(["--dist", str(folder), "--only", "build", "twine", "contents", "size"]) == 0
    return folder


@pytest.mark.slow
def test_the_package_is_built_alike_twice_and_well_formed(dist: Path) -> None:
    found = json.loads((dist / "checks.json").read_text())
    assert set(found["build"]) == {
        f"edgeiqa-{__version__}-py3-none-any.whl",
        f"edgeiqa-{__version__}.tar.gz",
    }
    assert all(line.endswith("PASSED") for line in found["twine"]["said"])
    assert len(found["twine"]["said"]) == 2
    assert found["contents"]["said"].endswith("OK")
    assert found["size"]["bytes"] <= 10_000_000


def spoilt(good: Path, bad: Path, name: str, data: bytes) -> None:
    """A copy of a wheel with one more file, listed as it should be."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(bad, "w") as new:
        for one in old.infolist():
            content = old.read(one)
            if one.filename.endswith("/RECORD"):
                content += f"{name},sha256={digest},{len(data)}\n".encode()
            new.writestr(one, content)
        new.writestr(name, data)


@pytest.mark.slow
def test_faulty_wheels_are_found(
    dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (good,) = dist.glob("*.whl")
    bad = tmp_path / good.name
    spoilt(good, bad, "edgeiqa/once_more.py", zipfile.ZipFile(good).read("edgeiqa/cli/main.py"))
    with pytest.raises(CheckError, match="once_more"):
        contents(tmp_path)
    spoilt(good, bad, "tests/test_x.py", b"x = 1\n")
    with pytest.raises(CheckError, match="tests"):
        contents(tmp_path)
    bad.write_bytes(b"no wheel")
    with pytest.raises(CheckError):
        twine(tmp_path)
    monkeypatch.setattr(check_package, "MAX_BYTES", 7)
    with pytest.raises(CheckError, match="expected at most 10"):
        size(tmp_path)
    bad.unlink()
    assert main(["--dist", str(tmp_path), "--only", "size"]) == 1
    assert "0 wheels of edgeiqa" in capsys.readouterr().err


@pytest.mark.slow
def test_it_installs_where_there_is_no_network_and_is_told_in_a_bill(dist: Path) -> None:
    steps = ("wheelhouse", "offline", "sbom")
    assert main(["--dist", str(dist), "--only", *steps]) == 0
    found = json.loads((dist / "checks.json").read_text())
    assert found["offline"]["photographs"] == 12
    document = json.loads((dist / found["sbom"]["file"]).read_text())
    assert document["specVersion"] == "1.6"
    packages = {one["name"]: one for one in document["components"]}
    assert {"ai-edge-litert", "numpy", "pillow"} <= packages.keys()
    assert not {"pip", "setuptools", "tensorflow", "torch"} & packages.keys()
    for one in packages.values():
        assert len(one["hashes"][0]["content"]) == 64
        assert one["licenses"]
    models = document["metadata"]["component"]["components"]
    assert [one["name"] for one in models] == ["edgeiqa-base", "edgeiqa-causes", "edgeiqa-nano"]
    # No path of the machine that made it.
    assert str(dist) not in json.dumps(document)
