"""Opens many thousand damaged model files and counts what became of them.

Usage: python scripts/stress/hostile_models.py [--files 50000] [--seed 1] [--models causes nano]
                                        [--json docs/results/models.json [--add]] [--keep FOLDER]

MODELS are names or files; `python scripts/stress/make_sink_model.py FOLDER` makes two of nearly
all operators.

The kinds, per model: bytes of the flatbuffer changed, with the digest in the contract made right
again; what the flatbuffer says changed and all of it written anew, likewise; values of the
contract changed; any byte of the file changed, digest as it was; the file cut. Each file has to be
refused with an error of ours, or else to be harmless: it is then opened and run in a child process
with a limit of memory and of time. A child that dies, runs out of either or raises something else
is a finding, kept in FOLDER; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import resource
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa._version import __version__  # noqa: E402
from edgeiqa.errors import ContractError  # noqa: E402
from edgeiqa.inference import contract as contracts  # noqa: E402
from edgeiqa.inference.contract_zip import ENTRY  # noqa: E402
from edgeiqa.inference.model import Model, ModelError, find  # noqa: E402
from edgeiqa.inference.model_file import open_checked  # noqa: E402
from scripts.stress.model_mutations import Bytes, Objects, contract_texts  # noqa: E402
from scripts.stress.process import peak_mb, processor  # noqa: E402

MEMORY = 4 << 30
"""Address space of a child, most of which LiteRT and NumPy only reserve."""
SECONDS = 120
SHARES = {"bytes": 0.4, "objects": 0.2, "contract": 0.2, "file": 0.15, "cut": 0.05}


class Child:
    """A process that opens and runs model files, and is made anew when one kills it."""

    def __init__(self) -> None:
        self.deaths = 0
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, data: bytes) -> tuple[str, float]:
        """What became of a file, and the largest memory of the child so far in MB."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__, "--child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        import selectors

        line = b""
        try:
            process.stdin.write(struct.pack("<Q", len(data)) + data)
            process.stdin.flush()
            with selectors.DefaultSelector() as waiting:
                waiting.register(process.stdout, selectors.EVENT_READ)
                if waiting.select(SECONDS):
                    line = process.stdout.readline()
                else:
                    process.kill()
        except BrokenPipeError:
            pass
        if not line:
            code = process.wait()
            self._process = None
            self.deaths += 1
            return ("took too long" if code == -9 else f"killed its process ({code})"), 0.0
        reply = json.loads(line)
        return reply["outcome"], reply["mb"]

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()


def child() -> int:
    """Opens and runs what comes on standard input; one line of JSON for each."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    rng = np.random.default_rng(0)
    while head := sys.stdin.buffer.read(8):
        data = sys.stdin.buffer.read(struct.unpack("<Q", head)[0])
        try:
            model = Model(data)
            shape = model.contract.input.tensor_shape
            outputs = model.run(rng.integers(0, 256, shape, np.uint8))
            outcome = "ran" if all(map(np.size, outputs.values())) else "gave nothing"
        except ModelError:
            outcome = "refused by the runtime"
        except RuntimeError:
            outcome = "failed while running"
        except Exception as error:
            outcome = f"raised {type(error).__name__}"
        print(json.dumps({"outcome": outcome, "mb": peak_mb()}), flush=True)
    return 0


HARMLESS = ("ran", "refused by the runtime", "failed while running", "the same model")


@dataclass
class Campaign:
    """Counts."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    findings: list[dict[str, Any]] = field(default_factory=list)
    largest_mb: float = 0.0
    slowest_check_ms: float = 0.0
    files: int = 0


def _files(model: str, count: int, seed: int) -> list[tuple[str, Callable[[], bytes]]]:
    """Kinds and makers of damaged files."""
    data = find(model).read_bytes()
    contract, flatbuffer = contracts.read(data)
    by_bytes, by_objects = Bytes(flatbuffer), Objects(flatbuffer)
    rng = random.Random(f"{model} {seed}")
    tail = len(data) - len(flatbuffer)

    def packed(changed: bytes) -> bytes:
        return contracts.append(changed, contract)

    def text() -> bytes:
        # The text is put where the right one was; ContractError is for open_checked to raise.
        import io
        import zipfile

        file = io.BytesIO()
        file.write(flatbuffer)
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr(ENTRY, contract_texts(rng, contract))
        return file.getvalue()

    def flipped() -> bytes:
        changed = bytearray(data)
        # Half of them in the contract and the ZIP around it, which is a small part of the file.
        start = len(flatbuffer) if rng.random() < 0.5 else 0
        place = rng.randrange(start, len(data))
        changed[place] ^= 1 << rng.randrange(8)
        return bytes(changed)

    def cut() -> bytes:
        whole = rng.random() < 0.5
        return data[: rng.randrange(len(data)) if whole else len(data) - 1 - rng.randrange(tail)]

    makers: dict[str, Callable[[], bytes]] = {
        "bytes": lambda: packed(by_bytes(rng, flatbuffer)),
        "objects": lambda: packed(by_objects(rng, flatbuffer)),
        "contract": text,
        "file": flipped,
        "cut": cut,
    }
    return [(k, makers[k]) for k, share in SHARES.items() for _ in range(round(count * share))]


def judge(data: bytes, original: tuple[Any, bytes], process: Child, campaign: Campaign) -> str:
    """What becomes of one file."""
    start = time.perf_counter()
    try:
        opened = open_checked(data)
    except (ModelError, ContractError) as error:
        words = str(error).partition(": ")[2]
        campaign.errors[words.split(":")[0][:40]] += 1
        return "refused"
    except Exception as error:
        return f"raised {type(error).__name__} when checked"
    finally:
        took = 1000 * (time.perf_counter() - start)
        campaign.slowest_check_ms = max(campaign.slowest_check_ms, took)
    if (opened.contract, opened.flatbuffer) == original:
        return "the same model"
    outcome, mb = process.run(data)
    campaign.largest_mb = max(campaign.largest_mb, mb)
    return outcome


def campaign(models: Sequence[str], count: int, seed: int, keep: Path | None) -> dict[str, Any]:
    """Goes through all files.

    Returns:
        Ready for JSON.
    """
    campaign, process = Campaign(), Child()
    start = said = time.monotonic()
    for model in models:
        original = contracts.read(find(model).read_bytes())
        for kind, make in _files(model, count // len(models), seed):
            try:
                data = make()
            except Exception:  # The schema's own writer cannot say it, or `append` refuses it.
                campaign.outcomes.setdefault(kind, Counter())["could not be written"] += 1
                continue
            campaign.files += 1
            outcome = judge(data, original, process, campaign)
            campaign.outcomes.setdefault(kind, Counter())[outcome] += 1
            if outcome != "refused" and outcome not in HARMLESS:
                campaign.findings.append({"model": model, "kind": kind, "outcome": outcome})
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{len(campaign.findings)}-{kind}.tflite").write_bytes(data)
            if time.monotonic() - said > 10:
                said = time.monotonic()
                print(f"{campaign.files} files, {len(campaign.findings)} findings", flush=True)
    process.close()
    return {
        "files": campaign.files,
        "seconds": round(time.monotonic() - start),
        "outcomes": {kind: dict(sorted(c.items())) for kind, c in campaign.outcomes.items()},
        "findings": campaign.findings,
        "slowest_check_ms": round(campaign.slowest_check_ms, 1),
        "largest_child_mb": round(campaign.largest_mb),
        "errors": dict(campaign.errors.most_common(40)),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs it; 1 if there are findings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", nargs="+", default=["causes", "nano"])
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--add", action="store_true", help="to what FILE has already")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where findings are kept")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.child:
        return child()
    run = campaign(args.models, args.files, args.seed, args.keep)
    report = {
        "command": f"python scripts/stress/hostile_models.py --files {args.files} "
        f"--seed {args.seed} --models {' '.join(Path(model).name for model in args.models)}",
        "versions": {
            "edgeiqa": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "litert": _litert(),
        },
        "processor": processor(),
        **run,
    }
    if args.json is not None:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        runs = json.loads(args.json.read_text("utf-8"))["runs"] if args.add else []
        text = json.dumps({"runs": [*runs, report]}, indent=1)
        args.json.write_text(text + "\n", encoding="utf-8")
    print(json.dumps(run["outcomes"], indent=1))
    print(f"{run['files']} files, {len(run['findings'])} findings")
    return 1 if run["findings"] else 0


def _litert() -> str:
    from importlib.metadata import version

    return version("ai-edge-litert")


if __name__ == "__main__":
    sys.exit(main())
