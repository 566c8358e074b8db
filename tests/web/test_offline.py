"""Once loaded, the page works without a network, and takes a newer version when there is one."""

from __future__ import annotations

from typing import Any

from edgeiqa import sample_paths
from tests.web.site import served


def test_it_scores_offline(browser: Any, runtime: None) -> None:
    context = browser.new_context()
    with served() as address:
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector('html[data-offline="true"]', timeout=60_000)
    # The server is gone.
    page.reload()
    page.wait_for_selector("html[data-ready]", timeout=60_000)
    page.set_input_files("#files-input", sample_paths()[:1])
    page.wait_for_selector("#rows tr:not(.none):nth-child(1)", timeout=60_000)
    page.select_option("#model", "nano")
    page.wait_for_selector('html[data-ready="nano"]', timeout=60_000)
    assert page.is_hidden("#problem")
    builds = page.evaluate(
        """async () => {
          const [name] = await caches.keys();
          const keys = await (await caches.open(name)).keys();
          return keys.map(key => key.url).filter(url => url.endsWith(".wasm"));
        }"""
    )
    assert len(builds) == 1
    context.close()
