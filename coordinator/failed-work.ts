/** What it means that a piece of work came to nothing: the run's fault, the worker's, or nobody's. Pure. */
import { AppError } from "../shared/errors.js";
import { peerError } from "../shared/net/rpc.js";
import { isTrustProblem } from "../shared/net/tls-problems.js";
import type { RunEvent } from "./core/events.js";
import type { Assignment } from "./core/work-pool.js";

/**
 * A worker that answers "it failed" lives; one that does not answer, or obeys somebody else, is lost. An error: no retry
 * can mend it. `isLive`: the result would count.
 */
export function verdictOn(
  { id: assignmentId, workerId }: Assignment,
  thrown: unknown,
  isLive: boolean,
): RunEvent | AppError {
  const error = peerError(thrown);
  const own = AppError.from(thrown);
  if (!error && own.code === "DISK_FULL") return own;
  // Whoever holds the model says so (sharded training); a coordinator that holds it finds out itself.
  if (error?.code === "TRAINING_DIVERGED" && isLive) return error;
  // What a straggler was to work with is gone by now: no sign that it could not reach us.
  const isCutOff = error && ((error.code === "PEER_UNREACHABLE" && isLive) || isTrustProblem(error.code));
  if (error && error.code !== "LEASE_LOST" && !isCutOff)
    return { kind: "failed", assignmentId, reason: `[${error.code}] ${error.message}` };
  if (!error && (own.code === "DIGEST_MISMATCH" || own.code === "MESSAGE_INVALID"))
    return { kind: "bad", assignmentId, reason: own.message, isNumeric: false };
  return { kind: "lost", workerId, assignmentId, reason: error ? error.message : `unreachable: ${own.message}` };
}
