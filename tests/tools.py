"""Programs that some tests drive: they skip without them, and fail where they must be there."""

from __future__ import annotations

import os
import shutil

import pytest

_MORE = "/usr/sbin"


def needs(*programs: str) -> None:
    """Skips the test that calls this if a program is missing; with EDGEIQA_NEED_TOOLS it fails."""
    path = os.pathsep.join((os.environ.get("PATH", ""), _MORE))
    missing = [program for program in programs if shutil.which(program, path=path) is None]
    if not missing:
        return
    text = f"{', '.join(missing)} not installed; scripts/test_tools.sh installs it"
    if os.environ.get("EDGEIQA_NEED_TOOLS"):
        pytest.fail(text)
    pytest.skip(text)
