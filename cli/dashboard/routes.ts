/** What the dashboard's page asks for. A run is named by its id, a photo by its number: no path comes from outside. */
import type { ServerResponse } from "node:http";
import { listRuns } from "../../coordinator/adapters/run-store.js";
import { assetRoutes } from "../http/assets.js";
import { HttpError, type HttpRequest, type Route, send, sendJson } from "../http/http.js";
import { streamRun } from "./live.js";
import { overviewOf } from "./overview.js";
import { correct, reviewOf } from "./review.js";
import { RunReader } from "./run-reader.js";

type RunHandler = (reader: RunReader, request: HttpRequest, response: ServerResponse) => Promise<void>;

/** `only`: this run's folder; null: every run below `runsDir`. */
export function dashboardRoutes(runsDir: string, only: string | null): Route[] {
  const readers = new Map<string, RunReader>();
  const open = async (runId: string): Promise<RunReader> => {
    const held = readers.get(runId);
    if (held) return held;
    const found = (await knownRuns(runsDir, only)).find((run) => run.runId === runId);
    if (!found) throw new HttpError(404, "RUN_NOT_FOUND", `there is no run ${runId}`);
    const reader = new RunReader(found.dir);
    readers.set(runId, reader);
    return reader;
  };
  const ofRun = (path: string, handle: RunHandler, method: Route["method"] = "GET"): Route => ({
    method,
    path: new RegExp(`^/api/runs/([\\w.-]+)${path}$`),
    handle: async (request, response) => handle(await open(request.params[0]!), request, response),
  });
  return [
    ...assetRoutes("dashboard", ["index.html", "dashboard.css", "gallery.css", "app.js"]),
    {
      method: "GET",
      path: /^\/api\/runs$/,
      handle: async (_, response) => sendJson(response, (await knownRuns(runsDir, only)).map(withoutDir)),
    },
    ofRun("", async (reader, _, response) => sendJson(response, await overviewOf(reader))),
    ofRun("/live", (reader, _, response) => streamRun(reader, response)),
    ofRun("/images", sendImages),
    ofRun("/disagreement/(\\d{1,6})/(\\d{1,6})", async (reader, { params }, response) =>
      sendJson(response, await reader.disagreement(Number(params[1]), Number(params[2]))),
    ),
    ofRun("/corrections", async (reader, _, response) => sendJson(response, await reviewOf(reader))),
    ofRun(
      "/corrections/(\\d{1,9})",
      async (reader, request, response) => {
        sendJson(response, await correct(reader, Number(request.params[1]), request));
      },
      "PUT",
    ),
    ofRun("/photo/(\\d{1,9})/(thumb|full)", async (reader, { params }, response) =>
      sendPicture(response, await reader.photo(Number(params[1]), params[2] === "full" ? "full" : "thumb")),
    ),
    ofRun("/cam/(\\d{1,9})", async (reader, { params }, response) =>
      sendPicture(response, await reader.heat(Number(params[1]))),
    ),
    ofRun("/labels/(\\d{1,6})/(\\d{1,9})", async (reader, { params }, response) =>
      sendPicture(response, await reader.labels(Number(params[1]), Number(params[2]))),
    ),
  ];
}

interface KnownRun {
  readonly runId: string;
  readonly state: string;
  readonly createdAt: string;
  readonly dir: string;
}

async function knownRuns(runsDir: string, only: string | null): Promise<KnownRun[]> {
  if (only === null) return (await listRuns(runsDir)).map(({ dir, record }) => ({ dir, ...record }));
  return [{ dir: only, ...(await new RunReader(only).store.readRecord()) }];
}

function withoutDir({ runId, state, createdAt }: KnownRun) {
  return { runId, state, createdAt };
}

async function sendImages(reader: RunReader, _: HttpRequest, response: ServerResponse): Promise<void> {
  const images = (await reader.manifest())?.train.images ?? [];
  sendJson(
    response,
    images.map(({ path, width, height, tags }) => ({ path, width, height, tags })),
  );
}

/** Maps and photos never change once they are there. A map that is not (yet) is nothing, which is no error. */
function sendPicture(response: ServerResponse, bytes: Buffer | null): void {
  if (bytes) send(response, "image/webp", bytes, { headers: { "Cache-Control": "private, max-age=3600" } });
  else response.writeHead(204, { "Cache-Control": "no-store" }).end();
}
