"""The preview page: one self-contained file."""

from __future__ import annotations

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>edgeiqa live</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: dark; }
  body { margin: 0; background: #0a0c10; color: #fff; font: 16px/1.4 system-ui, sans-serif; }
  main { max-width: 1280px; margin: 0 auto; padding: 1rem; }
  h1 { font-size: 1rem; font-weight: 600; margin: 0 0 .5rem; overflow-wrap: anywhere; }
  img { display: block; max-width: 100%; max-height: 78vh; margin: 0 auto; background: #1b1f27; }
  .row { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; }
  .row { margin: .75rem 0; }
  #verdict { font-size: 1.5rem; font-weight: 700; }
  .accept { color: #40d6a4; } .reject { color: #ff9254; } .neutral { color: #78bef0; }
  .faint { color: #bec4cc; }
  ul { margin: .25rem 0; padding-left: 1.2rem; }
</style>
</head>
<body>
<main>
  <h1 id="name">edgeiqa live</h1>
  <img id="video" src="stream.mjpg" alt="Live picture; its quality is described below">
  <div class="row">
    <span id="verdict" class="faint" role="status">Waiting for the first frame</span>
    <span id="numbers" class="faint"></span>
  </div>
  <ul id="reasons"></ul>
  <p id="event" class="faint" role="status"></p>
</main>
<script>
"use strict";
const at = id => document.getElementById(id);
const put = (id, text) => { if (at(id).textContent !== text) at(id).textContent = text; };
const fixed = (value, unit) => value == null ? "" : value.toFixed(1) + unit;
let lost = false;
async function refresh() {
  try {
    const answer = await fetch("latest.json", {cache: "no-store"});
    const now = await answer.json();
    if (lost) { at("video").src = "stream.mjpg?" + Date.now(); lost = false; }
    put("name", "edgeiqa live: " + now.name);
    put("event", now.event || "");
    const result = now.result;
    if (result) {
      const kinds = {Accept: "accept", Reject: "reject", Scored: "neutral"};
      at("verdict").className = kinds[now.word] || "faint";
      put("verdict", now.word);
      const errors = now.stats.errors;
      put("numbers", [
        fixed(result.smoothed, " of 100"),
        fixed(now.stats.fps_scored, " frames per second"),
        fixed(now.stats.latency_p50_ms, " ms"),
        now.stats.dropped + " dropped",
        errors + (errors === 1 ? " error" : " errors")].filter(Boolean).join(", "));
      const sentences = result.error ? [result.error] : now.sentences;
      const list = at("reasons");
      if (list.dataset.now !== sentences.join("\\n")) {
        list.dataset.now = sentences.join("\\n");
        list.replaceChildren(...sentences.map(text => {
          const item = document.createElement("li");
          item.textContent = text;
          return item;
        }));
      }
    }
  } catch {
    lost = true;
    at("verdict").className = "faint";
    put("verdict", "Not connected");
  }
  setTimeout(refresh, 500);
}
refresh();
</script>
</body>
</html>
"""
