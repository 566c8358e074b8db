"""Ctrl-C at any moment; `python -m tests.faults` does the same at many more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.running import needs_linux
from tests.faults.sweep import CASES, Case, sweep

pytestmark = needs_linux


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.split(" --apply")[0])
def test_interrupted_at_a_few_moments(case: Case, tmp_path: Path) -> None:
    swept = sweep(case, tmp_path, 2 * len(case.signals))
    assert swept.runs == 2 * len(case.signals)
    assert not swept.wrong, "\n".join(swept.wrong)
