"""`edgeiqa web`: serves the browser page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edgeiqa.cli.common import EXIT_OK

EPILOG = """the page computes in the browser: photographs and camera frames never leave it, and this
command never sees them. With the default host only this machine can open the page. With
--host 0.0.0.0 every device in the network can; browsers then allow neither the camera nor
offline use, as these need HTTPS or localhost.

exit codes:
  0    ended by Ctrl-C, or the files are written
  2    wrong usage, the port is taken, or a part of the page is missing
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describes the command."""
    parser = commands.add_parser(
        "web",
        allow_abbrev=False,
        help="open a page that scores in the browser",
        description="Serves a page that scores photographs and webcam frames in the browser.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--port", type=port_argument, default=8765, help="0 for any free one (default: 8765)"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen at (default: 127.0.0.1, this machine only)",
    )
    parser.add_argument("--open", action="store_true", help="show the page in a browser")
    parser.add_argument(
        "--runtime",
        metavar="PATH",
        type=Path,
        help="LiteRT for browsers: the folder wasm of the npm package @litertjs/core (default: the "
        "one in this package)",
    )
    parser.add_argument(
        "--export",
        metavar="DIR",
        type=Path,
        help="write the page's files into a folder for a web server of your own, and end",
    )
    parser.set_defaults(run=run)


def port_argument(text: str) -> int:
    """An argparse type: a TCP port."""
    port = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {text!r}")
    return port


def run(arguments: argparse.Namespace) -> int:
    """Serves until Ctrl-C; returns the exit code."""
    from edgeiqa.cli.interrupts import StopOnInterrupt
    from edgeiqa.web.server import PageServer
    from edgeiqa.web.site import RUNTIME, Site

    site = Site(arguments.runtime or RUNTIME)
    if arguments.export is not None:
        count = site.export(arguments.export)
        print(f"{count} files in {arguments.export}")
        return EXIT_OK
    server = PageServer(site.files, arguments.port, host=arguments.host)
    with StopOnInterrupt(server.stop):
        print(f"{server.url} (Ctrl-C ends it)", file=sys.stderr, flush=True)
        if not server.local:
            print(
                "Every device that can reach this address can open the page. It gets the page's "
                "files and nothing else; its photographs stay in its browser. Browsers allow the "
                "camera over HTTPS or from localhost only.",
                file=sys.stderr,
                flush=True,
            )
        if arguments.open:
            import webbrowser

            webbrowser.open(server.url)
        server.serve()
    return EXIT_OK
