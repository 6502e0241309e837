/**
 * Matrix products in WGSL: C [M, N] = A [M, K] B [K, N], where what A and B are is told by functions, so that a convolution needs
 * no im2col in memory. A group of 8 x 8 invocations makes a tile of C from tiles of A and B that it keeps in its own memory; each
 * invocation keeps its share of the tile in registers (Volkov and Demmel 2008). Every sum has one order: equal shapes give equal
 * bits.
 */

/** Cells of C that one invocation makes. */
export interface Tile {
  readonly rows: 4 | 8;
  readonly columns: 4 | 8;
}

/**
 * Where the elements of A or B come from: `outer` and `inner` turn indices into whatever `load` wants, outside of the inner
 * loops. `load` gives four neighbours along `inner` (one, unless the product is wide), zeros outside of the matrix.
 */
export interface Operand {
  /** Which index has neighbours side by side in memory: K's, or the other. */
  readonly contiguous: "k" | "other";
  /** Names of functions: (i32) -> vec3<i32>, (vec3<i32>) -> vec3<i32>, (i32) -> vec3<i32>, (vec3<i32>, vec3<i32>) -> vec4<f32>. */
  readonly outer: string;
  /** What `outer` gives for the next index, of it for this one: spares a division. */
  readonly next: string;
  readonly inner: string;
  readonly load: string;
}

export interface Product {
  readonly tile: Tile;
  readonly a: Operand;
  readonly b: Operand;
  /** Statements before the loop; they define `firstK` and `steps`, of `depth` K's each. WGSL wants proof that `steps` is equal in a group. */
  readonly setup: string;
  /** Name of fn (row: i32, column: i32, values: vec4<f32>). */
  readonly store: string;
  /** Four elements in one read. Else one by one, in loops: unrolled, the text takes a software GPU minutes to compile. */
  readonly isWide: boolean;
}

/** Invocations along each side of a group. */
const side = 8;
export const groupSize = side * side;

/** Rows and columns of C that a group makes, and how much of K it takes at a time. */
export function tileSides({ rows, columns }: Tile) {
  return { rows: side * rows, columns: side * columns, depth: rows === 8 ? 16 : 32 };
}

/** Small tiles where large ones would leave a GPU's processors without work, or be mostly empty. */
const groupsForLarge = 128;

/** @param layers products of this size that are made side by side */
export function tileFor(rows: number, columns: number, layers: number): Tile {
  const groups = Math.ceil(rows / 64) * Math.ceil(columns / 64) * layers;
  const isLarge = groups >= groupsForLarge && rows > 32;
  return { rows: isLarge ? 8 : 4, columns: isLarge && columns > 32 ? 8 : 4 };
}

/** `fn main()`; tile sizes are constants, everything else comes from the functions and from `uniforms`. */
export function productCode(product: Product): string {
  const { tile, a, b, setup, store, isWide } = product;
  const { rows, columns, depth } = tileSides(tile);
  const cell = isWide ? "vec4<f32>" : "f32";
  const across = isWide ? 4 : 1;
  const quads = tile.columns / 4;
  const sums = each(tile.rows, (i) => each(quads, (j) => `var c${i}${j} = vec4<f32>(0.0);`));
  const stores = each(tile.rows, (i) =>
    each(
      quads,
      (j) => `${store}(firstRow + ty * ${tile.rows} + ${i}, firstColumn + (tx + ${side * j}) * 4, c${i}${j});`,
    ),
  );
  return `
    var<workgroup> tileA : array<array<${cell}, ${rows / across}>, ${depth}>;
    var<workgroup> tileB : array<array<${cell}, ${columns / across}>, ${depth}>;
    fn main() {
      let tx = i32(localIndex % ${side}u);
      let ty = i32(localIndex / ${side}u);
      let firstRow = i32(workgroupId.y) * ${rows};
      let firstColumn = i32(workgroupId.x) * ${columns};
      ${setup}
      ${isWide ? prepare("a", a, "firstRow", rows, depth) + prepare("b", b, "firstColumn", columns, depth) : ""}
      ${sums}
      for (var step = 0; step < steps; step = step + 1) {
        let k = firstK + step * ${depth};
        ${isWide ? fill("a", a, "tileA", rows, depth) : fillSingly(a, "tileA", "firstRow", rows, depth)}
        ${isWide ? fill("b", b, "tileB", columns, depth) : fillSingly(b, "tileB", "firstColumn", columns, depth)}
        workgroupBarrier();
        for (var i = 0; i < ${depth}; i = i + 1) {
          ${multiply(product)}
        }
        workgroupBarrier();
      }
      ${stores}
    }`;
}

/** Blocks of 4 x 4, one per invocation: its place in the tile, and what stays the same while K goes by. */
function prepare(name: string, operand: Operand, first: string, length: number, depth: number): string {
  const isAlongK = operand.contiguous === "k";
  const across = isAlongK ? depth / 4 : length / 4;
  const place = isAlongK
    ? `let ${name}K = i32(localIndex) % ${across}; let ${name}At = i32(localIndex) / ${across};`
    : `let ${name}At = i32(localIndex) % ${across}; let ${name}K = i32(localIndex) / ${across};`;
  const fixed = isAlongK
    ? `let ${name}Outer0 = ${operand.outer}(${first} + ${name}At * 4);
       ${[1, 2, 3].map((j) => `let ${name}Outer${j} = ${operand.next}(${name}Outer${j - 1});`).join("\n")}`
    : `let ${name}Inner = ${operand.inner}(${first} + ${name}At * 4);`;
  return `${place} ${fixed}`;
}

function fill(name: string, operand: Operand, tile: string, length: number, depth: number): string {
  const isAlongK = operand.contiguous === "k";
  const moving = isAlongK
    ? `let inner = ${operand.inner}(k + ${name}K * 4);
       ${each(4, (j) => `let v${j} = ${operand.load}(${name}Outer${j}, inner);`)}`
    : `let outer0 = ${operand.outer}(k + ${name}K * 4);
       ${[1, 2, 3].map((j) => `let outer${j} = ${operand.next}(outer${j - 1});`).join("\n")}
       ${each(4, (j) => `let v${j} = ${operand.load}(outer${j}, ${name}Inner);`)}`;
  const component = ["x", "y", "z", "w"];
  const stored = each(4, (j) => {
    const value = isAlongK ? `vec4<f32>(${[0, 1, 2, 3].map((i) => `v${i}.${component[j]}`)})` : `v${j}`;
    return `${tile}[${name}K * 4 + ${j}][${name}At] = ${value};`;
  });
  const blocks = (length / 4) * (depth / 4);
  return blocks === groupSize ? `{ ${moving} ${stored} }` : `if (localIndex < ${blocks}u) { ${moving} ${stored} }`;
}

function fillSingly(operand: Operand, tile: string, first: string, length: number, depth: number): string {
  const isAlongK = operand.contiguous === "k";
  const [along, across] = [`e % ${isAlongK ? depth : length}`, `e / ${isAlongK ? depth : length}`];
  const [outer, inner] = isAlongK ? [`${first} + at`, "k + kAt"] : ["k + kAt", `${first} + at`];
  return `
    for (var e = i32(localIndex); e < ${length * depth}; e = e + ${groupSize}) {
      let kAt = ${isAlongK ? along : across};
      let at = ${isAlongK ? across : along};
      ${tile}[kAt][at] = ${operand.load}(${operand.outer}(${outer}), ${operand.inner}(${inner}));
    }`;
}

function multiply({ tile: { rows, columns }, isWide }: Product): string {
  const component = ["x", "y", "z", "w"];
  const quad = (tile: string, at: string) => {
    const singly = [0, 1, 2, 3].map((j) => `${tile}[i][(${at}) * 4 + ${j}]`);
    return isWide ? `${tile}[i][${at}]` : `vec4<f32>(${singly})`;
  };
  const as = each(rows / 4, (r) => `let a${r} = ${quad("tileA", `ty * ${rows / 4} + ${r}`)};`);
  const bs = each(columns / 4, (q) => `let b${q} = ${quad("tileB", `tx + ${side * q}`)};`);
  const sums = each(rows, (i) =>
    each(columns / 4, (j) => `c${i}${j} = fma(vec4<f32>(a${i >> 2}.${component[i % 4]}), b${j}, c${i}${j});`),
  );
  return `${as} ${bs} ${sums}`;
}

function each(count: number, text: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => text(index)).join("\n");
}
