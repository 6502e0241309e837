/** Connections to workers: attach, work (with its outputs pulled and verified), ping, detach. */

import type { Floats } from "../../shared/aggregate/floats.js";
import { ByteBudget } from "../../shared/byte-budget.js";
import type { Digest } from "../../shared/codec/digest.js";
import { parseWorkMetrics, type WorkMetrics } from "../../shared/data/work-metrics.js";
import { AppError } from "../../shared/errors.js";
import type { AttachReply } from "../../shared/gen/seedgrow/v1/AttachReply.js";
import type { DetachReply } from "../../shared/gen/seedgrow/v1/DetachReply.js";
import type { Output__Output } from "../../shared/gen/seedgrow/v1/Output.js";
import type { PingReply } from "../../shared/gen/seedgrow/v1/PingReply.js";
import type { WorkerClient } from "../../shared/gen/seedgrow/v1/Worker.js";
import type { WorkReply__Output } from "../../shared/gen/seedgrow/v1/WorkReply.js";
import type { WorkRequest } from "../../shared/gen/seedgrow/v1/WorkRequest.js";
import {
  attachTimeoutMs,
  outputsMax,
  probeTimeoutMs,
  resultBytesInFlightMax,
  workTimeoutMs,
} from "../../shared/limits.js";
import { sumLengthIn, type Wire } from "../../shared/math/wire.js";
import { type BlobPeer, linkTo, pullBlob } from "../../shared/net/blob-lines.js";
import { clientSecurity } from "../../shared/net/credentials.js";
import { requirePrivate } from "../../shared/net/exposure.js";
import { Blobs, Worker } from "../../shared/net/proto.js";
import { callUnary } from "../../shared/net/rpc.js";
import type { Trust } from "../../shared/net/trust.js";
import { tunnelAddress } from "../../shared/net/tunnel.js";
import type { GradientSum } from "../training.js";
import type { FencingToken } from "./leases.js";
import { pullFloats, pullSum } from "./pull-floats.js";
import type { Scratch } from "./scratch.js";
import type { Tunnels } from "./tunnels.js";

export interface WorkResult {
  /** In the order the worker named them; none for a gradient. */
  readonly outputs: readonly (Named & { readonly bytes: Uint8Array })[];
  /** Of a gradient or a replica only. Whoever has the result closes them. */
  readonly sums: readonly (Named & GradientSum)[];
  /** Sharded training: what stays with the worker. */
  readonly kept: readonly KeptOutput[];
  readonly metrics: WorkMetrics;
  readonly images: number;
  readonly computeMs: number;
  /** Time the worker waited for data, milliseconds. */
  readonly waitMs: number;
}

interface Named {
  readonly name: string;
  /** Empty: it cannot be asked for by digest. */
  readonly digest: Digest;
}

/** A result that a worker keeps. */
export interface KeptOutput extends Named {
  readonly bytes: number;
}

interface Link {
  readonly worker: WorkerClient;
  readonly blobs: BlobPeer;
  readonly lease: FencingToken & { readonly runId: string };
}

/** Workers of --local on a cluster's bus use the coordinator's own certificate. */
const workerRoles = ["worker", "coordinator"] as const;

/** Detaching is a courtesy: the lease's end frees the worker anyway. */
const detachTimeoutMs = 2_000;

export interface WorkerLinksOptions {
  readonly runId: string;
  readonly coordinatorAddress: string;
  readonly setupDigest: string;
  /** How sums come. */
  readonly wire: Wire;
  /** Null: in the clear. */
  readonly trust: Trust | null;
  readonly isInsecure: boolean;
  readonly scratch: Scratch;
  readonly tunnels: Pick<Tunnels, "reach">;
}

export class WorkerLinks {
  private readonly links = new Map<string, Link>();
  private readonly inFlight = new ByteBudget(resultBytesInFlightMax);

  constructor(private readonly options: WorkerLinksOptions) {}

  async attach(workerId: string, address: string, token: FencingToken): Promise<void> {
    const { runId, coordinatorAddress, setupDigest } = this.options;
    void this.detach(workerId);
    const link: Link = { ...(await this.clients(workerId, address)), lease: { runId, ...token } };
    this.links.set(workerId, link);
    const request = { lease: link.lease, coordinatorAddress, setupDigest };
    await callUnary<AttachReply>((options, done) => link.worker.Attach(request, options, done), attachTimeoutMs);
  }

  private async clients(workerId: string, address: string): Promise<Pick<Link, "worker" | "blobs">> {
    const { trust, isInsecure, tunnels } = this.options;
    const isDialled = address !== tunnelAddress;
    // Through its own call a worker is reached without leaving this machine.
    if (isDialled) requirePrivate({ [`worker ${workerId} at`]: address }, trust !== null, isInsecure);
    const place = isDialled ? { address, serial: undefined } : await tunnels.reach(workerId);
    const { credentials, options: secured } = clientSecurity(trust, workerRoles, address, place.serial);
    // A dead connection of an earlier session must not be shared with a worker that came back on the same port.
    const options = { ...secured, "grpc.use_local_subchannel_pool": 1 };
    return {
      worker: new Worker(place.address, credentials, options),
      blobs: {
        client: new Blobs(place.address, credentials, options),
        // A tunnel's frames are gRPC's.
        link: isDialled ? linkTo({ address, trust, roles: workerRoles }) : null,
      },
    };
  }

  async work(workerId: string, request: WorkRequest): Promise<WorkResult> {
    const link = this.links.get(workerId);
    if (!link) throw new Error(`no connection to ${workerId}`);
    const { worker, lease } = link;
    const order = { ...request, lease };
    const reply = await callUnary<WorkReply__Output>(
      (options, done) => worker.Work(order, options, done),
      workTimeoutMs * (request.local?.steps ?? 1),
    );
    if (reply.outputs.length > outputsMax) {
      throw new AppError("MESSAGE_INVALID", `a result has ${reply.outputs.length} outputs (at most ${outputsMax})`);
    }
    const metrics = parseWorkMetrics(reply.metricsJson);
    const { images, computeMs, waitMs } = reply;
    const facts = { metrics, images, computeMs, waitMs };
    if (request.exchange) return { outputs: [], sums: [], kept: reply.outputs, ...facts };
    if (request.job === "gradient" || request.job === "local")
      return { outputs: [], sums: await this.pullSums(link.blobs, reply.outputs), kept: [], ...facts };
    const outputs = await this.inFlight.run(bytesOfAll(reply.outputs), () =>
      Promise.all(reply.outputs.map((output) => pullOutput(link.blobs, output))),
    );
    return { outputs, sums: [], kept: [], ...facts };
  }

  /** One by one: each is as large as the model. */
  private async pullSums(worker: BlobPeer, outputs: readonly Output__Output[]) {
    const { scratch, wire } = this.options;
    const decoded = outputs
      .map(({ bytes }) => sumLengthIn(wire, bytes) * 4)
      .filter((bytes) => scratch.isInMemory(bytes));
    const inMemory = decoded.reduce((sum, bytes) => sum + Math.max(0, bytes), 0);
    return this.inFlight.run(inMemory, async () => {
      const sums: (Named & GradientSum)[] = [];
      try {
        for (const { name, digest, bytes } of outputs) {
          sums.push({ name, digest, floats: await pullSum(worker, { digest, bytes }, wire, scratch) });
        }
        return sums;
      } catch (error) {
        await Promise.allSettled(sums.map(({ floats }) => floats.close()));
        throw error;
      }
    });
  }

  /** Numbers that the worker keeps. Whoever has them closes them. */
  async pullState(workerId: string, output: KeptOutput): Promise<Floats> {
    const link = this.links.get(workerId);
    if (!link) throw new Error(`no connection to ${workerId}`);
    return pullFloats(link.blobs, output, this.options.scratch);
  }

  /** Resolves when the worker lives and still obeys us. */
  async ping(workerId: string): Promise<void> {
    const link = this.links.get(workerId);
    if (!link) throw new Error(`no connection to ${workerId}`);
    const { worker, lease } = link;
    await callUnary<PingReply>((options, done) => worker.Ping({ lease }, options, done), probeTimeoutMs);
  }

  /** Tells the worker that it is free, if it still listens, and forgets the connection. */
  async detach(workerId: string): Promise<void> {
    const link = this.links.get(workerId);
    if (!link) return;
    this.links.delete(workerId);
    const { worker, lease } = link;
    const detached = callUnary<DetachReply>(
      (options, done) => worker.Detach({ lease }, options, done),
      detachTimeoutMs,
    );
    await detached.catch(() => undefined);
    link.worker.close();
    link.blobs.client.close();
    link.blobs.link?.close();
  }

  async detachAll(): Promise<void> {
    await Promise.all([...this.links.keys()].map((workerId) => this.detach(workerId)));
  }
}

function bytesOfAll(outputs: readonly Output__Output[]): number {
  return outputs.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** @throws AppError MESSAGE_INVALID when it is longer or shorter than was said: room was made for what was said. */
async function pullOutput(worker: BlobPeer, { name, digest, bytes: declared }: Output__Output) {
  return { name, digest, bytes: await pullBlob(worker, digest, { bytes: declared }) };
}
