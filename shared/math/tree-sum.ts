/**
 * Sums along one fixed binary tree over leaf index, so that the bits of the total do not depend on who computed which
 * leaves (docs/ARCHITECTURE.md, determinism). The tree over `leafCount` leaves splits at the largest power of two below
 * the count: node (level, index) covers leaves [index << level, min((index + 1) << level, leafCount)).
 */
import { assert } from "../assert.js";
import { addInto } from "./vectors.js";

export interface TreeNode {
  /** 0 for a leaf. */
  readonly level: number;
  readonly index: number;
}

export interface LeafRange {
  readonly first: number;
  /** One past the last. */
  readonly end: number;
}

export function nodeKey(node: TreeNode): string {
  return `${node.level}:${node.index}`;
}

/** The node that `nodeKey` names. */
export function parseNode(key: string): TreeNode {
  const [level, index] = key.split(":").map(Number);
  assert(Number.isInteger(level) && Number.isInteger(index), `"${key}" names a tree node`);
  return { level: level!, index: index! };
}

export function rootOf(leafCount: number): TreeNode {
  return { level: Math.ceil(Math.log2(Math.max(1, leafCount))), index: 0 };
}

export function leavesOf(node: TreeNode, leafCount: number): LeafRange {
  return { first: node.index << node.level, end: Math.min((node.index + 1) << node.level, leafCount) };
}

/** The fewest tree nodes that cover exactly the given run of leaves, left to right. */
export function coverRange(range: LeafRange, leafCount: number): TreeNode[] {
  assert(range.first >= 0 && range.first < range.end && range.end <= leafCount, "range lies within the leaves");
  const nodes: TreeNode[] = [];
  let first = range.first;
  while (first < range.end) {
    let level = 0;
    while (fitsOneLevelUp(first, level, range.end, leafCount)) level++;
    nodes.push({ level, index: first >> level });
    first += 1 << level;
  }
  return nodes;
}

function fitsOneLevelUp(first: number, level: number, end: number, leafCount: number): boolean {
  const span = 1 << (level + 1);
  if (first % span !== 0 || span >> 1 >= leafCount) return false;
  return Math.min(first + span, leafCount) <= end;
}

/** How many sums of so many neighbouring leaves, added one after the other, wait for their siblings at once, the last leaf's among them. */
export function openSumsMax(leaves: number): number {
  return Math.floor(2 * Math.log2(leaves + 1)) - 1;
}

/** Joins the sums of two siblings into their parent's; both belong to it. */
export type JoinSums<T> = (left: T, right: T, parent: TreeNode) => T;

/** Collects node sums, in any order, and joins siblings as they meet. Holds at most one sum per open sub-tree. */
export class TreeSums<T> {
  private readonly sums = new Map<string, T>();

  constructor(
    private readonly leafCount: number,
    private readonly joined: JoinSums<T>,
  ) {}

  /** Takes ownership of `sum`. A node whose leaves are counted already is a duplicate: false, and nothing changes. */
  add(node: TreeNode, sum: T): boolean {
    if (this.covers(node)) return false;
    this.join(node, sum);
    return true;
  }

  /** The total, once every leaf is counted. */
  total(): T | null {
    return this.sums.get(nodeKey(rootOf(this.leafCount))) ?? null;
  }

  /** The sums held, left to right. */
  nodes(): { node: TreeNode; sum: T }[] {
    const entries = [...this.sums].map(([key, sum]) => ({ node: parseNode(key), sum }));
    return entries.sort((a, b) => (a.node.index << a.node.level) - (b.node.index << b.node.level));
  }

  private covers(node: TreeNode): boolean {
    const wanted = leavesOf(node, this.leafCount);
    return this.nodes().some(({ node: held }) => {
      const range = leavesOf(held, this.leafCount);
      return range.first < wanted.end && wanted.first < range.end;
    });
  }

  private join(node: TreeNode, sum: T): void {
    const root = rootOf(this.leafCount);
    let at = node;
    let total = sum;
    while (at.level < root.level) {
      const sibling = { level: at.level, index: at.index ^ 1 };
      const parent = { level: at.level + 1, index: at.index >> 1 };
      if (leavesOf(sibling, this.leafCount).first < this.leafCount) {
        const held = this.sums.get(nodeKey(sibling));
        if (held === undefined) break;
        this.sums.delete(nodeKey(sibling));
        total = sibling.index < at.index ? this.joined(held, total, parent) : this.joined(total, held, parent);
      }
      at = parent;
    }
    this.sums.set(nodeKey(at), total);
  }
}

/** A node's sum as it was added up. */
export interface OpenSum {
  readonly values: Float32Array;
  /** As which node's it is still to be rounded (a node without a sibling is its own parent); null: it is rounded. */
  readonly due: TreeNode | null;
}

/** Sums in memory. `round` makes each of them what can travel (rounding.ts), wherever it is computed; not before it is needed. */
export class TreeAccumulator {
  private readonly sums: TreeSums<OpenSum>;

  constructor(
    leafCount: number,
    private readonly round: (node: TreeNode, sum: Float32Array) => void = () => undefined,
    /** Hears of each sum that has been added to another one: its memory is free. */
    used: (sum: Float32Array) => void = () => undefined,
  ) {
    this.sums = new TreeSums(leafCount, (left, right, due) => {
      const values = this.rounded(left);
      addInto(values, this.rounded(right));
      used(right.values);
      return { values, due };
    });
  }

  /** Takes ownership of `sum`, which was rounded where it comes from. False: a duplicate, and nothing changes. */
  add(node: TreeNode, sum: Float32Array): boolean {
    return this.sums.add(node, { values: sum, due: null });
  }

  /** A leaf that was computed here. */
  addLeaf(index: number, values: Float32Array): boolean {
    const leaf = { level: 0, index };
    return this.sums.add(leaf, { values, due: leaf });
  }

  /** The total, once every leaf is counted. */
  total(): Float32Array | null {
    const total = this.sums.total();
    return total && this.rounded(total);
  }

  /** The sums held, left to right. */
  nodes(): { node: TreeNode; sum: Float32Array }[] {
    return this.sums.nodes().map(({ node, sum }) => ({ node, sum: this.rounded(sum) }));
  }

  /** The same for whoever rounds them as he writes them. */
  open(): (OpenSum & { readonly node: TreeNode })[] {
    return this.sums.nodes().map(({ node, sum }) => ({ node, ...sum }));
  }

  /** Rounding what is rounded changes nothing. */
  private rounded({ values, due }: OpenSum): Float32Array {
    if (due) this.round(due, values);
    return values;
  }
}
