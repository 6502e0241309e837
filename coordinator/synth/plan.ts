/** Which files a synthetic data set consists of, and what each one shows. */
import type { SplitName } from "../../shared/data/manifest.js";
import type { Species } from "./animal.js";
import type { SceneKind } from "./scene.js";

/** `single`: one kind of animal, or none, in each image. `herd`: any of them (see herd.ts). */
export const sceneStyles = ["single", "herd"] as const;
export type SceneStyle = (typeof sceneStyles)[number];

interface PlannedFile {
  /** Path below the output folder, without extension: "train/horse/horse-0001". */
  readonly path: string;
  readonly split: SplitName;
  readonly index: number;
}

export interface PlannedImage extends PlannedFile {
  readonly kind: SceneKind;
}

export interface PlannedHerd extends PlannedFile {
  readonly species: readonly Species[];
}

/** Per cycle of eight: three horses, three zebras and two empty scenes, so that any count stays balanced. */
const cycle: readonly SceneKind[] = ["horse", "zebra", "none", "horse", "zebra", "horse", "zebra", "none"];

export function planImages(counts: Readonly<Record<SplitName, number>>): PlannedImage[] {
  return planned(counts, (split, index) => {
    const kind = cycle[index % cycle.length]!;
    return { path: `${split}/${kind}/${kind}-${String(index + 1).padStart(5, "0")}`, split, kind, index };
  });
}

/** Per cycle of twenty: four without animals, six with one, four each with two and three, two with four; six show both. */
const herdCycle: readonly (readonly Species[])[] = [
  ...["h", "z", "hz", "", "hhz", "z", "h", "zz", "", "hhzz"],
  ...["h", "zzz", "hz", "", "z", "hh", "hzz", "", "hhh", "hzhz"],
].map((herd) => [...herd].map((letter) => (letter === "h" ? "horse" : "zebra")));

export function planHerds(counts: Readonly<Record<SplitName, number>>): PlannedHerd[] {
  return planned(counts, (split, index) => {
    const species = herdCycle[index % herdCycle.length]!;
    return { path: `${split}/${split}-${String(index + 1).padStart(5, "0")}`, split, species, index };
  });
}

function planned<T>(counts: Readonly<Record<SplitName, number>>, make: (split: SplitName, index: number) => T): T[] {
  return (["train", "val"] as const).flatMap((split) =>
    Array.from({ length: counts[split] }, (_, index) => make(split, index)),
  );
}

/** The list of tags that goes with the images: `path,tag;tag`, paths with extension, no tag for a negative. */
export function tagsCsv(images: readonly PlannedHerd[]): string {
  const lines = images.map(({ path, species }) => `${path}.jpg,${[...new Set(species)].sort().join(";")}`);
  return `${["path,tags", ...lines].join("\n")}\n`;
}
