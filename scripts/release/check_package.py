"""Builds the package and checks all that a release must be; run it before one.

Usage: python scripts/release/check_package.py [--dist dist] [--only STEP...]

build      sdist and wheel, twice: the same bytes (SOURCE_DATE_EPOCH, by default the last commit's)
twine      twine check --strict
contents   check-wheel-contents
size       the wheel, networks included, is at most 10 MB
wheelhouse the runtime's wheels in DIST/wheelhouse (needs a package index)
offline    installed from there into an empty environment, where there is no network at all: the
           sample photographs get the scores that they get here
sbom       DIST/edgeiqa-VERSION.cdx.json, a software bill of materials in CycloneDX 1.6: packages,
           licences, SHA-256, and the networks; checked against the schema (needs a package index
           for the tool, which is put into an environment of its own)

What is found goes into DIST/checks.json. Exit codes: 0 all is well, 1 something is not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.release import sbom  # noqa: E402

MAX_BYTES = 10_000_000
TOOL = ("cyclonedx-bom>=7", "cyclonedx-python-lib[json-validation]>=11")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")

_VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
sys.exit(None if error is None else f"not valid CycloneDX 1.6: {error}")
"""


class CheckError(Exception):
    """Something is not as a release must be; the text is for people."""


def said(words: Sequence[str | Path], **options: Any) -> str:
    """Runs a program; returns what it printed.

    Raises:
        CheckError: It failed, or is not installed.
    """
    settings: dict[str, Any] = {"cwd": ROOT, "check": False, "timeout": 600, **options}
    try:
        done = subprocess.run(
            [str(word) for word in words], capture_output=True, text=True, **settings
        )
    except OSError as error:
        raise CheckError(f"{words[0]}: {error.strerror}") from error
    if done.returncode:
        printed = (done.stdout + done.stderr).strip()
        raise CheckError(f"{' '.join(map(str, words[:6]))} ... failed:\n{printed[-2000:]}")
    return str(done.stdout)


def epoch() -> str:
    """Seconds since 1970 that files in the package are dated with."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return given
    try:
        return said(["git", "log", "-1", "--format=%ct"]).strip()
    except CheckError:  # No checkout, as in an unpacked sdist.
        return "1577836800"


def build(dist: Path) -> dict[str, Any]:
    """Builds sdist and wheel twice."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch()}
    with tempfile.TemporaryDirectory() as again:
        command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d"]
        for folder in (str(dist), again):
            said([*command, folder], env=environment)
        found = {}
        for file in sorted((*dist.glob("*.whl"), *dist.glob("*.tar.gz"))):
            data = file.read_bytes()
            if data != (Path(again) / file.name).read_bytes():
                raise CheckError(f"{file.name} comes out different when it is built again")
            found[file.name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return found


def our_wheel(dist: Path) -> Path:
    """The wheel that was built."""
    wheels = list(dist.glob("edgeiqa-*.whl"))
    if len(wheels) != 1:
        raise CheckError(f"{len(wheels)} wheels of edgeiqa in {dist}, expected one: build first")
    return wheels[0]


def twine(dist: Path) -> dict[str, Any]:
    """What an index would say about the metadata."""
    files = [str(our_wheel(dist)), *map(str, dist.glob("edgeiqa-*.tar.gz"))]
    words = [sys.executable, "-m", "twine", "--no-color", "check", "--strict", *files]
    return {"said": [line.rpartition("/")[2] for line in said(words).splitlines()]}


def contents(dist: Path) -> dict[str, Any]:
    """What commonly goes wrong with wheels."""
    wheel = our_wheel(dist)
    command = [sys.executable, "-m", "check_wheel_contents", str(wheel)]
    # W002 are duplicates. Licences lie beside what they are about and among the metadata, too.
    printed = said([*command, "--toplevel", "edgeiqa,edgeiqa_convert", "--ignore", "W002"])
    seen: dict[tuple[int, int], str] = {}
    with zipfile.ZipFile(wheel) as archive:
        for one in archive.infolist():
            if not one.file_size or ".dist-info/licenses/" in one.filename:
                continue
            other = seen.setdefault((one.CRC, one.file_size), one.filename)
            if other != one.filename:
                raise CheckError(f"the wheel has {other} once more as {one.filename}")
    return {"said": _last(printed)}


def size(dist: Path) -> dict[str, Any]:
    """The wheel is small."""
    bytes_ = our_wheel(dist).stat().st_size
    if bytes_ > MAX_BYTES:
        raise CheckError(f"the wheel has {bytes_ / 1e6:.1f} MB, expected at most 10")
    return {"bytes": bytes_, "most": MAX_BYTES}


def wheelhouse(dist: Path) -> dict[str, Any]:
    """Fetches what the runtime needs, as wheels."""
    house = dist / "wheelhouse"
    shutil.rmtree(house, ignore_errors=True)
    words = [*PIP, "download", "--only-binary", ":all:", "--dest", str(house)]
    said([*words, str(our_wheel(dist))])
    wheels = sorted(file.name for file in house.iterdir())
    return {"wheels": wheels, "bytes": sum((house / name).stat().st_size for name in wheels)}


def offline(dist: Path) -> dict[str, Any]:
    """Installs from the wheelhouse without a network, and scores."""
    here = _scores([sys.executable], ROOT)
    cut = _cut_off()
    python = _installed(dist, cut)
    with tempfile.TemporaryDirectory() as elsewhere:
        there = _scores([*cut, str(python)], Path(elsewhere))
    if there != here:
        raise CheckError("the sample photographs got other scores there than here")
    return {"photographs": len(there), "network": "cut off (unshare)" if cut else "not used by pip"}


def _cut_off() -> list[str]:
    """What runs a program where there is no network; nothing where only root may do so."""
    words = ["unshare", "--net"]
    try:
        said([*words, "true"])
    except CheckError:
        return []
    return words


def _installed(dist: Path, cut: Sequence[str]) -> Path:
    """Python of a new environment with the wheelhouse installed and nothing else, not even pip."""
    folder = dist / "environment"
    said([sys.executable, "-m", "venv", "--clear", "--without-pip", folder])
    python = folder / "bin" / "python"
    words = [*cut, *PIP, "--python", str(python), "install", "--no-index", "--no-cache-dir"]
    words += ["--find-links", str(dist / "wheelhouse"), str(our_wheel(dist))]
    said(words, env={**os.environ, "PIP_NO_INDEX": "1"})
    return python


def _scores(python: Sequence[str], folder: Path) -> dict[str, float]:
    code = (
        "import json, edgeiqa; s = edgeiqa.Scorer(); "
        "print(json.dumps({p.name: s.score(p).score for p in edgeiqa.sample_paths()}))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    scores: dict[str, float] = json.loads(said([*python, "-c", code], cwd=folder, env=environment))
    return scores


def bill(dist: Path) -> dict[str, Any]:
    """Writes the software bill of materials."""
    tool = ROOT / ".venv-sbom"
    cyclonedx = tool / "bin" / "cyclonedx-py"
    if not cyclonedx.is_file():
        said([sys.executable, "-m", "venv", "--clear", tool])
        install = [str(tool / "bin" / "python"), *PIP[1:]]
        said([*install, "install", *TOOL])
    ours = our_wheel(dist)
    python = dist / "environment" / "bin" / "python"
    if not python.is_file():
        _installed(dist, [])
    found = said(
        [cyclonedx, "environment", "--output-reproducible", "--sv", "1.6", python],
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch()},
    )
    wheels = (dist / "wheelhouse").glob("*.whl")
    document = sbom.completed(json.loads(found), ours, wheels)
    target = dist / f"{'-'.join(ours.name.split('-')[:2])}.cdx.json"
    sbom.write(document, target)
    said([tool / "bin" / "python", "-c", _VALIDATE], input=target.read_text(encoding="utf-8"))
    return {
        "file": target.name,
        "components": {one["name"]: one["version"] for one in document["components"]},
        "networks": [one["name"] for one in document["metadata"]["component"]["components"]],
    }


STEPS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "build": build,
    "twine": twine,
    "contents": contents,
    "size": size,
    "wheelhouse": wheelhouse,
    "offline": offline,
    "sbom": bill,
}


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the steps; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\nUsage")[0],
        epilog=(__doc__ or "").partition("]\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", metavar="DIR")
    parser.add_argument("--only", nargs="+", choices=STEPS, metavar="STEP", default=list(STEPS))
    args = parser.parse_args(arguments)
    dist = args.dist.resolve()
    dist.mkdir(parents=True, exist_ok=True)
    if "build" in args.only:
        for old in (*dist.glob("edgeiqa-*.whl"), *dist.glob("edgeiqa-*.tar.gz")):
            old.unlink()
        shutil.rmtree(dist / "environment", ignore_errors=True)  # Holds an older wheel.
    found: dict[str, Any] = {}
    for name in args.only:
        start = time.monotonic()
        try:
            found[name] = STEPS[name](dist)
        except (CheckError, ValueError) as error:
            print(f"check_package: {name}: {error}", file=sys.stderr)
            return 1
        printed = json.dumps(found[name])
        print(f"{name:10} ok  {time.monotonic() - start:5.1f} s  {printed[:200]}", flush=True)
    (dist / "checks.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
