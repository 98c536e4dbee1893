/** Whether what is written hangs together: names that lead somewhere, addresses that do not collide. */
import type { ErrorCollector } from './error-collector.ts';
import { secretHeaders } from '../redact/text-redactor.ts';
import { editDistance } from '../core/nearest.ts';
import { defaults } from './defaults.ts';
import { type Draft, isMap } from './draft.ts';
import { count } from '../schema/fallback.ts';
import { nameError } from '../schema/leaves.ts';
import { suggestNearest } from './nearest.ts';
import { orList, quoted } from '../schema/error-detail.ts';
import { listenAddressOf, reviewAddresses } from './review-addresses.ts';
import { reviewAlerts } from './review-alerts.ts';
import { reviewFeatures } from './review-features.ts';
import { reviewHidden, reviewKeys } from './review-keys.ts';
import { reviewCommands, reviewRestarts } from './review-commands.ts';
import { reviewRecordedFields, reviewRecordedNames, reviewRecordedVariables } from './review-log.ts';
import { reviewOtlp } from './review-otlp.ts';
import { reviewRoutes } from './review-routes.ts';
import { targetsOf } from './route-schema.ts';
import { featuresOfFile } from '../features/keys.ts';
import { isServerless, reviewWorkers } from './review-workers.ts';

/** `addresses` are those of this machine. */
export function review(draft: Draft, collector: ErrorCollector, addresses: readonly string[]): void {
  reviewNames(draft, collector);
  reviewTargets(draft, collector);
  reviewKeys(draft, collector);
  reviewRoutes(draft, collector);
  reviewFeatures(draft, collector);
  reviewAlerts(draft, collector);
  reviewHidden(draft, collector);
  reviewRestarts(draft, collector);
  reviewCommands(draft, collector);
  reviewWorkers(draft, collector);
  reviewAdmin(draft, collector);
  reviewOtlp(draft, collector);
  reviewAddressHeader(draft, collector);
  reviewClient(draft, collector);
  reviewLogPath(draft, collector);
  reviewFacility(draft, collector);
  reviewNone(draft, collector);
  reviewRecordedHeaders(draft, collector);
  reviewRecordedVariables(draft, collector);
  reviewRecordedFields(draft, collector);
  reviewRecordedNames(draft, collector);
  reviewAddresses(draft, collector, addresses);
  reviewPriorities(draft, collector);
  reviewUnused(draft, collector);
}

/** What the feature `concurrency` reads of a route, an upstream or an application. */
interface BoundedRead {
  readonly priority?: string;
  readonly concurrency?: unknown;
}

/** A turn of the event loop takes so long under load, and with a garbage collection. */
const lateMinMs = 20;

/** A delay that refuses too much; and where workers refuse nothing for being late, a priority matters only in a queue. */
function reviewPriorities(
  { plain: { workers }, routes, upstreams, applications }: Draft,
  collector: ErrorCollector,
): void {
  if (typeof workers !== 'object' || workers.delay_max === undefined) return;
  if (workers.delay_max !== null) {
    if (workers.delay_max < lateMinMs)
      collector.warnAtValue(
        ['workers', 'delay_max'],
        'a worker is as late as that whenever it has much to do, and would refuse most requests',
        'write 100ms or more',
      );
    return;
  }
  const isBounded = (to: string): boolean =>
    ((upstreams.get(to) ?? applications.get(to)) as BoundedRead | undefined)?.concurrency !== undefined;
  for (const [index, route] of routes) {
    const { priority = 'normal', concurrency } = route as BoundedRead;
    if (priority === 'normal' || concurrency !== undefined || targetsOf(route).some(isBounded)) continue;
    collector.warnAtKey(
      ['routes', index, 'priority'],
      '"priority" has no effect: no request waits for its turn, because neither the route nor its upstream has "concurrency", and "workers.delay_max" is none',
      'give the upstream a "concurrency", or remove "priority"',
    );
  }
}

/** Names of everything a route can lead to, as they are written, usable or not. */
function targetNames(draft: Draft): string[] {
  const names = [draft.raw['upstreams'], draft.raw['applications']].flatMap((part) =>
    isMap(part) ? Object.keys(part).filter((name) => !isServerless(part[name])) : [],
  );
  return [...new Set(names)];
}

/** Applications that have workers or jobs, and nothing that answers requests. */
function serverlessNames(draft: Draft): string[] {
  const applications = draft.raw['applications'];
  return isMap(applications) ? Object.keys(applications).filter((name) => isServerless(applications[name])) : [];
}

function reviewNames(draft: Draft, collector: ErrorCollector): void {
  for (const part of ['listeners', 'upstreams', 'applications']) {
    const entries = draft.raw[part];
    if (!isMap(entries)) continue;
    for (const name of Object.keys(entries)) collector.addDetail([part, name], nameError(name), 'key');
    if (Object.keys(entries).length === 0)
      collector.errorAtKey([part], `${quoted(part)} is empty`, 'add an entry, or remove the key');
  }
  for (const key of ['deployment', 'member'] as const) {
    const name = draft.plain[key];
    if (name !== undefined) collector.addDetail([key], nameError(name));
  }
  const upstreams = draft.raw['upstreams'];
  const applications = draft.raw['applications'];
  if (!isMap(upstreams) || !isMap(applications)) return;
  for (const name of Object.keys(applications).filter((one) => Object.hasOwn(upstreams, one))) {
    const position = collector.positionText(['upstreams', name]);
    collector.errorAtKey(
      ['applications', name],
      `${quoted(name)} is the name of an upstream too, in ${position}`,
      'an application is an upstream of its name; rename one of them',
    );
  }
}

/** `logger` has no name for them, or takes the messages for those of the user. */
function reviewFacility({ plain: { log } }: Draft, collector: ErrorCollector): void {
  if (log?.syslog === undefined || !('to' in log.syslog) || log.syslog.to.kind !== 'logger') return;
  const { facility } = log.syslog;
  if (facility !== undefined && ['kern', 'ntp', 'security', 'console', 'solaris_cron'].includes(facility))
    collector.errorAtValue(
      ['log', 'syslog', 'facility'],
      `the program "logger" cannot send messages of the facility ${quoted(facility)}`,
      'write daemon, user, or one of local0 to local7',
    );
}

/** Other programs take such a word for a stream or a service, and here it would silently be a file. */
function reviewLogPath(draft: Draft, collector: ErrorCollector): void {
  const path = draft.plain.log?.path;
  if (
    typeof path !== 'string' ||
    !/^(?:(?:std(?:out|err)|console|syslog|journald?|json)$|(?:syslog|udp|tcp|fd|memory):)/i.test(path)
  )
    return;
  if (/^(?:syslog|journald?|udp|tcp)\b/i.test(path))
    return collector.errorAtValue(
      ['log', 'path'],
      `${quoted(path)} is the name of a file here`,
      `write it beside "path": syslog: ${receiverOf(path)}; or ./${path} if the file is meant`,
    );
  collector.warnAtValue(
    ['log', 'path'],
    `${quoted(path)} is the name of a file here`,
    /[:=]/.test(path)
      ? 'write "-" for standard output, which a service manager passes on to its journal or to syslog'
      : `write "-" for standard output, or ./${path} if the file is meant`,
  );
}

/** What is written for what others call `path`. */
function receiverOf(path: string): string {
  if (/^journal/i.test(path)) return 'journal';
  return /^syslog$|\/dev\/log/i.test(path) ? 'logger' : '"udp://HOST:514"';
}

/** A misspelt `none` would silently be the name of a file. */
function reviewNone({ plain: { state, log, admin } }: Draft, collector: ErrorCollector): void {
  for (const [at, path] of [
    [['state'], state],
    [['log', 'path'], log?.path],
    [['admin', 'socket'], admin?.socket],
  ] as const)
    if (typeof path === 'string' && editDistance(path.toLowerCase(), 'none') <= 1)
      collector.warnAtValue(
        at,
        `${quoted(path)} is the name of a file here`,
        `write none, or ./${path} if the file is meant`,
      );
}

/** With all of them at their limit a line still has less than 100 KiB. */
const recordedHeaderNamesMax = 32;

/** Values of these never reach a record, so they cannot be asked for. */
function reviewRecordedHeaders(draft: Draft, collector: ErrorCollector): void {
  const { headers = [], secret_headers = [] } = draft.plain.log ?? {};
  if (headers.length > recordedHeaderNamesMax)
    collector.errorAtKey(
      ['log', 'headers'],
      `${headers.length} headers would make lines too long`,
      `name at most ${recordedHeaderNamesMax}`,
    );
  const secret = new Set(secret_headers.map((name) => name.toLowerCase()));
  for (const [index, name] of headers.entries()) {
    const path = ['log', 'headers', index];
    const lower = name.toLowerCase();
    if (secret.has(lower))
      collector.errorAtValue(path, `${quoted(name)} is in "secret_headers" too`, 'remove it from one of them');
    else if (secretHeaders.includes(lower))
      collector.errorAtValue(path, `${quoted(name)} carries secrets and is never recorded`, 'remove it');
  }
}

/** Over TCP anybody on the machine may ask, and any page that a browser on it shows: without a token nobody is let in. */
function reviewAdmin(draft: Draft, collector: ErrorCollector): void {
  const admin = draft.raw['admin'];
  if (!isMap(admin)) return;
  const tokens = isMap(admin['tokens']) ? Object.keys(admin['tokens']) : [];
  for (const name of tokens) collector.addDetail(['admin', 'tokens', name], nameError(name), 'key');
  if (admin['listen'] === undefined) {
    for (const key of ['tls', 'tokens', 'hosts'].filter((one) => admin[one] !== undefined))
      collector.warnAtKey(
        ['admin', key],
        `${quoted(key)} has no effect without "listen"`,
        'add "listen", or remove it',
      );
  } else if (admin['tokens'] === undefined || (isMap(admin['tokens']) && tokens.length === 0)) {
    collector.errorAtKey(
      ['admin', 'listen'],
      'the control plane listens over TCP only for whoever has a token',
      'make one with candor token NAME, and write its hash under "tokens"',
    );
  }
  const listen = draft.plain.admin?.listen;
  const host = listen === undefined ? '' : listenAddressOf(listen).host;
  if (host === '' || isLoopback(host) || admin['tls'] !== undefined) return;
  collector.warnAtValue(
    ['admin', 'listen'],
    'the control plane is open to the network, and has no TLS: tokens can be read on the way',
    'add "tls", or listen on 127.0.0.1, and put a tunnel before it',
  );
}

/** What strangers say of themselves is never believed, whichever header it stands in. */
function reviewAddressHeader(draft: Draft, collector: ErrorCollector): void {
  const { client_address_header: header, trusted_peers: peers = [] } = draft.plain;
  if (header === undefined || peers.length > 0) return;
  collector.warnAtKey(
    ['client_address_header'],
    `"client_address_header" has no effect without "trusted_peers": nobody's ${quoted(header)} is believed`,
    'add the networks of the proxies before this one to "trusted_peers", or remove it',
  );
}

/** A share of the whole that is more than the whole keeps nobody from taking all of it. */
function reviewClient(draft: Draft, collector: ErrorCollector): void {
  const { connections_max: all, connections_per_address_max: ofOne } = draft.plain.client ?? {};
  const most = count(all, defaults.client.connectionsMax);
  if (typeof ofOne !== 'number' || ofOne <= most) return reviewConnectionShares(draft, collector);
  collector.warnAtValue(
    ['client', 'connections_per_address_max'],
    `one address may have ${ofOne} connections, and all together may have ${most} (connections_max): one can keep out all others`,
    'write less, or none if that is meant',
  );
}

/** A client that transfers large bodies slowly holds a connection to an endpoint for each: a limit that is written should keep it from holding all. */
function reviewConnectionShares(draft: Draft, collector: ErrorCollector): void {
  const written = draft.plain.client?.connections_per_address_max;
  if (typeof written !== 'number') return;
  const upstreams = [...draft.upstreams].map(([name, read]) =>
    Array.isArray(read)
      ? { part: 'upstreams', name, endpoints: read.length, max: undefined }
      : { part: 'upstreams', name, endpoints: read.endpoints?.length, max: read.connections?.max },
  );
  const applications = [...draft.applications].map(([name, { instances, connections }]) => {
    return { part: 'applications', name, endpoints: instances === 'per_core' ? 1 : instances, max: connections?.max };
  });
  for (const { part, name, endpoints = 1, max } of [...upstreams, ...applications]) {
    const endpointConnections = count(max, defaults.connections.max) * endpoints;
    if (written < endpointConnections) continue;
    collector.warnAtValue(
      max === undefined ? ['client', 'connections_per_address_max'] : [part, name, 'connections', 'max'],
      `one address may have ${written} connections (connections_per_address_max), and ${quoted(name)} takes ${endpointConnections} at once: a client that reads or sends large bodies slowly can have three quarters of them, and all while it is alone`,
      'let one address have less, or remove the limit, whose default is for many clients behind one address; trusted peers are not counted',
    );
    if (max === undefined) return;
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** `to` names something, and without routes there is one way to go. */
function reviewTargets(draft: Draft, collector: ErrorCollector): void {
  const names = targetNames(draft);
  const serverless = serverlessNames(draft);
  const what = (to: string): string =>
    serverless.includes(to)
      ? `the application ${quoted(to)} has no "command": nothing of it answers requests`
      : `no upstream or application is called ${quoted(to)}`;
  const routes = draft.raw['routes'];
  if (routes === undefined) {
    reviewSilence(draft, names, collector);
    return;
  }
  if (!Array.isArray(routes)) return;
  if (routes.length === 0)
    collector.errorAtKey(
      ['routes'],
      'the list of routes is empty',
      'add a route, or remove the key to send everything to the only upstream',
    );
  for (const [at, route] of routes.entries()) {
    const to: unknown = isMap(route) ? route['to'] : undefined;
    const path = ['routes', at, 'to'];
    if (typeof to === 'string' && !names.includes(to) && to !== '')
      collector.errorAtValue(path, what(to), suggestTarget(to, names));
    for (const name of isMap(to) ? Object.keys(to) : [])
      if (!names.includes(name)) collector.errorAtKey([...path, name], what(name), suggestTarget(name, names));
  }
}

/** Upstreams and applications that no route leads to. Only where the routes are in order: a mistake may be the reason. */
function reviewUnused(draft: Draft, collector: ErrorCollector): void {
  const routes = draft.raw['routes'];
  if (!Array.isArray(routes) || routes.length === 0) return;
  if (collector.errors.some(({ path, severity }) => severity === 'error' && path.startsWith('routes'))) return;
  const asked = [...draft.routes.values()].flatMap((route) =>
    featuresOfFile.flatMap(({ upstreamsOfRoute }) => upstreamsOfRoute?.(route, draft.plain) ?? []),
  );
  const used = new Set([...[...draft.routes.values()].flatMap(targetsOf), ...asked]);
  for (const name of targetNames(draft).filter((one) => !used.has(one))) {
    const applications = draft.raw['applications'];
    const part = isMap(applications) && Object.hasOwn(applications, name) ? 'applications' : 'upstreams';
    collector.warnAtKey(
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
    : `there is ${orList(names.slice(0, 6).map(quoted)).replace(/ or (?=[^ ]*$)/, ' and ')}`;
}

function reviewSilence(draft: Draft, names: readonly string[], collector: ErrorCollector): void {
  if (names.length === 1) return;
  if (names.length === 0) {
    // A misspelt key is complained of already, and says it better.
    if (collector.errors.some(({ path, severity }) => severity === 'error' && !/[.[]/.test(path))) return;
    // A gateway may run programs alone.
    if (serverlessNames(draft).length > 0) return;
    collector.errorAtKey(
      [],
      'there is nothing to send requests to',
      'add upstreams: { app: "127.0.0.1:3000" }, with the address of your application; or for a folder of files: routes: [{ files: ./public }]',
    );
    return;
  }
  const first = isMap(draft.raw['upstreams']) ? 'upstreams' : 'applications';
  collector.errorAtKey(
    [first],
    `there are ${names.length} places to send requests to, and no routes that choose`,
    `add "routes:" with an entry such as "- to: ${names[0]}"`,
  );
}
