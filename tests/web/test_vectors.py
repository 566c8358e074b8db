"""The golden vectors in Chromium: tensors and integers bit for bit, verdicts and refusals alike."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from edgeiqa import Gate, Quality

REPORTS = "EDGEIQA_REPORTS"
"""Environment variable: a folder for the report that the table of platforms is made of."""


@pytest.fixture(scope="module")
def page(browser: Any, url: str) -> Any:
    context = browser.new_context(service_workers="block")
    made = context.new_page()
    made.goto(url)
    yield made
    context.close()


def run(page: Any, call: str) -> Any:
    return page.evaluate(
        f"async () => {{ const t = await import('/tests/run.js'); return t.{call}; }}"
    )


def test_raw_pixels_give_the_same_bits_as_in_python(page: Any) -> None:
    found = run(page, "runVectors(undefined)")
    assert found["differences"] == []
    assert found["vectors"] >= 130
    assert (found["tensor"], found["int8"]) == (0, 0)
    assert found["score"] <= 1e-6
    if os.environ.get(REPORTS):
        report = {
            "platform": "Chromium",
            "vectors": found["vectors"],
            "max_tensor_diff": found["tensor"],
            "max_int8_diff": found["int8"],
            "max_score_diff": found["score"],
            "ms_1080p": round(run(page, "time1080p('base')"), 1),
        }
        path = Path(os.environ[REPORTS]) / "chromium.json"
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def test_the_build_without_relaxed_simd_gives_the_same_bits(page: Any) -> None:
    found = run(page, "runVectors('compat', 3, 9)")
    assert found["differences"] == []
    assert found["vectors"] >= 14


def test_video_frames_give_the_same_bits(page: Any) -> None:
    found = run(page, "runVideoFrames()")
    assert found["differences"] == []
    assert set(found["tried"]) == {"I420", "NV12", "RGBA", "BGRA"}
    assert found["tried"]["I420"] >= 8


def test_other_inputs_refusals_and_sequences(page: Any) -> None:
    found = run(page, "runRest()")
    for key in ("resizes", "badFrames", "badModels", "sequences"):
        assert found[key] == [], key
    assert min(found["counts"]) >= 50


def test_numbers_are_rounded_as_python_does(page: Any) -> None:
    random_ = random.Random(14)
    values = [n / 8 for n in range(-41, 42)] + [50.25, 50.35, 0.045, 2.675, 1e-9, 99.995, 0.0]
    values += [random_.uniform(-100, 100) for _ in range(2000)]
    found = page.evaluate(
        """async (values) => {
          const {fixed} = await import('/core/numbers.js');
          return values.map(value => [0, 1, 2, 3, 9].map(digits => fixed(value, digits)));
        }""",
        values,
    )
    for value, texts in zip(values, found, strict=True):
        assert texts == [f"{value:.{digits}f}" for digits in (0, 1, 2, 3, 9)], value


def test_a_damaged_picture_is_rejected_as_in_python(page: Any) -> None:
    causes = {"blur": 0.9, "dark": 0.2}
    qualities = [(score, missing) for score in (20.0, 80.0) for missing in (0.0, 0.004, 0.25)]
    found = page.evaluate(
        """async ([qualities, causes]) => {
          const {Gate, LiveGate, sentence} = await import('/core/index.js');
          const gate = new Gate(50, {blur: 0.5});
          return qualities.map(([score, missing]) => {
            const {accept, reasons} = gate.judge({score, causes, damaged: true, missing});
            const live = new LiveGate(gate);
            live.judge({score: 80, causes: {}}, 1);
            const sudden = live.judge({score: 80, causes: {}, damaged: true, missing}, 2);
            return [accept, reasons.map(sentence), sudden.accept];
          });
        }""",
        [qualities, causes],
    )
    gate = Gate(min_score=50, max_causes={"blur": 0.5})
    for (score, missing), (accept, sentences, sudden) in zip(qualities, found, strict=True):
        verdict = gate(Quality(score, causes=causes, damaged=True, missing=missing))
        assert (accept, sudden) == (verdict.accept, False)
        assert sentences == [reason.sentence for reason in verdict.reasons]
