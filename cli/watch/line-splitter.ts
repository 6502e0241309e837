/** Bytes in, whole lines out; the rest waits for more. Splits bytes, not text: a character may arrive in two pieces. */
const newline = 0x0a;

export class LineSplitter {
  private rest: Uint8Array = new Uint8Array();

  push(bytes: Uint8Array): string[] {
    const all = Buffer.concat([this.rest, bytes]);
    const end = all.lastIndexOf(newline) + 1;
    this.rest = all.subarray(end);
    return all
      .subarray(0, end)
      .toString("utf8")
      .split("\n")
      .filter((line) => line !== "");
  }
}
