/** `seedgrow serve`: a model behind HTTP, with a page to try it on. */
import { availableParallelism } from "node:os";
import { Command } from "commander";
import pc from "picocolors";
import type { EngineChoice } from "../../shared/engine-name.js";
import { type GateFlags, gateFor } from "../http/gate.js";
import { listen } from "../http/http.js";
import { defaultRunsDir, engineOption, interruptSignal, wholeNumber, withGateFlags } from "../options.js";
import { note, out, outJson } from "../output.js";
import { findModel } from "./predict.js";

interface ServeFlags extends GateFlags {
  readonly model: string;
  readonly runs: string;
  readonly port: number;
  readonly bodyMb: number;
  readonly queue: number;
  readonly engine: EngineChoice;
  readonly threads: number;
  readonly json?: boolean;
}

export function serveCommand(): Command {
  return withGateFlags(new Command("serve"))
    .description("answer HTTP requests with masks, and show a page to drop photos on")
    .requiredOption("--model <run|dir>", 'a run (id, start of an id, folder, "latest") or a model folder')
    .option("--runs <dir>", "folder of runs", defaultRunsDir)
    .option("--host <address>", "address to listen on; off loopback it asks for a token", "127.0.0.1")
    .option("--port <n>", "port to listen on; 0: a free one", wholeNumber(0, 65535), 8080)
    .option("--body-mb <n>", "largest photo taken, MiB", wholeNumber(1, 256), 32)
    .option("--queue <n>", "photos that may wait; the next one is told to come back", wholeNumber(0, 1000), 8)
    .addOption(engineOption())
    .option("--threads <n>", "photos computed at once, a thread each", wholeNumber(1, 256), availableParallelism())
    .option("--json", "print the address as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow serve --model latest                                            then open http://127.0.0.1:8080
  $ curl --data-binary @photo.jpg 127.0.0.1:8080/predict > mask.png          palette PNG of the photo's size
  $ curl -F photo=@photo.jpg '127.0.0.1:8080/predict?format=json'            classes with COCO run-length codes
  $ curl --data-binary @photo.jpg '127.0.0.1:8080/predict?tags=horse' > mask.png
  $ curl 127.0.0.1:8080/healthz

Errors are JSON: {"error": {"code", "message", "hint"}}. BODY_EMPTY, FORM_INVALID, FORMAT_UNKNOWN, TAG_UNKNOWN (400),
TOKEN_REQUIRED (401), BODY_TOO_LARGE, PHOTO_TOO_LARGE (413), DATA_BROKEN (422), QUEUE_FULL (503, with Retry-After).`,
    )
    .action(runServe);
}

async function runServe(flags: ServeFlags): Promise<void> {
  const { engine, threads, host, port } = flags;
  const gate = await gateFor(flags, process.env);
  const modelDir = await findModel(flags);
  const { Predictor, readModel } = await import("../../worker/predict.js");
  const { serveRoutes } = await import("../serve/routes.js");
  const predictor = await Predictor.open({ modelDir, model: await readModel(modelDir), engine, threads });
  const signal = interruptSignal(() => note("stopping"));
  try {
    const limits = { bodyBytesMax: flags.bodyMb * 2 ** 20, waitingMax: flags.queue };
    const server = await listen({ host, port, routes: serveRoutes(predictor, limits), gate });
    const url = gate.isNew ? `${server.url}?token=${gate.token}` : server.url;
    if (flags.json) outJson({ url, model: modelDir, engine: predictor.engine.version });
    else out(`${pc.bold(url)} segments photos with ${predictor.engine.version}; Ctrl-C ends it`);
    await untilAborted(signal);
    await server.close();
  } finally {
    await predictor.close();
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
