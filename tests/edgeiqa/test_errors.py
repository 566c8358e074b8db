"""The tree of exceptions, as it is drawn and as it is."""

from __future__ import annotations

import builtins
import importlib
import inspect
import pickle
import pkgutil
import re

import pytest

import edgeiqa
from edgeiqa import errors


def exceptions() -> list[type]:
    """All exceptions that a module of the package defines."""
    found = []
    for info in pkgutil.walk_packages(edgeiqa.__path__, "edgeiqa."):
        if info.name == "edgeiqa.__main__":
            continue
        for value in vars(importlib.import_module(info.name)).values():
            if inspect.isclass(value) and value.__module__ == info.name:
                found.append(value)
    return [one for one in found if issubclass(one, BaseException)]


def test_all_exceptions_descend_from_one() -> None:
    found = exceptions()
    assert len(found) > 15
    assert [one for one in found if not issubclass(one, errors.EdgeIQAError)] == []


def test_the_drawn_tree_is_the_real_one() -> None:
    drawn = re.findall("[├└]── (\\w+)(?: \\((\\w+)\\))?  ", errors.__doc__ or "")
    real = {
        name: [base.__name__ for base in value.__bases__]
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value is not errors.EdgeIQAError
    }
    assert {name: ["EdgeIQAError", *filter(None, [base])] for name, base in drawn} == real
    assert all(name in edgeiqa.__all__ for name in real)


@pytest.mark.parametrize("name", [n for n in edgeiqa.__all__ if n.endswith("Error")])
def test_every_exception_crosses_processes(name: str) -> None:
    error = getattr(edgeiqa, name)("what happened")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == "what happened"
    assert any(
        isinstance(again, getattr(builtins, base))
        for base in ("ValueError", "OSError", "RuntimeError", "Exception")
    )
