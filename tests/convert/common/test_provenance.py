from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from convert.common.provenance import command_line, public_arguments, remember

FOLDERS = {"EDGEIQA_WORK": "/srv/mine/kept", "EDGEIQA_DATA": "/srv/mine/data/"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("evaluate base --split test", "evaluate base --split test"),
        ("verify base --keras /srv/mine/kept/runs/a/s.keras", "$EDGEIQA_WORK/runs/a/s.keras"),
        ("verify base --keras=/srv/mine/kept/s.keras", "--keras=$EDGEIQA_WORK/s.keras"),
        ("export --images /srv/mine/data", "export --images $EDGEIQA_DATA"),
        ("export --images=/srv/mine/data/BIQ2021/Images", "--images=$EDGEIQA_DATA/BIQ2021/Images"),
        ("export --images /srv/mine/database/x", "export --images x"),
        ("ladder /home/me/net.tflite --json=/tmp/l.json", "ladder net.tflite --json=l.json"),
        ("ladder ~/net.tflite --json docs/l.json", "ladder net.tflite --json docs/l.json"),
        ("evaluate base --work /a/b --seed 1 --data-root=/c", "evaluate base --seed 1"),
        ("evaluate base --data-r /c --wor /a/b", "evaluate base"),
        ("verify base --work /a/b --keras /a/b/run/s.keras", "base --keras $EDGEIQA_WORK/run/s"),
        ("verify base --database biq2021 --data-root /c", "verify base --database biq2021"),
        ("export --input-range -1..1 --score-range 1 5", "--input-range -1..1 --score-range 1 5"),
    ],
)
def test_private_folders_do_not_appear(arguments: str, expected: str) -> None:
    said = public_arguments(shlex.split(arguments), FOLDERS)
    assert expected in said
    assert not any(word in said for word in ("/srv", "/home", "/tmp", "~", "/a/b", "/c"))


def test_names_with_blanks_survive_a_shell() -> None:
    said = public_arguments(
        ["x", "--images", "/srv/mine/data/my pictures", "--name", "it's", "/far/a b.keras"], FOLDERS
    )
    done = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {said}"],
        env={"EDGEIQA_DATA": "/d"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "x", "--images", "/d/my pictures", "--name", "it's", "a b.keras",
    ]  # fmt: skip


def test_only_the_command_line_program_quotes_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDGEIQA_WORK", str(tmp_path))
    remember(["verify", f"{tmp_path}/a.h5"])
    assert command_line("call") == "python -m convert verify $EDGEIQA_WORK/a.h5"
    remember([])
    assert command_line("call") == "call"
