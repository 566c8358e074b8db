/** Keeps the page, its network and its runtime, so that all of it works offline. */

/* global ASSETS */
importScripts("assets.js"); // Sets ASSETS: {version, files}, made by the server from the files.

const NAME = `edgeiqa-${ASSETS.version}`;
const RELAXED_SIMD = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1],
  ...[253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
);

/** All files but the builds of the runtime that this browser does not use. */
function wanted() {
  const relaxed = typeof WebAssembly === "object" && WebAssembly.validate(RELAXED_SIMD);
  const unused = relaxed ? "wasm_compat" : "wasm_internal";
  return ASSETS.files.filter((file) => !file.includes(unused) && !file.includes("wasm_threaded"));
}

self.addEventListener("install", (event) => {
  const fill = async () => {
    const cache = await caches.open(NAME);
    await cache.addAll(wanted().map((file) => new Request(file, { cache: "no-cache" })));
    await self.skipWaiting();
  };
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => {
  const takeOver = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith("edgeiqa-") && name !== NAME);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(takeOver());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  const answer = async () => {
    const cache = await caches.open(NAME);
    return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
  };
  event.respondWith(answer());
});
