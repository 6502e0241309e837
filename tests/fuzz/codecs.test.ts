/** Everything that parses bytes from outside: packs, checkpoints, masks, photos, CSV, messages of other processes. */
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, describe } from "vitest";
import { decodeCheckpoint, encodeCheckpoint } from "../../coordinator/core/checkpoint.js";
import { readCsv } from "../../coordinator/data/csv.js";
import { initDefect, packDefect } from "../../coordinator/inspect.js";
import { float32Of, sha256 } from "../../shared/codec/digest.js";
import { decodeMapPack, encodeMapPack } from "../../shared/codec/map-pack.js";
import { decodeSquare, decodeUpright, readPhotoHeader } from "../../shared/data/decode.js";
import { readMaskPng, writeMaskPng } from "../../shared/data/mask-png.js";
import { parseWorkMetrics } from "../../shared/data/work-metrics.js";
import { AppError } from "../../shared/errors.js";
import { emptyCounts, mergeCounts } from "../../shared/math/scores.js";
import { Blobs, Worker } from "../../shared/net/proto.js";
import { peerError } from "../../shared/net/rpc.js";
import { damagedBytes, damagedJson } from "./mutate.js";
import { fuzz, total } from "./survives.js";

afterAll(() => process.stderr.write(`${total} damaged inputs\n`));

const map = (image: number, channels = 1) => {
  return { image, height: 8, width: 8, channels, data: Uint8Array.from({ length: 64 * channels }, (_, i) => i % 3) };
};
const packs = [encodeMapPack([map(0), map(1)]), encodeMapPack([map(3, 2)]), encodeMapPack([])];

describe("label packs", () => {
  const shard = { images: [0, 1], tagCounts: [1, 1], side: 8, classCount: 2 };
  fuzz("decode", 0.15, damagedBytes(packs), decodeMapPack);
  fuzz("as a worker's result", 0.05, damagedBytes(packs), (bytes) => {
    return packDefect([{ name: "labels", bytes }], ["labels"], shard);
  });
});

describe("checkpoints", () => {
  const section = new Uint8Array(16).fill(7);
  const header = { phase: "train-1", nextStep: 4, extra: { losses: [] } };
  const whole = new Uint8Array(Buffer.concat(encodeCheckpoint(header, [section, section, section])));
  fuzz("decode", 0.1, damagedBytes([whole]), decodeCheckpoint, (bytes) => {
    // The header's own digest leaves no damage unnoticed.
    const decoded = decodeCheckpoint(bytes);
    if (decoded && sha256(bytes) !== sha256(whole)) throw new Error("a damaged checkpoint was taken for whole");
  });
  const stored = { ...header, sections: [{ digest: sha256(section), bytes: 16 }] };
  fuzz("with a header of other content and the right digest", 0.05, damagedJson([stored]), (json) => {
    const body = Buffer.from(JSON.stringify(json));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(body.length);
    return decodeCheckpoint(Buffer.concat([Buffer.from("SGC1"), length, body, Buffer.from(sha256(body)), section]));
  });
  const specs = [{ name: "a", shape: [2, 2], learningRateScale: 1, weightDecay: true }];
  fuzz(
    "initial parameters of a worker",
    0.04,
    fc.tuple(damagedJson([specs]), damagedBytes([section])),
    ([json, bytes]) => {
      const described = Buffer.from(JSON.stringify(json) ?? "");
      return initDefect([
        { name: "specs", bytes: described },
        { name: "params", bytes },
      ]);
    },
  );
  fuzz("numbers", 0.02, fc.uint8Array({ maxLength: 40 }), float32Of);
});

describe("masks", () => {
  const labels = Uint8Array.from({ length: 12 * 9 }, (_, i) => i % 3);
  fuzz("decode", 0.08, damagedBytes([writeMaskPng(12, 9, labels)]), readMaskPng);
  const withCrc = damagedBytes([writeMaskPng(12, 9, labels)]).map((bytes) => mendCrcs(bytes));
  fuzz("whose checksums are right", 0.04, withCrc, readMaskPng);
});

/** Damage behind a right checksum gets further. */
function mendCrcs(png: Uint8Array): Uint8Array {
  const bytes = Buffer.from(png);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    if (at + 12 + length > bytes.length) break;
    bytes.writeUInt32BE(crc32(bytes.subarray(at + 4, at + 8 + length)), at + 8 + length);
    at += 12 + length;
  }
  return bytes;
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

describe("photos", async () => {
  const picture = sharp({ create: { width: 24, height: 16, channels: 3, background: "olive" } });
  const formats = await Promise.all(
    (["jpeg", "png", "webp", "gif", "tiff"] as const).map((format) => picture.clone().toFormat(format).toBuffer()),
  );
  const photo = damagedBytes(formats);
  fuzz("header", 0.03, photo, readPhotoHeader);
  fuzz("decode to a square", 0.03, photo, (bytes) => decodeSquare(bytes, 32));
  const noise = { type: "gaussian", mean: 128, sigma: 60 } as const;
  const noisy = sharp({ create: { width: 50, height: 40, channels: 3, background: "olive", noise } });
  const plain = damagedBytes([
    await noisy.clone().jpeg().toBuffer(),
    await noisy.toColourspace("b-w").jpeg().toBuffer(),
  ]);
  fuzz("decode a plain JPEG to a square", 0.03, plain, (bytes) => decodeSquare(bytes, 32));
  fuzz("decode upright", 0.02, photo, (bytes) => decodeUpright(bytes, { maxSide: 64 }));
});

describe("CSV", () => {
  const csv = 'path,tags\na/1.jpg,horse;zebra\n"b,2.png",horse\r\nc/3.webp,none\n';
  const samples = [csv, `\ufeff${csv}`].map((text) => new Uint8Array(Buffer.from(text)));
  fuzz("of damaged bytes", 0.08, damagedBytes(samples), (bytes) =>
    readCsv(Buffer.from(bytes).toString("utf8"), "train"),
  );
  fuzz("of any text", 0.04, fc.string({ unit: "binary", maxLength: 200 }), (text) => readCsv(text, "train"));
});

describe("messages of other processes", () => {
  const lease = { runId: "r", token: 7, generation: 9 };
  const gradient = { step: 1, leafFirst: 0, leafEnd: 2, leafCount: 4, labelsDigest: "" };
  const work = { lease, key: "k", stage: { model: "segmenter", round: 1 }, weightsDigest: "", gradient };
  const messages = [
    [Worker.service.Work.requestSerialize(work as never), Worker.service.Work.requestDeserialize],
    [
      Worker.service.Attach.requestSerialize({ lease, coordinatorAddress: "a:1", setupDigest: "" }),
      Worker.service.Attach.requestDeserialize,
    ],
    [
      Worker.service.Work.responseSerialize({
        outputs: [{ name: "0:0", digest: "d", bytes: 4 }],
        metricsJson: "{}",
      } as never),
      Worker.service.Work.responseDeserialize,
    ],
    [Blobs.service.Pull.responseSerialize({ data: Buffer.from("chunk") }), Blobs.service.Pull.responseDeserialize],
  ] as const;
  for (const [i, [bytes, decode]] of messages.entries()) {
    // grpc-js answers whatever the decoder throws with a status: it must throw an Error, and come to an end.
    fuzz(`protobuf ${i}`, 0.03, damagedBytes([new Uint8Array(bytes)]), (damaged) => {
      try {
        (decode as (bytes: Buffer) => unknown)(Buffer.from(damaged));
      } catch (thrown) {
        throw new AppError("MESSAGE_INVALID", String((thrown as Error).message));
      }
    });
  }
  const free = emptyCounts(2, { contours: true });
  const metrics = { free, labels: { ...emptyCounts(2), images: 1 }, kept: [{ path: "a", reason: "b" }], tensors: 4 };
  fuzz("metrics of a result", 0.06, damagedJson([metrics]), (json) => {
    const { free, labels } = parseWorkMetrics(JSON.stringify(json) ?? "");
    // What was let through can be merged.
    for (const counts of [free, labels])
      if (counts) mergeCounts(counts, emptyCounts(counts.classCount, { contours: counts.contours !== null }));
  });
  fuzz("errors with hints", 0.02, fc.string({ unit: "binary" }), (hint) => {
    const values: Record<string, string> = { "seedgrow-code": "WORK_FAILED", "seedgrow-hint": hint };
    return peerError({ metadata: { get: (name: string) => [values[name]] }, details: "x" });
  });
});
