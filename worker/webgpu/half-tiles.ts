/**
 * Matrix products of float16 with sums in float32, on a GPU's matrix units: operands as in tiles.ts, rounded on their way into the group's
 * memory. Each subgroup of a group keeps its part of the tile in the units' own registers; what comes next is read while the units
 * multiply. Two tiles in turns, which would spare every other barrier, took 1.4 times as long for a gradient of ResNet-50 on an H100.
 */
import { blocksOf, each, type Operand, type Product, prepareBlock, readBlock, type Tile, tileDepth } from "./tiles.js";

/** Subgroups of a group by rows and by columns of its tile. */
interface Split {
  readonly down: number;
  readonly across: number;
}

/** Side of the squares that the units multiply, cells, and invocations of a subgroup: others are not asked for (halves.ts). */
export const unitSide = 16;
export const subgroupSize = 32;
/** Values of `peaks`: as many as the smallest groups have invocations. */
export const peakCount = 4 * subgroupSize;

/** What a group of the largest tile wants of its own memory: two operands and a square of each subgroup, and a little more. */
export const groupBytesMax = 30 * 1024;

/** What scaled operands' largest is brought to: far from float16's end (65,504), as far as can be from its beginning (6e-8). */
const scaledPeakExponent = 13;

/** Cells between rows in a group's memory, so that a column's cells lie in different banks of it; cells of one read. */
const [gap, quads] = [8, 4];

export function halfTileFor(rows: number, columns: number): Tile {
  if (rows <= 64) return { rows: 64, columns: columns > 32 ? 64 : 32 };
  return { rows: 128, columns: columns > 64 ? 128 : columns > 32 ? 64 : 32 };
}

function splitOf({ columns }: Tile): Split {
  if (columns === 128) return { down: 4, across: 2 };
  return columns === 64 ? { down: 2, across: 2 } : { down: 4, across: 1 };
}

/** Invocations of a group. */
export function halfThreadsOf(tile: Tile): number {
  const { down, across } = splitOf(tile);
  return down * across * subgroupSize;
}

/** `fn main()`; directives as well, which belong at the text's beginning. Scaled: an input `peaks` has the operand's largest values. */
export function halfProductCode({ tile, a, b, setup, store }: Omit<Product, "isWide">): string {
  const split = splitOf(tile);
  const subgroups = split.down * split.across;
  const part = { rows: tile.rows / split.down, columns: tile.columns / split.across };
  const [squaresDown, squaresAcross] = [part.rows / unitSide, part.columns / unitSide];
  const isScaled = a.isScaled || b.isScaled;
  const result = isScaled ? "values * powerOfTwo(-exponent)" : "values";
  const left = operandOf("a", "tileA", a, "firstRow", tile.rows, halfThreadsOf(tile));
  const right = operandOf("b", "tileB", b, "firstColumn", tile.columns, halfThreadsOf(tile));
  const square = (row: number, column: number) => `sum${row}x${column}`;
  const all = (text: (row: number, column: number) => string) =>
    each(squaresDown, (row) => each(squaresAcross, (column) => text(row, column)));
  return `
    enable f16;
    enable subgroups;
    enable chromium_experimental_subgroup_matrix;
    diagnostic(off, chromium.subgroup_matrix_uniformity);
    ${left.memory}
    ${right.memory}
    var<workgroup> squares : array<f32, ${subgroups * unitSide * unitSide}>;
    ${isScaled ? scaleCode(subgroups) : ""}
    fn main() {
      let firstRow = i32(workgroupId.y) * ${tile.rows};
      let firstColumn = i32(workgroupId.x) * ${tile.columns};
      let subgroup = localIndex / ${subgroupSize}u;
      let partRow = subgroup / ${split.across}u * ${part.rows}u;
      let partColumn = subgroup % ${split.across}u * ${part.columns}u;
      ${setup}
      ${isScaled ? "let exponent = scaleExponent(); let scale = powerOfTwo(exponent);" : ""}
      ${left.before}
      ${right.before}
      ${all((row, column) => `var ${square(row, column)} = subgroup_matrix_result<f32, ${unitSide}, ${unitSide}>();`)}
      ${left.read} ${right.read}
      for (var step = 0; step < steps; step = step + 1) {
        ${left.put}
        ${right.put}
        workgroupBarrier();
        if (step + 1 < steps) { ${left.read} ${right.read} }
        for (var unitK = 0u; unitK < ${tileDepth}u; unitK = unitK + ${unitSide}u) {
          ${each(squaresDown, (row) => `let left${row} = ${left.square("left", `partRow + ${row * unitSide}u`)};`)}
          ${each(squaresAcross, (column) => `let right${column} = ${right.square("right", `partColumn + ${column * unitSide}u`)};`)}
          ${all((row, column) => `${square(row, column)} = subgroupMatrixMultiplyAccumulate(left${row}, right${column}, ${square(row, column)});`)}
        }
        workgroupBarrier();
      }
      ${all((row, column) => storeSquare(row, column, square(row, column), `${store}(storeRow, storeColumn, ${result});`))}
    }`;
}

/** How a group comes by its tile of one operand. */
function operandOf(name: string, tile: string, operand: Operand, first: string, length: number, threads: number) {
  const isAlongK = operand.contiguous === "k";
  const stride = (isAlongK ? tileDepth : length) + gap;
  const blocks = blocksOf(length);
  const own = Array.from({ length: Math.ceil(blocks / threads) }, (_, i) => `${name}${i}`);
  const only = (text: string) => (blocks < threads ? `if (localIndex < ${blocks}u) { ${text} }` : `{ ${text} }`);
  const before = own.map((block, i) => {
    const values = each(quads, (j) => `var ${block}Value${j} = vec4<f32>(0.0);`);
    return values + prepareBlock(block, operand, first, length, `(i32(localIndex) + ${i * threads})`);
  });
  const read = own.map((block) => {
    const { before, reads, after } = readBlock(block, operand);
    return only(before + each(quads, (j) => `${block}Value${j} = ${reads[j]};`) + after);
  });
  const put = own.map((block) => only(each(quads, (j) => putQuad(tile, stride, block, isAlongK, j, operand.isScaled))));
  return {
    memory: `var<workgroup> ${tile} : array<f16, ${(isAlongK ? length : tileDepth) * stride}>;`,
    ...{ before: before.join("\n"), read: read.join("\n"), put: put.join("\n") },
    /** `side`: of the product, where this operand stands; `at`: its first row or column. */
    square: (side: "left" | "right", at: string) => {
      const place = isAlongK ? `(${at}) * ${stride}u + unitK` : `unitK * ${stride}u + ${at}`;
      const order = isAlongK === (side === "left") ? "row_major" : "col_major";
      const type = `subgroup_matrix_${side}<f16, ${unitSide}, ${unitSide}>`;
      return `subgroupMatrixLoad<${type}, ${order}>(&${tile}, ${place}, ${stride}u)`;
    },
  };
}

function putQuad(tile: string, stride: number, block: string, isAlongK: boolean, j: number, isScaled = false): string {
  const [line, cell] = isAlongK ? [`${block}At`, `${block}K`] : [`${block}K`, `${block}At`];
  const values = `vec4<f16>(${block}Value${j}${isScaled ? " * scale" : ""})`;
  return `{
    let values = ${values};
    let place = (${line} * 4 + ${j}) * ${stride} + ${cell} * 4;
    ${each(quads, (i) => `${tile}[place + ${i}] = values[${i}];`)}
  }`;
}

/** Out of the units, and four cells at a time to where they belong. */
function storeSquare(row: number, column: number, square: string, store: string): string {
  const [cells, across] = [unitSide ** 2, unitSide / quads];
  return `
    subgroupMatrixStore<row_major>(&squares, subgroup * ${cells}u, ${square}, ${unitSide}u);
    workgroupBarrier();
    for (var quad = localIndex % ${subgroupSize}u; quad < ${cells / quads}u; quad = quad + ${subgroupSize}u) {
      let at = subgroup * ${cells}u + quad * ${quads}u;
      let values = vec4<f32>(squares[at], squares[at + 1u], squares[at + 2u], squares[at + 3u]);
      let storeRow = firstRow + i32(partRow + ${row * unitSide}u + quad / ${across}u);
      let storeColumn = firstColumn + i32(partColumn + ${column * unitSide}u + quad % ${across}u * ${quads}u);
      ${store}
    }
    workgroupBarrier();`;
}

/** Powers of two, so that nothing but exponents changes. An operand with a NaN or an infinity keeps it. */
const scaleCode = (subgroups: number) => `
    var<workgroup> subgroupPeaks : array<f32, ${subgroups}>;
    fn powerOfTwo(exponent : i32) -> f32 { return bitcast<f32>(u32(exponent + 127) << 23u); }
    fn scaleExponent() -> i32 {
      let own = subgroupMax(peaks[localIndex % ${peakCount}u]);
      if (localIndex % ${subgroupSize}u == 0u) { subgroupPeaks[localIndex / ${subgroupSize}u] = own; }
      workgroupBarrier();
      let peak = max(max(subgroupPeaks[0], subgroupPeaks[1]), max(subgroupPeaks[2], subgroupPeaks[3]));
      let peakExponent = i32(bitcast<u32>(peak) >> 23u) - 127;
      return clamp(${scaledPeakExponent} - peakExponent, -100, 100);
    }`;
