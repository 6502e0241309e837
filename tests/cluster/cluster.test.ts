/**
 * A cluster of eight machines, each in a network namespace: three brokers, a head with the photos, four GPU machines on which
 * deploy/cluster.sh starts the workers over ssh; mutual TLS between all. Whatever is slowed, cut and killed: the weights are
 * those of a run on one machine that nobody disturbed.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { RunEventRecord } from "../../shared/net/subjects.js";
import { type Seedgrow, Workplace } from "../support/seedgrow.js";
import { noSshd } from "../support/ssh-host.js";
import { until } from "../support/until.js";
import { Machines } from "./hosts.js";
import { whyNoNetwork } from "./network.js";

const why = whyNoNetwork() ?? noSshd;
if (why) process.stderr.write(`${why}: no cluster of several machines is tried\n`);

const isAll = process.env.SEEDGROW_CLUSTER === "all";

/** Long enough to be disturbed, and to see a machine come back. */
function lasting(segmenterSteps: number) {
  return { "method.rounds": 1, "method.classifier.steps": 10, "method.segmenter.steps": segmenterSteps };
}

describe.skipIf(why !== null)("eight machines", () => {
  let machines: Machines;
  let place: Workplace;

  beforeAll(async () => {
    machines = await Machines.start();
    place = new Workplace(machines.network.inside("head"));
    await place.draw(8, 4);
  });

  afterAll(() => {
    place?.clear();
    machines?.end();
    vi.unstubAllEnvs();
  });

  async function weightsOf(run: Seedgrow): Promise<string> {
    return (await run.ends(0)).json<{ weightsSha256: string }>().weightsSha256;
  }

  /** One worker beside its coordinator, and nothing happens. */
  function alone(engine: string, steps: number): Seedgrow {
    vi.stubEnv("SEEDGROW_WORKER_ENGINE", engine);
    vi.stubEnv("SEEDGROW_WORKER_SIMULATED_IMAGE_MS", "1");
    const run = place.train(["--local", "1"], lasting(steps));
    vi.unstubAllEnvs();
    return run;
  }

  /** The first such event from the `from`th on: returns the number of the one after it. */
  async function event(run: Seedgrow, from: number, kind: string, workerId: string): Promise<number> {
    const fits = (record: RunEventRecord, i: number) => {
      return i >= from && record.kind === kind && record.workerId === workerId;
    };
    return until(`${kind} of ${workerId}`, () => {
      const found = place.events(run.runId ?? "none").findIndex(fits);
      if (found < 0 && run.child.exitCode !== null)
        throw new Error(`ended before ${kind} of ${workerId}:\n${run.stderr}`);
      return found >= 0 && found + 1;
    });
  }

  /** What docs/RELIABILITY.md tells of. */
  function say(text: string): void {
    process.stdout.write(`tests/cluster: ${text}\n`);
  }

  function seconds(ms: number): string {
    return `${(ms / 1000).toFixed(1)} s`;
  }

  /** Trains on all machines, with a slow link to the first, the second cut off and back, and the leading broker killed. */
  async function disturbed(steps: number): Promise<string> {
    const { network, nats, certs } = machines;
    network.throttle("gpu1", "2mbit");
    const cluster = {
      "cluster.listen": "0.0.0.0:7000",
      "cluster.advertise": `${network.address("head")}:7000`,
      "cluster.workersMin": 3,
    };
    const run = place.train(["--nats", nats, "--certs", certs], { ...lasting(steps), ...cluster });
    for (const name of ["gpu1", "gpu2", "gpu3", "gpu4"]) await event(run, 0, "worker-joined", `${name}-0`);
    network.cut("gpu2");
    const cutMs = Date.now();
    const killed = await machines.killLeader();
    const lost = await event(run, 0, "worker-lost", "gpu2-0");
    network.mend("gpu2");
    const mendedMs = Date.now();
    const mended = await event(run, lost, "worker-joined", "gpu2-0");
    const [lostAt, joinedAt] = [lost, mended].map((next) => Date.parse(place.events(run.runId!)[next - 1]!.at));
    say(`cut off for good after ${seconds(lostAt! - cutMs)}, back ${seconds(joinedAt! - mendedMs)} after mending`);
    const weights = await weightsOf(run);
    network.unthrottle("gpu1");
    await machines.startBroker(killed);
    return weights;
  }

  test("a slow link, a cut one and a dead broker change no bit", async () => {
    const undisturbed = alone("simulated", 20);
    const up = await machines.cluster("up", "--set", "engine=simulated", "--set", "simulatedImageMs=60");
    expect(up.match(/worker 0: ready/g)).toHaveLength(4);
    expect(await disturbed(20)).toBe(await weightsOf(undisturbed));
    await machines.cluster("down");
    expect(machines.homes()).toEqual([[], [], [], []]);
  });

  test("with a real engine as well", async ({ skip }) => {
    if (!isAll) skip("by `npm run cluster-test` only");
    const undisturbed = await weightsOf(alone("wasm", 60));
    machines.preparePackages();
    await machines.cluster("up", "--set", "engine=wasm");
    expect(await disturbed(60)).toBe(undisturbed);
    await machines.cluster("down");
  });
});
