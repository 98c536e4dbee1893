import type { OnDemandTls } from './listener-spec.ts';

/** A host name that a client has asked for. Structured-cloneable. */
export interface AskedName {
  readonly name: string;
  /** Of the client: the address, or the prefix that is counted as one; null: of several clients, whose names have certificates. */
  readonly client: string | null;
}

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

/** The pattern of the list that has the name; null: none has it. */
export function allowedBy(allow: readonly string[], name: string): string | null {
  return allow.find((one) => isAllowed([one], name)) ?? null;
}

/**
 * The domain that one holder most likely has, of a name: its last two labels, or three where the second-last is as short as in `co.uk`. The
 * list of public suffixes would know better, and changes each week.
 */
export function holderOf(name: string): string {
  const labels = name.split('.');
  const [second = '', top = ''] = labels.slice(-2);
  return labels.slice(top.length === 2 && second.length <= 3 ? -3 : -2).join('.');
}
