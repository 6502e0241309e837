/** What people say about the masks, over HTTP: photos by their numbers, as everywhere in the gallery. */
import type { Correction, Corrections } from "../../shared/data/corrections.js";
import type { Manifest } from "../../shared/data/manifest.js";
import type { RunEventRecord } from "../../shared/net/subjects.js";
import { readJsonBody } from "../http/body.js";
import { HttpError, type HttpRequest } from "../http/http.js";
import type { RunReader } from "./run-reader.js";

/** Strokes of one photo; far more than a person paints. */
const bodyBytesMax = 2 * 2 ** 20;

export interface Reviewed {
  readonly photos: Readonly<Record<number, Correction>>;
  /** The round that will take what is corrected now. */
  readonly nextRound: number;
}

export async function reviewOf(reader: RunReader): Promise<Reviewed> {
  const [manifest, store, events] = await Promise.all([reader.manifest(), reader.corrections(), reader.events()]);
  return reviewed(manifest, store ? await store.read() : null, events);
}

export async function correct(reader: RunReader, image: number, { raw }: HttpRequest): Promise<Reviewed> {
  const store = await reader.corrections();
  if (!store) throw new HttpError(409, "RUN_WITHOUT_PHOTOS", "the run has not read its photos yet");
  const corrections = await store.write(image, await readJsonBody(raw, bodyBytesMax));
  return reviewed(await reader.manifest(), corrections, await reader.events());
}

function reviewed(
  manifest: Manifest | null,
  corrections: Corrections | null,
  events: readonly RunEventRecord[],
): Reviewed {
  const byPath = corrections?.photos ?? {};
  const numbers = (manifest?.train.images ?? []).flatMap(({ path }, image) => {
    return byPath[path] ? [[image, byPath[path]] as const] : [];
  });
  return { photos: Object.fromEntries(numbers), nextRound: nextRoundOf(events) };
}

/** One after the last that has begun. */
function nextRoundOf(events: readonly RunEventRecord[]): number {
  const begun = events.flatMap(({ kind, phase }) => {
    const match = kind === "phase-started" ? /^train-(\d+)$/.exec(String(phase)) : null;
    return match ? [Number(match[1])] : [];
  });
  return Math.max(0, ...begun) + 1;
}
