/** Which files a synthetic data set consists of, and what each one shows. */
import type { SplitName } from "../../shared/data/manifest.js";
import type { SceneKind } from "./scene.js";

export interface PlannedImage {
  /** Path below the output folder, without extension: "train/horse/horse-0001". */
  readonly path: string;
  readonly split: SplitName;
  readonly kind: SceneKind;
  readonly index: number;
}

/** Per cycle of eight: three horses, three zebras and two empty scenes, so that any count stays balanced. */
const cycle: readonly SceneKind[] = ["horse", "zebra", "none", "horse", "zebra", "horse", "zebra", "none"];

export function planImages(counts: Readonly<Record<SplitName, number>>): PlannedImage[] {
  return (["train", "val"] as const).flatMap((split) =>
    Array.from({ length: counts[split] }, (_, index) => {
      const kind = cycle[index % cycle.length]!;
      return { path: `${split}/${kind}/${kind}-${String(index + 1).padStart(5, "0")}`, split, kind, index };
    }),
  );
}
