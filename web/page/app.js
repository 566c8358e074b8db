/** The page: camera and photographs in, scores and verdicts out. */

import { Gate } from "./core/gate.js";
import { LiveJudge } from "./core/live.js";
import { captureTime } from "./core/exif.js";
import { toRow } from "./core/rows.js";
import { Camera } from "./camera.js";
import { Dial } from "./dial.js";
import { chosen, dropped } from "./files.js";
import { History } from "./history.js";
import { Strip, Table } from "./results.js";

const find = (id) => document.getElementById(id);
const worker = new Worker("worker.js");
const camera = new Camera(find("video"));
const dial = new Dial();
const history = new History(find("history"));
const strip = new Strip(find("strip"), find("best-hint"));
const table = new Table(find("rows"), { csv: find("csv"), json: find("json"), clear: find("clear") });

let contracts = null;
let gate = null;
let judge = null;
/** Answers that are waited for, by number. */
const waiting = new Map();
let lastId = 0;
let times = [];
let scored = 0;
let batch = null;
let shown = null;

// The worker

worker.addEventListener("message", ({ data }) => {
  const { type, id } = data;
  if (type === "ready") return opened(data);
  if (id === undefined) return showProblem(opening(data));
  const { resolve, reject } = waiting.get(id);
  waiting.delete(id);
  if (type === "failed") reject(data);
  else resolve(data);
});
worker.addEventListener("error", (event) => showProblem(`The worker failed: ${event.message}`));

function ask(message, transfer = []) {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ ...message, id }, transfer);
  });
}

function opening({ name, message }) {
  if (name === "RuntimeLoadError") {
    return `The network cannot run in this browser.\n${capital(message)}.\nA current Chrome, Edge, Firefox or Safari with WebAssembly switched on will do.`;
  }
  if (name === "ContractError" || name === "ModelError") {
    return `The model file is damaged or not one of edgeiqa's.\n${capital(message)}.\nReload the page; if that does not help, install edgeiqa anew.`;
  }
  return `The network cannot be loaded.\n${capital(message)}`;
}

function open() {
  enable(false);
  worker.postMessage({ type: "open", model: find("model").value });
}

function opened({ contract, causes, build }) {
  contracts = { contract, causes };
  document.documentElement.dataset.build = build;
  setGate();
  enable(true);
  hideProblem();
  document.documentElement.dataset.ready = contract.name;
}

function setGate() {
  if (!contracts) return;
  gate = Gate.ofPreset(contracts.contract, contracts.causes, find("preset").value);
  judge = new LiveJudge(gate);
  dial.setGate(gate);
  history.setGate(gate);
}

function enable(on) {
  for (const id of ["camera", "files", "folder"]) find(id).disabled = !on;
}

// The camera

async function toggleCamera() {
  if (camera.running) return stopCamera();
  await startCamera();
}

async function startCamera(deviceId) {
  stopBatch();
  hideProblem();
  enable(false);
  try {
    await camera.start(deviceId);
  } catch (error) {
    showProblem(error.message);
    return;
  } finally {
    enable(true);
  }
  history.begin(true);
  judge.reset();
  times = [];
  scored = camera.dropped = 0;
  show("camera");
  find("view").dataset.mirror = camera.facesUser;
  find("camera").textContent = "Stop camera";
  await listCameras(deviceId);
  camera.next(scoreFrame);
}

function stopCamera() {
  camera.stop();
  find("camera").textContent = "Start camera";
  find("cameras-label").hidden = true;
  show("empty");
}

camera.onEnded = (text) => {
  stopCamera();
  showProblem(text);
};

async function listCameras(current) {
  const found = await camera.cameras();
  find("cameras-label").hidden = found.length < 2;
  const options = found.map(({ deviceId, label }, index) => {
    const option = new Option(label || `Camera ${index + 1}`, deviceId);
    option.selected = deviceId === current;
    return option;
  });
  find("cameras").replaceChildren(...options);
}

async function scoreFrame(frame) {
  const at = performance.now();
  try {
    const { quality, ms } = await ask({ type: "frame", frame }, [frame]);
    if (!camera.running) return;
    const { smoothed, verdict } = judge.judge(quality, Math.round(at * 1e6));
    dial.show(smoothed, verdict);
    history.add(quality.score, smoothed.score, verdict.accept);
    count(ms);
    tell({ quality, smoothed, verdict, ms, dropped: camera.dropped });
    await keepIfBest(quality, at / 1000);
  } catch (error) {
    showProblem(`A frame cannot be scored: ${error.message}`);
  }
  if (camera.running) camera.next(scoreFrame);
}

async function keepIfBest(quality, atS) {
  if (!gate.judge(quality).accept || !strip.wants(quality.score, atS)) return;
  const { blob } = await ask({ type: "keep" });
  const name = `camera ${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.jpg`;
  strip.add({ blob, score: quality.score, name, atS });
}

function count(ms) {
  scored++;
  times.push({ at: performance.now(), ms });
  while (times[0].at < performance.now() - 3000) times.shift();
  const sorted = times.map((one) => one.ms).sort((a, b) => a - b);
  const rate = times.length / 3;
  const median = sorted[sorted.length >> 1];
  find("figures").textContent =
    `${median.toFixed(0)} ms a frame, ${rate.toFixed(0)} frames a second scored; ` +
    `${scored} scored, ${camera.dropped} dropped`;
  document.documentElement.dataset.scored = scored;
}

// Photographs

async function scorePictures(pictures) {
  if (!pictures.length) {
    showProblem("There is no picture among these files.\nJPEG, PNG, WebP and whatever else this browser can show are welcome.");
    return;
  }
  if (camera.running) stopCamera();
  hideProblem();
  stopBatch();
  history.begin(false);
  const mine = (batch = { total: pictures.length });
  for (const [index, picture] of pictures.entries()) {
    progress(index, pictures.length);
    await scorePicture(picture, mine);
    if (batch !== mine) return;
  }
  progress(pictures.length, pictures.length);
  batch = null;
}

async function scorePicture({ file, path }, mine) {
  let answer;
  const { name, version } = contracts.contract;
  const facts = { model: `${name} ${version}`, taken: await captureTime(file) };
  try {
    answer = await ask({ type: "file", file });
  } catch (error) {
    const text = error.name === "UnreadableImageError" ? error.message : `${error.name}: ${error.message}`;
    if (batch === mine) table.add(toRow(path, { ...facts, error: text }), null);
    return;
  }
  if (batch !== mine) return;
  const { quality, ms, width, height } = answer;
  const verdict = gate.judge(quality);
  show("photo", file, path);
  dial.show(quality, verdict);
  history.add(quality.score, quality.score, verdict.accept);
  find("figures").textContent = `${ms.toFixed(0)} ms for ${width} x ${height} pixels`;
  table.add(toRow(path, { ...facts, quality, verdict, width, height }), verdict);
  if (verdict.accept) strip.add({ blob: file, score: quality.score, name: path });
}

function stopBatch() {
  batch = null;
  find("progress").hidden = true;
}

function progress(done, total) {
  find("progress").hidden = total < 2 || done === total;
  find("progress-bar").max = total;
  find("progress-bar").value = done;
  find("progress-text").textContent = `${done} of ${total} photographs`;
}

/** For pages that embed this one: an event for each result of the camera. */
function tell(detail) {
  document.dispatchEvent(new CustomEvent("edgeiqa-result", { detail }));
}

// What is seen

function show(state, file = null, name = "") {
  const view = find("view");
  view.dataset.state = state;
  find("badge").hidden = state === "empty";
  if (shown) URL.revokeObjectURL(shown);
  shown = null;
  if (state !== "photo") return;
  shown = URL.createObjectURL(file);
  find("photo").src = shown;
  find("photo").alt = name;
}

function showProblem(text) {
  find("problem").textContent = text;
  find("problem").hidden = false;
}

function hideProblem() {
  find("problem").hidden = true;
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

// What can be done

find("camera").addEventListener("click", toggleCamera);
find("cameras").addEventListener("change", () => startCamera(find("cameras").value));
find("model").addEventListener("change", open);
find("preset").addEventListener("change", setGate);
find("cancel").addEventListener("click", stopBatch);
find("clear").addEventListener("click", () => {
  table.clear();
  strip.clear();
  history.clear();
});
for (const id of ["files", "folder"]) {
  const input = find(`${id}-input`);
  find(id).addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    const pictures = chosen(input.files);
    input.value = "";
    scorePictures(pictures);
  });
}

addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropping");
});
addEventListener("drop", async (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  if (gate) scorePictures(await dropped(event.dataTransfer));
});
document.addEventListener("visibilitychange", () => {
  // A hidden page shows no frames; what comes after is a new stream.
  if (!document.hidden && judge) judge.reset();
});

async function workOffline() {
  if (!navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register("sw.js");
    await navigator.serviceWorker.ready;
    find("offline").textContent = "This page now works offline.";
    document.documentElement.dataset.offline = "true";
  } catch (error) {
    find("offline").textContent = `This page will not work offline: ${error.message}`;
  }
}

open();
workOffline();
