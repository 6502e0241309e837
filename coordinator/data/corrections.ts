/** From what a person said to what a round is bound by. Pure. */
import type { ByteMap } from "../../shared/codec/map-pack.js";
import type { ConstraintCatalogue } from "../../shared/data/constraints.js";
import type { Correction, Corrections } from "../../shared/data/corrections.js";
import { BACKGROUND } from "../../shared/data/label-ids.js";
import type { Manifest } from "../../shared/data/manifest.js";
import { drawStroke } from "../../shared/math/strokes.js";

export interface Bound {
  readonly images: ConstraintCatalogue["images"];
  /** Two channels: fixed or not, and the label. */
  readonly maps: readonly ByteMap[];
  readonly counts: CorrectionCounts;
}

/** For the event log. */
export interface CorrectionCounts {
  readonly photos: number;
  readonly good: number;
  readonly bad: number;
  readonly retagged: number;
  readonly strokes: number;
}

export interface BindOptions {
  readonly manifest: Manifest;
  /** Side of the label maps, pixels. */
  readonly size: number;
  /** The labels of a photo that were judged; null: they are not there any more. */
  readonly labelsOf: (version: number, image: number) => Uint8Array | null;
}

export function bindCorrections({ photos }: Corrections, { manifest, size, labelsOf }: BindOptions): Bound {
  const images: ConstraintCatalogue["images"] = [];
  const maps: ByteMap[] = [];
  const idOf = (name: string) => manifest.classes.indexOf(name) + 1;
  for (const [image, entry] of manifest.train.images.entries()) {
    const correction = photos[entry.path];
    if (!correction) continue;
    const { verdict, version, tags, strokes } = correction;
    const judged = verdict === "good" ? labelsOf(version!, image) : null;
    const data = judged ? allFixed(judged) : new Uint8Array(size * size * 2);
    for (const stroke of strokes) {
      const label = stroke.class === null ? BACKGROUND : idOf(stroke.class);
      drawStroke(stroke, size, entry, (cell) => data.set([1, label], cell * 2));
    }
    if (judged || strokes.length > 0) maps.push({ image, height: size, width: size, channels: 2, data });
    const ids = tags && [...new Set(tags.map(idOf))].sort((a, b) => a - b);
    images.push({ image, tags: ids, isRejected: verdict === "bad" });
  }
  return { images, maps, counts: countsOf(Object.values(photos)) };
}

function allFixed(labels: Uint8Array): Uint8Array {
  const data = new Uint8Array(labels.length * 2);
  for (let i = 0; i < labels.length; i++) data.set([1, labels[i]!], i * 2);
  return data;
}

function countsOf(corrections: readonly Correction[]): CorrectionCounts {
  const count = (wanted: (correction: Correction) => boolean) => corrections.filter(wanted).length;
  return {
    photos: corrections.length,
    good: count(({ verdict }) => verdict === "good"),
    bad: count(({ verdict }) => verdict === "bad"),
    retagged: count(({ tags }) => tags !== null),
    strokes: corrections.reduce((sum, { strokes }) => sum + strokes.length, 0),
  };
}
