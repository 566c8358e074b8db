"""`edgeiqa models`: lists the shipped models, or describes .tflite files."""

from __future__ import annotations

import argparse
import json
from typing import Any

from edgeiqa.cli.common import EXIT_OK, EXIT_UNREADABLE

EPILOG = """exit codes:
  0    all models were listed
  2    invalid usage
  3    some are missing, unreadable or without a valid contract (the others were listed)
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "models",
        allow_abbrev=False,
        help="list models",
        description="Lists models with their version, size, input, outputs and gates.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help=".tflite files (default: the shipped models)"
    )
    parser.add_argument("--json", action="store_true", help="print the full contracts as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the models; returns the exit code."""
    from edgeiqa.files.atomic import open_output
    from edgeiqa.inference import contract as contracts
    from edgeiqa.inference import model as models
    from edgeiqa.inference.model_file import open_checked
    from edgeiqa.results.row import printable

    entries: list[dict[str, Any]] = []
    for name in arguments.files or (*models.available_models(), models.CAUSES):
        entry: dict[str, Any] = {"model": name, "contract": None, "error": None}
        try:
            file = open_checked(models.find(name))
            contract = json.loads(contracts.to_json(file.contract))
            entry |= {"bytes": file.bytes, "contract": contract}
        except (models.ModelError, contracts.ContractError, OSError) as error:
            entry["error"] = str(error).removeprefix(f"{name}: ")
        entries.append(entry)
    # Undecodable names are printed as escapes, which are equivalent in JSON.
    with open_output(None) as stream:
        if arguments.json:
            stream.write(json.dumps(entries, indent=2, ensure_ascii=False) + "\n")
        else:
            stream.write("\n".join(map(printable, _models_table(entries).split("\n"))) + "\n")
    return EXIT_UNREADABLE if any(entry["error"] for entry in entries) else EXIT_OK


def _models_table(entries: list[dict[str, Any]]) -> str:
    lines = []
    for entry in entries:
        if entry["error"] is not None:
            lines.append(f"{entry['model']}: {entry['error']}")
            continue
        contract = entry["contract"]
        spec = contract["input"]
        outputs = ", ".join(f"{o['name']} ({o['kind']})" for o in contract["outputs"])
        gate = ", ".join(f"{preset} {minimum:g}" for preset, minimum in contract["gate"].items())
        size = f"{spec['width']} x {spec['height']}"
        limits = contract.get("limits", {})
        if spec["views"] == ["global"]:
            taken = f"{size} {spec['color']} {spec['dtype']}, {spec['fit']}"
        else:
            taken = f"{len(spec['views'])} patches of {size} {spec['color']} {spec['dtype']}"
        lines += [
            f"{contract['name']} {contract['version']}  ({entry['model']})",
            f"  size    {entry['bytes'] / 1e6:.2f} MB",
            f"  input   {taken}",
            f"  output  {outputs}",
        ]
        if gate or not limits:
            lines.append(f"  gate    {gate or 'none'}")
        for preset, by_cause in limits.items():
            text = ", ".join(f"{cause} {limit:g}" for cause, limit in by_cause.items())
            lines.append(f"  {preset:7} {text}")
    return "\n".join(lines) if lines else "no models"
