import { describe, expect, test } from "vitest";
import { blobBytesMax } from "../../shared/limits.js";
import { checkListing, planMirror } from "./mirror-plan.js";

const object = (path: string, etag = "e", bytes = 1) => ({ path, etag, bytes });

describe("a listing", () => {
  test.each(["../escaped.jpg", "/etc/passwd", "a/../../b", "a//b", "a/./b", "a\\b", "a\0b", ""])(
    "with the name %j is refused: it would not stay in its folder",
    (path) => {
      expect(() => checkListing([object("fine/..a.jpg"), object(path)])).toThrow("is no file name");
    },
  );

  test("with an object too large to be a photo is refused", () => {
    expect(() => checkListing([object("a", "e", blobBytesMax + 1)])).toThrow("at most");
    checkListing([object("a", "e", blobBytesMax)]);
  });
});

describe("what to fetch", () => {
  const held = new Map([
    ["a", 1],
    ["gone", 3],
  ]);

  test("is what is new, what has changed, and what is not whole on disk", () => {
    const plan = planMirror([object("a"), object("b")], { a: "e", b: "e" }, held);
    expect(plan.fetch.map(({ path }) => path)).toEqual(["b"]);
    expect(planMirror([object("a", "other")], { a: "e" }, held).fetch).toHaveLength(1);
    expect(planMirror([object("a", "e", 2)], { a: "e" }, held).fetch).toHaveLength(1);
  });

  test("and what storage has no more is removed", () => {
    expect(planMirror([object("a")], { a: "e" }, held)).toEqual({ fetch: [], remove: ["gone"] });
  });

  test("a name like a property of every object is a name", () => {
    expect(planMirror([object("constructor")], {}, new Map([["constructor", 1]])).fetch).toHaveLength(1);
  });
});
