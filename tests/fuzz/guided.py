"""Fuzzing that sees which lines an input reached, and goes on from those that reached new ones.

With Atheris (`pip install atheris`), which drives libFuzzer; `python -m tests.fuzz --guided`. One
process for each target; it ends at the first finding, which libFuzzer writes into --keep.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.fuzz.targets import target

ROOT = Path(__file__).resolve().parents[2]
RSS_MB = 3000
_STATE = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)/")


def guided(names: list[str], arguments: argparse.Namespace) -> int:
    """Fuzzes targets one after the other; returns 1 if there were findings."""
    runs = -(-arguments.inputs // len(names))
    reports = []
    for name in names:
        reports.append(_one(name, runs, arguments))
        print(json.dumps(reports[-1]), flush=True)
    if arguments.json is not None:
        document: dict[str, Any] = {}
        if arguments.json.is_file():
            document = json.loads(arguments.json.read_text(encoding="utf-8"))
        chosen = "".join(f" --target {name}" for name in arguments.target or ())
        document["guided"] = {
            "command": f"python -m tests.fuzz --guided --inputs {arguments.inputs} "
            f"--seed {arguments.seed}{chosen} --json {arguments.json}",
            "inputs": sum(report["inputs"] for report in reports),
            "findings": sum(report["finding"] is not None for report in reports),
            "targets": reports,
        }
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        arguments.json.write_text(text, encoding="utf-8")
    return int(any(report["finding"] is not None for report in reports))


def _one(name: str, runs: int, arguments: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="edgeiqa-fuzz-") as temporary:
        corpus = Path(temporary) / "corpus"
        corpus.mkdir()
        for index, seed in enumerate(target(name).seeds()):
            (corpus / f"seed-{index}").write_bytes(seed)
        keep = arguments.keep or Path(temporary)
        keep.mkdir(parents=True, exist_ok=True)
        command = [
            *(sys.executable, "-m", "tests.fuzz.guided", name, f"-runs={runs}"),
            *(f"-seed={arguments.seed}", f"-rss_limit_mb={RSS_MB}", "-max_len=8192"),
            *(f"-timeout={3 * arguments.seconds:.0f}", f"-artifact_prefix={keep}/{name}-"),
            str(corpus),
        ]
        start = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        text = done.stderr.decode("utf-8", "replace")
        states = _STATE.findall(text)
        fed, edges, features, kept = map(int, states[-1]) if states else (0, 0, 0, 0)
        return {
            "target": name,
            "inputs": fed,
            "seconds": round(time.monotonic() - start, 1),
            "edges": edges,
            "features": features,
            "corpus": kept,
            "finding": None
            if done.returncode == 0
            else text[-3000:] + done.stdout.decode()[-3000:],
        }


def _fuzz() -> None:
    """What the process of a target runs."""
    import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

    name = sys.argv[1]
    with atheris.instrument_imports(include=["edgeiqa", "PIL"]):
        entry = target(name)
        entry.open()

    def one(data: bytes) -> None:
        entry.run(data)

    atheris.Setup([sys.argv[0], *sys.argv[2:]], one)
    atheris.Fuzz()


if __name__ == "__main__":
    _fuzz()
