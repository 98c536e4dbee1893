/** Whether what is written hangs together: names that lead somewhere, addresses that do not collide. */
import type { Complainer } from './complainer.ts';
import { defaults } from './defaults.ts';
import type { Draft } from './draft.ts';
import { isMap } from './draft.ts';
import { count } from './fallback.ts';
import { objectToName } from './leaves.ts';
import { suggestNearest } from './nearest.ts';
import { either, quoted } from './objection.ts';
import { listenAddressOf, reviewAddresses } from './review-addresses.ts';
import { reviewKeys } from './review-keys.ts';
import { reviewRoutes } from './review-routes.ts';

/** `addresses` are those of this machine. */
export function review(draft: Draft, complainer: Complainer, addresses: readonly string[]): void {
  reviewNames(draft, complainer);
  reviewTargets(draft, complainer);
  reviewKeys(draft, complainer);
  reviewRoutes(draft, complainer);
  reviewAdmin(draft, complainer);
  reviewAddressHeader(draft, complainer);
  reviewClient(draft, complainer);
  reviewAddresses(draft, complainer, addresses);
  reviewUnused(draft, complainer);
}

/** Names of everything a route can lead to, as they are written, usable or not. */
function targetNames(draft: Draft): string[] {
  const names = [draft.raw['upstreams'], draft.raw['applications']].flatMap((part) =>
    isMap(part) ? Object.keys(part) : [],
  );
  return [...new Set(names)];
}

function reviewNames(draft: Draft, complainer: Complainer): void {
  for (const part of ['listeners', 'upstreams', 'applications']) {
    const entries = draft.raw[part];
    if (!isMap(entries)) continue;
    for (const name of Object.keys(entries)) complainer.object([part, name], objectToName(name), 'key');
    if (Object.keys(entries).length === 0)
      complainer.atKey([part], `${quoted(part)} is empty`, 'add an entry, or remove the key');
  }
  for (const key of ['deployment', 'member'] as const) {
    const name = draft.plain[key];
    if (name !== undefined) complainer.object([key], objectToName(name));
  }
  const upstreams = draft.raw['upstreams'];
  const applications = draft.raw['applications'];
  if (!isMap(upstreams) || !isMap(applications)) return;
  for (const name of Object.keys(applications).filter((one) => Object.hasOwn(upstreams, one))) {
    const line = complainer.lineOf(['upstreams', name]);
    complainer.atKey(
      ['applications', name],
      `${quoted(name)} is the name of an upstream too, in line ${line}`,
      'an application is an upstream of its name; rename one of them',
    );
  }
}

/** Over TCP anybody on the machine may ask, and any page that a browser on it shows: without a token nobody is let in. */
function reviewAdmin(draft: Draft, complainer: Complainer): void {
  const admin = draft.raw['admin'];
  if (!isMap(admin)) return;
  const tokens = isMap(admin['tokens']) ? Object.keys(admin['tokens']) : [];
  for (const name of tokens) complainer.object(['admin', 'tokens', name], objectToName(name), 'key');
  if (admin['listen'] === undefined) {
    for (const key of ['tokens', 'hosts'].filter((one) => admin[one] !== undefined))
      complainer.warnAtKey(
        ['admin', key],
        `${quoted(key)} has no effect without "listen"`,
        'add "listen", or remove it',
      );
  } else if (admin['tokens'] === undefined || (isMap(admin['tokens']) && tokens.length === 0)) {
    complainer.atKey(
      ['admin', 'listen'],
      'the control plane listens over TCP only for whoever has a token',
      'make one with candor token NAME, and write its hash under "tokens"',
    );
  }
  const listen = draft.plain.admin?.listen;
  const host = listen === undefined ? '' : listenAddressOf(listen).host;
  if (host === '' || isLoopback(host)) return;
  complainer.warnAtValue(
    ['admin', 'listen'],
    'the control plane is open to the network, and has no TLS: tokens can be read on the way',
    'listen on 127.0.0.1, and put a tunnel before it',
  );
}

/** What strangers say of themselves is never believed, whichever header it stands in. */
function reviewAddressHeader(draft: Draft, complainer: Complainer): void {
  const { client_address_header: header, trusted_peers: peers = [] } = draft.plain;
  if (header === undefined || peers.length > 0) return;
  complainer.warnAtKey(
    ['client_address_header'],
    `"client_address_header" has no effect without "trusted_peers": nobody's ${quoted(header)} is believed`,
    'add the networks of the proxies before this one to "trusted_peers", or remove it',
  );
}

/** A share of the whole that is more than the whole keeps nobody from taking all of it. */
function reviewClient(draft: Draft, complainer: Complainer): void {
  const { connections_max: all, connections_per_address_max: ofOne } = draft.plain.client ?? {};
  const most = count(all, defaults.client.connectionsMax);
  if (typeof ofOne !== 'number' || ofOne <= most) return reviewPlaces(draft, complainer);
  complainer.warnAtValue(
    ['client', 'connections_per_address_max'],
    `one address may have ${ofOne} connections, and all together may have ${most} (connections_max): one can keep out all others`,
    'write less, or none if that is meant',
  );
}

/** Who takes answers slowly holds a place at an endpoint for each: one address should not hold them all. */
function reviewPlaces(draft: Draft, complainer: Complainer): void {
  const written = draft.plain.client?.connections_per_address_max;
  if (written === 'none') return;
  const ofOne = count(written, defaults.client.connectionsPerAddressMax);
  const upstreams = [...draft.upstreams].map(([name, read]) =>
    Array.isArray(read)
      ? { part: 'upstreams', name, endpoints: read.length, max: undefined }
      : { part: 'upstreams', name, endpoints: read.endpoints?.length, max: read.connections?.max },
  );
  const applications = [...draft.applications].map(([name, { instances, connections }]) => {
    return { part: 'applications', name, endpoints: instances, max: connections?.max };
  });
  for (const { part, name, endpoints = 1, max } of [...upstreams, ...applications]) {
    const places = count(max, defaults.connections.max) * endpoints;
    if (ofOne < places || (max === undefined && written === undefined)) continue;
    complainer.warnAtValue(
      max === undefined ? ['client', 'connections_per_address_max'] : [part, name, 'connections', 'max'],
      `one address may have ${ofOne} connections (connections_per_address_max), and ${quoted(name)} takes ${places} at once: a client that reads slowly can keep out all others`,
      'let one address have less, or write none if that is meant; trusted peers are not counted',
    );
    if (max === undefined) return;
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** `to` names something, and without routes there is one way to go. */
function reviewTargets(draft: Draft, complainer: Complainer): void {
  const names = targetNames(draft);
  const routes = draft.raw['routes'];
  if (routes === undefined) {
    reviewSilence(draft, names, complainer);
    return;
  }
  if (!Array.isArray(routes)) return;
  if (routes.length === 0)
    complainer.atKey(
      ['routes'],
      'the list of routes is empty',
      'add a route, or remove the key to send everything to the only upstream',
    );
  for (const [at, route] of routes.entries()) {
    const to: unknown = isMap(route) ? route['to'] : undefined;
    if (typeof to !== 'string') continue;
    if (!names.includes(to) && to !== '')
      complainer.atValue(
        ['routes', at, 'to'],
        `no upstream or application is called ${quoted(to)}`,
        suggestTarget(to, names),
      );
  }
}

/** Upstreams and applications that no route leads to. Only where the routes are in order: a mistake may be the reason. */
function reviewUnused(draft: Draft, complainer: Complainer): void {
  const routes = draft.raw['routes'];
  if (!Array.isArray(routes) || routes.length === 0) return;
  if (complainer.complaints.some(({ path, severity }) => severity === 'error' && path.startsWith('routes'))) return;
  const used = new Set([...draft.routes.values()].map(({ to }) => to));
  for (const name of targetNames(draft).filter((one) => !used.has(one))) {
    const applications = draft.raw['applications'];
    const part = isMap(applications) && Object.hasOwn(applications, name) ? 'applications' : 'upstreams';
    complainer.warnAtKey(
      [part, name],
      `no route leads to ${quoted(name)}`,
      `add a route with "to: ${name}", or remove it`,
    );
  }
}

function suggestTarget(to: string, names: readonly string[]): string {
  if (/[:/]/.test(to)) return 'name the address under "upstreams", and its name here';
  const near = suggestNearest(to, names);
  if (near !== null) return near;
  return names.length === 0
    ? 'add it under "upstreams" or "applications"'
    : `there is ${either(names.slice(0, 6).map(quoted)).replace(/ or (?=[^ ]*$)/, ' and ')}`;
}

function reviewSilence(draft: Draft, names: readonly string[], complainer: Complainer): void {
  if (names.length === 1) return;
  if (names.length === 0) {
    // A misspelt key is complained of already, and says it better.
    if (complainer.complaints.some(({ path, severity }) => severity === 'error' && !/[.[]/.test(path))) return;
    complainer.atKey(
      [],
      'there is nothing to send requests to',
      'add upstreams: { app: "127.0.0.1:3000" }, with the address of your application',
    );
    return;
  }
  const first = isMap(draft.raw['upstreams']) ? 'upstreams' : 'applications';
  complainer.atKey(
    [first],
    `there are ${names.length} places to send requests to, and no routes that choose`,
    `add "routes:" with an entry such as "- to: ${names[0]}"`,
  );
}
