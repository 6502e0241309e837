/**
 * C += A * B: what convolutions and their gradients come down to. A block of 4 x 8 results stays in registers (V8 has 16
 * for vectors), which took 40 to 60 GFLOP/s where tfjs's own product took 12 to 30 (one core of an EPYC, 2024).
 */
import { firstOf } from "./part";

/** Rows and columns of A that stay in the cache while B's columns pass by. */
const rowsPerPass: i32 = 256;
const columnsPerPass: i32 = 256;
/** From so many rows on it pays to copy eight columns of B side by side: far apart they push each other out of the cache. */
const packedRowsMin: i32 = 32;

/** `roomBytes` that no other thread uses. */
let packed: usize = 0;

export function roomBytes(): i32 {
  return 8 * 4 * columnsPerPass;
}

export function setPacked(address: usize): void {
  packed = address;
}

/**
 * C[m, n] += sum over k of A[m, k] * B[k, n]. Distances in bytes: from row to row, in A also from column to column (so A
 * may be transposed, or be every second pixel); columns of B and C lie side by side.
 */
export function gemm(
  a: usize,
  aRow: usize,
  aColumn: usize,
  b: usize,
  bRow: usize,
  c: usize,
  cRow: usize,
  m: i32,
  n: i32,
  k: i32,
): void {
  for (let left = k; left > 0; left -= columnsPerPass) {
    const depth = min(columnsPerPass, left);
    for (let i = 0; i < m; i += rowsPerPass) {
      pass(
        a + (i as usize) * aRow,
        aRow,
        aColumn,
        b,
        bRow,
        c + (i as usize) * cRow,
        cRow,
        min(rowsPerPass, m - i),
        n,
        depth,
      );
    }
    a += (columnsPerPass as usize) * aColumn;
    b += (columnsPerPass as usize) * bRow;
  }
}

function pass(
  a: usize,
  aRow: usize,
  aColumn: usize,
  b: usize,
  bRow: usize,
  c: usize,
  cRow: usize,
  m: i32,
  n: i32,
  k: i32,
): void {
  let at = 0;
  for (; at + 8 <= n; at += 8) {
    if (m < packedRowsMin || bRow === 32) columns8(a, aRow, aColumn, b + 4 * at, bRow, c + 4 * at, cRow, m, k);
    else {
      pack8(b + 4 * at, bRow, k);
      columns8(a, aRow, aColumn, packed, 32, c + 4 * at, cRow, m, k);
    }
  }
  for (; at + 4 <= n; at += 4) columns4(a, aRow, aColumn, b + 4 * at, bRow, c + 4 * at, cRow, m, k);
  for (; at < n; at++) column(a, aRow, aColumn, b + 4 * at, bRow, c + 4 * at, cRow, m, k);
}

function pack8(b: usize, bRow: usize, k: i32): void {
  let to = packed;
  for (let p = 0; p < k; p++, b += bRow, to += 32) {
    v128.store(to, v128.load(b));
    v128.store(to, v128.load(b, 16), 16);
  }
}

function columns8(
  a: usize,
  aRow: usize,
  aColumn: usize,
  b: usize,
  bRow: usize,
  c: usize,
  cRow: usize,
  m: i32,
  k: i32,
): void {
  let i = 0;
  for (; i + 4 <= m; i += 4) {
    block4x8(a, aRow, aColumn, b, bRow, c, cRow, k);
    a += 4 * aRow;
    c += 4 * cRow;
  }
  for (; i < m; i++) {
    block1x8(a, aColumn, b, bRow, c, k);
    a += aRow;
    c += cRow;
  }
}

function columns4(
  a: usize,
  aRow: usize,
  aColumn: usize,
  b: usize,
  bRow: usize,
  c: usize,
  cRow: usize,
  m: i32,
  k: i32,
): void {
  let i = 0;
  for (; i + 4 <= m; i += 4) {
    block4x4(a, aRow, aColumn, b, bRow, c, cRow, k);
    a += 4 * aRow;
    c += 4 * cRow;
  }
  for (; i < m; i++) {
    block1x4(a, aColumn, b, bRow, c, k);
    a += aRow;
    c += cRow;
  }
}

function column(
  a: usize,
  aRow: usize,
  aColumn: usize,
  b: usize,
  bRow: usize,
  c: usize,
  cRow: usize,
  m: i32,
  k: i32,
): void {
  for (let i = 0; i < m; i++) {
    let sum = load<f32>(c);
    for (let p = 0, x = a, y = b; p < k; p++, x += aColumn, y += bRow) sum += load<f32>(x) * load<f32>(y);
    store<f32>(c, sum);
    a += aRow;
    c += cRow;
  }
}

function block4x8(a: usize, aRow: usize, aColumn: usize, b: usize, bRow: usize, c: usize, cRow: usize, k: i32): void {
  const row2 = aRow * 2;
  const row3 = aRow * 3;
  const c1 = c + cRow;
  const c2 = c + cRow * 2;
  const c3 = c + cRow * 3;
  let s00 = v128.load(c);
  let s01 = v128.load(c, 16);
  let s10 = v128.load(c1);
  let s11 = v128.load(c1, 16);
  let s20 = v128.load(c2);
  let s21 = v128.load(c2, 16);
  let s30 = v128.load(c3);
  let s31 = v128.load(c3, 16);
  for (let p = 0; p < k; p++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    s00 = f32x4.add(s00, f32x4.mul(x, b0));
    s01 = f32x4.add(s01, f32x4.mul(x, b1));
    x = v128.load32_splat(a + aRow);
    s10 = f32x4.add(s10, f32x4.mul(x, b0));
    s11 = f32x4.add(s11, f32x4.mul(x, b1));
    x = v128.load32_splat(a + row2);
    s20 = f32x4.add(s20, f32x4.mul(x, b0));
    s21 = f32x4.add(s21, f32x4.mul(x, b1));
    x = v128.load32_splat(a + row3);
    s30 = f32x4.add(s30, f32x4.mul(x, b0));
    s31 = f32x4.add(s31, f32x4.mul(x, b1));
    a += aColumn;
    b += bRow;
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c2, s20);
  v128.store(c2, s21, 16);
  v128.store(c3, s30);
  v128.store(c3, s31, 16);
}

function block1x8(a: usize, aColumn: usize, b: usize, bRow: usize, c: usize, k: i32): void {
  let s0 = v128.load(c);
  let s1 = v128.load(c, 16);
  for (let p = 0; p < k; p++) {
    const x = v128.load32_splat(a);
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(b)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(b, 16)));
    a += aColumn;
    b += bRow;
  }
  v128.store(c, s0);
  v128.store(c, s1, 16);
}

function block4x4(a: usize, aRow: usize, aColumn: usize, b: usize, bRow: usize, c: usize, cRow: usize, k: i32): void {
  const row2 = aRow * 2;
  const row3 = aRow * 3;
  const c1 = c + cRow;
  const c2 = c + cRow * 2;
  const c3 = c + cRow * 3;
  let s0 = v128.load(c);
  let s1 = v128.load(c1);
  let s2 = v128.load(c2);
  let s3 = v128.load(c3);
  for (let p = 0; p < k; p++) {
    const y = v128.load(b);
    s0 = f32x4.add(s0, f32x4.mul(v128.load32_splat(a), y));
    s1 = f32x4.add(s1, f32x4.mul(v128.load32_splat(a + aRow), y));
    s2 = f32x4.add(s2, f32x4.mul(v128.load32_splat(a + row2), y));
    s3 = f32x4.add(s3, f32x4.mul(v128.load32_splat(a + row3), y));
    a += aColumn;
    b += bRow;
  }
  v128.store(c, s0);
  v128.store(c1, s1);
  v128.store(c2, s2);
  v128.store(c3, s3);
}

function block1x4(a: usize, aColumn: usize, b: usize, bRow: usize, c: usize, k: i32): void {
  let sum = v128.load(c);
  for (let p = 0; p < k; p++) {
    sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(a), v128.load(b)));
    a += aColumn;
    b += bRow;
  }
  v128.store(c, sum);
}

/** [count, rows, columns] -> [count, columns, rows]. A part: some of the matrices' rows. */
export function transposePart(
  from: usize,
  to: usize,
  count: i32,
  rows: i32,
  columns: i32,
  part: i32,
  parts: i32,
): void {
  const end = firstOf(part + 1, parts, count * rows);
  for (let row = firstOf(part, parts, count * rows); row < end; row++) {
    let target = to + 4 * ((row / rows) * rows * columns + (row % rows));
    const source = from + 4 * row * columns;
    for (let c = 0; c < columns; c++, target += 4 * rows) store<f32>(target, load<f32>(source + 4 * c));
  }
}
