/**
 * Matrix products in WGSL: C [M, N] = A [M, K] B [K, N], where what A and B are is told by functions, so that a convolution needs
 * no im2col in memory. A group of 64 to 256 invocations makes a tile of C from tiles of A and B that it keeps in its own memory; each
 * invocation keeps its 4 x 4 cells in registers (Volkov and Demmel 2008). More cells each would spare reads, but leave fewer
 * invocations to hide them behind: measured 26 TFLOP/s against 22 with 8 x 8 on an H100, 31 against 28 for large products. Every sum has one order: equal shapes give equal
 * bits.
 */

/** Rows and columns of C that a group of invocations makes. */
export interface Tile {
  readonly rows: 32 | 64 | 128;
  readonly columns: 32 | 64 | 128;
}

/**
 * Where the elements of A or B come from: `outer` and `inner` turn indices into whatever `load` wants. `load` gives four neighbours
 * along `inner` (one, unless the product is wide), zeros outside of the matrix. It is called so often that it should add and compare, no more.
 */
export interface Operand {
  /** Which index has neighbours side by side in memory: K's, or the other. */
  readonly contiguous: "k" | "other";
  /** Names of functions: (i32) -> vec4<i32>, (vec4<i32>) -> vec4<i32>, (i32) -> vec4<i32>, (vec4<i32>, vec4<i32>) -> vec4<f32>. */
  readonly outer: string;
  /** What `outer` gives for the next index, of it for this one: spares a division. */
  readonly next: string;
  readonly inner: string;
  /** What K's index, `inner` or `outer`, gives `tileDepth` later. */
  readonly later: string;
  readonly load: string;
  /** May be too small for 16 bits: there the product's `scale` goes with it (half-tiles.ts). */
  readonly isScaled?: boolean;
}

export interface Product {
  readonly tile: Tile;
  readonly a: Operand;
  readonly b: Operand;
  /** Statements before the loop; they define `firstK` and `steps`, of `tileDepth` K's each. WGSL wants proof that `steps` is equal in a group. */
  readonly setup: string;
  /** Name of fn (row: i32, column: i32, values: vec4<f32>). */
  readonly store: string;
  /** Four elements in one read. Else one by one, in loops: unrolled, the text takes a software GPU minutes to compile. */
  readonly isWide: boolean;
}

/** How much of K a group takes at a time. */
export const tileDepth = 32;

/** Invocations of a group; each of them makes 4 x 4 cells. */
export function threadsOf({ rows, columns }: Tile): number {
  return (rows / 4) * (columns / 4);
}

/** The largest that is not half empty. */
export function tileFor(rows: number, columns: number): Tile {
  return { rows: rows > 32 ? 64 : 32, columns: columns > 32 ? 64 : 32 };
}

/** `fn main()`; tile sizes are constants, everything else comes from the functions and from `uniforms`. */
export function productCode(product: Product): string {
  const { tile, a, b, setup, store, isWide } = product;
  const { rows, columns } = tile;
  const cell = isWide ? "vec4<f32>" : "f32";
  const across = isWide ? 4 : 1;
  const fill = isWide
    ? fillWide(tile, a, b)
    : {
        before: "",
        each:
          fillSingly(a, "tileA", "firstRow", rows, threadsOf(tile)) +
          fillSingly(b, "tileB", "firstColumn", columns, threadsOf(tile)),
      };
  return `
    var<workgroup> tileA : array<array<${cell}, ${rows / across}>, ${tileDepth}>;
    var<workgroup> tileB : array<array<${cell}, ${columns / across}>, ${tileDepth}>;
    fn main() {
      let tx = i32(localIndex % ${columns / 4}u);
      let ty = i32(localIndex / ${columns / 4}u);
      let firstRow = i32(workgroupId.y) * ${rows};
      let firstColumn = i32(workgroupId.x) * ${columns};
      ${setup}
      ${fill.before}
      ${each(4, (i) => `var c${i} = vec4<f32>(0.0);`)}
      for (var step = 0; step < steps; step = step + 1) {
        ${isWide ? "" : `let k = firstK + step * ${tileDepth};`}
        ${fill.each}
        workgroupBarrier();
        for (var i = 0; i < ${tileDepth}; i = i + 1) {
          ${multiply(isWide)}
        }
        workgroupBarrier();
      }
      ${each(4, (i) => `${store}(firstRow + ty * 4 + ${i}, firstColumn + tx * 4, c${i});`)}
    }`;
}

interface Fill {
  /** What stays the same while K goes by. */
  readonly before: string;
  readonly each: string;
}

/** Blocks of 4 x 4, one per invocation. Where a group has enough of them, one part of it reads A while the other reads B. */
function fillWide(tile: Tile, a: Operand, b: Operand): Fill {
  const [blocksOfA, blocksOfB] = [blocksOf(tile.rows), blocksOf(tile.columns)];
  const isShared = blocksOfA + blocksOfB <= threadsOf(tile);
  const own = {
    a: prepareBlock("a", a, "firstRow", tile.rows, "i32(localIndex)"),
    b: prepareBlock("b", b, "firstColumn", tile.columns, `(i32(localIndex) - ${isShared ? blocksOfA : 0})`),
  };
  const each = { a: fillBlock("a", a, "tileA"), b: fillBlock("b", b, "tileB") };
  const only = (text: string, blocks: number) =>
    blocks < threadsOf(tile) ? `if (localIndex < ${blocks}u) { ${text} }` : `{ ${text} }`;
  return {
    before: own.a + own.b,
    each: isShared
      ? `if (localIndex < ${blocksOfA}u) { ${each.a} } else { ${each.b} }`
      : only(each.a, blocksOfA) + only(each.b, blocksOfB),
  };
}

export function blocksOf(length: number): number {
  return (length / 4) * (tileDepth / 4);
}

/** Before the first K: what stays the same while it goes by, and what goes along. @param block which of the operand's blocks of 4 x 4 */
export function prepareBlock(name: string, operand: Operand, first: string, length: number, block: string): string {
  const { contiguous, outer, next, inner } = operand;
  if (contiguous === "other") {
    return `
      let ${name}At = ${block} % ${length / 4};
      let ${name}K = ${block} / ${length / 4};
      let ${name}Inner = ${inner}(${first} + ${name}At * 4);
      var ${name}Outer = ${outer}(firstK + ${name}K * 4);`;
  }
  return `
      let ${name}K = ${block} % ${tileDepth / 4};
      let ${name}At = ${block} / ${tileDepth / 4};
      let ${name}Outer0 = ${outer}(${first} + ${name}At * 4);
      ${[1, 2, 3].map((j) => `let ${name}Outer${j} = ${next}(${name}Outer${j - 1});`).join("\n")}
      var ${name}Inner = ${inner}(firstK + ${name}K * 4);`;
}

/** The prepared block: statements, expressions for its four reads, by whichever index has no neighbours in memory, and statements for the K's after it. */
export function readBlock(name: string, { contiguous, next, later, load }: Operand) {
  if (contiguous === "other") {
    return {
      before: `let outer0 = ${name}Outer; ${[1, 2, 3].map((j) => `let outer${j} = ${next}(outer${j - 1});`).join("\n")}`,
      reads: [0, 1, 2, 3].map((j) => `${load}(outer${j}, ${name}Inner)`),
      after: `${name}Outer = ${later}(${name}Outer);`,
    };
  }
  return {
    before: "",
    reads: [0, 1, 2, 3].map((j) => `${load}(${name}Outer${j}, ${name}Inner)`),
    after: `${name}Inner = ${later}(${name}Inner);`,
  };
}

function fillBlock(name: string, operand: Operand, tile: string): string {
  const { before, reads, after } = readBlock(name, operand);
  const component = ["x", "y", "z", "w"];
  const stored = each(4, (j) => {
    const value =
      operand.contiguous === "k" ? `vec4<f32>(${[0, 1, 2, 3].map((i) => `v${i}.${component[j]}`)})` : `v${j}`;
    return `${tile}[${name}K * 4 + ${j}][${name}At] = ${value};`;
  });
  return `${before} ${each(4, (j) => `let v${j} = ${reads[j]};`)} ${after} ${stored}`;
}

function fillSingly(operand: Operand, tile: string, first: string, length: number, threads: number): string {
  const isAlongK = operand.contiguous === "k";
  const [along, across] = [`e % ${isAlongK ? tileDepth : length}`, `e / ${isAlongK ? tileDepth : length}`];
  const [outer, inner] = isAlongK ? [`${first} + at`, "k + kAt"] : ["k + kAt", `${first} + at`];
  return `
    for (var e = i32(localIndex); e < ${length * tileDepth}; e = e + ${threads}) {
      let kAt = ${isAlongK ? along : across};
      let at = ${isAlongK ? across : along};
      ${tile}[kAt][at] = ${operand.load}(${operand.outer}(${outer}), ${operand.inner}(${inner}));
    }`;
}

function multiply(isWide: boolean): string {
  const quad = (tile: string, at: string) => {
    const singly = [0, 1, 2, 3].map((j) => `${tile}[i][${at} * 4 + ${j}]`);
    return isWide ? `${tile}[i][${at}]` : `vec4<f32>(${singly})`;
  };
  const component = ["x", "y", "z", "w"];
  return `let a = ${quad("tileA", "ty")}; let b = ${quad("tileB", "tx")};
    ${each(4, (i) => `c${i} = fma(vec4<f32>(a.${component[i]}), b, c${i});`)}`;
}

export function each(count: number, text: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => text(index)).join("\n");
}
