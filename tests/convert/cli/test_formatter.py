from __future__ import annotations

import pytest

from convert.__main__ import STEPS, main


@pytest.mark.parametrize("step", STEPS)
def test_help_shows_defaults_and_never_that_there_is_none(
    step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([step, "--help"])
    assert stop.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "default: None" not in text


def test_numbers_of_the_recipe_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["distill", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "peak learning rate (default: 0.0003)" in text
    assert "(default: $EDGEIQA_DATA)" in text
