/** The table of commands. Each loads what it needs and nothing more. */
import { Command } from "commander";
import { seedgrowVersion } from "../shared/version.js";
import { ablateCommand } from "./commands/ablate.js";
import { certsCommand } from "./commands/certs.js";
import { completionCommand } from "./commands/completion.js";
import { dashboardCommand } from "./commands/dashboard.js";
import { dataCommand } from "./commands/data.js";
import { demoCommand } from "./commands/demo.js";
import { doctorCommand } from "./commands/doctor.js";
import { evalCommand } from "./commands/eval.js";
import { explainCommand } from "./commands/explain.js";
import { exportCommand } from "./commands/export.js";
import { hostsCommand } from "./commands/hosts.js";
import { initCommand } from "./commands/init.js";
import { predictCommand } from "./commands/predict.js";
import { runsCommand } from "./commands/runs.js";
import { serveCommand } from "./commands/serve.js";
import { statusCommand } from "./commands/status.js";
import { stopCommand } from "./commands/stop.js";
import { resumeCommand, trainCommand } from "./commands/train.js";
import { watchCommand } from "./commands/watch.js";
import { workerCommand } from "./commands/worker.js";

export function buildProgram(): Command {
  const program: Command = new Command("seedgrow")
    .description("From image tags to pixel masks, on as many machines as you have.")
    .version(seedgrowVersion)
    .addCommand(demoCommand())
    .addCommand(initCommand())
    .addCommand(trainCommand())
    .addCommand(resumeCommand())
    .addCommand(ablateCommand())
    .addCommand(workerCommand())
    .addCommand(certsCommand())
    .addCommand(hostsCommand())
    .addCommand(statusCommand())
    .addCommand(watchCommand())
    .addCommand(runsCommand())
    .addCommand(stopCommand())
    .addCommand(predictCommand())
    .addCommand(evalCommand())
    .addCommand(exportCommand())
    .addCommand(serveCommand())
    .addCommand(dashboardCommand())
    .addCommand(dataCommand())
    .addCommand(doctorCommand())
    .addCommand(explainCommand())
    .addCommand(completionCommand(() => program))
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
  return program;
}
