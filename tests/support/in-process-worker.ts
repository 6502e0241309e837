/** A worker of in-process-run.ts: its runtime and its servers are real, its engine is simulated. */
import { setTimeout as sleep } from "node:timers/promises";
import * as grpc from "@grpc/grpc-js";
import type { RunConfig } from "../../coordinator/config.js";
import type { Manifest } from "../../shared/data/manifest.js";
import { AppError } from "../../shared/errors.js";
import type { AttachRequest__Output } from "../../shared/gen/seedgrow/v1/AttachRequest.js";
import type { WorkReply } from "../../shared/gen/seedgrow/v1/WorkReply.js";
import type { WorkRequest__Output } from "../../shared/gen/seedgrow/v1/WorkRequest.js";
import { linkTo, pullBlob } from "../../shared/net/blob-lines.js";
import { type Bus, publishJson } from "../../shared/net/bus.js";
import { listenOnOnePort, type OnePort } from "../../shared/net/one-port.js";
import { Blobs, clientOptions, serverOptions } from "../../shared/net/proto.js";
import { subjects } from "../../shared/net/subjects.js";
import { protocolVersion, seedgrowVersion } from "../../shared/version.js";
import { PeerLinks } from "../../worker/adapters/peer-links.js";
import type { GradientJob } from "../../worker/compute/contract.js";
import { layOut, markPart } from "../../worker/compute/sum-progress.js";
import { CorrectionStore } from "../../worker/data/correction-store.js";
import { WorkerExchange } from "../../worker/exchange/exchange.js";
import { ReplicaRoom } from "../../worker/exchange/replica-room.js";
import { SumMemory } from "../../worker/exchange/sum-memory.js";
import type { JobContext } from "../../worker/jobs/context.js";
import { WeightsBase } from "../../worker/jobs/weights-base.js";
import { WorkerRuntime } from "../../worker/runtime.js";
import { addServices, workerBulk } from "../../worker/services.js";
import { SimulatedCompute } from "../../worker/simulated/compute.js";

export const parameters = 20_011;

/** Hears of every command that a worker gets; `die` ends the worker there and then. */
export type OnCommand = (worker: TestWorker, request: WorkRequest__Output) => void;
/** Hears of every answer. */
export type OnReply = (job: string, reply: WorkReply) => void;

export const silent = () => undefined;

export function manifest(): Manifest {
  const entry = (path: string, tag: number) => ({
    path,
    digest: "0".repeat(64),
    bytes: 1,
    width: 1,
    height: 1,
    tags: [tag],
    maskDigest: null,
  });
  const images = Array.from({ length: 12 }, (_, i) => entry(`${i}.jpg`, 1 + (i % 2)));
  return {
    version: 1,
    classes: ["cat", "dog"],
    train: { root: "/", images, shards: [images.map((_, i) => i)] },
    val: null,
  };
}

export interface Pretended {
  readonly fault: string;
  /** Blocks all workers of the process, as an engine does its thread. */
  readonly imageMs: number;
  /** Time of a piece of a step in which the others go on, milliseconds. */
  readonly pieceMs?: ((workerId: string, step: number) => number) | undefined;
  /** The first time that it computes for this step, its engine writes nonsense, is lost over it or fails, and others had time to get it. */
  readonly breaks?: ((workerId: string, step: number) => "is lost" | "fails" | null) | undefined;
}

const nonsenseMs = 100;

/** As an engine does that is lost at the very end. */
async function writeNonsense({ rooms = [], progress }: Pick<GradientJob, "rooms" | "progress">): Promise<void> {
  const [room] = rooms;
  if (!room || !progress) return;
  room.fill(666);
  layOut(progress, [room.length - 1, room.length]);
  markPart(progress, 0);
  await sleep(nonsenseMs);
}

export class TestWorker {
  readonly runtime: WorkerRuntime;
  private readonly server = new grpc.Server(serverOptions);
  private readonly closers: (() => void)[] = [];
  private port: OnePort | null = null;
  isDead = false;
  private readonly broken = new Set<number>();
  /** Of each blob of the coordinator's, in order. */
  readonly pulledBytes: number[] = [];
  private onAttached: () => void = silent;
  readonly attached = new Promise<void>((resolve) => {
    this.onAttached = resolve;
  });
  /** Before that the first piece is not answered: all have a part in every step. */
  everybodyIsHere: Promise<unknown> = Promise.resolve();
  private beating: NodeJS.Timeout | undefined;

  constructor(
    readonly id: string,
    private readonly config: RunConfig,
    private readonly pretended: Pretended,
    private readonly onCommand: OnCommand,
    private readonly onReply: OnReply = silent,
  ) {
    const openRun = async (request: AttachRequest__Output) => this.openRun(request);
    this.runtime = new WorkerRuntime({ nowMs: () => performance.now(), openRun, log: silent });
  }

  async start(bus: Bus): Promise<void> {
    const { server, runtime } = this;
    addServices(server, runtime, {
      attach: async (request) => {
        await runtime.attach(request);
        this.onAttached();
      },
      work: async (request) => {
        if (request.job === "init") await this.everybodyIsHere;
        this.onCommand(this, request);
        if (this.isDead) return new Promise(silent);
        const reply = await runtime.work(request);
        this.onReply(request.job ?? "", reply);
        return reply;
      },
    });
    const served = { trust: null, grpcServer: server, bulk: workerBulk(runtime) };
    this.port = await listenOnOnePort({ address: "127.0.0.1:0", ...served });
    this.beating = setInterval(() => this.beat(bus), 200);
    this.beat(bus);
  }

  die(): void {
    this.isDead = true;
    this.close();
  }

  close(): void {
    clearInterval(this.beating);
    this.port?.close();
    for (const close of this.closers.splice(0)) close();
  }

  private beat(bus: Bus): void {
    publishJson(bus, subjects.beat, {
      ...{ workerId: this.id, protocolVersion, seedgrowVersion, host: "here", pid: 1, address: this.port?.address },
      ...{ engine: "simulated", device: "", fingerprint: "simulated", threads: 1, leasedBy: null, rssBytes: 1 },
    });
  }

  private openRun({ coordinatorAddress, lease }: AttachRequest__Output) {
    const client = new Blobs(coordinatorAddress, grpc.credentials.createInsecure(), clientOptions);
    const link = linkTo({ address: coordinatorAddress, trust: null, roles: [] });
    const ended = new AbortController();
    const peers = new PeerLinks({ runId: lease!.runId, trust: null, isInsecure: false });
    const { method, seed, cluster } = this.config;
    const { wire } = cluster;
    const setup = { method, seed, wire, classes: ["cat", "dog"], backbone: null };
    const options = { imageMs: this.pretended.imageMs, jitter: 0, parameters, fault: this.pretended.fault };
    const compute = new SimulatedCompute(options, setup, this.id);
    const pull = async (digest: string) => {
      const bytes = await pullBlob({ client, link }, digest, { signal: ended.signal });
      this.pulledBytes.push(bytes.length);
      return bytes;
    };
    const close = () => {
      ended.abort();
      client.close();
      link?.close();
      peers.close();
    };
    this.closers.push(close);
    const losses = { count: 0, reason: "" };
    const context = {
      setup,
      manifest: manifest(),
      prepare: async () => undefined,
      compute: {
        losses,
        call: async (name: "init", ...args: Parameters<SimulatedCompute["init"]>) => {
          const { step } = (args[0] ?? {}) as { readonly step?: number };
          if (step !== undefined) await sleep(this.pretended.pieceMs?.(this.id, step) ?? 0);
          const end = step === undefined || this.broken.has(step) ? null : this.pretended.breaks?.(this.id, step);
          if (end) {
            this.broken.add(step!);
            await writeNonsense(args[0] as unknown as GradientJob);
            losses.count += Number(end === "is lost");
            throw new AppError("ENGINE_FAILED", `the engine ${end}`);
          }
          return { result: compute[name](...args), computeMs: 1 };
        },
      },
      images: {
        entry: (_: string, image: number) => manifest().train.images[image],
        pixels: async (_: string, image: number) => Uint8Array.of(image),
      },
      corrections: new CorrectionStore(pull),
      pull,
      loaded: new Map(),
      room: new ReplicaRoom(),
      sums: new SumMemory(),
      base: new WeightsBase(wire, pull),
      closed: ended.signal,
      exchange: new WorkerExchange({
        ...{ method, seed, wire, pullBlob: pull },
        pullPeer: (range, target) => peers.pull(range, target),
        aheadLines: peers.ahead,
      }),
    } as unknown as JobContext;
    return { context, close };
  }
}
