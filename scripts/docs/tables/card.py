"""The card of a model that has none yet: the same sections and blocks for every model."""

from __future__ import annotations

from pathlib import Path

TEMPLATE = Path(__file__).with_name("card.md")


def new_card(name: str) -> str:
    """The card of a model, its blocks still empty.

    Args:
        name: Of the model.
    """
    return TEMPLATE.read_text(encoding="utf-8").replace("{name}", name)
