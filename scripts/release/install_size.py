"""Measures what installing edgeiqa takes, in fresh environments without a cache of wheels.

Usage: python scripts/release/install_size.py [--extras "" convert ...] [--checkout DIR]
                                              [--json docs/benchmarks/install.json]

For each set of extras ("" is the runtime alone) a virtual environment is made, filled by `pip
install --no-cache-dir`, measured and removed: megabytes that pip downloaded, megabytes on the disk
without pip itself, packages, seconds. It needs a package index; time depends on the way there.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa.files.atomic import open_output  # noqa: E402

_SIZES = {"kB": 1e3, "MB": 1e6, "GB": 1e9}
_DOWNLOAD = re.compile(r"^\s*Downloading \S+ \((?P<size>[\d.]+) (?P<unit>[kMG]B)\)", re.MULTILINE)


def downloaded(log: str) -> float:
    """Bytes that pip says it has downloaded."""
    return sum(float(one["size"]) * _SIZES[one["unit"]] for one in _DOWNLOAD.finditer(log))


def disk_usage(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def measured(checkout: Path, extras: str) -> dict[str, Any]:
    """Installs into an environment of its own; returns the row of the report.

    Raises:
        subprocess.CalledProcessError: pip failed.
    """
    with tempfile.TemporaryDirectory(prefix="edgeiqa-install-") as work:
        venv = Path(work) / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        before = disk_usage(venv)
        pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        what = f"{checkout}[{extras}]" if extras else str(checkout)
        start = time.monotonic()
        done = subprocess.run(
            [*pip, "install", "--no-cache-dir", what], capture_output=True, text=True, check=True
        )
        seconds = time.monotonic() - start
        listed = subprocess.run(
            [*pip, "list", "--format=json"], capture_output=True, text=True, check=True
        )
        return {
            "extras": extras,
            "downloaded_mb": round(downloaded(done.stdout) / 1e6, 1),
            "installed_mb": round((disk_usage(venv) - before) / 1e6, 1),
            "packages": len(json.loads(listed.stdout)) - 2,  # pip and setuptools came before.
            "seconds": round(seconds, 1),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--extras", nargs="+", default=["", "video", "convert", "convert,test"])
    parser.add_argument("--checkout", type=Path, default=ROOT, metavar="DIR")
    parser.add_argument("--json", metavar="FILE")
    args = parser.parse_args(arguments)
    rows = []
    for extras in args.extras:
        try:
            rows.append(measured(args.checkout, extras))
        except subprocess.CalledProcessError as error:
            print(f"install_size: error: {extras or 'runtime'}: {error.stderr}", file=sys.stderr)
            return 1
        print(json.dumps(rows[-1]), flush=True)
    if args.json:
        report = {
            "command": "python scripts/release/install_size.py",
            "python": sys.version.split()[0],
            "rows": rows,
        }
        with open_output(args.json) as stream:
            stream.write(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
