/** `deploy/slurm` under a real Slurm: whatever it does to the jobs, the weights are those of a run without it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBroker } from "../support/broker.js";
import { settings, Workplace } from "../support/seedgrow.js";
import { until } from "../support/until.js";
import { SlurmCluster, slurmMissing } from "./slurm-cluster.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const missing = slurmMissing();
if (missing !== null) process.stderr.write(`SKIPPED: Slurm, since ${missing}\n`);

const simulated = { SEEDGROW_WORKER_ENGINE: "simulated", SEEDGROW_WORKER_SIMULATED_IMAGE_MS: "80" };

describe.skipIf(missing !== null)("under Slurm", () => {
  const place = new Workplace();
  let slurm: SlurmCluster;
  let alone = "";

  beforeAll(async () => {
    await place.draw(8, 4);
    slurm = await SlurmCluster.start();
    const local = place.start(["train", ...sources(), "--local", "1", "--json", ...settings()], simulated);
    alone = (await local.ends(0)).json<{ weightsSha256: string }>().weightsSha256;
  });

  afterAll(() => {
    slurm?.stop();
    place.clear();
  });

  function sources(): string[] {
    return ["--data", place.path("data/train"), "--val", place.path("data/val"), "--masks", place.path("data/masks")];
  }

  const env = () => ({ ...simulated, SEEDGROW_HOME: root, SEEDGROW_RUNS: place.path("jobs") });

  function submitTraining(...options: readonly string[]): string {
    const script = `${root}/deploy/slurm/train.sbatch`;
    return slurm.submit([...options, script, ...sources(), ...settings()], { cwd: place.dir, env: env() });
  }

  const logOf = (job: string, name = "seedgrow") => {
    const path = place.path(`${name}-${job}.log`);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  };

  /** The phase's start in the run's event log. */
  async function phase(job: string, name: string): Promise<void> {
    const runs = place.path("jobs", `job-${job}`);
    await until(
      `phase ${name} of job ${job}`,
      () => {
        if (slurm.field(job, "JobState") === "FAILED") throw new Error(logOf(job));
        const [run] = existsSync(runs) ? readdirSync(runs) : [];
        return (
          run !== undefined &&
          place.events(run, runs).some(({ kind, phase }) => kind === "phase-started" && phase === name)
        );
      },
      120_000,
    );
  }

  async function weights(job: string): Promise<string> {
    const state = await slurm.state(job, "COMPLETED", "FAILED", "CANCELLED");
    const line = logOf(job)
      .split("\n")
      .findLast((text) => text.includes('"weightsSha256"'));
    if (state !== "COMPLETED" || line === undefined) throw new Error(`${state}:\n${logOf(job)}`);
    return (JSON.parse(line) as { weightsSha256: string }).weightsSha256;
  }

  test("a run as one job: the same weights", async () => {
    const job = submitTraining();
    expect(await weights(job)).toBe(alone);
    expect(slurm.field(job, "Restarts")).toBe("0");
  });

  test("requeued in the middle: it goes on, to the same weights", async () => {
    const job = submitTraining();
    await phase(job, "train-1");
    slurm.ask("scontrol", "requeue", job);
    expect(await weights(job)).toBe(alone);
    expect(slurm.field(job, "Restarts")).toBe("1");
  });

  test("out of time: it stops by itself, goes back into the queue and on, to the same weights", async () => {
    const job = submitTraining();
    await phase(job, "train-1");
    slurm.ask("scancel", "--batch", "--signal=USR1", job);
    expect(await weights(job)).toBe(alone);
    expect(slurm.field(job, "Restarts")).toBe("1");
    expect(logOf(job)).toContain("goes back into the queue");
  });

  test("pre-empted by a job of a better partition: it goes on after that one, to the same weights", async () => {
    const job = submitTraining();
    await phase(job, "train-1");
    const urgent = slurm.submit(["-p", "urgent", "--ntasks=8", "--wrap", "sleep 1"], { cwd: place.dir });
    await slurm.state(urgent, "COMPLETED");
    expect(await weights(job)).toBe(alone);
    expect(slurm.field(job, "Restarts")).toBe("1");
  });

  test("workers as jobs of their own: one is told to go, finishes its piece, and the run ends with the same weights", async () => {
    const broker = await startBroker();
    try {
      const script = `${root}/deploy/slurm/workers.sbatch`;
      const own = { cwd: place.dir, env: { ...env(), SEEDGROW_NATS: broker.url } };
      const [first, second] = [slurm.submit([script], own), slurm.submit([script], own)];
      const run = place.train(["--nats", broker.url], { "cluster.workersMin": 2 });
      await place.event(run, "phase-started", { phase: "train-1" });
      await place.event(run, "worker-joined", { workerId: `slurm-${first}-0` });
      slurm.ask("scancel", "--signal=TERM", first!);
      // One is too few: another takes the place of the one that goes.
      slurm.submit([script], own);
      expect(await slurm.state(first!, "COMPLETED", "FAILED", "CANCELLED")).toBe("COMPLETED");
      expect(logOf(first!, "seedgrow-workers")).toContain("finishing the piece in hand");
      expect((await run.ends(0)).json<{ weightsSha256: string }>().weightsSha256).toBe(alone);
      expect(slurm.field(second!, "JobState")).toBe("RUNNING");
    } finally {
      for (const job of slurm.ask("squeue", "-h", "-o", "%i").split("\n")) slurm.ask("scancel", job);
      await broker.stop();
    }
  });

  test("a wrong setting ends the job, which is not tried again", async () => {
    const script = `${root}/deploy/slurm/train.sbatch`;
    const job = slurm.submit([script, "--data", place.path("nowhere")], { cwd: place.dir, env: env() });
    expect(await slurm.state(job, "FAILED", "COMPLETED")).toBe("FAILED");
    expect(slurm.field(job, "ExitCode")).toBe("3:0");
    expect(logOf(job)).toContain("DATA_NOT_FOUND");
  });
});
