/**
 * The configuration of a cluster's nats-server: TLS both ways, and a user for every certificate that is good, whose role
 * says which subjects it may use. Whoever is not in the list is not let in: so a revoked certificate leaves with a reload.
 * Pure.
 */
import { inboxOf, type Role, uriOfRole, uriOfSerial } from "../../shared/net/identity.js";
import { eventStream, labelBucket, leaseBucket, runBucket, subjects } from "../../shared/net/subjects.js";

export interface BusUser {
  readonly name: string;
  readonly role: Role;
  readonly serial: string;
}

export interface NatsConfigOptions {
  /** host:port. */
  readonly listen: string;
  /** Folder of JetStream's files. */
  readonly storeDir: string;
  /** Folder of the broker's certificate, as its machine has it. */
  readonly certsDir: string;
  /** Left out: a server alone. */
  readonly cluster?: NatsClusterOptions;
}

export interface NatsClusterOptions {
  /** Of this server, among those of the cluster. */
  readonly serverName: string;
  /** host:port for the other servers. */
  readonly listen: string;
  /** host:port of all servers of the cluster; its own does no harm. */
  readonly routes: readonly string[];
}

export function natsConfig({ listen, storeDir, certsDir, cluster }: NatsConfigOptions): string {
  const at = (name: string) => JSON.stringify(`${certsDir}/${name}`);
  const files = `cert_file: ${at("node.crt")}
  key_file: ${at("node.key")}
  ca_file: ${at("ca.crt")}
  verify_and_map: true
  timeout: 10`;
  return `# Written by \`seedgrow certs nats-config\`. Start with: nats-server -c ${certsDir}/nats-server.conf
listen: ${JSON.stringify(listen)}
pid_file: ${at("nats-server.pid")}
jetstream { store_dir: ${JSON.stringify(storeDir)} }
# The user is the certificate: no passwords. 10 s: a busy machine needs more than the default of 2 s.
tls {
  ${files}
}
${cluster ? clusterConfig(cluster, files) : ""}include "./users.conf"
`;
}

/** A server that joins is asked for a broker's certificate: that of a worker would let it read and say everything. */
function clusterConfig({ serverName, listen, routes }: NatsClusterOptions, files: string): string {
  return `server_name: ${JSON.stringify(serverName)}
cluster {
  name: seedgrow
  listen: ${JSON.stringify(listen)}
  routes: ${JSON.stringify(routes.map((address) => `nats-route://${address}`))}
  authorization { user: ${JSON.stringify(uriOfRole("broker"))}, timeout: 10 }
  tls {
  ${files}
  }
}
`;
}

/** `users`: the certificates that are good now. */
export function usersConfig(users: readonly BusUser[]): string {
  const lines = users.flatMap(({ name, role, serial }) => {
    const permissions = permissionsOf(role, inboxOf({ name, role, serial }));
    if (!permissions) return [];
    return [
      `    # ${name}, ${role}\n    { user: "${uriOfSerial(serial)}", permissions: ${JSON.stringify(permissions)} }`,
    ];
  });
  return `# Written by \`seedgrow certs\` whenever a certificate is issued or revoked; nats-server reads it on SIGHUP.
authorization {
  users = [
${lines.join("\n")}
  ]
}
`;
}

interface Permissions {
  readonly publish: { readonly allow: readonly string[] };
  readonly subscribe: { readonly allow: readonly string[] };
}

/** Null: no user of the bus. */
function permissionsOf(role: Role, inbox: string): Permissions | null {
  const allow = (publish: readonly string[], subscribe: readonly string[]): Permissions => ({
    publish: { allow: publish },
    subscribe: { allow: [`${inbox}.>`, ...subscribe] },
  });
  switch (role) {
    case "coordinator":
      return { publish: { allow: [">"] }, subscribe: { allow: [">"] } };
    case "worker":
      return allow(
        [
          subjects.beat,
          ...reading(`KV_${leaseBucket}`),
          ...creating(`KV_${leaseBucket}`),
          ...reading(`OBJ_${labelBucket}`),
        ],
        [subjects.discover, subjects.announce("*")],
      );
    case "viewer":
      return allow(
        [subjects.discover, subjects.ping("*"), ...reading(`KV_${runBucket}`), ...reading(eventStream)],
        [subjects.beat, subjects.event("*"), subjects.announce("*")],
      );
    case "broker":
      return null;
  }
}

/** Subjects of JetStream's interface that read one stream and change nothing. */
function reading(stream: string): string[] {
  const api = "$JS.API";
  return [
    `${api}.INFO`,
    // Which stream has a subject: nats.js asks before it reads an object.
    `${api}.STREAM.NAMES`,
    `${api}.STREAM.INFO.${stream}`,
    `${api}.STREAM.MSG.GET.${stream}`,
    `${api}.DIRECT.GET.${stream}`,
    `${api}.DIRECT.GET.${stream}.>`,
    `${api}.CONSUMER.CREATE.${stream}`,
    `${api}.CONSUMER.CREATE.${stream}.>`,
    `${api}.CONSUMER.DELETE.${stream}.*`,
    `${api}.CONSUMER.INFO.${stream}.*`,
    `${api}.CONSUMER.MSG.NEXT.${stream}.*`,
    `$JS.FC.${stream}.>`,
  ];
}

/** Workers are there first, and make the store in which they will hear of leases. */
function creating(stream: string): string[] {
  return [`$JS.API.STREAM.CREATE.${stream}`];
}
