import { describe, expect, test } from "vitest";
import { type Brush, drawStroke } from "./strokes.js";

/** Rows of "." and "#". */
function drawn(brush: Brush, size: number, photo: { width: number; height: number }): string[] {
  const cells = new Array<string>(size * size).fill(".");
  drawStroke(brush, size, photo, (cell) => {
    cells[cell] = "#";
  });
  return Array.from({ length: size }, (_, y) => cells.slice(y * size, (y + 1) * size).join(""));
}

describe("a stroke", () => {
  test("of one point is a disc", () => {
    expect(drawn({ radius: 0.25, points: [[0.5, 0.5]] }, 8, { width: 80, height: 80 })).toEqual([
      "........",
      "........",
      "...##...",
      "..####..",
      "..####..",
      "...##...",
      "........",
      "........",
    ]);
  });

  test("runs from point to point, and its thickness is the photo's, not the square's", () => {
    const line: Brush = {
      radius: 0.1,
      points: [
        [0.1, 0.5],
        [0.9, 0.5],
      ],
    };
    const wide = drawn(line, 8, { width: 160, height: 40 });
    expect(wide.filter((row) => row.includes("#"))).toHaveLength(6);
    expect(drawn(line, 8, { width: 80, height: 80 }).filter((row) => row.includes("#"))).toEqual([
      "########",
      "########",
    ]);
  });

  test("however thin leaves a mark, and stays within the grid", () => {
    expect(drawn({ radius: 1e-6, points: [[0, 0]] }, 4, { width: 400, height: 300 })[0]).toBe("#...");
    expect(drawn({ radius: 0.5, points: [[1, 1]] }, 2, { width: 3, height: 3 })).toEqual(["..", ".#"]);
  });
});
