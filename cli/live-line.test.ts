import { describe, expect, test } from "vitest";
import { cut, LiveLine } from "./live-line.js";

/** A terminal of so many columns that remembers every write. */
function terminal(columns: number) {
  const writes: string[] = [];
  const stream = { columns, write: (text: string) => writes.push(text) };
  return { stream, writes, line: new LiveLine(stream as unknown as NodeJS.WriteStream) };
}

describe("the live line", () => {
  test("is one write per frame that draws before it erases: no flicker", () => {
    const { line, writes } = terminal(80);
    line.show("one");
    line.show("two");
    expect(writes).toEqual(["\rone\u001b[J", "\rtwo\u001b[J"]);
  });

  test("stays below lines that stay", () => {
    const { line, writes } = terminal(80);
    line.show("live");
    line.above("news");
    expect(writes[1]).toBe("\r\u001b[Jnews\nlive\u001b[J");
  });

  test("never wraps", () => {
    const { line, writes } = terminal(30);
    line.show("x".repeat(50));
    expect(writes[0]).toBe(`\r${"x".repeat(28)}…\u001b[J`);
  });

  test("goes up to its beginning when the window became narrower", () => {
    const { line, stream, writes } = terminal(100);
    line.show("x".repeat(90));
    stream.columns = 40;
    line.show("short");
    expect(writes[1]).toBe("\r\u001b[2Ashort\u001b[J");
  });

  test("leaves nothing behind", () => {
    const { line, writes } = terminal(80);
    line.show("live");
    line.clear();
    line.clear();
    expect(writes.slice(1)).toEqual(["\r\u001b[J"]);
  });
});

test("cut counts columns, not colour codes", () => {
  expect(cut("\u001b[1mbold\u001b[22m", 4)).toBe("\u001b[1mbold\u001b[22m");
  expect(cut("\u001b[1mbolder\u001b[22m", 4)).toBe("bol…");
});
