/** Entry of a thread that takes parts of the kernels that the engine's thread calls. It works until it is ended. */
import { workerData } from "node:worker_threads";
import { type HelperSetup, instanceOf } from "./kernels.js";

const { job, threads, room, ...program } = workerData as HelperSetup;
const kernels = instanceOf(program);
kernels.join(job, threads, room);
try {
  kernels.help();
} catch (error) {
  kernels.fail();
  throw error;
}
