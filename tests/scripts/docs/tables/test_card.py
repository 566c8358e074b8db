"""A new card has every block that the cards of models are to have."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from scripts.docs.fill_tables import card_blocks
from scripts.docs.markdown import fill
from scripts.docs.tables.card import new_card
from tests.scripts.docs.tables import made


def test_a_new_card_can_be_filled(tmp_path: Path) -> None:
    card = new_card("nano")
    assert card.startswith("# Model card: nano\n")
    assert "{name}" not in card
    blocks = {name: partial("({})".format, name) for name in card_blocks(made.model(tmp_path))}
    filled = fill(card, blocks)
    assert "(calibrate)" in filled
    for title in ("Where it fails", "Data and terms", "Recipe", "Calibration"):
        assert f"\n## {title}\n" in filled
    assert filled.index("(summary)") < filled.index("## Where it fails") < filled.index("(model)")
    assert "(CHANGELOG.md)" in filled
