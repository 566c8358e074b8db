"""Former paths work for one version, and say what replaces them."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import edgeiqa
from edgeiqa import _deprecated
from edgeiqa.analysis.cause_detector import CauseDetector


@pytest.mark.parametrize(("former", "successor"), _deprecated.MODULES.items())
def test_a_former_module_has_the_names_of_its_successor(former: str, successor: str) -> None:
    sys.modules.pop(f"edgeiqa.{former}", None)
    with pytest.warns(DeprecationWarning, match=f"use edgeiqa.{successor}$") as caught:
        __import__(f"edgeiqa.{former}")
    module = sys.modules[f"edgeiqa.{former}"]
    assert caught[0].filename == __file__
    real = importlib.import_module(f"edgeiqa.{successor}")
    for name in vars(real):
        if not name.startswith("__"):
            assert getattr(module, name) is getattr(real, name)


def test_former_names() -> None:
    with pytest.warns(DeprecationWarning, match="CauseDetector"):
        assert edgeiqa.Diagnosis is CauseDetector
    with pytest.warns(DeprecationWarning, match="live.scorer"):
        from edgeiqa.live import LiveScorer
    with pytest.warns(DeprecationWarning, match="burst.ranking"):
        from edgeiqa.burst import best_of
    assert LiveScorer is edgeiqa.LiveScorer
    assert best_of is edgeiqa.best_of
    for module in ("edgeiqa.live", "edgeiqa.burst"):
        with pytest.raises(AttributeError, match="no_such_thing"):
            importlib.import_module(module).no_such_thing  # noqa: B018


def test_unknown_modules_stay_unknown() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"edgeiqa\.gates"):
        importlib.import_module("edgeiqa.gates")


def test_the_usual_import_statement_works() -> None:
    code = "from edgeiqa.gate import Gate; from edgeiqa.sources.opening import open_source"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], timeout=60)
    assert done.returncode == 0
