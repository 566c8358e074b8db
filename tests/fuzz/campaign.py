"""Feeds a target with many inputs in a process of its own, and counts the outcomes."""

from __future__ import annotations

import hashlib
import multiprocessing
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.target import number
from tests.fuzz.targets import target
from tests.fuzz.worker import work

LIMIT_S = 10.0
"""Processor seconds that one input may take; a hang is three times as long by the clock."""

MEMORY = 6 << 30
"""Bytes of address space beyond which there is a MemoryError.

Threads of codecs reserve some, without using it, for as long as the process lives.
"""

MAX_GROWTH_MB = 1100.0
"""Resident MB that one input may make the process grow by.

16 megapixels of JPEG 2000 take 370, and 65,535 tiles of it, the most there can be, 700.
"""


@dataclass
class Tally:
    """What came of a target's inputs.

    Attributes:
        name: Of the target.
        about: What was fuzzed.
        seed: Of the campaign.
        inputs: How many were fed.
        seconds: By the clock, start-up included.
        outcomes: How often each outcome came.
        slowest: Processor seconds and number of the slowest input.
        rss_mb: Highest resident memory of the process.
        grown: MB by which one input raised it most, and that input's number.
        findings: What should not have been: kind, number, details and file of the input.
        restarts: How often the process had to be replaced.
    """

    name: str
    about: str
    seed: int
    inputs: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, int] = (0.0, -1)
    rss_mb: float = 0.0
    grown: tuple[float, int] = (0.0, -1)
    findings: list[dict[str, Any]] = field(default_factory=list)
    restarts: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        kinds = Counter(found["kind"] for found in self.findings)
        return {
            "target": self.name,
            "about": self.about,
            "seed": self.seed,
            "inputs": self.inputs,
            "seconds": round(self.seconds, 1),
            "outcomes": dict(self.outcomes.most_common()),
            "slowest": {"seconds": round(self.slowest[0], 3), "input": self.slowest[1]},
            "rss_mb": round(self.rss_mb, 1),
            "grown": {"mb": round(self.grown[0], 1), "input": self.grown[1]},
            "crashes": kinds["crash"],
            "hangs": kinds["hang"] + kinds["slow"],
            "memory": kinds["memory"],
            "undocumented": kinds["undocumented"],
            "findings": self.findings,
        }


class Campaign:
    """Runs one target after the other."""

    def __init__(
        self,
        seed: int,
        *,
        limit_s: float = LIMIT_S,
        memory: int = MEMORY,
        keep: Path | None = None,
        most_findings: int = 50,
        on_progress: Callable[[Tally, int], None] = lambda tally, total: None,
    ) -> None:
        """Takes the settings.

        Args:
            seed: The same one gives the same inputs.
            limit_s: Processor seconds per input.
            memory: Bytes per input.
            keep: A folder for the inputs of findings; None keeps none.
            most_findings: After so many a target is given up.
            on_progress: Told now and then how far it has come, and how many inputs there are.
        """
        self._seed, self._limit_s, self._memory = seed, limit_s, memory
        self._keep, self._most, self._on_progress = keep, most_findings, on_progress
        self._peak = 0.0  # Resident MB of the process so far.

    def run(self, name: str, inputs: int) -> Tally:
        """Feeds a target with so many inputs."""
        entry = target(name)
        tally = Tally(name, entry.about, self._seed)
        start, reported, at = time.monotonic(), time.monotonic(), 0
        while at < inputs and len(tally.findings) < self._most:
            at = self._some(tally, at, inputs, start)
            tally.restarts += at < inputs
            if time.monotonic() - reported > 2:
                reported = time.monotonic()
        tally.seconds = time.monotonic() - start
        self._on_progress(tally, inputs)
        return tally

    def _some(self, tally: Tally, first: int, end: int, start: float) -> int:
        """Feeds until the process ends, one way or another; returns the next number."""
        context = multiprocessing.get_context("spawn")
        clock: Any = context.RawArray("d", [-1.0, 0.0])
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(
            target=work,
            args=(tally.name, self._seed, first, end, self._memory, clock, theirs),
            daemon=True,
        )
        process.start()
        theirs.close()
        self._peak = 0.0
        reported, hung, at = time.monotonic(), False, first
        try:
            while len(tally.findings) < self._most:
                if ours.poll(0.2):
                    try:
                        message = ours.recv()
                    except EOFError:
                        process.join(5)  # It is dying; how, its exit code will say.
                        break
                    if message is None:
                        return end
                    if isinstance(message, str):
                        raise RuntimeError(f"the target {tally.name} does not open: {message}")
                    at = self._count(tally, message) + 1
                elif clock[0] >= 0 and time.monotonic() - clock[1] > 3 * self._limit_s:
                    hung = True
                    break
                if time.monotonic() - reported > 2:
                    reported, tally.seconds = time.monotonic(), time.monotonic() - start
                    self._on_progress(tally, end)
        finally:
            process.kill()
            process.join()
            ours.close()
        if len(tally.findings) >= self._most:
            return at
        dead = int(clock[0])
        if dead < 0:
            raise RuntimeError(f"the process of {tally.name} ended with {process.exitcode}")
        code = process.exitcode or 0
        if hung:
            self._note(tally, "hang", dead, f"no end after {3 * self._limit_s:g} s")
        else:
            reason = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            self._note(tally, "crash", dead, reason)
        tally.inputs += 1
        return dead + 1

    def _count(self, tally: Tally, message: tuple[int, str, float, float, str | None]) -> int:
        index, outcome, seconds, peak, raised = message
        tally.inputs += 1
        tally.slowest = max(tally.slowest, (seconds, index))
        grown = peak - self._peak if self._peak else 0.0
        self._peak = peak
        tally.grown = max(tally.grown, (grown, index))
        tally.rss_mb = max(tally.rss_mb, peak)
        if raised is not None:
            self._note(tally, "undocumented", index, raised)
        else:
            tally.outcomes[outcome] += 1
            if grown > MAX_GROWTH_MB:
                self._note(tally, "memory", index, f"{grown:.0f} MB")
            if seconds > self._limit_s:
                self._note(tally, "slow", index, f"{seconds:.1f} s")
        return index

    def _note(self, tally: Tally, kind: str, index: int, details: str) -> None:
        data = target(tally.name).make(number(self._seed, tally.name, index))
        digest = hashlib.sha256(data).hexdigest()[:12]
        found = {"kind": kind, "input": index, "details": details, "sha256": digest}
        if self._keep is not None:
            self._keep.mkdir(parents=True, exist_ok=True)
            file = self._keep / f"{tally.name}-{kind}-{digest}.bin"
            file.write_bytes(data)
            file.with_suffix(".txt").write_text(f"input {index}\n{details}\n", encoding="utf-8")
            found["file"] = file.name
        tally.findings.append(found)
