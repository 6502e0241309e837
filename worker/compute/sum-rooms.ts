/** The rooms of a gradient job: which of them are free while its sums are added up, and in which a sum has come to lie. */
import type { OpenSum, TreeNode } from "../../shared/math/tree-sum.js";
import type { PartialSum } from "./contract.js";

export class SumRooms {
  private readonly free: Float32Array[];

  constructor(private readonly rooms: readonly Float32Array[] = []) {
    this.free = [...rooms];
  }

  /** Null: there is none left of this length. Whatever is in it must be overwritten. */
  take(length: number): Float32Array | null {
    const at = this.free.findIndex((room) => room.length === length);
    return at < 0 ? null : this.free.splice(at, 1)[0]!;
  }

  readonly give = (values: Float32Array): void => {
    if (this.rooms.includes(values)) this.free.push(values);
  };

  /** Says where they lie. */
  located(sums: readonly (OpenSum & { readonly node: TreeNode })[]): PartialSum[] {
    return sums.map((sum) => {
      const room = this.rooms.indexOf(sum.values);
      return room < 0 ? sum : { ...sum, room };
    });
  }
}
