"""README.md, docs and cards: figures come from reports and commands, and promises are kept."""

from __future__ import annotations

import contextlib
import re
from functools import partial
from pathlib import Path

import pytest

from convert.__main__ import FORMER, STEPS
from edgeiqa.inference.model import available_models
from scripts.docs import fill_tables
from scripts.docs.fill_tables import ROOT, documents, filled, main
from scripts.docs.markdown import Blocks
from scripts.docs.tables.reports import PROJECT_COMMANDS, family

README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDES = {
    file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8")
    for file in sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
}
CARDS = {
    f"edgeiqa/assets/models/{file.name}": file.read_text(encoding="utf-8")
    for file in sorted((ROOT / "edgeiqa" / "assets" / "models").glob("*.md"))
}


def test_all_is_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_check_notices_a_changed_figure_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks: Blocks = {"family": lambda: "| base | 0.9 |"}
    right = "# Title\n<!-- begin: family -->\n| base | 0.9 |\n<!-- end: family -->\n"
    (tmp_path / "README.md").write_text(right.replace("0.9", "0.99"))
    monkeypatch.setattr(fill_tables, "ROOT", tmp_path)
    monkeypatch.setattr(fill_tables, "documents", lambda models: {"README.md": blocks})
    monkeypatch.setattr(fill_tables, "filled", lambda n, b: filled(n, b, tmp_path))
    assert main(["--check"]) == 1
    assert "README.md is out of date" in capsys.readouterr().err
    assert "0.99" in (tmp_path / "README.md").read_text()
    assert main([]) == 0
    assert (tmp_path / "README.md").read_text() == right
    assert main(["--check"]) == 0


def test_a_model_without_a_card_gets_one(tmp_path: Path) -> None:
    (tmp_path / "edgeiqa" / "assets" / "models").mkdir(parents=True)
    names = re.findall(r"<!-- begin: ([\w-]+) -->", CARDS["edgeiqa/assets/models/base.md"])
    blocks: Blocks = {name: partial(str.upper, name) for name in names}
    old, new = filled("edgeiqa/assets/models/nano.md", blocks, tmp_path)
    assert old is None
    assert new.startswith("# Model card: nano\n")
    assert "<!-- begin: verify -->\nVERIFY\n<!-- end: verify -->" in new


def test_a_broken_document_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"README\.md"):
        filled("README.md", {}, tmp_path)
    (tmp_path / "README.md").write_text("nothing\n")
    with pytest.raises(ValueError, match=r"README\.md: the document has no block 'x'"):
        filled("README.md", {"x": lambda: "1"}, tmp_path)


def test_every_shipped_model_has_a_card_with_all_blocks() -> None:
    wanted = documents(family())
    for name in available_models():
        card = CARDS[f"edgeiqa/assets/models/{name}.md"]
        for block in wanted[f"edgeiqa/assets/models/{name}.md"]:
            assert card.count(f"<!-- begin: {block} -->") == 1, block
        assert f"{name} " in CARDS["edgeiqa/assets/models/CHANGELOG.md"]


@pytest.mark.parametrize("name", [*GUIDES, *CARDS])
def test_links_and_paths_lead_somewhere(name: str) -> None:
    text = {**GUIDES, **CARDS}[name]
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[\w-]+)?\)", text):
        if "://" not in target:
            assert ((ROOT / name).parent / target).exists(), target
    if name == "CHANGELOG.md":
        return  # It names what has gone.
    # What reports say was measured with is history.
    text = re.sub(r"<!-- begin: .*?<!-- end: [\w-]+ -->", "", text, flags=re.DOTALL)
    for path in re.findall(
        r"(?:edgeiqa|convert|scripts|tests|examples)/[\w./]+\.(?:py|sh|md)", text
    ):
        assert (ROOT / path).exists(), path


def test_readme_is_short_and_shows_the_way() -> None:
    assert len(README.encode()) < 9_000
    for target in (
        *("docs/images/verdicts.jpg", "docs/index.md", "docs/quick-start.md", "CONTRIBUTING.md"),
        *("docs/reports/measurements.md", "edgeiqa/assets/models/CHANGELOG.md", "LICENSE"),
    ):
        assert f"({target})" in README
    for command in ("scripts/demo.sh", "scripts/test.sh"):
        assert README.index(command) < 2_000


def test_every_page_is_named_by_the_index() -> None:
    index = GUIDES["docs/index.md"]
    for name in GUIDES:
        if name.startswith("docs/") and name != "docs/index.md":
            assert f"({name.removeprefix('docs/')})" in index, name


def test_every_step_and_command_has_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    from edgeiqa.cli.main import main as edgeiqa

    for name in STEPS:
        assert any(f"convert {name}" in text for text in GUIDES.values()), name
    page = GUIDES["docs/command-line.md"]
    with contextlib.suppress(SystemExit):
        edgeiqa(["--help"])
    printed = capsys.readouterr().out
    options = set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", printed, re.MULTILINE)) - {"--help"}
    commands = set(re.findall(r"^    ([a-z][\w-]*) ", printed, re.MULTILINE))
    assert "--version" in options
    assert "score" in commands
    for word in options | commands:
        assert f"`edgeiqa {word}" in page, word


def test_shown_commands_exist() -> None:
    """Every `python -m convert STEP --option` in a guide has that step and that option."""
    import argparse
    import importlib

    parsers: dict[str, set[str]] = {}
    shown = "\n".join([*GUIDES.values(), *CARDS.values(), *PROJECT_COMMANDS.values()])
    # What reports say was measured with is history, and may name options of its day.
    shown = re.sub(r"<!-- begin: .*?<!-- end: [\w-]+ -->", "", shown, flags=re.DOTALL)
    shown = shown.replace("\\\n", " ")
    for line in re.findall(r"python -m convert ([^`\n#]+)", shown):
        step, *words = line.split()
        if step == "STEP" or step.startswith("-"):
            continue
        if step not in parsers:
            parser = argparse.ArgumentParser()
            module = FORMER.get(step, step).replace("-", "_")
            importlib.import_module(f"convert.cli.{module}").add_arguments(parser)
            parsers[step] = set(parser._option_string_actions)
        options = {word for word in words if word.startswith("--")}
        assert options - parsers[step] == set(), line
