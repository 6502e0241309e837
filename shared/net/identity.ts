/**
 * Who is at the other end, as its certificate says: a name (CN), one role and a serial number, the last two as URIs among
 * the subject's alternative names. nats-server maps a certificate to a user by the very same URI. Pure.
 */

export const roles = ["coordinator", "worker", "viewer", "broker"] as const;
export type Role = (typeof roles)[number];

export interface Identity {
  readonly name: string;
  readonly role: Role;
  /** Lower-case hex without leading zeros. */
  readonly serial: string;
}

/** What node's TLS tells of a certificate: a part of PeerCertificate. */
export interface CertificateNames {
  readonly subject?: { readonly CN?: unknown };
  /** "DNS:gpu1, IP Address:127.0.0.1, URI:seedgrow://role/worker". */
  readonly subjectaltname?: string | undefined;
  readonly serialNumber?: string;
}

const rolePrefix = "seedgrow://role/";

export function uriOfRole(role: Role): string {
  return `${rolePrefix}${role}`;
}

export function uriOfSerial(serial: string): string {
  return `seedgrow://cert/${serial}`;
}

export function normalSerial(hex: string): string {
  return hex.toLowerCase().replace(/^0+(?=.)/, "");
}

/** Null: no certificate of ours, whoever signed it. More than one role is none: nobody issues that. */
export function identityOf({ subject, subjectaltname = "", serialNumber = "" }: CertificateNames): Identity | null {
  const named = subjectaltname
    .split(", ")
    .filter((entry) => entry.startsWith(`URI:${rolePrefix}`))
    .map((entry) => entry.slice(`URI:${rolePrefix}`.length));
  const role = roles.find((known) => known === named[0]);
  const name = subject?.CN;
  if (named.length !== 1 || role === undefined || typeof name !== "string" || serialNumber === "") return null;
  return { name, role, serial: normalSerial(serialNumber) };
}

/** Where replies to this certificate's requests go: nobody else may listen there. */
export function inboxOf({ serial }: Identity): string {
  return `_INBOX_${serial}`;
}
