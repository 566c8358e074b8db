"""`python -m tests.fuzz`: feeds our own code with mutated input and reports the outcomes."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tests.fuzz.campaign import LIMIT_S, MAX_GROWTH_MB, Campaign, Tally
from tests.fuzz.target import number
from tests.fuzz.targets import NAMES, target

SHARES = {
    **{"decode": 25, "frame": 50, "contract": 50, "cli": 3, "http": 25, "xmp": 15},
    **{"raw": 20, "video": 12, "address": 20, "results": 10, "journal": 8},
}
"""The shares of the targets in all inputs."""


def main(argv: list[str] | None = None) -> int:
    """Runs the campaign; returns 1 if there were findings."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=50_000, help="in all (default: 50000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same inputs")
    parser.add_argument(
        "--target", action="append", choices=NAMES, help="only this one; can be repeated"
    )
    parser.add_argument("--only", type=int, metavar="N", help="feed input N of --target here")
    parser.add_argument("--file", type=Path, help="feed this file to --target here")
    parser.add_argument("--seconds", type=float, default=LIMIT_S, help="of processor per input")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write inputs of findings there")
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write a report there, or renew these targets in it",
    )
    parser.add_argument("--guided", action="store_true", help="let Atheris seek new paths instead")
    arguments = parser.parse_args(argv)
    names = arguments.target or list(NAMES)
    if arguments.only is not None or arguments.file is not None:
        return _one(names[0], arguments)
    if arguments.guided:
        from tests.fuzz.guided import guided

        return guided(names, arguments)
    campaign = Campaign(
        arguments.seed, limit_s=arguments.seconds, keep=arguments.keep, on_progress=_progress
    )
    parts = sum(SHARES[name] for name in names)
    tallies = []
    for name in names:
        tallies.append(campaign.run(name, -(-arguments.inputs * SHARES[name] // parts)))
        _print_tally(tallies[-1])
    if arguments.json is not None:
        _write(arguments.json, report(tallies, arguments))
    return int(any(tally.findings for tally in tallies))


def report(tallies: list[Tally], arguments: argparse.Namespace) -> dict[str, Any]:
    """The document of --json."""
    import platform

    import numpy
    import PIL

    chosen = "".join(f" --target {name}" for name in arguments.target or ())
    command = f"python -m tests.fuzz --inputs {arguments.inputs} --seed {arguments.seed}{chosen}"
    return {
        "versions": {
            "python": platform.python_version(),
            "numpy": numpy.__version__,
            "pillow": PIL.__version__,
        },
        "limits": {"seconds": arguments.seconds, "growth_mb": MAX_GROWTH_MB},
        "targets": [{**tally.to_dict(), "command": command} for tally in tallies],
    }


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """A report of all targets: those that were fed last, and the others as they stood.

    Args:
        old: What is in the file; empty where there is none.
        new: Of `report`.
    """
    targets = {found["target"]: found for found in (*old.get("targets", ()), *new["targets"])}
    ordered = [targets[name] for name in NAMES if name in targets]
    sums = {
        "inputs": sum(found["inputs"] for found in ordered),
        "seconds": round(sum(found["seconds"] for found in ordered), 1),
        "findings": sum(len(found["findings"]) for found in ordered),
    }
    kept = {"guided": old["guided"]} if "guided" in old else {}
    return {**new, **sums, "targets": ordered, **kept}


def _write(path: Path, document: dict[str, Any]) -> None:
    old = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    text = json.dumps(merged(old, document), indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")


def _one(name: str, arguments: argparse.Namespace) -> int:
    entry = target(name)
    if arguments.file is not None:
        data = arguments.file.read_bytes()
    else:
        data = entry.make(number(arguments.seed, name, arguments.only))
    entry.open()
    try:
        print(f"{len(data)} bytes: {entry.run(data)}")
    finally:
        entry.close()
    return 0


def _progress(tally: Tally, total: int) -> None:
    if not sys.stderr.isatty():
        return
    rate = tally.inputs / max(tally.seconds, 0.001)
    left = round((total - tally.inputs) / max(rate, 0.001))
    sys.stderr.write(
        f"\r\x1b[K{tally.name}: {tally.inputs}/{total}  {rate:.0f}/s  "
        f"{left // 60}:{left % 60:02d} left  {len(tally.findings)} findings"
    )
    sys.stderr.flush()


def _print_tally(tally: Tally) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    outcomes = ", ".join(f"{count} {what}" for what, count in tally.outcomes.most_common())
    print(
        f"{tally.name}: {tally.inputs} inputs in {tally.seconds:.0f} s, slowest "
        f"{tally.slowest[0]:.2f} s (input {tally.slowest[1]}), {tally.rss_mb:.0f} MB "
        f"({tally.grown[0]:.0f} by input {tally.grown[1]}): {outcomes}",
        flush=True,
    )
    for found in tally.findings:
        print(f"  {found['kind']}, input {found['input']}: {found['details'].strip()}")


if __name__ == "__main__":
    sys.exit(main())
