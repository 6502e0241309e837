/** Prepares a run on this worker: pulls setup, manifest and backbone, and hands the method to the compute thread. */
import { setMaxListeners } from "node:events";
import type { StepHelpers } from "../../shared/aggregate/step-helpers.js";
import { type ImageEntry, manifestSchema } from "../../shared/data/manifest.js";
import { type RunSetup, runSetupSchema } from "../../shared/data/run-setup.js";
import { AppError } from "../../shared/errors.js";
import type { AttachRequest__Output } from "../../shared/gen/seedgrow/v1/AttachRequest.js";
import { linkTo } from "../../shared/net/blob-lines.js";
import type { Bus } from "../../shared/net/bus.js";
import { clientSecurity } from "../../shared/net/credentials.js";
import { requirePrivate } from "../../shared/net/exposure.js";
import { Blobs } from "../../shared/net/proto.js";
import type { Trust } from "../../shared/net/trust.js";
import { isS3 } from "../../shared/storage/s3.js";
import type { BackboneFiles, ModelKind } from "../compute/contract.js";
import type { EngineKeeper } from "../compute/keeper.js";
import { CorrectionStore } from "../data/correction-store.js";
import { ImageStore, type KeptPixels } from "../data/image-store.js";
import { LabelStore } from "../data/label-store.js";
import { WorkerExchange } from "../exchange/exchange.js";
import type { WorkerMemory } from "../exchange/worker-memory.js";
import type { LoadedWeights } from "../jobs/context.js";
import { ShardsAhead } from "../jobs/shards-ahead.js";
import { WeightsBase } from "../jobs/weights-base.js";
import type { AttachedRun } from "../runtime.js";
import type { BlobCache } from "./blob-cache.js";
import { Bucket } from "./bucket.js";
import { Fetcher } from "./fetcher.js";
import { busPackStore } from "./label-packs.js";
import { PeerLinks } from "./peer-links.js";

export interface OpenRunOptions {
  readonly bus: Bus;
  readonly compute: EngineKeeper;
  readonly helpers: StepHelpers;
  readonly cache: BlobCache;
  readonly memory: WorkerMemory;
  /** Folder, or s3://BUCKET/PREFIX, that holds the same photos. */
  readonly dataPlace: string | null;
  readonly log: (message: string, fields: object) => void;
  readonly memoryBytesMax: number;
  /** Decoded photos on disk, or null. */
  readonly kept: KeptPixels | null;
  /** Null: in the clear. */
  readonly trust: Trust | null;
  readonly isInsecure: boolean;
}

export async function openRun(options: OpenRunOptions, request: AttachRequest__Output): Promise<AttachedRun> {
  const closed = new AbortController();
  // A listener per transfer, and as many transfers at a time as a micro-batch has photos: no leak.
  setMaxListeners(0, closed.signal);
  const { coordinatorAddress } = request;
  requirePrivate({ "the coordinator": coordinatorAddress }, options.trust !== null, options.isInsecure);
  const secured = clientSecurity(options.trust, ["coordinator"], coordinatorAddress);
  const client = new Blobs(coordinatorAddress, secured.credentials, secured.options);
  const lineThere = () => linkTo({ address: coordinatorAddress, trust: options.trust, roles: ["coordinator"] });
  const numbers = { client, link: lineThere() };
  const files = { client, link: lineThere() };
  const { dataPlace, log } = options;
  const onTrouble = ({ code, message }: AppError) => {
    log("photos are pulled from the coordinator, since storage does not give them", { code, message });
  };
  const bucket = dataPlace !== null && isS3(dataPlace) ? new Bucket(dataPlace, closed.signal, onTrouble) : null;
  const { trust, isInsecure } = options;
  const peers = new PeerLinks({ runId: request.lease?.runId ?? "", trust, isInsecure });
  const close = () => {
    closed.abort();
    client.close();
    numbers.link?.close();
    files.link?.close();
    peers.close();
    void bucket?.close();
  };
  try {
    const fetcher = new Fetcher(numbers, files, options.cache, busPackStore(options.bus), closed.signal);
    const setup = runSetupSchema.parse(await pullJson(fetcher, request.setupDigest));
    const manifest = manifestSchema.parse(await pullJson(fetcher, setup.manifestDigest));
    const { method, seed, classes, wire } = setup;
    const loaded = new Map<ModelKind, LoadedWeights>();
    const setUp = async () => {
      const backbone = await pullBackbone(fetcher, setup);
      // A newer run has the engine by now.
      if (closed.signal.aborted) throw new AppError("LEASE_LOST", "freed while its engine was set up");
      loaded.clear();
      await options.compute.setup({ method, seed, classes, backbone });
    };
    const prepare = preparing(options.compute, setUp);
    await prepare();
    const cached = (digest: string) => fetcher.cached(digest);
    const pull = (digest: string) => fetcher.pull(digest);
    const pack = (digest: string) => fetcher.pack(digest);
    const { memoryBytesMax, kept: keptPixels, compute, helpers, memory } = options;
    const localDir = bucket ? null : dataPlace;
    const fetch = ({ digest, path }: ImageEntry) => fetcher.cached(digest, bucket ? () => bucket.get(path) : undefined);
    const held = { memoryBytesMax, kept: keptPixels };
    const images = new ImageStore({ manifest, imageSize: method.imageSize, localDir, fetch, ...held });
    const labels = new LabelStore({ pull, pack });
    const corrections = new CorrectionStore(pull);
    const pullPeer = (...pulled: Parameters<PeerLinks["pull"]>) => peers.pull(...pulled);
    const exchange = new WorkerExchange({
      ...{ method, seed, wire, helpers, pullBlob: pull, pullPeer },
      ...{ aheadLines: peers.ahead, rooms: memory.states },
    });
    const stores = { images, labels, corrections };
    const base = new WeightsBase(wire, (...asked) => fetcher.pull(...asked));
    const training = { exchange, helpers, room: memory.replica, sums: memory.sums };
    const kept = { loaded, base, ahead: new ShardsAhead(), ...training, closed: closed.signal };
    return { context: { setup, manifest, compute, prepare, ...stores, pull, cached, pack, ...kept }, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Sets up what has not been set up yet: every engine that is started knows nothing. */
function preparing(compute: EngineKeeper, setUp: () => Promise<void>): () => Promise<void> {
  let preparedAt = -1;
  return async () => {
    await compute.ready();
    const { count } = compute.losses;
    if (count === preparedAt) return;
    await setUp();
    preparedAt = count;
  };
}

async function pullJson(fetcher: Fetcher, digest: string): Promise<unknown> {
  return JSON.parse(Buffer.from(await fetcher.pull(digest)).toString("utf8"));
}

async function pullBackbone(fetcher: Fetcher, { backbone }: RunSetup): Promise<BackboneFiles | null> {
  if (!backbone) return null;
  const [modelJson, weights, sidecar] = await Promise.all([
    fetcher.cached(backbone.modelJson),
    fetcher.cached(backbone.weights),
    backbone.sidecar === null ? null : fetcher.cached(backbone.sidecar),
  ]);
  return { modelJson, weights, sidecar };
}
