/**
 * Who may hold a worker's lease. An entry of the key-value store names its holder; every change of it is a
 * compare-and-swap on its revision, which is also the fencing token. Two coordinators of one run are told apart by
 * their sitting, a number that the run's folder counts up: the newer one takes over, the older one stops. Pure.
 */
import { z } from "zod";

export const leaseOwnerSchema = z.object({
  runId: z.string(),
  coordinatorId: z.string(),
  /** How often the run has been started or resumed. */
  sitting: z.int(),
  /** host:port of the coordinator: a worker that nobody can dial calls it. */
  address: z.string().optional(),
});
export type LeaseOwner = Readonly<z.infer<typeof leaseOwnerSchema>>;

export interface LeaseEntry {
  /** Null: deleted, or not a lease at all. */
  readonly owner: LeaseOwner | null;
  readonly revision: number;
}

export type TakeDecision =
  | { readonly kind: "create" }
  | { readonly kind: "update"; readonly revision: number }
  /** Another run's: not now. */
  | { readonly kind: "taken"; readonly reason: string }
  /** A newer coordinator of this run is at work: this one must stop. */
  | { readonly kind: "superseded"; readonly reason: string };

export function decideTake(entry: LeaseEntry | null, me: LeaseOwner): TakeDecision {
  if (!entry) return { kind: "create" };
  const { owner, revision } = entry;
  if (!owner) return { kind: "update", revision };
  if (owner.runId !== me.runId) return { kind: "taken", reason: `it is leased by run ${owner.runId}` };
  if (isNewer(owner, me)) return superseded(owner);
  return { kind: "update", revision };
}

export type RenewalDecision =
  /** Still ours: an earlier answer was lost on the way. */
  | { readonly kind: "held"; readonly revision: number }
  /** It lapsed, or the store lost it: make it again. */
  | { readonly kind: "recreate" }
  | { readonly kind: "taken"; readonly reason: string }
  | { readonly kind: "superseded"; readonly reason: string };

/** What a failed compare-and-swap means, from what the store holds now. */
export function decideRenewal(entry: LeaseEntry | null, me: LeaseOwner): RenewalDecision {
  if (!entry?.owner) return { kind: "recreate" };
  const { owner, revision } = entry;
  if (owner.coordinatorId === me.coordinatorId) return { kind: "held", revision };
  if (owner.runId !== me.runId) return { kind: "taken", reason: `run ${owner.runId} has taken its lease` };
  if (isNewer(owner, me)) return superseded(owner);
  return { kind: "taken", reason: "an earlier coordinator of this run holds its lease" };
}

/** Two that began at once count the same sitting: the ids decide. */
export function isNewer(
  a: Pick<LeaseOwner, "coordinatorId" | "sitting">,
  b: Pick<LeaseOwner, "coordinatorId" | "sitting">,
): boolean {
  if (a.sitting !== b.sitting) return a.sitting > b.sitting;
  return a.coordinatorId > b.coordinatorId;
}

function superseded({ coordinatorId, sitting }: LeaseOwner): { kind: "superseded"; reason: string } {
  const reason = `another coordinator (${coordinatorId.slice(0, 8)}, sitting ${sitting}) works on this run now`;
  return { kind: "superseded", reason };
}
