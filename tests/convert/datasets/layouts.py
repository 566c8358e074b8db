"""Tiny copies of databases in their authors' layouts: labels, and places for pictures."""

from __future__ import annotations

import csv
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from openpyxl import Workbook
from PIL import Image
from scipy.io import savemat

from convert.datasets import bid, kadid10k, live, tid


def cells(texts: Sequence[str], *, column: bool = False, twice: bool = False) -> np.ndarray:
    """A MATLAB cell array of texts, as savemat takes it; ``twice`` wraps each once more."""
    array = np.empty((1, len(texts)), object)
    for index, text in enumerate(texts):
        inner = np.empty((1, 1), object)
        inner[0, 0] = text
        array[0, index] = inner if twice else text
    return array.T if column else array


def write_csv(file: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A CSV file; its folder is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


def write_xlsx(file: Path, sheets: dict[str, Sequence[Sequence[Any]]]) -> None:
    """A workbook; its folder is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    book.save(file)


def write_xls(file: Path, rows: Sequence[Sequence[Any]]) -> None:
    """One sheet in the oldest binary Excel format (BIFF 2), which needs no library to write."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    stream = record(0x0009, struct.pack("<HH", 2, 0x10))
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            place = struct.pack("<HH3s", y, x, b"\0\0\0")
            if isinstance(value, str):
                text = value.encode("ascii")
                if text:
                    stream += record(0x0004, place + bytes([len(text)]) + text)
            elif value is not None:
                stream += record(0x0003, place + struct.pack("<d", value))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(stream + record(0x000A, b""))


def picture(file: Path, level: int = 128) -> None:
    """A readable picture of 8x8 pixels."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (level, level, level)).save(file)


def make_live(root: Path) -> Path:
    """982 entries; the first of every ten is an unharmed copy; DMOS grows with the entry."""
    base = root / "databaserelease2"
    count = sum(n for _, n in live.FOLDERS)
    references = [f"scene{index % 29:02d}.bmp" for index in range(count)]
    base.mkdir(parents=True)
    savemat(base / "refnames_all.mat", {"refnames_all": cells(references)})
    originals = (np.arange(count) % 10 == 0).astype(np.uint8)
    dmos = np.where(originals, 0.0, np.linspace(-2.6, 111.7, count))
    savemat(
        base / "dmos_realigned.mat",
        {"dmos_new": dmos[None], "orgs": originals[None], "dmos_std": np.ones((1, count))},
    )
    start = 0
    for folder, n in live.FOLDERS:
        lines = [f"{references[start + i]} img{i + 1}.bmp 0.5" for i in range(n)]
        (base / folder).mkdir()
        (base / folder / "info.txt").write_text("\r\n".join([*lines, "", ""]))
        start += n
    return base


def make_live_md(root: Path) -> Path:
    """Five references in both parts, three pictures each; score 10 per distortion level."""
    base = root / "LIVEmultidistortiondatabase" / "To_Release"
    references = [f"scene{letter}" for letter in "abcde"]
    for part, kind in (("Part 1", "blurjpeg"), ("Part 2", "blurnoise")):
        (base / part / kind).mkdir(parents=True)
        names = [f"{reference}_blur{n}.bmp" for reference in references for n in (1, 2, 3)]
        scores = [[float(10 * n) for _ in references for n in (1, 2, 3)]]
        savemat(
            base / part / "Imagelists.mat",
            {
                "distimgs": cells(names, column=True, twice=True),
                "refimgs": cells([f"{r}.bmp" for r in references], column=True, twice=True),
            },
        )
        savemat(base / part / "Scores.mat", {"DMOSscores": np.array(scores)})
    return base.parent


def make_tid(root: Path, name: str, kinds: int, levels: int) -> Path:
    """Five references; MOS 8 at the first level, one less at each further."""
    base = root / name
    (base / tid.PICTURES).mkdir(parents=True)
    lines = [
        f"{9.0 - level:.5f} {'Ii'[scene % 2]}{scene:02d}_{kind:02d}_{level}.bmp"
        for scene in range(1, 6)
        for kind in range(1, kinds + 1)
        for level in range(1, levels + 1)
    ]
    (base / tid.TABLE).write_text("\n".join(lines) + "\n")
    (base / tid.PICTURES / "I02_01_1.BMP").touch()  # labelled i02_01_1.bmp or I02_...
    return base


def make_csiq(root: Path, table: str = "csiq.DMOS.xlsx") -> Path:
    """Three references, one of them named by a number; the sheet starts at D4."""
    base = root / "CSIQ"
    (base / "dst_imgs" / "AWGN").mkdir(parents=True)
    (base / "dst_imgs" / "AWGN" / "1600.AWGN.1.png").touch()
    rows: list[list[Any]] = [[], [], []]
    rows.append([None] * 3 + ["image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"])
    for image in (1600, "boston", "cactus"):
        for index, kind in enumerate(("noise", "jpeg", "jpeg 2000"), start=1):
            for level in (1, 2, 3):
                rows.append([None] * 3 + [image, index, kind, level, 0.05, 0.2 * level])
    write_xlsx(base / table, {"z_crit": [["N"]], "all_by_image": rows})
    return base


def make_kadid10k(root: Path) -> Path:
    """Four references times three distortions times five levels."""
    base = root / "kadid10k"
    (base / "images").mkdir(parents=True)
    rows = [
        (f"I{scene:02d}_{kind:02d}_{level:02d}.png", f"I{scene:02d}.png", 5.0 - 0.8 * level, 0.8)
        for scene in range(1, 5)
        for kind in (1, 10, len(kadid10k.KINDS))
        for level in range(1, 6)
    ]
    write_csv(base / kadid10k.TABLE, ("dist_img", "ref_img", "dmos", "var"), rows)
    return base


def make_live_challenge(root: Path) -> Path:
    """The seven training pictures and twelve more."""
    base = root / "ChallengeDB_release"
    (base / "Images").mkdir(parents=True)
    (base / "Data").mkdir()
    names = [f"t{n}.bmp" for n in range(1, 8)] + [f"{n}.bmp" for n in range(3, 15)]
    content = {
        "AllImages_release": cells(names, column=True),
        "AllMOS_release": np.linspace(10.0, 90.0, len(names))[None],
        "AllStdDev_release": np.full((1, len(names)), 20.0),
    }
    for name, value in content.items():
        savemat(base / "Data" / f"{name}.mat", {name: value})
    return base


def make_koniq10k(root: Path) -> Path:
    """Ten pictures with votes; every fifth is for validation, every fifth for the test."""
    base = root / "koniq10k"
    (base / "1024x768").mkdir(parents=True)
    header = ("image_name", "c1", "c2", "c3", "c4", "c5", "c_total", "MOS", "SD", "set")
    sets = ("training", "validation", "training", "test", "training")
    rows = [
        (f"{1000 + n}.jpg", 0, 0.25, 0.5, 0.25, 0, 100, 10.0 + 8 * n, 0.7071, sets[n % 5])
        for n in range(10)
    ]
    write_csv(base / "koniq10k_distributions_sets.csv", header, rows)
    return base


def make_spaq(root: Path) -> Path:
    """Fifteen pictures."""
    base = root / "SPAQ"
    (base / "TestImage").mkdir(parents=True)
    header = ["Image name", "MOS", "Brightness", "Colorfulness"]
    rows = [[f"{n:05d}.jpg", 5.0 * n, 50, 50] for n in range(1, 16)]
    write_xlsx(
        base / "Annotations" / "MOS and Image attribute scores.xlsx", {"Sheet1": [header, *rows]}
    )
    return base


def make_bid(root: Path, table: str = "DatabaseGrades.xls") -> Path:
    """Twelve pictures with gaps in their numbers and two or three grades each."""
    base = root / "BID"
    (base / bid.PICTURES).mkdir(parents=True)
    header = ["Image Number", "Average Subjective Grade", "Number of Grades"]
    header += [f"Grade #{n}" for n in range(1, 5)]
    rows = [header]
    for number in range(1, 24, 2):
        grade = number / 5
        spread = [grade - 0.1, grade + 0.1] + ([grade] if number % 3 else [])
        rows.append([number, grade, len(spread), *spread])  # type: ignore[list-item]
    if table.endswith(".xls"):
        write_xls(base / table, rows)
    else:
        write_xlsx(base / table, {"Plan1": rows, "Plan2": []})
    return base


def make_cid2013(root: Path) -> Path:
    """Two image sets of four scenes by three devices."""
    base = root / "CID2013"
    for number in range(1, 7):
        (base / f"IS{number}").mkdir(parents=True)
    header = ["Source_ID", "Image set specific  MOS", "Realigned  MOS"]
    rows = [
        [f"IS_{image_set}_C{scene:02d}_D{device:02d}", 50.0, 30.0 * device - 10.0]
        for image_set in ("I", "IV")
        for scene in range(1, 5)
        for device in range(1, 4)
    ]
    book: dict[str, Sequence[Sequence[Any]]] = {
        "Read me": [["text"]],
        "CID2013 MOS": [header, *rows],
    }
    write_xlsx(base / "CID2013 data - version 12112014.xlsx", book)
    return base


def make_uhd_iqa(root: Path) -> Path:
    """Ten pictures in the official sets."""
    base = root / "UHD-IQA-database"
    sets = ("training", "validation", "test", "training", "training")
    for name in set(sets):
        (base / name).mkdir(parents=True)
    rows = [(f"{n}.jpg", 0.3 + 0.05 * n, sets[n % 5], "") for n in range(10)]
    write_csv(base / "uhd-iqa-metadata.csv", ("image_name", "quality_mos", "set", "subset"), rows)
    return base


def make_agiqa3k(root: Path) -> Path:
    """Six pictures and a seventh that is labelled, but not there."""
    base = root / "AGIQA-3K"
    (base / "images").mkdir(parents=True)
    rows = [(f"SD_{n}.jpg", "a dog", 0.5 + 0.5 * n, 0.25) for n in range(7)]
    write_csv(base / "data.csv", ("name", "prompt", "mos_quality", "std_quality"), rows)
    for name, *_ in rows[:6]:
        (base / "images" / name).touch()
    return base


def make_pcuid(root: Path) -> Path:
    """Six photographs in three folders; number 7 is labelled, but not there."""
    base = root / "PCUID"
    for n in range(1, 7):
        folder = base / f"300-{(n + 1) // 2}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"图片{n}.jpg").touch()
    rows = [[n, 10.0 * n] for n in range(1, 8)]
    write_xlsx(base / "MOS.xlsx", {"Sheet1": [["image_id", "MOS"], *rows]})
    return base


def make_sr4kiqa(root: Path) -> Path:
    """Two scenes of six pictures; a seventh of each is labelled, but not there."""
    base = root / "SR4KIQA"
    lines = []
    for scene in ("Animal1", "Face3"):
        (base / scene).mkdir(parents=True)
        for n in range(7):
            name = f"{scene}_Bicubic_x{n + 2}.jpg"
            lines.append(f"{name},{1 - 0.1 * n:.3f},{5 - 0.5 * n:g}")
            if n < 6:
                (base / scene / name).touch()
    (base / "MOS.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return base


MAKERS: dict[str, Callable[[Path], Path]] = {
    "live": make_live,
    "live-md": make_live_md,
    "tid2008": lambda root: make_tid(root, "tid2008", 17, 4),
    "tid2013": lambda root: make_tid(root, "tid2013", 24, 5),
    "csiq": make_csiq,
    "kadid10k": make_kadid10k,
    "live-challenge": make_live_challenge,
    "koniq10k": make_koniq10k,
    "spaq": make_spaq,
    "bid": make_bid,
    "cid2013": make_cid2013,
    "uhd-iqa": make_uhd_iqa,
    "agiqa-3k": make_agiqa3k,
    "pcuid": make_pcuid,
    "sr4kiqa": make_sr4kiqa,
}
"""By the name of the database."""
