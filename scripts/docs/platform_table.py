"""Prints the table of platforms, from the reports in docs/results/platforms.

Usage: python scripts/docs/platform_table.py

web/README.md has the table, too; `python scripts/docs/fill_tables.py` writes it there.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.docs.tables.platforms import platforms_table


def main() -> int:
    """Prints the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(platforms_table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
