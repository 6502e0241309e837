/** Errors between machines: broker, certificates, workers. */
import type { Explanation } from "./explanation.js";

export const clusterErrors = {
  BROKER_MISSING: {
    means: "--local needs a nats-server to start, and there is none.",
    causes: ["setup did not run"],
    tries: ["./deploy/setup.sh", "apt-get install nats-server, or SEEDGROW_NATS_SERVER=PATH"],
  },
  BROKER_UNREACHABLE: {
    means: "Nobody answers at the address of the NATS server.",
    causes: ["it does not run", "a firewall, or another port", "it listens on loopback only"],
    tries: ["nats-server -js", "seedgrow doctor --nats URL"],
  },
  INSECURE_ADDRESS: {
    means: "Something would be reached from other machines, or reach them, unencrypted and without asking who it is.",
    causes: ["a worker or run that leaves 127.0.0.1, without --certs"],
    tries: [
      "seedgrow certs init, then seedgrow certs add NAME --role worker (docs/CLUSTER.md)",
      "--insecure: on a network where nobody but you is",
    ],
  },
  BROKER_REFUSED: {
    means: "The NATS server is there, but does not let this certificate in.",
    causes: ["it was issued after the server was last reloaded", "it was revoked", "the server asks for a password"],
    tries: ["seedgrow certs list", "kill -HUP of nats-server, where it runs on another machine than the CA"],
  },
  CERT_INVALID: {
    means: "A certificate, a key or the list of revoked ones cannot be used. Nothing was sent.",
    causes: ["the wrong folder", "a file is missing or cut", "a key that other people on the machine can read"],
    tries: [
      "ls -l DIR: ca.crt, node.crt, node.key (mode 600), ca.crl",
      "seedgrow certs renew NAME, and copy the folder anew",
    ],
  },
  CERT_MISSING: {
    means: "The other side speaks to those alone who show a certificate.",
    causes: ["--certs was not given on one of the sides"],
    tries: ["--certs DIR, or SEEDGROW_CERTS=DIR"],
  },
  CERT_UNKNOWN_CA: {
    means: "Two certificates are not of the same family: their CAs differ.",
    causes: ["`seedgrow certs init` was run twice, and one machine has the older files", "somebody else's cluster"],
    tries: ["openssl x509 -in DIR/ca.crt -noout -fingerprint: compare on both machines", "copy the node's folder anew"],
  },
  CERT_EXPIRED: {
    means: "A certificate was good until a day that has passed.",
    causes: ["a year has gone by", "the clock of one machine is ahead"],
    tries: ["seedgrow certs list: days left", "seedgrow certs renew NAME", "timedatectl"],
  },
  CERT_NOT_YET_VALID: {
    means: "A certificate begins in the future, as this machine's clock has it.",
    causes: ["a clock that is behind: a machine without a battery or without NTP"],
    tries: ["date, on both machines", "timedatectl set-ntp true"],
  },
  CERT_WRONG_NAME: {
    means: "The machine that answered is not the one that was asked for, or is known by another name.",
    causes: [
      "--advertise or --nats has an IP address, and the certificate only the name",
      "an address that now leads elsewhere",
    ],
    tries: ["seedgrow certs list: the names it has", "seedgrow certs renew NAME --san 10.0.0.7"],
  },
  CERT_REVOKED: {
    means: "The owner of the cluster has taken this certificate back.",
    causes: ["`seedgrow certs revoke`"],
    tries: ["ask who runs the cluster", "seedgrow certs add NAME: a new one"],
  },
  CERT_ROLE: {
    means: "The certificate is good, but for another part: a worker may not command, a viewer may only look.",
    causes: ["the wrong folder in --certs", "somebody tries what they may not do"],
    tries: ["seedgrow certs list: roles", "docs/SECURITY.md: who may do what"],
  },
  PEER_PLAINTEXT: {
    means: "One side encrypts, the other does not.",
    causes: [
      "--certs on one of them only",
      "another service at that port",
      "a nats-server without the generated config",
    ],
    tries: ["--certs on both", "nats-server -c DIR/nats/nats-server.conf"],
  },
  HOSTS_INVALID: {
    means: "The list of machines has lines that do not make sense. No machine was touched.",
    causes: ["a typing mistake in a key", "one machine on two lines: give it slots=2 instead"],
    tries: ["seedgrow hosts up --help: what a line may say"],
  },
  HOST_UNREACHABLE: {
    means: "ssh does not get into a machine, or was cut off.",
    causes: [
      "the machine's key is not known here: nobody has connected to it yet, or it was installed anew",
      "no key of ours is accepted there; a password is never asked for",
      "a wrong name, a firewall, a machine that is off",
    ],
    tries: ["ssh USER@HOST true: by hand, once", "ssh-copy-id USER@HOST", "seedgrow doctor --hosts FILE"],
  },
  HOST_FAILED: {
    means: "A machine was reached, but what was to be done there failed.",
    causes: ["its setup failed: no Node, no disk, no package registry", "its workers do not start: NATS, certificates"],
    tries: ["seedgrow doctor --hosts FILE", "seedgrow hosts logs FILE"],
  },
  NO_WORKERS: {
    means: "Nobody is there to compute, or all have ended.",
    causes: ["no worker runs, or on another broker", "workers that crash at once: too little memory, no engine"],
    tries: ["runs/RUN/logs/worker-1.log", "seedgrow doctor", "seedgrow worker --nats URL"],
  },
  WORK_FAILED: {
    means: "The same piece of work failed on every worker that tried it: it is the work's fault, not theirs.",
    causes: ["too little memory for the images' size", "a photo that decodes here and not there"],
    tries: ["the message names the cause", "--set method.imageSize=128, or a smaller microBatchSize"],
  },
  PEER_UNREACHABLE: {
    means: "Coordinator and worker cannot reach each other.",
    causes: ["they tell each other 127.0.0.1", "a firewall between them"],
    tries: [
      "workers: --listen 0.0.0.0:7001 --advertise HOST:7001",
      "train: --listen 0.0.0.0:7000 --advertise HOST:7000",
    ],
  },
  MESSAGE_INVALID: {
    means: "A message or result of another process is not what the protocol says; it was not used.",
    causes: ["another version of seedgrow on a machine of the cluster", "memory or a disk that alters what it holds"],
    tries: [
      "seedgrow --version on every machine",
      "the worker that sent two of them is quarantined: look at its machine",
    ],
  },
  LEASE_LOST: {
    means: "The workers obey a newer coordinator of this run.",
    causes: ["`seedgrow resume` was called while this one was frozen"],
    tries: ["nothing: the newer one goes on", "seedgrow watch RUN"],
  },
} as const satisfies Readonly<Record<string, Explanation>>;
