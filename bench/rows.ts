/** What `npm run bench` measures, against whom, and what is aimed at. */
import { fileURLToPath } from "node:url";
import type { Wire } from "../shared/math/wire.js";
import { engineEnv } from "../worker/engine/environment.js";
import { makeCameraPhotos } from "./lib/camera-photos.js";
import type { Row, Side } from "./lib/row.js";
import type { Mode } from "./lib/simulated-cluster.js";
import type { NetworkWork } from "./ours/network.js";
import type { PictureWork } from "./ours/picture.js";

export interface Places {
  /** Folder of photos for the loaders. */
  readonly photos: string;
  /** Does not exist yet: for photos that are made of them. */
  readonly camera: string;
  /** RGB files of one drawn photo, by its side. */
  readonly drawn: (size: number) => string;
}

const threads = 2;
const link = fileURLToPath(new URL("./lib/delay-link.js", import.meta.url));
/** 45 MB of f32. */
const gradientCount = 11_250_000;
/** 4 MB: bytes are counted, and sixteen workers must fit. */
const fewParameters = 1_000_000;
/** Time beside the faster of two frameworks. */
const fasterBar = 1.15;

function own(script: string, work: object, env: Side["env"] = {}): Side {
  return { program: { kind: "ours", script }, work: { ...work }, env };
}

function python(script: string, needs: readonly string[], work: object, requirements = "requirements.txt"): Side {
  return { program: { kind: "python", script, needs, requirements }, work: { ...work } };
}

const frameworks = {
  torch: { peer: "PyTorch eager", needs: ["torch"], requirements: "requirements.txt" },
  tf: { peer: "TensorFlow tf.function", needs: ["tensorflow"], requirements: "requirements-tf.txt" },
} as const;

function networkRow(
  name: string,
  what: "step" | "predict",
  work: string,
  bar: number,
  options: Partial<NetworkWork>,
  framework: keyof typeof frameworks = "torch",
): Row {
  const full: NetworkWork = {
    ...{ batch: 8, size: 256, channels: 64, threads, network: "mobilenet_v2", backbone: "trained" },
    ...options,
  };
  const { peer, needs, requirements } = frameworks[framework];
  return {
    ...{ name, group: "training", work, peer, unit: "images/s", bar },
    seconds: what === "step" ? 5 : 2,
    ours: own(what, full, engineEnv({ engine: "tensorflow", threads })),
    theirs: python(`${what}_${framework}`, needs, full, requirements),
  };
}

/** Beside both frameworks: steps as fast as the slower of them and nearly as fast as the faster, predictions as both. */
function networkRows(name: string, what: "step" | "predict", work: string, options: Partial<NetworkWork>): Row[] {
  const tf = `${name}-tf`;
  const bar = what === "step" ? fasterBar : 1;
  const rows = [networkRow(name, what, work, bar, options), networkRow(tf, what, work, bar, options, "tf")] as const;
  return what === "step"
    ? [
        { ...rows[0], twin: tf },
        { ...rows[1], twin: name },
      ]
    : [...rows];
}

/** Beside PyTorch's autocast. */
function bfloat16Row(name: string, options: Partial<NetworkWork>): Row {
  const row = networkRow(`${name}-bf16`, "step", "the same with `--math bf16`", 1.25, { ...options, bf16: true });
  return { ...row, peer: "PyTorch eager, bf16 autocast" };
}

function updateRow(name: string, millions: number): Row {
  const work = { count: millions * 1e6, threads };
  return {
    ...{ name, group: "training", peer: "PyTorch AdamW, fused", unit: "M parameters/s", bar: 1, seconds: 2 },
    work: `a step of AdamW, ${millions} M parameters: mean gradient, finite or not, new parameters`,
    ours: own("update", work),
    theirs: python("update_torch", ["torch"], work),
  };
}

/** The wasm engine with two threads, beside one of our own. */
function wasmRow(name: string, peer: string, bar: number, theirs: Pick<NetworkWork, "engine" | "threads">): Row {
  const ofWasm = { engine: "wasm", threads, gradientOnly: true } as const;
  const row = networkRow(
    name,
    "step",
    "gradient on WebAssembly, DFN on MobileNetV2, 8 x 256 px, 2 threads",
    bar,
    ofWasm,
  );
  const work = { ...row.ours.work, ...theirs };
  return { ...row, peer, theirs: own("step", work, engineEnv({ engine: "tensorflow", threads: theirs.threads })) };
}

const frozen = { backbone: "frozen" } as const;
const resnet = { size: 128, network: "resnet18" } as const;

const training: readonly Row[] = [
  ...networkRows("step-trained", "step", "training step, DFN on MobileNetV2, 8 x 256 px, backbone trained", {}),
  bfloat16Row("step-trained", {}),
  ...networkRows("step-frozen", "step", "training step, DFN on MobileNetV2, 8 x 256 px, backbone frozen", frozen),
  bfloat16Row("step-frozen", frozen),
  ...networkRows("step-resnet", "step", "training step, DFN on ResNet-18, 8 x 128 px, backbone trained", resnet),
  bfloat16Row("step-resnet", resnet),
  wasmRow("wasm-threads", "ours, 1 thread", 0.65, { engine: "wasm", threads: 1 }),
  wasmRow("wasm-tensorflow", "ours, TensorFlow", 3, { engine: "tensorflow", threads }),
  updateRow("update-3m", 3),
  updateRow("update-25m", 25),
  ...networkRows("predict-1", "predict", "prediction, DFN on MobileNetV2, 256 px, one photo", {
    ...{ ...frozen, batch: 1 },
  }),
  ...networkRows("predict-16", "predict", "prediction of 16 photos (the peer: as one batch)", {
    ...{ ...frozen, batch: 16 },
  }),
];

type InputEpoch = "first" | "later" | "disk" | "run";

function pictures({ photos, camera, drawn }: Places): Row[] {
  const loading = { photos, size: 256, batch: 8 };
  const picture = (algorithm: PictureWork["algorithm"], size: number) => ({
    algorithm,
    size,
    photo: drawn(size),
    threads,
  });
  const row = { group: "pictures", unit: "images/s", seconds: 2 } as const;
  const superpixels = (algorithm: "slic" | "felzenszwalb", work: string): Row => ({
    ...{ ...row, name: algorithm, work, peer: "scikit-image", bar: 1 },
    ours: own("picture", picture(algorithm, 320)),
    theirs: python("superpixels_skimage", ["skimage"], picture(algorithm, 320)),
  });
  const input = (name: string, epoch: InputEpoch, work: string, from = photos): Row => ({
    ...{ ...row, name, work, bar: 1 / 3, seconds: 4 },
    peer: "PIL in a PyTorch DataLoader, 2 processes",
    path: photos,
    ours: own("input", { ...loading, photos: from, epoch }),
    theirs: python("input_pil", ["torch", "numpy", "PIL"], { ...loading, photos: from }),
  });
  const largeWork = "first epoch, photos of 12 megapixels as cameras make them";
  return [
    input("input", "first", "first epoch, photos of at most 320 px: read, decode, resize to 256 px, crop, light"),
    { ...input("input-camera", "first", largeWork, camera), prepare: () => makeCameraPhotos(photos, camera) },
    input("input-run", "run", "ten epochs of the small photos, the first of them such a one"),
    input("input-later", "later", "later epochs: ours finds its photos decoded, the peer decodes again"),
    input("input-disk", "disk", "the same where memory holds none: ours reads them decoded from disk"),
    superpixels("slic", "SLIC, 320 px, 400 regions, 5 iterations"),
    superpixels("felzenszwalb", "Felzenszwalb and Huttenlocher, 320 px"),
    {
      ...{ ...row, name: "pamr", work: "PAMR, 10 iterations, 256 px, 3 classes", peer: "PyTorch", bar: 1 },
      ours: own("picture", picture("pamr", 256)),
      theirs: python("pamr_torch", ["torch", "numpy"], picture("pamr", 256)),
    },
  ];
}

function transferRow(what: "photo" | "blob" | "vector", delayMs: number): Row {
  const full = { megabytes: 64, delayMs, link, what };
  const name = `transfer-${what}${delayMs > 0 ? `-${2 * delayMs}ms` : ""}`;
  const ways = {
    photo: "in 256 photos, SHA-256 checked",
    blob: "as parameters and sums come, checksum checked",
    vector: "from worker to worker",
  };
  const where = delayMs > 0 ? `a line of ${2 * delayMs} ms round trip` : "loopback";
  const work = `64 MB ${ways[what]}, ${where}`;
  return {
    ...{ name, group: "cluster", work, peer: "plain TCP socket", unit: "MB/s", bar: 2, seconds: 2 },
    ours: own("transfer", full),
    theirs: python("transfer_socket", [], full),
  };
}

/** The peer has no other wire than f32. */
function suffix(wire: Wire): string {
  return wire === "f32" ? "" : `-${wire}`;
}

function averageRow(workers: number, wire: Wire = "f32"): Row {
  const full = { workers, count: gradientCount, wire };
  return {
    ...{ name: `average-${workers}${suffix(wire)}`, group: "cluster", unit: "exchanges/s", bar: 1.5, seconds: 5 },
    work:
      wire === "f32"
        ? `45 MB of gradients averaged and applied, ${workers} workers on this machine`
        : `the same with cluster.wire ${wire}, ${workers} workers`,
    peer: "Gloo all-reduce and AdamW",
    ours: own("average", full),
    theirs: python("average_gloo", ["torch"], full),
  };
}

/** The same from worker to worker. */
function shardedRow(workers: number, wire: Wire = "f32"): Row {
  const full = { workers, count: gradientCount, wire, per: "second" };
  const how = wire === "f32" ? "" : `, cluster.wire ${wire}`;
  return {
    ...{ name: `sharded-${workers}${suffix(wire)}`, group: "cluster", unit: "exchanges/s", bar: 1.5, seconds: 5 },
    work: `the same from worker to worker (cluster.topology sharded${how}), ${workers} workers`,
    peer: "Gloo all-reduce and AdamW",
    ours: own("sharded", full),
    theirs: python("average_gloo", ["torch"], full),
  };
}

/** What a worker pulls in a step, over the real transport: the ratio is of bytes. */
function bytesRow(workers: number, wire: Wire, bar: number): Row {
  const full = { workers, count: fewParameters, wire, per: "gigabyte" };
  return {
    ...{ name: `bytes-${workers}${suffix(wire)}`, group: "cluster", unit: "exchanges/GB", bar, seconds: 0 },
    work: `bytes to a worker per exchange, cluster.topology sharded, cluster.wire ${wire}, ${workers} workers (a ratio of bytes)`,
    peer: "an f32 ring: 2 (N - 1) / N of the parameters",
    ours: own("sharded", full),
    theirs: own("ring", full),
  };
}

const cluster: readonly Row[] = [
  transferRow("photo", 0),
  transferRow("photo", 10),
  transferRow("blob", 0),
  transferRow("blob", 10),
  transferRow("vector", 0),
  transferRow("vector", 10),
  averageRow(2),
  averageRow(4),
  averageRow(2, "bf16"),
  averageRow(4, "bf16"),
  shardedRow(2),
  shardedRow(4),
  shardedRow(2, "bf16"),
  shardedRow(4, "bf16"),
  ...[2, 4, 8, 16].map((workers) => bytesRow(workers, "f32", 1.01)),
  bytesRow(16, "bf16", 0.51),
  bytesRow(16, "int8", 0.27),
  {
    ...{ name: "epoch", group: "cluster", unit: "steps/s", bar: 1.1, seconds: 0 },
    work: "training steps of `seedgrow train`, 2 workers x 1 thread",
    peer: "1 worker x 2 threads",
    ours: own("epoch", { workers: 2, threads: 1, steps: 15 }),
    theirs: own("epoch", { workers: 1, threads: 2, steps: 15 }),
  },
];

/** Weak scaling: everybody's share of a step is the same, and takes this long of no processor. */
function scalingRow(mode: Mode, work: string): Row {
  const isLocal = mode === "local";
  const updates = isLocal
    ? { firstUpdates: 3, updates: 2, warmUpdates: 0 }
    : { firstUpdates: 3, updates: 3, warmUpdates: 20 };
  const share = { photoMs: 1_000, jitter: 0, photos: isLocal ? 1 : 10, ...updates };
  const full = { ...share, mode, parameters: megabytes(14), per: "time" };
  return {
    ...{ name: `scaling-${mode}`, group: "scaling", unit: "steps/s", bar: 1 / 0.95, seconds: 0, roundsMax: 2 },
    work: `${work}, 14 MB of parameters, 16 simulated workers on this machine`,
    peer: "1 worker with the same share",
    ours: own("scaling", { ...full, workers: 16 }),
    theirs: own("scaling", { ...full, workers: 1 }),
  };
}

/** 10^6 bytes in f32. */
function megabytes(count: number): number {
  return count * 250_000;
}

const scaling: readonly Row[] = [
  scalingRow("star", "steps of 10 s, `sync: step`, star"),
  scalingRow("sharded", "steps of 10 s, `sync: step`, sharded"),
  scalingRow("local", "steps of 1 s, `sync: local`, H = 16"),
  {
    ...{ name: "coordinator-cpu", group: "scaling", unit: "steps/s of its CPU", bar: 1.2, seconds: 0, roundsMax: 2 },
    work: "the coordinator's processor time per step, sharded, 16 workers, 56 MB of parameters",
    peer: "1 MB of parameters",
    ours: own("scaling", coordinatorWork(56)),
    theirs: own("scaling", coordinatorWork(1)),
  },
];

function coordinatorWork(size: number): object {
  const updates = { firstUpdates: 12, updates: 6, warmUpdates: 0 };
  const share = { photoMs: 1_000, jitter: 0, photos: 5, ...updates, workers: 16, mode: "sharded" };
  return { ...share, parameters: megabytes(size), per: "coordinator" };
}

export function rowsWith(places: Places): Row[] {
  return [...training, ...pictures(places), ...cluster, ...scaling];
}
