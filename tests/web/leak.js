/** A worker that tries to get something out. */
(async () => {
  const outcome = async (call) => {
    try {
      await call();
      return "went";
    } catch {
      return "refused";
    }
  };
  const outside = "http://elsewhere.test/";
  self.postMessage({
    fetch: await outcome(() => fetch(outside, { mode: "no-cors" })),
    eval: await outcome(() => self.eval("1")),
    importScripts: await outcome(() => importScripts(outside)),
  });
})();
