"""Runs the camera and photographs for a while and measures the memory of the page.

Usage: python tests/web/memory.py [--minutes M] [--json FILE]

The page is measured by `performance.measureUserAgentSpecificMemory`: JavaScript, documents and
canvas of the page and of its worker, after a garbage collection. The heap of WebAssembly is not
in it, but in the resident memory of Chromium's renderers, which is reported as well. The page's
memory is flat if the second half needs no more than the first, but for a margin.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa import sample_paths  # noqa: E402
from tests.web.film import write_film  # noqa: E402
from tests.web.site import served  # noqa: E402

MARGIN_MB = 8.0
"""How much more the second half may need, in the median; a leaked frame a second is 260 kB each."""


@dataclass(frozen=True)
class Sample:
    """What was measured at one moment.

    Attributes:
        seconds: Since the start.
        page_mb: Of the page with its worker.
        renderer_mb: Resident, of Chromium's renderers.
        scored: Frames so far.
    """

    seconds: float
    page_mb: float
    renderer_mb: float
    scored: int


def watch(page: Any, seconds: float, every: float) -> Iterator[Sample]:
    """Lets the camera run, with a batch of photographs now and then."""
    start = time.monotonic()
    page.click("#camera")
    turn = 0
    while time.monotonic() - start < seconds:
        page.wait_for_timeout(1000 * every)
        turn += 1
        if turn % 3 == 0:  # Stops the camera; photographs; starts it again.
            page.set_input_files("#files-input", sample_paths()[:4])
            page.wait_for_selector("#rows tr:not(.none):nth-child(4)", timeout=60_000)
            page.click("#clear")
            page.click("#camera")
            page.wait_for_timeout(1000)
        measured = page.evaluate(
            "async () => (await performance.measureUserAgentSpecificMemory()).bytes"
        )
        scored = int(page.get_attribute("html", "data-scored") or 0)
        yield Sample(
            round(time.monotonic() - start, 1),
            round(measured / 1e6, 2),
            round(sum(renderers()) / 1e6, 1),
            scored,
        )


def renderers() -> Iterator[int]:
    """Resident bytes of the renderers that descend from this process."""
    ours = {str(Path("/proc/self").resolve().name)}
    parents = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(
                line.split(":", 1) for line in status.read_text().splitlines() if ":" in line
            )
            command = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        resident = int(fields.get("VmRSS", "0 kB").split()[0]) * 1024
        parents[status.parent.name] = (fields["PPid"].strip(), resident, command)
    for number, (parent, resident, command) in parents.items():
        if b"--type=renderer" not in command:
            continue
        above = parent
        while above in parents and above not in ours:
            above = parents[above][0]
        if above in ours or number in ours:
            yield resident


def growth(samples: list[Sample]) -> float:
    """Megabytes that the second half needs more than the first, without the warm-up."""
    kept = samples[len(samples) // 5 :]
    middle = len(kept) // 2
    first, second = (
        statistics.median(sample.page_mb for sample in part)
        for part in (kept[:middle], kept[middle:])
    )
    return round(second - first, 2)


def run(playwright: Any, address: str, film: Path, seconds: float, every: float) -> list[Sample]:
    """Starts Chromium with a fake webcam and watches it."""
    browser = playwright.chromium.launch(
        executable_path="/usr/bin/chromium",
        args=[
            *("--no-sandbox", "--disable-dev-shm-usage", "--use-fake-device-for-media-stream"),
            *("--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={film}"),
            # Collects garbage at once instead of within 20 seconds.
            "--enable-blink-features=ForceEagerMeasureMemory",
        ],
    )
    try:
        page = browser.new_context(service_workers="block").new_page()
        page.goto(address)
        page.wait_for_selector("html[data-ready]", timeout=60_000)
        assert page.evaluate("crossOriginIsolated")
        return list(watch(page, seconds, every))
    finally:
        browser.close()


def main() -> int:
    """Runs and reports."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, metavar="M")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples as well")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served() as address, sync_playwright() as started:
        film = Path(folder) / "film.y4m"
        write_film(film, [("sharp", 3), ("blurred", 2), ("sharp", 3), ("dark", 2)])
        samples = run(started, address, film, 60 * arguments.minutes, 10.0)
    if arguments.json:
        rows = [asdict(sample) for sample in samples]
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    grown, first, last = growth(samples), samples[0], samples[-1]
    print(
        f"{last.seconds:.0f} s, {len(samples)} samples, {last.scored} frames: page "
        f"{first.page_mb} to {last.page_mb} MB, second half {grown:+} MB against the first; "
        f"renderer {first.renderer_mb} to {last.renderer_mb} MB"
    )
    return 1 if grown > MARGIN_MB else 0


if __name__ == "__main__":
    raise SystemExit(main())
