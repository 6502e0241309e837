/** The table of commands. Only the one that was asked for is loaded, with what it needs and nothing more. */
import { Command } from "commander";
import { seedgrowVersion } from "../shared/version.js";

/** In the order of `--help`. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import("./commands/demo.js")).demoCommand(),
  init: async () => (await import("./commands/init.js")).initCommand(),
  train: async () => (await import("./commands/train.js")).trainCommand(),
  resume: async () => (await import("./commands/train.js")).resumeCommand(),
  ablate: async () => (await import("./commands/ablate.js")).ablateCommand(),
  worker: async () => (await import("./commands/worker.js")).workerCommand(),
  certs: async () => (await import("./commands/certs.js")).certsCommand(),
  hosts: async () => (await import("./commands/hosts.js")).hostsCommand(),
  status: async () => (await import("./commands/status.js")).statusCommand(),
  watch: async () => (await import("./commands/watch.js")).watchCommand(),
  runs: async () => (await import("./commands/runs.js")).runsCommand(),
  stop: async () => (await import("./commands/stop.js")).stopCommand(),
  predict: async () => (await import("./commands/predict.js")).predictCommand(),
  eval: async () => (await import("./commands/eval.js")).evalCommand(),
  export: async () => (await import("./commands/export.js")).exportCommand(),
  serve: async () => (await import("./commands/serve.js")).serveCommand(),
  dashboard: async () => (await import("./commands/dashboard.js")).dashboardCommand(),
  data: async () => (await import("./commands/data.js")).dataCommand(),
  doctor: async () => (await import("./commands/doctor.js")).doctorCommand(),
  explain: async () => (await import("./commands/explain.js")).explainCommand(),
  completion: async () => (await import("./commands/completion.js")).completionCommand(buildProgram),
};

/** What the program answers without any command. */
const versionFlags = ["-V", "--version"];

/** @param argument the first one of the command line; without the name of a command, as in `--help`, all are loaded. */
export async function buildProgram(argument = ""): Promise<Command> {
  const program = new Command("seedgrow")
    .description("From image tags to pixel masks, on as many machines as you have.")
    .version(seedgrowVersion)
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow demo                                            see it work: synthetic photos, two workers
  $ seedgrow init                                            four questions, and a commented config file
  $ seedgrow train --data photos --quick                     masks of your own photos in minutes
  $ seedgrow worker --nats tls://head:4222                   on every GPU machine
  $ seedgrow train --data photos --nats tls://head:4222      train on the cluster
  $ seedgrow watch                                           what is going on
  $ seedgrow predict --model latest --out masks *.jpg        use the model

Exit codes: 0 done, 1 bug, 2 usage or configuration, 3 data, 4 environment, 5 cluster, 130 interrupted (docs/ERRORS.md).`,
    );
  const named = Object.hasOwn(commands, argument) ? [commands[argument]!] : Object.values(commands);
  for (const load of versionFlags.includes(argument) ? [] : named) program.addCommand(await load());
  return program;
}
