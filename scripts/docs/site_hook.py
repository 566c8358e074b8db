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
    "web/README.md": "web.md",
    "web/core/README.md": "web-core.md",
    "android_demo/README.md": "android.md",
    "edgeiqa/assets/models/base.md": "models/base.md",
    "edgeiqa/assets/models/nano.md": "models/nano.md",
    "edgeiqa/assets/models/causes/README.md": "models/causes.md",
    "edgeiqa/assets/models/CHANGELOG.md": "models/changelog.md",
    "edgeiqa/assets/samples/README.md": "models/samples.md",
}
"""Documents of the checkout to pages of the site."""

PICTURES = (".svg", ".png", ".jpg")

_LINK = re.compile(r"\]\((?P<path>(?!\w+:)[^)#\s]+)(?P<rest>#[\w-]+)?\)")
_log = logging.getLogger("mkdocs.hooks.edgeiqa")


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages, and pictures beside them."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
        for link in _LINK.finditer(text):
            target = _target(source, link["path"])
            if target.endswith(PICTURES) and not target.startswith("docs/"):
                files.append(File.generated(config, target, abs_src_path=str(ROOT / target)))
    return files


def _target(source: str, link: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), link))


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Makes links relative to the checkout links of the site, or of the repository."""
    uri = page.file.src_uri
    source = {page: source for source, page in PAGES.items()}.get(uri, f"docs/{uri}")

    def linked(match: re.Match[str]) -> str:
        target = _target(source, match["path"])
        if not (ROOT / target).exists():
            _log.warning("%s links to %s, which does not exist", source, target)
            return match[0]
        in_docs = target.startswith("docs/") and target.endswith((".md", *PICTURES))
        if target in PAGES or in_docs or target.endswith(PICTURES):
            site = PAGES.get(target, target.removeprefix("docs/"))
            return (
                f"]({posixpath.relpath(site, posixpath.dirname(uri) or '.')}{match['rest'] or ''})"
            )
        kind = "tree" if (ROOT / target).is_dir() else "blob"
        return f"]({config.repo_url}/{kind}/main/{target}{match['rest'] or ''})"

    return _LINK.sub(linked, markdown)
