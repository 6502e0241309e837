/** `seedgrow worker`: waits for runs and computes for them. */
import { Command, Option } from "commander";
import { listKeys, resolveConfig } from "../../shared/config/resolve.js";
import { engineVariable } from "../../shared/engine-name.js";
import { workerConfigSchema, workerEnvPrefix } from "../../worker/config.js";

/** Flags are the schema's keys: --nats, --memory-mb. */
export function workerCommand(): Command {
  const command = new Command("worker").description("compute for runs: advertise on the bus, wait for a lease, work");
  for (const { key, type, default: value, help, env } of listKeys(workerConfigSchema, workerEnvPrefix)) {
    const flag = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const shown = value === "" || value === false ? "" : `, default ${JSON.stringify(value)}`;
    const name = type === "boolean" ? `--${flag}` : `--${flag} <value>`;
    command.addOption(new Option(name, `${help} (${type}${shown}; ${env})`));
  }
  return command
    .addOption(new Option("--exit-with-parent", "end when standard input ends").hideHelp())
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow worker --nats tls://head:4222 --listen 0.0.0.0:0 --advertise gpu7:5000
  $ CUDA_VISIBLE_DEVICES=1 seedgrow worker --nats tls://head:4222      one worker per GPU
  $ seedgrow worker --nats tls://head:4222 --engine webgpu --gpu 1     a GPU without CUDA
  $ seedgrow worker --nats tls://head:4222 --push                      behind NAT: it calls, nobody dials it
  $ seedgrow worker --nats tls://head:4222 --data /mnt/photos/train    photos are here: pull nothing`,
    )
    .action(async ({ exitWithParent, ...flags }: Record<string, string | boolean> & { exitWithParent?: boolean }) => {
      const sets = Object.entries(flags).map(([key, value]) => `${key}=${value}`);
      const { [engineVariable]: engine } = process.env;
      const base = engine === undefined ? {} : { engine };
      const config = resolveConfig(workerConfigSchema, workerEnvPrefix, { base, env: process.env, sets });
      const { runWorker } = await import("../../worker/main.js");
      await runWorker(config, { exitWithParent: exitWithParent === true });
    });
}
