/** The model and the optimiser's state as of a step, from a worker that has them, or from the coordinator. */
import { agreementDigest } from "../../shared/codec/checksum.js";
import { bytesOf, type Digest, float32Of, sha256 } from "../../shared/codec/digest.js";
import { AppError } from "../../shared/errors.js";
import type { Exchange__Output } from "../../shared/gen/seedgrow/v1/Exchange.js";
import { Checksum } from "../../shared/math/vectors.js";
import type { ExchangeDeps } from "./exchange.js";
import { stepName } from "./names.js";
import type { StatePart, StateVectors } from "./state-room.js";

/** Who failed to give something. */
export interface Pulled {
  readonly missing: readonly string[];
  readonly bytes: number;
}

export type StateSources = Pick<ExchangeDeps, "pullPeer" | "pullBlob">;

export interface WantedState {
  /** In the order in which they are pulled. */
  readonly names: readonly StatePart[];
  readonly parts: StateVectors;
  /** Of the values. */
  readonly digest: Digest;
}

/** Fills the parts; somebody is missing: nobody had them, and in `parts` is anything. */
export async function pullState(
  sources: StateSources,
  exchange: Exchange__Output,
  wanted: WantedState,
): Promise<Pulled> {
  const { names, parts, digest } = wanted;
  const { holders } = exchange;
  const end = parts.values.length;
  const missing: string[] = [];
  for (const { workerId, address } of holders) {
    try {
      let bytes = 0;
      for (const part of names) {
        const range = { address, name: `${stepName(exchange)}/${part}`, first: 0, end };
        bytes += await sources.pullPeer(range, bytesOf(parts[part]));
      }
      if (agreementDigest(new Checksum().add(parts.values)) === digest || sha256(bytesOf(parts.values)) === digest)
        return { missing: [], bytes };
    } catch {
      // The next one may have it.
    }
    missing.push(workerId);
  }
  if (holders.length === 0) await fromCoordinator(sources, exchange, wanted);
  return { missing, bytes: 0 };
}

async function fromCoordinator(
  { pullBlob }: StateSources,
  { point }: Exchange__Output,
  { names, parts }: WantedState,
): Promise<void> {
  for (const part of names) {
    const output = point.find(({ name }) => name === part);
    if (!output) {
      parts[part].fill(0);
      continue;
    }
    const pulled = float32Of(await pullBlob(output.digest));
    if (pulled.length !== parts[part].length)
      throw new AppError("MESSAGE_INVALID", `${part} has ${pulled.length} numbers, its layout ${parts[part].length}`);
    parts[part].set(pulled);
  }
}
