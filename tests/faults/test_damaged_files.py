"""Files that are cut off, two things at once, or called what they are not."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging.decode import decode
from tests.edgeiqa.pictures import photograph, saved
from tests.faults.conftest import Fault
from tests.faults.running import environment, needs_linux, run
from tests.fuzz.pictures import files

pytestmark = needs_linux
NANO = ("--model", "nano")


def rows(*words: object, code: int | None = None, **options: object) -> dict[str, dict]:
    done = run("score", *words, *NANO, "--format", "json", **options)  # type: ignore[arg-type]
    assert "Traceback" not in done.err, done.err
    assert done.code == code if code is not None else done.code in (0, 3), done.err
    return {Path(row["path"]).name: row for row in json.loads(done.out)}


@pytest.mark.slow
def test_cut_off_anywhere(fault: Fault) -> None:
    lengths = read = 0
    for name, data in files().items():
        for length in {*range(0, min(len(data), 300)), *range(0, len(data), 13)}:
            lengths += 1
            try:
                assert decode(data[:length]).mode == "RGB", name
            except UnreadableImageError as error:
                lines = len(error.reason.splitlines())
                if lines != 1:
                    pytest.fail(error.reason)
                continue
            read += 1
    assert lengths > 10_000
    assert read < lengths / 4  # Of some formats the end is not needed.
    fault(
        f"files of {len(files())} kinds cut off at {lengths:,} lengths",
        "one line about each; a few formats do not miss their end",
        3,
    )


def test_cut_off_files_through_the_command(tmp_path: Path, fault: Fault) -> None:
    for name, data in files().items():
        for share in (0.02, 0.5, 0.98):
            (tmp_path / f"{share}-{name}").write_bytes(data[: round(share * len(data))])
    (tmp_path / "whole.png").write_bytes(saved(photograph(), "PNG"))
    found = rows(tmp_path, code=3)
    assert found["whole.png"]["score"] is not None
    listed = [path for path in tmp_path.iterdir() if path.suffix in (".jpg", ".png", ".gif")]
    assert len(listed) < len(found)
    for row in found.values():
        assert (row["score"] is None) != (row["error"] is None)
    fault("a folder of cut-off files", "each has its line, the whole one is scored", 3)


def test_two_things_at_once(tmp_path: Path, fault: Fault) -> None:
    photo, gif = saved(photograph(), "JPEG"), saved(photograph(), "GIF")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as stream:
        stream.writestr("evil.sh", "touch evil")
    page = b"<html><script>alert(1)</script></html>"
    pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n"
    made = {
        "jpeg-and-zip.jpg": photo + archive.getvalue(),
        "gif-and-page.gif": gif + page,
        "png-and-script.png": saved(photograph(), "PNG") + b"\n#!/bin/sh\ntouch evil\n",
        "jpeg-and-program.jpg": photo + b"\x7fELF" + bytes(100),
        "pdf-and-jpeg.jpg": pdf + photo,
        "page-and-gif.gif": page + gif,
        "zip-and-jpeg.jpg": archive.getvalue() + photo,
        "page.jpg": page,
        "program.png": b"\x7fELF" + bytes(200),
    }
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
    found = rows(tmp_path, code=3)
    plain = rows(tmp_path / "jpeg-and-zip.jpg")["jpeg-and-zip.jpg"]["score"]
    for name, row in found.items():
        whole = name.startswith(("jpeg-", "gif-", "png-"))
        assert (row["score"] is not None) == whole, row
        assert whole or row["error"] == "not a picture in a format that can be read"
    (tmp_path / "photo.jpg").write_bytes(photo)
    assert rows(tmp_path / "photo.jpg")["photo.jpg"]["score"] == plain
    assert not (tmp_path / "evil").exists()
    fault(
        "JPEG+ZIP, GIF+HTML, PNG+script, JPEG+ELF; PDF+JPEG, HTML+GIF, ZIP+JPEG",
        "what begins as a picture is scored as that picture, all else refused",
        3,
    )


def test_names_that_lie_are_no_harm_and_no_program_is_started(tmp_path: Path, fault: Fault) -> None:
    programs, photos = tmp_path / "programs", tmp_path / "photos"
    programs.mkdir()
    photos.mkdir()
    for name in ("gs", "gswin64c", "gswin32c", "djpeg", "ppmtogif"):
        program = programs / name
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
        program.chmod(0o755)
    eps = (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n%%EndComments\n"
        b"(evil) (w) file closefile showpage\n%%EOF\n"
    )
    for name in ("photo.jpg", "photo.png", "photo.eps"):
        (photos / name).write_bytes(eps)
    (photos / "photo.gif").write_bytes(saved(photograph(), "JPEG"))
    (photos / "really-jpeg.png").write_bytes(saved(photograph(), "JPEG"))
    wmf = b"\xd7\xcd\xc6\x9a" + bytes(18) + b"\x01\0\x09\0" + bytes(100)
    (photos / "windows.bmp").write_bytes(wmf)
    path = os.pathsep.join((str(programs), os.environ["PATH"]))
    assert shutil.which("gs", path=path) == str(programs / "gs")
    env = environment(PATH=path)
    found = rows(photos, photos / "photo.eps", env=env, code=3)
    for name, row in found.items():
        assert (row["score"] is not None) == (name in ("photo.gif", "really-jpeg.png")), row
    for command in ("pick", "watch"):
        words = ("--existing", "--count", 5, "--settle", 0) if command == "watch" else ()
        run(command, photos, *NANO, *words, env=env)
    assert not (tmp_path / "started").exists()
    fault(
        "PostScript (EPS), WMF and others under a picture's name; JPEG called .gif",
        "Ghostscript is not started, EPS and WMF refused; JPEG is seen for what it is",
        3,
    )
