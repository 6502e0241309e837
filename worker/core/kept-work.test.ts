import { describe, expect, test } from "vitest";
import { type KeptWork, outdated } from "./kept-work.js";

/** Keys are places; "": other work than training. */
function outdatedOf(...steps: string[]): string[] {
  return outdated(new Map(steps.map((step, i): [string, KeptWork] => [`${i}`, { step: step === "" ? null : step }])));
}

describe("what a worker holds of finished work", () => {
  test("is the current piece and the last three", () => {
    expect(outdatedOf("", "", "", "")).toEqual([]);
    expect(outdatedOf("", "", "", "", "", "")).toEqual(["0", "1"]);
  });

  test("is of training the current step and the last, in as many pieces as it came", () => {
    expect(outdatedOf("1", "2")).toEqual([]);
    expect(outdatedOf("1", "2", "2", "3")).toEqual(["0"]);
    expect(outdatedOf("1", "1", "2", "3")).toEqual(["0", "1"]);
    expect(outdatedOf("2", "2", "2", "2")).toEqual([]);
  });

  test("counts other work between steps by pieces alone", () => {
    expect(outdatedOf("1", "", "2", "3")).toEqual(["0"]);
    expect(outdatedOf("", "1", "2", "")).toEqual([]);
  });

  test("outlives a coordinator that goes a step back", () => {
    expect(outdatedOf("5", "6", "5")).toEqual([]);
    expect(outdatedOf("5", "6", "5", "7")).toEqual(["1"]);
  });
});
