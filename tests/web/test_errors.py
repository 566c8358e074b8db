"""What cannot be done is told to the person, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgeiqa.web.site import Site
from tests.web.site import served


def problem(page: Any) -> str:
    page.wait_for_selector("#problem:not([hidden])", timeout=60_000)
    assert page.get_attribute("#problem", "role") == "alert"
    text: str = page.inner_text("#problem")
    return text


def visit(browser: Any, address: str) -> Any:
    page = browser.new_context(service_workers="block").new_page()
    page.goto(address)
    return page


def test_no_camera(open_page: Callable[..., Any]) -> None:
    page = open_page(permissions=["camera"])
    page.click("#camera")
    assert "No camera was found" in problem(page)
    assert page.is_enabled("#camera")


def test_a_refused_permission(launch: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    page = open_page(launch("--use-fake-device-for-media-stream", "--deny-permission-prompts"))
    page.click("#camera")
    assert "not allowed to use the camera" in problem(page)


def test_a_page_without_https(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.evaluate("Object.defineProperty(navigator, 'mediaDevices', {value: undefined})")
    page.click("#camera")
    assert "HTTPS" in problem(page)


def test_no_web_assembly(launch: Callable[..., Any], url: str) -> None:
    page = visit(launch("--js-flags=--jitless"), url)
    text = problem(page)
    assert "no WebAssembly" in text
    assert page.is_disabled("#camera")
    assert page.is_disabled("#files")


MODEL = "models/base.tflite"


def damaged() -> dict[str, bytes]:
    good = Site().files
    model = good[MODEL]
    middle = len(model) // 2
    return {
        "wrong checksum": model[:middle] + bytes([model[middle] ^ 1]) + model[middle + 1 :],
        "truncated": model[:middle],
        "TFL3": b"<!doctype html><p>not the file that was asked for</p>",
        "detects causes": good["models/causes.tflite"],
    }


@pytest.mark.parametrize("what", ["wrong checksum", "truncated", "TFL3", "detects causes"])
def test_a_damaged_model(what: str, browser: Any, runtime: None) -> None:
    with served({MODEL: damaged()[what]}) as address:
        page = visit(browser, address)
        text = problem(page)
        assert what in text.lower() or what in text
        assert "model file" in text
        assert page.is_disabled("#files")
        page.context.close()


def test_a_model_at_odds_with_its_contract(browser: Any, runtime: None) -> None:
    from tests.golden.vectors.internals import append, read

    contract, flatbuffer = read(Site().files[MODEL])
    import dataclasses

    other = dataclasses.replace(contract, input=dataclasses.replace(contract.input, width=384))
    with served({MODEL: append(flatbuffer, other)}) as address:
        page = visit(browser, address)
        text = problem(page)
        assert "[1,392,392,3]" in text
        assert "[1,392,384,3]" in text
        page.context.close()


def test_files_that_the_server_does_not_have(browser: Any, runtime: None) -> None:
    with served({MODEL: None}) as address:
        page = visit(browser, address)
        assert "404" in problem(page)
        page.context.close()
    missing = {name: None for name in Site().files if name.startswith("litert/")}
    with served(missing) as address:
        page = visit(browser, address)
        assert "WebAssembly runtime cannot be loaded" in problem(page)
        page.context.close()


def test_a_choice_without_any_picture(open_page: Callable[..., Any], tmp_path: Any) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing")
    page = open_page()
    page.set_input_files("#files-input", [path])
    assert "no picture" in problem(page)
