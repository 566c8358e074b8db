"""The page with a webcam: verdicts follow the picture, frames are dropped and never queued."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.film import write_film

FAKE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")

RECORD = """() => {
  window.results = [];
  document.addEventListener("edgeiqa-result", ({detail}) => {
    const {quality, smoothed, verdict, ms, dropped} = detail;
    results.push({
      score: quality.score, causes: quality.causes, smoothed: smoothed.score, ms, dropped,
      accept: verdict.accept, first: verdict.reasons[0]?.cause ?? null,
      said: document.getElementById("verdict").textContent, at: performance.now(),
    });
  });
}"""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.y4m"
    write_film(path, [("sharp", 3), ("blurred", 2), ("sharp", 3), ("dark", 2)])
    return path


@pytest.fixture
def page(film: Path, launch: Callable[..., Any], open_page: Callable[..., Any]) -> Any:
    return open_page(launch(*FAKE, f"--use-file-for-fake-video-capture={film}"))


def kind(result: dict[str, Any]) -> str:
    """Which picture of the film a result is of."""
    if result["causes"]["dark"] > 0.9:
        return "dark"
    return "blurred" if result["causes"]["blur"] > 0.6 else "sharp"


def runs(results: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Results of one picture, by its appearances."""
    start = 0
    for end in range(1, len(results) + 1):
        if end == len(results) or kind(results[end]) != kind(results[start]):
            yield kind(results[start]), results[start:end]
            start = end


def test_verdicts_follow_the_picture_within_two_frames(page: Any) -> None:
    page.evaluate(RECORD)
    page.click("#camera")
    page.wait_for_timeout(14_000)
    results = page.evaluate("results")
    seen = list(runs(results))
    whole = [(name, part) for name, part in seen[1:-1] if len(part) >= 4]
    assert {name for name, _ in whole} == {"sharp", "blurred", "dark"}
    words = {"blurred": "Too blurred", "dark": "Too dark", "sharp": "Looks good"}
    for name, part in whole:
        if name == "sharp":
            # An acceptance is confirmed by a third frame, and never within half a second.
            later = [r for r in part[2:] if r["at"] - part[0]["at"] > 1000]
            assert all(r["accept"] and r["said"] == words[name] for r in later)
        else:
            assert all(not r["accept"] for r in part[1:]), name
            cause = {"blurred": "blur", "dark": "dark"}[name]
            assert all(r["first"] == cause for r in part[1:]), name
            assert all(r["said"] == words[name] for r in part[1:]), name


def test_frames_are_dropped_and_never_queued(page: Any) -> None:
    page.evaluate(RECORD)
    page.evaluate(
        """() => {
          window.waiting = 0; window.most = 0;
          const post = Worker.prototype.postMessage;
          Worker.prototype.postMessage = function (message, transfer) {
            if (message.type === "frame") most = Math.max(most, ++waiting);
            return post.call(this, message, transfer);
          };
          document.addEventListener("edgeiqa-result", () => waiting--);
        }"""
    )
    page.click("#camera")
    # A busy page: the worker's answers come late, frames go on coming.
    page.evaluate(
        """async () => {
          for (let i = 0; i < 15; i++) {
            const end = performance.now() + 150;
            while (performance.now() < end);
            await new Promise(done => setTimeout(done, 100));
          }
        }"""
    )
    results = page.evaluate("results")
    assert page.evaluate("most") == 1
    assert len(results) >= 3
    assert results[-1]["dropped"] > 0
    drops = [result["dropped"] for result in results]
    assert drops == sorted(drops)


def test_best_frames_are_kept_apart_in_time(page: Any) -> None:
    page.click("#camera")
    page.wait_for_selector("#strip li:nth-child(2)", timeout=30_000)
    names = "links => links.map(link => link.download)"
    assert all(
        name.startswith("camera ") and name.endswith(".jpg")
        for name in page.eval_on_selector_all("#strip a", names)
    )
    sizes = "images => Promise.all(images.map(i => i.decode().then(() => i.naturalWidth)))"
    assert set(page.eval_on_selector_all("#strip img", sizes)) == {480}
    scores = "spans => spans.map(span => Number(span.textContent))"
    assert min(page.eval_on_selector_all("#strip span", scores)) > 57


def test_stopping_lets_the_camera_go(page: Any) -> None:
    page.evaluate(RECORD)
    page.click("#camera")
    page.wait_for_selector("html[data-scored]", timeout=30_000)
    track = page.evaluate_handle("document.getElementById('video').srcObject.getVideoTracks()[0]")
    page.click("#camera")
    assert page.inner_text("#camera") == "Start camera"
    assert track.evaluate("track => track.readyState") == "ended"
    count = page.evaluate("results.length")
    page.wait_for_timeout(700)
    assert page.evaluate("results.length") == count
    page.click("#camera")
    page.wait_for_timeout(1500)
    assert page.evaluate("results.length") > count


def test_a_camera_that_is_unplugged_is_told(page: Any) -> None:
    page.click("#camera")
    page.wait_for_selector("html[data-scored]", timeout=30_000)
    page.evaluate(
        "document.getElementById('video').srcObject.getVideoTracks()[0]"
        ".dispatchEvent(new Event('ended'))"
    )
    assert "unplugged" in page.inner_text("#problem")
    assert page.inner_text("#camera") == "Start camera"
