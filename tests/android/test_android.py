"""Builds and tests `android_demo/`: the library, the app under Robolectric, the APK."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import pytest

from tests.android import moments
from tests.tools import needs

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "android_demo"
MODELS = ROOT / "edgeiqa" / "assets" / "models"
TOOLS = (
    *("java", "javac", "keytool", "mvn", "aapt", "zipalign", "apksigner"),
    *("readelf", "unzip", "zip"),
)

pytestmark = pytest.mark.slow


def run(*command: str, **environment: str) -> str:
    """Runs a script of the demo; returns what it printed."""
    needs(*TOOLS)
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
    done = subprocess.run(
        command,
        env={**os.environ, "PATH": path, "PYTHON": sys.executable, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1500,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    return done.stdout


@pytest.fixture(scope="module")
def apk() -> Path:
    printed = run(str(DEMO / "build.sh"))
    assert "edgeiqa-debug.apk" in printed
    return DEMO / "build" / "edgeiqa-debug.apk"


def test_core(tmp_path):
    file = moments.write(MODELS.parent / "samples", tmp_path)
    printed = run(str(DEMO / "test.sh"), "core", EDGEIQA_MOMENTS=str(file))
    assert re.search(r"OK \(\d+ tests\)", printed), printed[-4000:]


def test_app():
    printed = run(str(DEMO / "test.sh"), "app")
    assert re.search(r"OK \(\d+ tests\)", printed), printed[-4000:]
    pictures = {path.stem for path in (DEMO / "build" / "screenshots").glob("*.png")}
    assert {"portrait", "landscape", "dark", "font-1.5", "warning", "permission"} <= pictures


def test_a_second_build_changes_nothing(apk):
    before = apk.read_bytes()
    shutil.rmtree(DEMO / "build" / "dex")  # Compiled anew, not only left as it is.
    assert "Nothing has changed." in run(str(DEMO / "build.sh"))
    assert apk.read_bytes() == before


def test_the_apk_is_signed_and_aligned(apk):
    path = str(apk)
    verified = run("apksigner", "verify", "--verbose", "--min-sdk-version", "24", path)
    for scheme in ("v2", "v3"):
        assert re.search(rf"using {scheme} scheme.*: true", verified), verified
    run("zipalign", "-c", "-p", "4", path)


def test_the_models_lie_uncompressed_and_unchanged_in_the_apk(apk):
    with zipfile.ZipFile(apk) as archive:
        for name, source in (("base", MODELS), ("causes", MODELS / "causes")):
            entry = archive.getinfo(f"assets/{name}.tflite")
            assert entry.compress_type == zipfile.ZIP_STORED
            assert archive.read(entry) == (source / f"{name}.tflite").read_bytes()
        libraries = {n.split("/")[1] for n in archive.namelist() if n.startswith("lib/")}
    assert libraries == {"arm64-v8a", "armeabi-v7a", "x86_64"}


def test_the_app_asks_for_the_camera_only(apk):
    printed = run("aapt", "dump", "badging", str(apk))
    assert re.findall(r"uses-permission[^:]*: name='([^']*)'", printed) == [
        "android.permission.CAMERA"
    ]
    assert "sdkVersion:'24'" in printed
    assert "targetSdkVersion:'36'" in printed


def test_the_manifest_names_no_network():
    text = (DEMO / "app" / "src" / "main" / "AndroidManifest.xml").read_text()
    names = re.findall(r"android\.permission\.\w+", text)
    assert names == ["android.permission.CAMERA"]


def test_a_release_has_no_library_whose_pages_do_not_fit():
    printed = run(str(DEMO / "build.sh"), "--variant", "release")
    rows = re.findall(
        r"^ +(\S+) +\S+: LOAD (\d+), needed (\d+); in this APK: (yes|no)$", printed, re.M
    )
    assert len(rows) == 3, printed
    for abi, align, needed, ships in rows:
        assert (int(align) >= int(needed)) == (ships == "yes"), abi
    with zipfile.ZipFile(DEMO / "build" / "edgeiqa-release.apk") as archive:
        found = {name.split("/")[1] for name in archive.namelist() if name.startswith("lib/")}
    assert found == {abi for abi, _, _, ships in rows if ships == "yes"}


def strings(folder: str) -> dict[str, str]:
    tree = ElementTree.parse(DEMO / "app" / "src" / "main" / "res" / folder / "strings.xml")
    return {e.attrib["name"]: e.text or "" for e in tree.getroot()}


def test_every_text_is_there_in_both_languages():
    english, german = strings("values"), strings("values-de")
    assert set(english) - set(german) == {"app_name"}
    assert set(german) <= set(english)
    for name, text in german.items():
        assert sorted(re.findall(r"%\d\$\w", text)) == sorted(
            re.findall(r"%\d\$\w", english[name])
        ), name


def test_day_and_night_have_the_same_colours():
    folder = DEMO / "app" / "src" / "main" / "res"
    day, night = (
        {e.attrib["name"] for e in ElementTree.parse(folder / v / "colors.xml").getroot()}
        for v in ("values", "values-night")
    )
    assert night <= day
    assert day - night == {"backdrop", "icon_back"}


def test_wrong_arguments_are_named():
    done = subprocess.run([DEMO / "build.sh", "--variant", "fast"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "variant is 'fast', expected debug or release" in done.stderr
