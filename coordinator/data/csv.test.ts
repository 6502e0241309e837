import { expect, test } from "vitest";
import { AppError } from "../../shared/errors.js";
import { readCsv } from "./csv.js";

function problemsOf(text: string): string[] {
  return readCsv(text, "train").problems.map(({ path, kind, message }) => `${path} ${kind}: ${message}`);
}

test("path,tag;tag with or without a header; no tag and `none` are negatives", () => {
  const body = 'a.jpg,zebra; horse\n"b,1.png",\nc.jpg,none\n\nsub/d.jpg,horse\n';
  const { images, classes } = readCsv(body, "train");
  expect(images).toEqual([
    { path: "a.jpg", tags: ["horse", "zebra"] },
    { path: "b,1.png", tags: [] },
    { path: "c.jpg", tags: [] },
    { path: "sub/d.jpg", tags: ["horse"] },
  ]);
  expect(classes).toEqual(["horse", "zebra"]);
  expect(readCsv(`\ufeffpath,tags\r\n${body}`, "train").images).toEqual(images);
});

test("a path alone on its line is a negative", () => {
  expect(readCsv("a.jpg\n./b.jpg,x", "train").images).toEqual([
    { path: "a.jpg", tags: [] },
    { path: "b.jpg", tags: ["x"] },
  ]);
});

test("contradictions and copies are named with their line", () => {
  expect(problemsOf("a.jpg,x\na.jpg,x")).toEqual(["a.jpg duplicate: line 2: listed twice"]);
  expect(problemsOf("a.jpg,x\na.jpg,y")).toEqual(["a.jpg mistagged: line 2: listed before with other tags"]);
  expect(problemsOf("a.jpg,x;none")).toEqual(["a.jpg mistagged: line 1: none;x contradicts itself"]);
  expect(problemsOf("a.jpg,x,y")[0]).toContain("several tags are joined by a semicolon");
  expect(problemsOf("notes.txt,x\na.jpg,x")[0]).toContain("notes.txt unsupported");
});

test("an image listed with two different tags is left out altogether", () => {
  expect(readCsv("a.jpg,x\na.jpg,y\nb.jpg,x", "train").images.map(({ path }) => path)).toEqual(["b.jpg"]);
});

test("paths cannot leave the CSV's folder", () => {
  for (const path of ["/etc/a.jpg", "../a.jpg", "x/../../a.jpg", "C:\\a.jpg"]) {
    expect(problemsOf(`${path},x`)[0]).toContain("no absolute path");
  }
});

test("a CSV that cannot be parsed says where", () => {
  expect(() => readCsv('a.jpg,"x', "train")).toThrow(AppError);
});
