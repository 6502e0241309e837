/** Sums that are pulled while they are written, between two workers' exchanges over real lines. */
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bytesOf, float32Of } from "../../shared/codec/digest.js";
import { methodConfigSchema } from "../../shared/config/method.js";
import { VectorMemory } from "../../shared/math/vectors.js";
import { listenOnOnePort, type OnePort } from "../../shared/net/one-port.js";
import { comingBulk, vectorBulk } from "../../shared/net/peers.js";
import { serverOptions } from "../../shared/net/proto.js";
import { PeerLinks } from "../../worker/adapters/peer-links.js";
import { layOut, markPart, progressFor, type SumProgress } from "../../worker/compute/sum-progress.js";
import { WorkerExchange } from "../../worker/exchange/exchange.js";
import { aheadName } from "../../worker/exchange/names.js";
import type { PullAhead } from "../../worker/exchange/pulls-ahead.js";
import { until } from "../support/until.js";

const of = { phase: "train-1", step: 3, specsDigest: "", holders: [], point: [], hashSums: false };
const stage = { model: "segmenter", round: 1 } as const;
const node = { level: 0, index: 1 };
/** Three parts, of which the third is more than is asked for at a time, and the last, which is the loss and the weight. */
const partEnds = [300_000, 700_000, 1_300_000, 1_300_002];
const length = 1_300_002;
const pullBlob = async () => new Uint8Array(0);
const closers: (() => void)[] = [];

let giver: WorkerExchange;
let taker: WorkerExchange;
let port: OnePort;
let progress: SumProgress;
let room: Float32Array;

beforeEach(async () => {
  const method = methodConfigSchema.parse({});
  const open = () => {
    const peers = new PeerLinks({ runId: "r", trust: null, isInsecure: false });
    closers.push(() => peers.close());
    const pullPeer: PeerLinks["pull"] = (range, target) => peers.pull(range, target);
    return new WorkerExchange({ method, seed: 0, wire: "f32", pullBlob, pullPeer, aheadLines: peers.ahead });
  };
  giver = open();
  taker = open();
  const source = {
    vector: (_: string, name: string) => giver.vector(name),
    coming: (_: string, name: string) => giver.coming(name),
  };
  const bulk = {
    vector: { answer: vectorBulk(source), roles: [] },
    coming: { answer: comingBulk(source), roles: [] },
  };
  port = await listenOnOnePort({
    address: "127.0.0.1:0",
    trust: null,
    grpcServer: new grpc.Server(serverOptions),
    bulk,
  });
  progress = progressFor(8);
  room = new VectorMemory(length).floats(length).fill(-1);
  giver.enter(of);
  taker.enter(of);
});

afterEach(() => {
  for (const exchange of [giver, taker]) exchange.close();
  port.close();
  for (const close of closers.splice(0)) close();
});

/** The taker is told that it will want these numbers. */
function follow(first: number, end: number, key = "work"): void {
  const sums = [{ peer: { workerId: "giver", address: port.address }, key, nodes: ["0:1"] }];
  taker.ahead.follow(of, { first, end, length, sums });
}

function claim(first: number, end: number, key = "work"): PullAhead | null {
  return taker.ahead.claim([{ address: port.address, name: aheadName(of, "0:1", key), first, end }])[0]!;
}

/** The giver's engine writes a part of the sum. */
function write(part: number, value: number): void {
  room.fill(value, partEnds[part - 1] ?? 0, partEnds[part]);
  if (part < partEnds.length - 1) markPart(progress, part);
}

/** As the taker has them by now. */
function seen(pull: PullAhead): { first: number; last: number } {
  const values = float32Of(pull.range.bytes);
  return { first: values[0]!, last: values.at(-1)! };
}

test("what is written arrives while the rest is computed, and counts when all is", async () => {
  follow(100, 1_299_000);
  giver.grow(of, node, "work", room, progress);
  layOut(progress, partEnds);
  const pull = claim(100, 1_299_000)!;
  bytesOf(float32Of(pull.range.bytes)).fill(0);
  write(2, 3);
  await until("the last part to arrive", () => seen(pull).last === 3);
  expect(seen(pull).first, "not written yet").toBe(0);
  write(1, 2);
  write(0, 1);
  await until("the first part to arrive", () => seen(pull).first === 1);
  expect(pull.state, "its work has not ended").toBe("coming");
  write(3, 9);
  giver.keep(of, stage, "work", { node, values: room, due: null });
  await pull.arrival;
  expect(pull.state).toBe("there");
  expect(Buffer.compare(pull.range.bytes, bytesOf(room.subarray(100, 1_299_000)))).toBe(0);
});

describe("of work that fails", () => {
  test("nothing counts, although all that was wanted had arrived", async () => {
    follow(500_000, 800_000);
    giver.grow(of, node, "work", room, progress);
    layOut(progress, partEnds);
    const pull = claim(500_000, 800_000)!;
    for (const part of [2, 1]) write(part, 666);
    await until("it to arrive", () => seen(pull).first === 666 && seen(pull).last === 666);
    giver.stopGrowing();
    await expect(pull.arrival).rejects.toThrow();
    expect(claim(500_000, 800_000)).toBeNull();
  });

  test("what was half sent is not completed by the same work done anew, which is given in the usual way alone", async () => {
    follow(100, 1_299_000);
    giver.grow(of, node, "work", room, progress);
    layOut(progress, partEnds);
    const pull = claim(100, 1_299_000)!;
    write(2, 666);
    await until("some of it to arrive", () => seen(pull).last === 666);
    giver.stopGrowing();
    const values = new VectorMemory(length).floats(length).fill(5);
    giver.grow(of, node, "work", values, progressFor(8));
    giver.keep(of, stage, "work", { node, values, due: null });
    await expect(pull.arrival).rejects.toThrow();
    follow(100, 1_299_000);
    await expect(claim(100, 1_299_000)!.arrival).rejects.toThrow(/was begun, and has failed/);
    const target = new Uint8Array(4 * 10);
    const range = { address: port.address, name: "train-1/3/sum/0:1", first: 100, end: 110 };
    await taker.deps.pullPeer(range, target);
    expect([...float32Of(target)]).toEqual(new Array(10).fill(5));
  });

  test("and of which nothing was sent, others wait for the same work done anew", async () => {
    follow(100, 1_000);
    giver.grow(of, node, "work", room, progress);
    giver.stopGrowing();
    const values = new VectorMemory(length).floats(length).fill(5);
    giver.grow(of, node, "work", values, progressFor(8));
    giver.keep(of, stage, "work", { node, values, due: null });
    const pull = claim(100, 1_000)!;
    await pull.arrival;
    expect(seen(pull)).toEqual({ first: 5, last: 5 });
  });
});

test("a sum that the engine puts elsewhere is given when it is whole", async () => {
  follow(100, 1_000);
  giver.grow(of, node, "work", room, progress);
  const values = new Float32Array(length).fill(8);
  giver.keep(of, stage, "work", { node, values, due: null });
  const pull = claim(100, 1_000)!;
  await pull.arrival;
  expect(seen(pull)).toEqual({ first: 8, last: 8 });
});

test("a giver that goes on with another step lets go of whoever waits for its sum", async () => {
  follow(100, 1_299_000);
  giver.grow(of, node, "work", room, progress);
  layOut(progress, partEnds);
  const pull = claim(100, 1_299_000)!;
  write(2, 3);
  await until("some of it to arrive", () => seen(pull).last === 3);
  giver.enter({ ...of, step: 4 });
  await expect(pull.arrival).rejects.toThrow();
});
