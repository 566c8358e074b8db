"""`python -m edgeiqa` is the command `edgeiqa`."""

from edgeiqa.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
