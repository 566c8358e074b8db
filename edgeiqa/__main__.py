"""`python -m edgeiqa` is the command `edgeiqa`."""

import os
import sys

from edgeiqa.cli import main
from edgeiqa.commands.common import EXIT_INTERRUPTED

if __name__ == "__main__":
    code = main()
    if code == EXIT_INTERRUPTED:
        # An interrupt that arrives while text is executed (a dataclass being made by an import)
        # has CPython under `-m` die of the signal at its end, whoever caught it, code or no code.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
