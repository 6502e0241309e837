/**
 * Threads that share the memory, each with an instance of this program: whoever has a kernel to run publishes it here, and takes parts
 * of it as the others do, until all are done. A thread that comes late finds nothing left to take.
 */
import { setPacked } from "./gemm";
import { doPart } from "./kernels";

/** A call of a kernel: what it is given, in the order of its part's parameters. */
@unmanaged
export class Job {
  /** From the top: the job's number (32 bits), its parts (16), and how many of them are taken (16). */
  turn: u64;
  /** The job's number again: threads wait for another one. */
  number: i32;
  done: i32;
  /** Whether a thread has failed, which nothing of what we know explains. */
  hasFailed: i32;
  /** Parts that others than the calling thread have done, of all jobs. */
  helped: i32;
  kernel: i32;
  a: usize;
  b: usize;
  c: usize;
  d: usize;
  e: usize;
  f: usize;
  g: usize;
  m: i32;
  n: i32;
  k: i32;
  low: f32;
  high: f32;
}

let at: usize = 0;
let threads: i32 = 1;

export function jobBytes(): i32 {
  return offsetof<Job>() as i32;
}

/**
 * The thread takes part from now on. `address`: where jobs are written down, zeros at first; `count`: threads, the calling one
 * among them; `room`: `roomBytes` of this thread's own.
 */
export function join(address: usize, count: i32, room: usize): void {
  at = address;
  threads = count;
  setPacked(room);
}

export function job(): Job {
  return changetype<Job>(at);
}

/** So that a thread that is slowed down by something else does not make all others wait for half of the work. */
const partsPerThread = 4;
/** Floating-point operations; a thread is woken in the time of so many. */
const workMin: f64 = 1_000_000;

/** Runs the job that is written down; `units`: what its parts are divided by. */
export function share(kernel: i32, units: i32, work: f64): void {
  const parts = min(min(units, threads * partsPerThread), (work / workMin) as i32);
  if (threads === 1 || parts < 2) {
    doPart(job(), kernel, 0, 1);
    return;
  }
  const number = job().number + 1;
  job().kernel = kernel;
  atomic.store<i32>(at + offsetof<Job>("done"), 0);
  atomic.store<u64>(at, ((number as u64) << 32) | ((parts as u64) << 16));
  atomic.store<i32>(at + offsetof<Job>("number"), number);
  atomic.notify(at + offsetof<Job>("number"), threads - 1);
  takeParts();
  waitForOthers(parts);
}

/** How many it has done. */
function takeParts(): i32 {
  let own = 0;
  for (;;) {
    const turn = atomic.load<u64>(at);
    const taken = (turn & 0xffff) as i32;
    const parts = ((turn >> 16) & 0xffff) as i32;
    if (taken >= parts) break;
    if (atomic.cmpxchg<u64>(at, turn, turn + 1) !== turn) continue;
    doPart(job(), job().kernel, taken, parts);
    own++;
    if (atomic.add<i32>(at + offsetof<Job>("done"), 1) + 1 === parts) atomic.notify(at + offsetof<Job>("done"), 1);
  }
  return own;
}

function waitForOthers(parts: i32): void {
  for (;;) {
    const done = atomic.load<i32>(at + offsetof<Job>("done"));
    if (done === parts) return;
    if (atomic.load<i32>(at + offsetof<Job>("hasFailed")) !== 0) unreachable();
    waitWhile(at + offsetof<Job>("done"), done);
  }
}

/** Looks at a number before a thread goes to sleep: to be woken takes as long as a small part. */
const looks = 20_000;

/** Sleeps while the value at `address` is `value`. */
function waitWhile(address: usize, value: i32): void {
  for (let look = 0; look < looks; look++) if (atomic.load<i32>(address) !== value) return;
  atomic.wait<i32>(address, value, -1);
}

/** What all threads but the first one do, until they are ended from outside. */
export function help(): void {
  let number = 0;
  for (;;) {
    waitWhile(at + offsetof<Job>("number"), number);
    number = atomic.load<i32>(at + offsetof<Job>("number"));
    atomic.add<i32>(at + offsetof<Job>("helped"), takeParts());
  }
}

/** Parts that helpers have done so far: whether there are any. */
export function helpedParts(): i32 {
  return atomic.load<i32>(at + offsetof<Job>("helped"));
}

/** Said by a thread that ends: nobody is to wait for it. */
export function fail(): void {
  atomic.store<i32>(at + offsetof<Job>("hasFailed"), 1);
  // What it was working on is not done, but whoever waits looks again.
  atomic.add<i32>(at + offsetof<Job>("done"), 0x10000);
  atomic.notify(at + offsetof<Job>("done"), 1);
}
