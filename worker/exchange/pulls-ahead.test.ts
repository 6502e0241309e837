import { expect, test } from "vitest";
import { AppError } from "../../shared/errors.js";
import type { PeerRange } from "../adapters/peer-links.js";
import { aheadName } from "./names.js";
import { PullsAhead, partsFrom } from "./pulls-ahead.js";

const of = { phase: "train-1", step: 3, specsDigest: "", holders: [], point: [], hashSums: false };
const range = { first: 32, end: 64, length: 98 };

interface Pull extends PeerRange {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Lines that answer when they are told to, and memory that is counted. That what has come counts is told at once. */
function pullsAhead() {
  const asked: Pull[] = [];
  const said: string[] = [];
  let lent = 0;
  const lines = {
    pull: (wanted: PeerRange) => {
      if (wanted.first === wanted.end) return Promise.resolve(0);
      return new Promise<number>((resolve, reject) => {
        asked.push({ ...wanted, resolve: () => resolve(0), reject });
      });
    },
    hasten: (address: string) => void said.push(`hasten ${address}`),
    drop: (address: string) => {
      said.push(`drop ${address}`);
      for (const pull of asked) if (pull.address === address) pull.reject(new AppError("INTERRUPTED", "closed"));
    },
  };
  const memory = {
    blank: (body: number, length: number) => {
      lent++;
      return { wire: "f32" as const, body, length, bytes: new Uint8Array(4 * length) };
    },
    give: () => void lent--,
  };
  return { pulls: new PullsAhead(lines, memory), asked, said, lent: () => lent };
}

/** Sums that workers at these addresses will have: "a/key/node". */
function hint(...sums: readonly string[]) {
  return {
    ...range,
    sums: sums.map((sum) => {
      const [address = "", key = "", node = ""] = sum.split("/");
      return { peer: { workerId: address, address }, key, nodes: [node] };
    }),
  };
}

function wanted(sum: string, at: { first: number; end: number } = range): PeerRange {
  const [address = "", key = "", node = ""] = sum.split("/");
  return { address, name: aheadName(of, node, key), first: at.first, end: at.end };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("what has come is used, what is about to is hastened, the rest is pulled by whoever wants it", async () => {
  const { pulls, asked, said } = pullsAhead();
  pulls.follow(of, hint("a/k1/0:0", "b/k2/0:1", "c/k3/0:2"));
  expect(asked.map(({ name }) => name)).toEqual([
    "train-1/3/sum/0:0@k1",
    "train-1/3/sum/0:1@k2",
    "train-1/3/sum/0:2@k3",
  ]);
  asked[0]!.resolve();
  asked[2]!.reject(new AppError("MESSAGE_INVALID", "does not come"));
  await turn();
  const claimed = pulls.claim([wanted("a/k1/0:0"), wanted("b/k2/0:1"), wanted("c/k3/0:2"), null]);
  expect(claimed.map((pull) => pull?.state ?? null)).toEqual(["there", "coming", null, null]);
  expect(said).toEqual(["hasten b"]);
});

test.each([
  ["other work led to it", wanted("a/k9/0:0")],
  ["another worker has it", wanted("b/k1/0:0")],
  ["the slice is another one", wanted("a/k1/0:0", { first: 0, end: 32 })],
])("nothing that was pulled is used when %s", async (_, other) => {
  const { pulls, asked } = pullsAhead();
  pulls.follow(of, hint("a/k1/0:0"));
  asked[0]!.resolve();
  await turn();
  expect(pulls.claim([other])).toEqual([null]);
});

test("what may never come is not in the way of what was asked for after it", () => {
  const { pulls, said } = pullsAhead();
  pulls.follow(of, hint("a/k1/0:0", "a/k2/0:1", "b/k3/0:2"));
  expect(pulls.claim([wanted("a/k2/0:1"), wanted("b/k3/0:2")]).map((pull) => pull?.address ?? null)).toEqual([
    null,
    "b",
  ]);
  expect(said).toEqual(["drop a", "hasten b"]);
});

test("another expectation keeps what both have, and tries again what has failed", async () => {
  const { pulls, asked, said, lent } = pullsAhead();
  pulls.follow(of, hint("a/k1/0:0", "b/k2/0:1", "c/k3/0:2"));
  asked[2]!.reject(new AppError("MESSAGE_INVALID", "does not come"));
  await turn();
  pulls.follow(of, hint("a/k1/0:0", "d/k4/0:1", "c/k3/0:2"));
  expect(said).toEqual(["drop b"]);
  expect(asked.slice(3).map(({ address }) => address)).toEqual(["d", "c"]);
  expect(lent()).toBe(3);
});

test("at the end all memory is given back, and nothing comes into it any more", async () => {
  const { pulls, asked, said, lent } = pullsAhead();
  pulls.follow(of, hint("a/k1/0:0", "b/k2/0:1"));
  asked[0]!.resolve();
  await turn();
  pulls.end();
  expect(lent()).toBe(0);
  expect(said).toEqual(["drop b"]);
  expect(pulls.claim([wanted("a/k1/0:0")])).toEqual([null]);
});

test("a sum is asked for from its end on, what is written last comes last, and then whether it counts", () => {
  const asked = partsFrom(0, 1_200_000, true);
  expect(asked.at(-1)).toEqual({ first: 0, end: 0 });
  expect(asked.at(-2)).toEqual({ first: 1_200_000 - 4_096, end: 1_200_000 });
  const parts = asked.slice(0, -2);
  expect(parts[0]!.end).toBe(1_200_000 - 4_096);
  expect(parts.slice(1).map(({ end }) => end)).toEqual(parts.slice(0, -1).map(({ first }) => first));
  expect(parts.at(-1)!.first).toBe(0);
  expect(partsFrom(0, 100, true)).toEqual([
    { first: 0, end: 100 },
    { first: 0, end: 0 },
  ]);
  expect(partsFrom(64, 128, false)).toEqual([
    { first: 64, end: 128 },
    { first: 64, end: 64 },
  ]);
});
