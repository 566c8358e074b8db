// Compiled, never run: the example of web/core/README.md and what must not compile.
import { Frame, LiveJudge, loadRuntime, Scorer, sentence, toRow, type Quality } from "edgeiqa";

export async function example(frame: VideoFrame, image: ImageData): Promise<string[]> {
  const runtime = await loadRuntime({ url: "/litert/" });
  const bytes = async (path: string) => (await fetch(path)).arrayBuffer();
  const scorer = await Scorer.open({
    runtime,
    model: await bytes("/models/base.tflite"),
    causes: await bytes("/models/causes.tflite"),
  });
  const quality: Quality = await scorer.score(frame);
  const judge = new LiveJudge(scorer.gate("normal", { maxCauses: { blur: 0.4 } }));
  const { verdict } = judge.judge(quality, Math.round(performance.now() * 1e6));
  const nv21 = Frame.fromBuffer(new Uint8Array(6), 2, 2, "NV21", { rotation: 90, range: "full" });
  await scorer.score(nv21);
  toRow("photo.jpg", { quality: await scorer.score(image), verdict });
  // @ts-expect-error: not a quarter turn.
  Frame.fromBuffer(new Uint8Array(6), 2, 2, "NV21", { rotation: 45 });
  // @ts-expect-error: no such cause.
  scorer.gate("normal", { maxCauses: { ugly: 0.4 } });
  // @ts-expect-error: a path is nothing that can be scored.
  await scorer.score("photo.jpg");
  return verdict.reasons.map(sentence);
}
