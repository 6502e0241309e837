/** A real run on a real broker, watched by a scraper, an OTLP receiver, and a reader of its logs and event files. */
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createSocket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { logLineSchema } from "../../shared/observe/log.js";
import { startBroker, type TestBroker } from "../support/broker.js";
import { type Seedgrow, Workplace } from "../support/seedgrow.js";
import { until } from "../support/until.js";

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly service: string;
}

const place = new Workplace();
const spans: Span[] = [];
let broker: TestBroker;
let collector: Server;
let worker: Seedgrow;
let training: Seedgrow;
/** Every metric's name, by process. */
const scraped = { coordinator: new Map<string, string>(), worker: new Map<string, string>() };

beforeAll(async () => {
  await place.draw(8, 4);
  broker = await startBroker();
  collector = createServer((request, response) => void receive(request).then(() => response.end("{}")));
  const otlp = await listening(collector);
  const [workerPort, runPort] = [await freePort(), await freePort()];
  const where = ["--nats", broker.url, "--otlp", otlp];
  worker = place.seedgrow("worker", ...where, "--metrics", `127.0.0.1:${workerPort}`);
  await until("the worker's metrics", () => scrape(workerPort).catch(() => null));
  await until("a ready worker", () => worker.stderr.includes('"ready"'));
  training = place.train([...where, "--metrics", `127.0.0.1:${runPort}`, "--log", "json"], { "method.rounds": 1 });
  await until(
    "metrics of a round",
    async () => {
      const text = await scrape(runPort).catch(() => "");
      keep(scraped.coordinator, text);
      return training.child.exitCode !== null || /seedgrow_stage_miou_ratio\{of="val"\}/.test(text);
    },
    150_000,
  );
  await training.ends(0);
  keep(scraped.worker, await scrape(workerPort));
  worker.child.kill("SIGTERM");
  await worker.exited;
}, 240_000);
afterAll(async () => {
  collector.close();
  await place.clear();
  await broker.stop();
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function freePort(): Promise<number> {
  const socket = createSocket();
  await new Promise<void>((resolve) => socket.listen(0, "127.0.0.1", resolve));
  const { port } = socket.address() as AddressInfo;
  await new Promise((resolve) => socket.close(resolve));
  return port;
}

/** OTLP's JSON, as a collector reads it. */
async function receive(request: AsyncIterable<Buffer> & { readonly url?: string | undefined }): Promise<void> {
  expect(request.url).toBe("/v1/traces");
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString());
  for (const { resource, scopeSpans } of resourceSpans) {
    const service = resource.attributes.find(({ key }: { key: string }) => key === "service.name").value.stringValue;
    for (const scope of scopeSpans) for (const span of scope.spans) spans.push({ ...span, service });
  }
}

async function scrape(port: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

function keep(names: Map<string, string>, text: string): void {
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) names.set(name!, type!);
}

const nameOf = (spanId: string | undefined) => spans.find((span) => span.spanId === spanId);

describe("traces", () => {
  test("a piece of work is one trace: run, phase, call, and the worker's job", () => {
    const jobs = spans.filter(({ name }) => name === "job gradient");
    expect(jobs.length).toBeGreaterThan(5);
    for (const job of jobs) {
      const served = nameOf(job.parentSpanId)!;
      expect([served.name, served.service]).toEqual(["seedgrow.v1.Worker/Work", "seedgrow-worker"]);
      const called = nameOf(served.parentSpanId)!;
      expect([called.name, called.service]).toEqual(["seedgrow.v1.Worker/Work", "seedgrow-coordinator"]);
      const phase = nameOf(called.parentSpanId)!;
      expect(phase.name).toMatch(/^phase (classify|train-1)$/);
      expect(nameOf(phase.parentSpanId)!.name).toBe("run");
      expect(new Set([job, served, called, phase].map(({ traceId }) => traceId)).size).toBe(1);
    }
  });

  test("what a job pulls is part of it, on both sides", () => {
    const served = spans.filter(({ name, service }) => name === "bulk blob" && service === "seedgrow-coordinator");
    const callers = served
      .map(({ parentSpanId }) => nameOf(parentSpanId))
      .filter((span) => span?.service === "seedgrow-worker");
    expect(callers.length).toBeGreaterThan(0);
    expect(
      nameOf(callers.find((span) => nameOf(span!.parentSpanId)?.name.startsWith("job "))?.parentSpanId),
    ).toBeDefined();
  });

  test("a message over NATS carries the trace: the worker hears it within the run's", () => {
    const heard = spans.find(({ name }) => name === "seedgrow.worker.discover process")!;
    expect(heard.service).toBe("seedgrow-worker");
    const sent = nameOf(heard.parentSpanId)!;
    expect([sent.name, sent.service]).toEqual(["seedgrow.worker.discover publish", "seedgrow-coordinator"]);
    expect(heard.traceId).toBe(spans.find(({ name }) => name === "run")!.traceId);
  });
});

describe("metrics", () => {
  test("have names by Prometheus' conventions", () => {
    const own = [...scraped.coordinator, ...scraped.worker].filter(([name]) => name.startsWith("seedgrow_"));
    expect(own.length).toBeGreaterThan(15);
    for (const [name, type] of own) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(name, "no unit but base units").not.toMatch(/_(ms|milliseconds|mb|kb|percent|minutes)(_|$)/);
      if (type === "counter") expect(name).toMatch(/_total$/);
      else expect(name).not.toMatch(/_(total|count|sum|bucket)$/);
    }
  });

  test("are all that the Grafana dashboard asks for", () => {
    const path = fileURLToPath(new URL("../../deploy/grafana/seedgrow.json", import.meta.url));
    const { panels, templating } = JSON.parse(readFileSync(path, "utf8"));
    const queries: string[] = panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
      targets.map(({ expr }) => expr),
    );
    queries.push(...templating.list.map(({ query }: { query: string }) => query));
    const asked = new Set(queries.flatMap((query) => query.match(/\b(seedgrow|process|nodejs)_[a-z0-9_]+/g) ?? []));
    const offered = new Set([...scraped.coordinator.keys(), ...scraped.worker.keys()]);
    const unknown = [...asked].filter(
      (name) => !offered.has(name.replace(/_(bucket|sum|count)$/, "")) && !offered.has(name),
    );
    expect(unknown).toEqual([]);
    const unused = [...offered].filter(
      (name) => name.startsWith("seedgrow_") && ![...asked].some((one) => one.startsWith(name)),
    );
    expect(unused, "metrics that no panel shows").toEqual([]);
  });
});

test("every line that a process logs fits the schema, and the run's events are among them", () => {
  const lines = [training, worker].map(({ stderr }) =>
    stderr
      .trim()
      .split("\n")
      // TensorFlow's library writes lines of its own before anybody can ask it not to.
      .filter((line) => line.startsWith("{") || !/^(WARNING|[IWE]0000|\d{4}-)/.test(line))
      .map((line) => logLineSchema.parse(JSON.parse(line))),
  );
  expect(new Set(lines.map((of) => of[0]!.component))).toEqual(new Set(["coordinator", "worker"]));
  const kinds = lines[0]!.flatMap(({ event }) => (event === undefined ? [] : [event]));
  expect(kinds).toEqual(expect.arrayContaining(["phase-started", "worker-joined", "step", "stage", "run-ended"]));
  expect(lines[0]!.every(({ event, runId }) => event === undefined || typeof runId === "string")).toBe(true);
});

test("TensorBoard's event file has loss, mIoU and images per second, and every checksum is right", () => {
  const [runId] = readdirSync(place.path("runs"));
  const dir = place.path("runs", runId!, "tensorboard");
  const [file] = readdirSync(dir);
  expect(file).toMatch(/^events\.out\.tfevents\.\d{10}\./);
  const records = tfRecords(readFileSync(join(dir, file!)));
  expect(records[0]!.toString("latin1")).toContain("brain.Event:2");
  const text = Buffer.concat(records).toString("latin1");
  for (const tag of ["loss/classifier", "loss/segmenter", "miou/labels", "miou/val", "cluster/images_per_second"]) {
    expect(text).toContain(tag);
  }
});

/** Read by the format's description, with a CRC-32C of its own. */
function tfRecords(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).toBe(masked(bytes.subarray(at, at + 8)));
    const record = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(masked(record));
    records.push(record);
    at += 16 + length;
  }
  return records;
}

function masked(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
