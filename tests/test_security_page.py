"""SECURITY.md links to what is there, and its limits are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

from edgeiqa.imaging.decode import MAX_PIXELS
from edgeiqa.inference.contract_zip import MAX_ENTRIES, MAX_JSON_BYTES
from edgeiqa.inference.model_file import MAX_FILE_BYTES
from edgeiqa.inference.verifier.verify import MAX_MEMORY, MAX_WORK
from edgeiqa.sinks.preview_server import MAX_VIEWERS

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#([^)]*))?\)", TEXT)
    assert len(links) > 10
    for path, anchor in links:
        assert (ROOT / path).exists(), path
        if anchor:
            heads = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(encoding="utf-8"), re.M)
            assert anchor in {head.lower().replace(" ", "-") for head in heads}


def test_limits_are_those_of_the_code() -> None:
    assert MAX_PIXELS == 200_000_000
    assert (MAX_FILE_BYTES, MAX_JSON_BYTES, MAX_ENTRIES) == (256 << 20, 1_000_000, 64)
    assert (MAX_MEMORY, MAX_WORK, MAX_VIEWERS) == (1 << 30, 10**12, 16)
    for limit in ("200 megapixels", "256 MiB, 1 MB, 64", "1 GiB, 1 GiB, 10<sup>12</sup>", "1, 16"):
        assert limit in TEXT


def test_it_invents_no_address() -> None:
    assert "@" not in TEXT
    assert "http://" not in TEXT.replace("`http://`", "")
