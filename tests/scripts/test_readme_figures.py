"""README.md: figures come from reports and commands, and what it promises exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from convert.__main__ import STEPS
from edgeiqa.model import Model
from scripts import readme_figures
from scripts.readme_figures import ROOT, fill, load_report, main, readme_blocks

README = (ROOT / "README.md").read_text(encoding="utf-8")
SHA = "ab" * 32


def protocol(sha: str = SHA) -> dict[str, Any]:
    return {
        "model": "base",
        "model_version": "1.0.0",
        "flatbuffer_sha256": sha,
        "database": "biq2021",
        "split": "test",
        "pictures": 2000,
        "command": "python -m convert something",
    }


def value(x: float) -> dict[str, float]:
    return {"value": x, "low": x - 0.01, "high": x + 0.01}


def test_readme_is_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_check_notices_a_changed_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tampered = re.sub(r"(\d+) accepted", "99 accepted", README, count=1)
    assert tampered != README
    (tmp_path / "README.md").write_text(tampered, encoding="utf-8")
    blocks = readme_blocks()
    outputs = {name: make() for name, make in blocks.items()}
    monkeypatch.setattr(readme_figures, "ROOT", tmp_path)
    monkeypatch.setattr(
        readme_figures, "readme_blocks", lambda: {n: lambda n=n: outputs[n] for n in outputs}
    )
    assert main(["--check"]) == 1
    assert "out of date" in capsys.readouterr().err
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == tampered
    assert main([]) == 0
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == README


def test_fill_replaces_blocks_and_nothing_else() -> None:
    text = "a\n<!-- begin: x -->\nold\n<!-- end: x -->\nb\n<!-- begin: y -->\n<!-- end: y -->\n"
    expected = (
        "a\n<!-- begin: x -->\nnew \\1\n<!-- end: x -->\nb\n<!-- begin: y -->\n7\n<!-- end: y -->\n"
    )
    blocks = {"x": lambda: "new \\1\n", "y": lambda: "7"}
    assert fill(text, blocks) == expected
    assert fill(expected, blocks) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!-- begin: z -->\n<!-- end: z -->", "nobody fills the block 'z'"),
        ("no block", "no block 'x'"),
        ("<!-- begin: x -->\n<!-- end: x -->\n<!-- begin: x -->\n", "no partner"),
        ("<!-- begin: x -->\n<!-- end: x -->\n<!-- end: y -->\n", "no partner"),
    ],
)
def test_fill_refuses_broken_markers(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fill(text, {"x": lambda: "1"})


def test_missing_and_stale_reports_do_not_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load_report("ladder", tmp_path, SHA) is None
    (tmp_path / "ladder.json").write_text(json.dumps({"protocol": protocol("cd" * 32)}))
    assert load_report("ladder", tmp_path, SHA) is None
    assert "another model" in capsys.readouterr().err
    (tmp_path / "ladder.json").write_text(json.dumps({"protocol": protocol()}))
    assert load_report("ladder", tmp_path, SHA) == {"protocol": protocol()}
    assert "Not measured yet" in readme_blocks(tmp_path)["evaluate"]()


def test_evaluate_table(tmp_path: Path) -> None:
    group = {"SROCC": value(0.8312), "RMSE": value(0.0714), "spread": value(0.9), "logistic": [1.0]}
    report = {
        "protocol": protocol(Model("base").contract.flatbuffer_sha256),
        "groups": {
            "pooled": {"pictures": 2000, **group},
            "ss02": {"pictures": 3, "logistic": []},
        },
        "unreadable": [],
    }
    (tmp_path / "evaluate.json").write_text(json.dumps(report))
    table = readme_blocks(tmp_path)["evaluate"]()
    assert "| pictures of | number | SROCC | RMSE | spread |" in table
    assert "| pooled | 2,000 | 0.831 <sub>0.821-0.841</sub> | 0.071 " in table
    assert "| ss02 | 3 | - | - | - |" in table
    assert "`python -m convert something`" in table


def test_verify_table() -> None:
    report = {
        "srocc_mos": {"keras float": 0.8401, "tflite int8": 0.8388},
        "shifts": [
            {
                "reference": "keras float",
                "other": "tflite int8",
                "srocc": 0.99871,
                "largest": 4.256,
                "p99": 1.504,
                "mean": 0.1,
            }
        ],
        "tflite": {"bytes": 2_710_000, "macs": 870_400_000, "float_islands": []},
        "protocol": protocol(),
    }
    table = readme_figures.verify_table(report)
    assert "| keras float to tflite int8 | 0.9987 | 1.50 | 4.26 |" in table
    assert "2.71 MB" in table
    assert "870 million" in table
    assert "float islands: none" in table
    assert "tflite int8 0.8388" in table


def test_ladder_table() -> None:
    count = {"pairs": 35, "violations": 1, "share": 1 / 35, "drop": 31.26}
    report = {
        "kinds": {"motion_blur": count},
        "total": count,
        "pictures": ["a", "b"],
        "protocol": protocol(),
    }
    table = readme_figures.ladder_table(report)
    assert "| motion blur | 35 | 1 | 2.9% | 31.3 |" in table
    assert "2 photographs" in table


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    local = [target for target in targets if "://" not in target]
    assert "LICENSE" in local
    for target in local:
        assert (ROOT / target).exists(), target
    for script in re.findall(r"scripts/[\w.]+", README):
        assert (ROOT / script).exists(), script


def test_every_step_and_option_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    from edgeiqa.cli import main as edgeiqa

    for name, *_ in STEPS:
        assert f"python -m convert {name}" in README
    for command in ("score", "models", "samples"):
        assert f"`edgeiqa {command}" in README
    assert edgeiqa(["score", "--help"]) == 0
    options = set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", capsys.readouterr().out, re.MULTILINE))
    assert "--check" in options
    for option in options - {"--help"}:
        assert f"`{option}" in README, option
