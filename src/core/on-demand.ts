import type { OnDemandTls } from './configuration.ts';

/** RFC 1035 §2.3.4, without the dot at the end. */
const nameLengthMax = 253;
/** Names of clients are not nested more deeply; each level would be another name of an attacker's. */
const labelsMax = 10;

/**
 * Whether a certificate for `name`, in lowercase, may be obtained when a client asks for it, as far as the configuration tells: `ask` is asked
 * besides, where there is no `allow` that has the name. Decides for each handshake, so that it allocates little.
 */
export function isOnDemandName({ routes, allow, ask }: OnDemandTls, name: string): boolean {
  if (ask === null && !isAllowed(allow, name)) return false;
  if (routes !== null && !routes.some((route) => isBelow(route, name))) return false;
  return isDnsName(name);
}

/** A wildcard stands for one label. */
export function isAllowed(allow: readonly string[], name: string): boolean {
  return allow.some((one) =>
    one.startsWith('*.') ? name.slice(name.indexOf('.')) === one.slice(1) && !name.startsWith('.') : one === name,
  );
}

/** A wildcard of a route stands for any number of labels. */
function isBelow(route: string, name: string): boolean {
  return route.startsWith('*.') ? name.endsWith(route.slice(1)) && name.length >= route.length : name === route;
}

/** A name of the host of a server (RFC 1123 §2.1) that a CA may know: at least two labels, and no address. */
function isDnsName(name: string): boolean {
  if (name.length > nameLengthMax) return false;
  const labels = name.split('.', labelsMax + 1);
  if (labels.length < 2 || labels.length > labelsMax) return false;
  if (/^\d+$/.test(labels.at(-1) as string)) return false;
  return labels.every((label) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
}
