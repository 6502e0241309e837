/** Slurm as Debian packages it, on this machine alone: munged, slurmctld and slurmd with one node of eight pretended cores. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { freePort } from "../support/ports.js";
import { descendantsOf, kill } from "../support/processes.js";
import { until } from "../support/until.js";

const programs = ["munged", "slurmctld", "slurmd", "sbatch", "scontrol"];
const path = `${process.env.PATH}:/usr/sbin`;

/** Why Slurm cannot be tried here; null where it can. */
export function slurmMissing(): string | null {
  const missing = programs.filter((name) => spawnSync("which", [name], { env: { PATH: path } }).status !== 0);
  if (missing.length > 0) return `${missing.join(", ")} missing (Debian: apt-get install slurm-wlm munge)`;
  return userInfo().uid === 0 ? null : "slurmd starts jobs as root only";
}

interface Ports {
  readonly controller: number;
  readonly node: number;
}

/** Whoever waits for a minute's round of the scheduler waits for two seconds. */
function configOf(dir: string, { controller, node }: Ports): string {
  const host = hostname().split(".")[0];
  return `
ClusterName=seedgrow
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${controller}
SlurmdPort=${node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=${dir}/munge.sock
CredType=cred/munge
StateSaveLocation=${dir}/state
SlurmdSpoolDir=${dir}/spool
SlurmctldPidFile=${dir}/slurmctld.pid
SlurmdPidFile=${dir}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=preempt_send_user_signal,bf_interval=2,sched_interval=2
SlurmdParameters=config_overrides
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=30
NodeName=${host} NodeAddr=127.0.0.1 CPUs=8 Boards=1 SocketsPerBoard=1 CoresPerSocket=8 ThreadsPerCore=1 State=UNKNOWN
PartitionName=preemptible Nodes=ALL Default=YES State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=20
PartitionName=urgent Nodes=ALL State=UP PriorityTier=10 PreemptMode=OFF
`;
}

export class SlurmCluster {
  private readonly daemons: ChildProcess[] = [];

  private constructor(readonly dir: string) {}

  static async start(): Promise<SlurmCluster> {
    // munged wants every folder above its socket to be another's or nobody's to write.
    const cluster = new SlurmCluster(mkdtempSync(join(tmpdir(), "seedgrow-slurm-")));
    process.once("exit", cluster.stop);
    const { dir } = cluster;
    for (const name of ["state", "spool"]) mkdirSync(join(dir, name));
    writeFileSync(join(dir, "munge.key"), randomBytes(1024), { mode: 0o600 });
    writeFileSync(join(dir, "slurm.conf"), configOf(dir, { controller: await freePort(), node: await freePort() }));
    const own = ["socket=munge.sock", "key-file=munge.key", "pid-file=munge.pid", "seed-file=munge.seed"];
    const files = own.map((option) => `--${option.replace("=", `=${dir}/`)}`);
    cluster.daemon("munged", ["--foreground", "--force", "--log-file=/dev/stderr", ...files]);
    await until("munged's socket", () => existsSync(join(dir, "munge.sock")));
    cluster.daemon("slurmctld", ["-D", "-f", join(dir, "slurm.conf")]);
    cluster.daemon("slurmd", ["-D", "-f", join(dir, "slurm.conf")]);
    await until("the node to be idle", () => cluster.ask("sinfo", "-h", "-o", "%T").startsWith("idle"));
    return cluster;
  }

  private daemon(program: string, args: readonly string[]): void {
    const log = openSync(join(this.dir, `${program}.log`), "a");
    const child = spawn(program, args, { env: this.env(), stdio: ["ignore", "ignore", log] });
    closeSync(log);
    this.daemons.push(child);
  }

  private env(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    return { ...process.env, PATH: path, SLURM_CONF: join(this.dir, "slurm.conf"), ...more };
  }

  /** What a command of Slurm's says on stdout; "" where it fails. */
  ask(command: string, ...args: readonly string[]): string {
    const { stdout } = spawnSync(command, args, { env: this.env(), encoding: "utf8" });
    return (stdout ?? "").trim();
  }

  /** @returns the job's id. */
  submit(args: readonly string[], options: { cwd: string; env?: Readonly<Record<string, string>> }): string {
    const { cwd, env } = options;
    return execFileSync("sbatch", ["--parsable", ...args], { cwd, env: this.env(env), encoding: "utf8" }).trim();
  }

  /** A field of `scontrol show job`: JobState, Restarts, ExitCode. */
  field(job: string, name: string): string {
    const shown = this.ask("scontrol", "show", "job", job);
    return new RegExp(`\\b${name}=(\\S*)`).exec(shown)?.[1] ?? "";
  }

  /** Waits until a job is in one of these states. */
  async state(job: string, ...states: readonly string[]): Promise<string> {
    return until(
      `job ${job} to be ${states.join(" or ")}`,
      () => {
        const state = this.field(job, "JobState");
        // What was requeued waits for two minutes: nobody is there to see them go by.
        if (state === "PENDING" && this.field(job, "Reason") === "BeginTime")
          this.ask("scontrol", "update", `JobId=${job}`, "StartTime=now");
        return states.includes(state) && state;
      },
      150_000,
    );
  }

  readonly stop = (): void => {
    process.off("exit", this.stop);
    for (const job of this.ask("squeue", "-h", "-o", "%i").split("\n").filter(Boolean))
      this.ask("scancel", "-s", "KILL", "-f", job);
    for (const child of this.daemons.reverse()) {
      const below = descendantsOf(child.pid!).map(({ pid }) => pid);
      for (const pid of [child.pid!, ...below]) kill(pid);
    }
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  };
}
