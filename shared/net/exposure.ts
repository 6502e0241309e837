/** Off loopback nothing travels unencrypted and unasked, unless somebody says so aloud. Pure. */
import { AppError } from "../errors.js";

/** Host of "tls://user@host:4222", "host:4222", "[::1]:7000" or ":7000" (every address: ""). */
export function hostOf(address: string): string {
  const rest = address.replace(/^[a-z][a-z0-9+.-]*:\/\//i, "").replace(/^[^@/]*@/, "");
  const bracketed = /^\[([^\]]*)\]/.exec(rest);
  if (bracketed) return bracketed[1]!;
  // More than one colon and no brackets: an IPv6 address alone.
  return rest.split(":").length > 2 ? rest : rest.replace(/[:/].*$/, "");
}

/** Port of "host:4222" or "[::1]:7000". */
export function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}

export function isLoopback(host: string): boolean {
  return /^(localhost|(::ffff:)?127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

/** The address told to others: "gpu1:0" names the port that `listening` has got; "" is `listening` itself. */
export function announced(advertise: string, listening: string): string {
  const port = /:\d+$/.exec(listening)?.[0] ?? "";
  return advertise === "" ? listening : advertise.replace(/:0$/, port);
}

/** Addresses of "nats://a:4222,nats://b:4222". */
export function addressesOf(list: string): string[] {
  return list.split(",").map((address) => address.trim());
}

/** What would be reached, or told to others: "--listen" -> "0.0.0.0:7001"; an empty one is not used. */
export type Addresses = Readonly<Record<string, string>>;

/** @throws AppError INSECURE_ADDRESS naming the address that needs certificates. */
export function requirePrivate(addresses: Addresses, hasCertificates: boolean, isInsecure: boolean): void {
  if (hasCertificates || isInsecure) return;
  for (const [name, list] of Object.entries(addresses)) {
    const open = list === "" ? undefined : addressesOf(list).find((address) => !isLoopback(hostOf(address)));
    if (open === undefined) continue;
    throw new AppError(
      "INSECURE_ADDRESS",
      `${name} ${open} leaves this machine, and there are no certificates to encrypt with`,
    );
  }
}
