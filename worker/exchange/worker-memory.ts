/**
 * Memory that training works in, kept from one run to the next: V8's collector does not count what threads share, so memory of a run
 * that is over would lie beside that of the next. One run's jobs end before another's begin (worker/runtime.ts).
 */
import { ReplicaRoom } from "./replica-room.js";
import { StateRooms } from "./state-room.js";
import { SumMemory } from "./sum-memory.js";

export class WorkerMemory {
  /** For sharded training. */
  readonly states = new StateRooms();
  /** For local steps. */
  readonly replica = new ReplicaRoom();
  /** For gradient sums. */
  readonly sums = new SumMemory();
}
