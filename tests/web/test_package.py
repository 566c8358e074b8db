"""web/core as an npm package: its types, its exports, what is in it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from edgeiqa._version import __version__
from tests.web.site import ROOT

WEB = ROOT / "web"
CORE = WEB / "core"


def test_types_are_those_of_the_example(runtime: None, tmp_path: Path) -> None:
    package = tmp_path / "node_modules" / "edgeiqa"
    package.mkdir(parents=True)
    for name in ("package.json", "index.d.ts"):
        shutil.copy(CORE / name, package)
    shutil.copy(Path(__file__).with_name("types.ts"), tmp_path)
    options = ["--noEmit", "--strict", "--target", "es2022", "--module", "esnext"]
    done = subprocess.run(
        [
            *("node", str(WEB / "node_modules" / "typescript" / "bin" / "tsc"), *options),
            *("--moduleResolution", "bundler", "types.ts"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_every_export_has_its_type_and_the_other_way_round() -> None:
    exported = set()
    for line in (CORE / "index.js").read_text(encoding="utf-8").splitlines():
        if line.startswith("export {"):
            exported |= set(re.findall(r"\w+", line.split("{")[1].split("}")[0]))
    exported |= set(re.findall(r"export class (\w+)", (CORE / "errors.js").read_text("utf-8")))
    types = (CORE / "index.d.ts").read_text(encoding="utf-8")
    declared = set(re.findall(r"^export (?:class|function|const) (\w+)", types, re.MULTILINE))
    assert exported == declared


def test_the_package_is_complete_small_and_of_this_version(runtime: None) -> None:
    described = json.loads((CORE / "package.json").read_text(encoding="utf-8"))
    assert described["version"] == __version__
    locked = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    litert = locked["packages"]["node_modules/@litertjs/core"]["version"]
    assert described["peerDependencies"]["@litertjs/core"] == litert
    done = subprocess.run(
        ["npm", "pack", "--dry-run", "--json"], cwd=CORE, capture_output=True, text=True, check=True
    )
    (packed,) = json.loads(done.stdout)
    names = {file["path"] for file in packed["files"]}
    assert {"index.js", "index.d.ts", "README.md", "package.json"} <= names
    assert {path.name for path in CORE.glob("*.js")} <= names
    assert packed["size"] < 60_000


def test_lock_file_names_no_registry() -> None:
    assert "http" not in (WEB / "package-lock.json").read_text(encoding="utf-8")
