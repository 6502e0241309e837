import { describe, expect, test } from "vitest";
import { curveOf, initialCurve } from "./curves.js";
import { maskedCrc, record, scalarRecord, versionRecord } from "./records.js";

const at = "2026-01-01T00:00:00.000Z";

test("the checksum is TensorFlow's: CRC-32C, rotated by 15 and shifted by a constant", () => {
  // CRC-32C of these digits is E3069283 (RFC 3720, B.4, and every catalogue of CRCs).
  const crc = 0xe3069283;
  expect(maskedCrc(Buffer.from("123456789"))).toBe((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
});

test("the file's first record is the one that TensorFlow itself writes", () => {
  // Length 24, its checksum 0x14ea1fa3 little-endian as in every event file.
  const head = Buffer.from(versionRecord(1_700_000_000)).subarray(0, 12);
  expect(head.toString("hex")).toBe("1800000000000000a37f4b22");
  expect(record(Buffer.alloc(0))).toHaveLength(16);
});

test("a scalar is readable by its field numbers", () => {
  const bytes = Buffer.from(scalarRecord({ wallTime: 2, step: 300, scalars: { loss: 0.5 } })).subarray(12, -4);
  // 1: double 2; 2: varint 300; 5: { 1: { 1: "loss", 2: float 0.5 } }
  expect(bytes.toString("hex")).toBe("090000000000000040" + "10ac02" + "2a0d0a0b0a046c6f737315" + "0000003f");
});

describe("curves", () => {
  const step = (phase: string, number: number, loss: number | null = 1) =>
    curveOf(initialCurve, { at, runId: "r", kind: "step", phase, step: number, steps: 100, loss });

  test("of rounds follow each other on one axis; the classifier has its own", () => {
    expect(step("classify", 0).scalars).toEqual({ wallTime: 1767225600, step: 1, scalars: { "loss/classifier": 1 } });
    expect(step("train-1", 99).scalars).toMatchObject({ step: 100, scalars: { "loss/segmenter": 1 } });
    expect(step("train-3", 0).scalars).toMatchObject({ step: 201 });
    expect(step("train-1", 0, null).scalars).toBeNull();
  });

  test("of scores go by round, of the cluster by the step it had reached", () => {
    const labels = { miou: 0.7, precision: 1, recall: 1 };
    const stage = { at, runId: "r", kind: "stage", name: "round-2", labels, val: null, changedShare: 0.1 };
    expect(curveOf(initialCurve, stage).scalars).toMatchObject({
      step: 2,
      scalars: { "miou/labels": 0.7, "labels/changed_share": 0.1 },
    });
    const workers = [
      { state: "active", waitShare: 0.2 },
      { state: "away: hung", waitShare: 0 },
    ];
    const cluster = { at, runId: "r", kind: "cluster", imagesPerSecond: 40, etaSeconds: null, workers };
    expect(curveOf({ phase: "train-1", step: 7 }, cluster).scalars).toMatchObject({
      step: 7,
      scalars: { "cluster/images_per_second": 40, "cluster/workers": 1, "cluster/wait_share": 0.2 },
    });
  });
});
