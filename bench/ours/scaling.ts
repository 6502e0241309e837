/** Training steps per second of a cluster of simulated workers, or per second of its coordinator's processor. */
import { answerEach, givenWork } from "../lib/answer.js";
import { type ClusterWork, SimulatedCluster } from "../lib/simulated-cluster.js";

interface ScalingWork extends ClusterWork {
  /** What a second is counted of. */
  readonly per: "time" | "coordinator";
  /** Updates of one photo in a run of their own before anything is measured: workers compile their code then. 0: no such run. */
  readonly warmUpdates: number;
}

const work = givenWork<ScalingWork>();
const cluster = await SimulatedCluster.start(work);
try {
  if (work.warmUpdates > 0) await cluster.measure({ ...work, photos: 1, updates: work.warmUpdates });
  await answerEach("seedgrow train, simulated workers", async () => {
    const { wallMs, coordinatorCpuMs, workersCpuMs } = await cluster.measure(work);
    const cpu = `processor ms per step: coordinator ${coordinatorCpuMs.toFixed(0)}, workers ${workersCpuMs.toFixed(0)}`;
    process.stderr.write(`${work.workers} x ${work.mode}: ${wallMs.toFixed(0)} ms per step, ${cpu}\n`);
    return 1_000 / (work.per === "time" ? wallMs : coordinatorCpuMs);
  });
} finally {
  await cluster.stop();
}
