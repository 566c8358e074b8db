"""What the page consists of, in a checkout and in a folder of one's own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edgeiqa.inference.model import find
from edgeiqa.web.site import CHECKOUT, Site, SiteError


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """Stands for the folder wasm of @litertjs/core."""
    folder = tmp_path / "wasm"
    folder.mkdir()
    for name in ("litert_wasm_internal", "litert_wasm_compat_internal"):
        (folder / f"{name}.js").write_text("var ModuleFactory;")
        (folder / f"{name}.wasm").write_bytes(b"\0asm\1\0\0\0")
    return folder


def test_page_core_models_and_runtime_are_there(runtime: Path) -> None:
    files = Site(runtime).files
    for name in ("base", "nano", "causes"):
        assert files[f"models/{name}.tflite"] == find(name).read_bytes()
    assert files["litert/litert_wasm_internal.wasm"].startswith(b"\0asm")
    core = {path.name for path in (CHECKOUT / "core").glob("*.js")}
    assert {f"core/{name}" for name in core} <= set(files)
    page = files["index.html"].decode()
    for address in re.findall(r'(?:href|src)="([^#"]+)"', page):
        assert address in files


def test_scripts_import_nothing_that_is_not_there(runtime: Path) -> None:
    files = Site(runtime).files
    for name, data in files.items():
        if not name.endswith(".js") or name.startswith("litert/"):
            continue
        folder = "core/" if name.startswith("core/") else ""
        for address in re.findall(r'(?:from|import\(|importScripts\()\s*"\./?([^"]+)"', str(data)):
            assert folder + address.removeprefix("/") in files, name


def test_the_list_for_the_service_worker_is_complete_and_changes_with_the_files(
    runtime: Path,
) -> None:
    first = Site(runtime).files
    (runtime / "litert_wasm_internal.js").write_text("var ModuleFactory = 1;")
    second = Site(runtime).files
    (one, other) = (
        json.loads(files["assets.js"].decode().removeprefix("self.ASSETS = ").rstrip(";\n"))
        for files in (first, second)
    )
    assert set(one["files"]) == {"./", *first} - {"assets.js", "sw.js"}
    assert one["version"] != other["version"]


def test_all_of_it_can_be_written_into_a_folder(runtime: Path, tmp_path: Path) -> None:
    site = Site(runtime)
    target = tmp_path / "public"
    assert site.export(target) == len(site.files)
    written = {
        path.relative_to(target).as_posix(): path.read_bytes()
        for path in target.rglob("*")
        if path.is_file()
    }
    assert written == dict(site.files)


def test_a_missing_empty_or_damaged_runtime_is_told(runtime: Path, tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"scripts/web/vendor\.py"):
        Site(tmp_path / "litert.tar.xz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SiteError, match="wasm"):
        _ = Site(tmp_path / "empty").files
    (tmp_path / "damaged.tar.xz").write_bytes(b"no archive")
    with pytest.raises(SiteError, match="damaged"):
        _ = Site(tmp_path / "damaged.tar.xz").files
