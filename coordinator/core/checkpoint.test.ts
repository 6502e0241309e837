import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkpointName,
  checkpointsNewestFirst,
  checkpointsToDelete,
  decodeCheckpoint,
  encodeCheckpoint,
} from "./checkpoint.js";
import { nextSitting, progressName, progressNewestFirst, sittingName } from "./positions.js";

const header = { phase: "train-1", nextStep: 150, extra: { losses: [[0, 1.5]] } };
const sections = [Uint8Array.of(1, 2, 3, 4), new Uint8Array(0), Uint8Array.of(5, 6, 7, 8)];
const file = Buffer.concat(encodeCheckpoint(header, sections));

describe("a checkpoint", () => {
  test("comes back as it was, its sections ready for float views", () => {
    const { header: read, sections: found } = decodeCheckpoint(file)!;
    expect(read).toEqual(header);
    expect(found.map((one) => [...one])).toEqual(sections.map((one) => [...one]));
    expect((file.length - 8) % 4).toBe(0);
  });

  test("cut short anywhere, or with more behind it, is none", () => {
    for (let length = 0; length < file.length; length++) expect(decodeCheckpoint(file.subarray(0, length))).toBeNull();
    expect(decodeCheckpoint(Buffer.concat([file, Buffer.alloc(1)]))).toBeNull();
  });

  test("with any bit flipped is none", () => {
    fc.assert(
      fc.property(fc.nat(file.length * 8 - 1), (bit) => {
        const altered = Buffer.from(file);
        altered[bit >> 3]! ^= 1 << (bit & 7);
        expect(decodeCheckpoint(altered)).toBeNull();
      }),
    );
  });

  test("of anything at all is a checkpoint or none, never an error", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => decodeCheckpoint(bytes) === null));
  });
});

describe("files of a run", () => {
  const steps = [50, 100, 150, 200].map((nextStep) => checkpointName("train-2", nextStep));
  const names = [...steps, checkpointName("train-1", 50), checkpointName("train-3", 50), "abc.f32"];

  test("the newest checkpoint of a phase is tried first", () => {
    expect(checkpointsNewestFirst(names, "train-2")).toEqual([...steps].reverse());
  });

  test("finished phases' checkpoints go, and all but the newest; later phases' are somebody else's", () => {
    const stale = checkpointsToDelete(names, { phase: "train-2", done: ["classify", "train-1"] }, 3);
    expect(stale).toEqual([checkpointName("train-1", 50), steps[0]]);
  });

  test("the furthest progress counts, whoever wrote last", () => {
    const files = [progressName(2), sittingName(1), progressName(10), progressName(9), "progress-0003.json.tmp"];
    expect(progressNewestFirst(files)).toEqual([progressName(10), progressName(9), progressName(2)]);
  });

  test("every sitting has a number of its own", () => {
    expect(nextSitting([])).toBe(1);
    expect(nextSitting([sittingName(1), sittingName(3), progressName(7)])).toBe(4);
  });
});
