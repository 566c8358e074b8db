"""A hook of MkDocs: pages from outside of docs/, and links to files that are no pages.

README.md, CONTRIBUTING.md and others are written for a checkout. Here they become pages of the
site, and links that leave the site lead to the repository. A link to a file that does not exist is
a warning, which `mkdocs build --strict` turns into an error.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "CONTRIBUTING.md": "contributing.md",
    "RELEASE.md": "release.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "edgeiqa/assets/models/base.md": "models/base.md",
    "edgeiqa/assets/models/nano.md": "models/nano.md",
    "edgeiqa/assets/models/causes/README.md": "models/causes.md",
    "edgeiqa/assets/models/CHANGELOG.md": "models/changelog.md",
    "edgeiqa/assets/samples/README.md": "models/samples.md",
}
"""Documents of the checkout to pages of the site."""

ON_SITE = (".md", ".svg", ".png", ".jpg")

_LINK = re.compile(r"\]\((?P<path>(?!\w+:)[^)#\s]+)(?P<rest>#[\w-]+)?\)")
_log = logging.getLogger("mkdocs.hooks.edgeiqa")


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Makes links relative to the checkout links of the site, or of the repository."""
    uri = page.file.src_uri
    source = {page: source for source, page in PAGES.items()}.get(uri, f"docs/{uri}")

    def linked(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), match["path"]))
        if not (ROOT / target).exists():
            _log.warning("%s links to %s, which does not exist", source, target)
            return match[0]
        if target in PAGES or (target.startswith("docs/") and target.endswith(ON_SITE)):
            site = PAGES.get(target, target.removeprefix("docs/"))
            return (
                f"]({posixpath.relpath(site, posixpath.dirname(uri) or '.')}{match['rest'] or ''})"
            )
        kind = "tree" if (ROOT / target).is_dir() else "blob"
        return f"]({config.repo_url}/{kind}/main/{target}{match['rest'] or ''})"

    return _LINK.sub(linked, markdown)
