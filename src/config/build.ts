import { resolve } from 'node:path';
import type {
  ApplicationSpec,
  CheckSpec,
  ClientLimits,
  Configuration,
  FieldEdits,
  ListenerSpec,
  RouteAction,
  RouteSpec,
  Timeouts,
  UpstreamSpec,
  UpstreamTls,
} from '../core/configuration.ts';
import type { ApplicationId, RouteId, UpstreamId } from '../core/endpoint.ts';
import { adminSocketCandidates } from './admin-socket.ts';
import type { Default } from './defaults.ts';
import { defaults } from './defaults.ts';
import type { Draft } from './draft.ts';
import type { Environment } from './expand.ts';
import { parseListenAddress } from './format/address.ts';
import { parseDuration } from './format/duration.ts';
import { parseOctets } from './format/octets.ts';
import { idOf, matchOf } from './match.ts';
import type { PlaceIndex } from './place-index.ts';
import { listenAddressOf } from './review-addresses.ts';
import type { ApplicationRead, EndpointKeysRead, RouteRead, TimeoutsRead, UpstreamRead } from './schema.ts';
import type { FileReading } from './wanted-files.ts';

export interface BuildContext {
  /** Absolute: what relative paths begin at. */
  readonly directory: string;
  readonly hostname: string;
  readonly environment: Environment;
  /** What was read of the files that the draft names, by absolute path. */
  readonly readings: ReadonlyMap<string, FileReading>;
  readonly places: Pick<PlaceIndex, 'written'>;
}

/** A draft without mistakes into a configuration with every default filled in. */
export function build(draft: Draft, context: BuildContext): Configuration {
  const { plain } = draft;
  const hostname = nameFrom(context.hostname);
  const deployment = plain.deployment ?? hostname;
  return {
    deployment,
    member: plain.member ?? hostname,
    listeners: buildListeners(draft),
    routes: buildRoutes(draft, context),
    upstreams: [
      ...[...draft.upstreams].map(([name, upstream]) => buildUpstream(name, upstream, context)),
      ...[...draft.applications].map(([name, application]) => buildApplicationUpstream(name, application)),
    ],
    applications: [...draft.applications].map(([name, application]) => buildApplication(name, application, context)),
    trustedPeers: plain.trusted_peers ?? [],
    client: buildClient(plain.client ?? {}),
    admin: { socket: buildSocket(draft, deployment, context) },
    log: {
      path: buildLogPath(plain.log?.path, context.directory),
      queryAllowed: [...new Set((plain.log?.query_allowed ?? []).map((name) => name.toLowerCase()))],
    },
  };
}

/** A host name as a name of ours: what cannot stand in one becomes a hyphen. */
function nameFrom(hostname: string): string {
  const name = hostname
    .slice(0, 63)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
  return name === '' ? 'gateway' : name;
}

function ms(value: number | undefined, absent: Default): number {
  if (value !== undefined) return value;
  const parsed = parseDuration(absent.written);
  return parsed.ok ? parsed.value : 0;
}

function msOrNone(value: number | null | undefined, absent: Default): number | null {
  if (value !== undefined) return value;
  return absent.written === 'none' ? null : ms(undefined, absent);
}

function octets(value: number | undefined, absent: Default): number {
  if (value !== undefined) return value;
  const parsed = parseOctets(absent.written);
  return parsed.ok ? parsed.value : 0;
}

function count(value: number | undefined, absent: Default): number {
  return value ?? Number(absent.written);
}

function buildListeners(draft: Draft): ListenerSpec[] {
  if (draft.listeners.size === 0) {
    const bind = parseListenAddress(':8080');
    return bind.ok ? [{ id: 'http', ...bind.value, proxyProtocol: false }] : [];
  }
  return [...draft.listeners].map(([id, listener]) => {
    const proxyProtocol =
      typeof listener === 'object' && 'bind' in listener ? (listener.proxy_protocol ?? false) : false;
    return { id, ...listenAddressOf(listener), proxyProtocol };
  });
}

function buildClient(read: NonNullable<Draft['plain']['client']>): ClientLimits {
  const absent = defaults.client;
  return {
    headMs: ms(read.head_timeout, absent.headTimeout),
    contentMs: ms(read.content_timeout, absent.contentTimeout),
    keepAliveMs: ms(read.keep_alive, absent.keepAlive),
    writeMs: ms(read.write_timeout, absent.writeTimeout),
    headOctetsMax: octets(read.head_max, absent.headMax),
    fieldsMax: count(read.fields_max, absent.fieldsMax),
    targetOctetsMax: octets(read.target_max, absent.targetMax),
    contentOctetsMax: read.content_max ?? null,
    connectionsMax: count(read.connections_max, absent.connectionsMax),
  };
}

/** What a route says, then what the file says, then the defaults. */
function buildTimeouts(route: TimeoutsRead, file: TimeoutsRead): Timeouts {
  const absent = defaults.timeouts;
  const either = { ...file, ...route };
  return {
    dnsMs: ms(either.dns, absent.dns),
    connectMs: ms(either.connect, absent.connect),
    tlsMs: ms(either.tls, absent.tls),
    responseHeadMs: ms(either.response_head, absent.responseHead),
    idleMs: ms(either.idle, absent.idle),
    exchangeMs: msOrNone(either.exchange, absent.exchange),
  };
}

function buildEndpointLimits(
  read: EndpointKeysRead,
): Pick<
  UpstreamSpec,
  'idleConnectionsMax' | 'idleConnectionMs' | 'connectionsMax' | 'attemptsMax' | 'responseHeadOctetsMax'
> {
  const { connections } = read;
  const connectionsMax = count(connections?.max, defaults.connections.max);
  return {
    idleConnectionsMax: Math.min(count(connections?.idle_max, defaults.connections.idleMax), connectionsMax),
    idleConnectionMs: ms(connections?.idle_timeout, defaults.connections.idleTimeout),
    connectionsMax,
    attemptsMax: count(read.attempts, defaults.attempts),
    responseHeadOctetsMax: octets(read.response_head_max, defaults.responseHeadMax),
  };
}

function buildUpstream(name: string, read: UpstreamRead, context: BuildContext): UpstreamSpec {
  const full = Array.isArray(read) ? { endpoints: read } : read;
  return {
    id: name as UpstreamId,
    endpoints: full.endpoints.map(({ address }) => ({
      address: address.kind === 'unix' ? { kind: 'unix', path: resolve(context.directory, address.path) } : address,
    })),
    application: null,
    tls: buildTls(full, context),
    check: buildCheck(full.check),
    ...buildEndpointLimits(full),
  };
}

type FullUpstream = Exclude<UpstreamRead, readonly unknown[]>;

function buildTls(read: FullUpstream, context: BuildContext): UpstreamTls | null {
  const secure = read.endpoints.some(({ scheme }) => scheme === 'https');
  if (read.tls === false || (read.tls === undefined && !secure)) return null;
  const { server_name, verify, ca_file } = read.tls === true || read.tls === undefined ? {} : read.tls;
  const reading = ca_file === undefined ? undefined : context.readings.get(resolve(context.directory, ca_file));
  return { serverName: server_name ?? null, verify: verify ?? true, ca: reading?.ok === true ? reading.text : null };
}

function buildCheck(read: FullUpstream['check']): CheckSpec {
  if (read === 'none') return { kind: 'none' };
  const { path, host, interval, timeout, passes, fails } = read === 'tcp' || read === undefined ? {} : read;
  const times = {
    intervalMs: ms(interval, defaults.check.interval),
    timeoutMs: ms(timeout, defaults.check.timeout),
    passes: count(passes, defaults.check.passes),
    fails: count(fails, defaults.check.fails),
  };
  return path === undefined ? { kind: 'tcp', ...times } : { kind: 'http', path, host: host ?? null, ...times };
}

/** An application's upstream has no endpoints yet and no check: whoever runs the instances says which are ready. */
function buildApplicationUpstream(name: string, read: ApplicationRead): UpstreamSpec {
  return {
    id: name as UpstreamId,
    endpoints: [],
    application: name as ApplicationId,
    tls: null,
    check: { kind: 'none' },
    ...buildEndpointLimits(read),
  };
}

function buildApplication(name: string, read: ApplicationRead, context: BuildContext): ApplicationSpec {
  const readiness = typeof read.readiness === 'string' ? { path: read.readiness } : (read.readiness ?? {});
  const environment = Object.entries(read.environment ?? {}).map(([key, value]) => {
    const written = context.places.written(['applications', name, 'environment', key]);
    return [key, typeof value === 'string' ? value : (written ?? String(value))];
  });
  return {
    id: name as ApplicationId,
    command: read.command,
    directory: resolve(context.directory, read.directory ?? defaults.application.directory.written),
    environment: Object.fromEntries(environment),
    instances: count(read.instances, defaults.application.instances),
    port: typeof read.port === 'number' ? read.port : null,
    readiness: {
      path: readiness.path ?? defaults.readiness.path.written,
      intervalMs: ms(readiness.interval, defaults.readiness.interval),
      timeoutMs: ms(readiness.timeout, defaults.readiness.timeout),
      passes: count(readiness.passes, defaults.readiness.passes),
      startMs: ms(readiness.start_timeout, defaults.readiness.startTimeout),
    },
    stopMs: ms(read.stop_timeout, defaults.application.stopTimeout),
    restart: {
      firstMs: ms(read.restart?.first_delay, defaults.restart.firstDelay),
      maxMs: ms(read.restart?.max_delay, defaults.restart.maxDelay),
      resetAfterMs: ms(read.restart?.reset_after, defaults.restart.resetAfter),
    },
  };
}

/** Without routes, everything goes to the only upstream there is. */
function buildRoutes(draft: Draft, context: BuildContext): RouteSpec[] {
  const only = [...draft.upstreams.keys(), ...draft.applications.keys()][0];
  const routes: RouteRead[] =
    draft.raw['routes'] === undefined && only !== undefined ? [{ to: only }] : [...draft.routes.values()];
  const taken = new Set(routes.flatMap(({ id }) => (id === undefined ? [] : [id])));
  return routes.map((route) => {
    const id = route.id ?? unusedId(idOf(matchOf(route)), taken);
    taken.add(id);
    return buildRoute(route, id, draft, context);
  });
}

function unusedId(wanted: string, taken: ReadonlySet<string>): string {
  let id = wanted;
  for (let number = 2; taken.has(id); number += 1) id = `${wanted}#${number}`;
  return id;
}

function buildRoute(read: RouteRead, id: string, draft: Draft, context: BuildContext): RouteSpec {
  const { plain } = draft;
  return {
    id: id as RouteId,
    match: matchOf(read),
    action: buildAction(read),
    rewrite: { pathPrefix: read.rewrite?.path ?? null, host: read.rewrite?.host ?? defaults.route.rewriteHost.written },
    requestFields: buildEdits(read.request_fields),
    responseFields: buildEdits(read.response_fields),
    timeouts: buildTimeouts(read.timeouts ?? {}, plain.timeouts ?? {}),
    errorPages: buildPages({ ...plain.error_pages, ...read.error_pages }, context),
    disclosure: read.disclosure ?? plain.disclosure ?? 'public',
  };
}

function buildAction(read: RouteRead): RouteAction {
  const { respond, redirect, maintenance } = read;
  if (respond !== undefined) {
    const status = count(respond.status, defaults.respond.status);
    return {
      kind: 'respond',
      status,
      contentType: respond.content_type ?? defaults.respond.contentType.written,
      content: respond.content ?? '',
    };
  }
  if (redirect !== undefined) {
    const { location, status } = typeof redirect === 'string' ? { location: redirect, status: undefined } : redirect;
    return { kind: 'redirect', status: count(status, defaults.redirect.status), location };
  }
  if (maintenance !== undefined) {
    const said = typeof maintenance === 'string' ? { message: maintenance } : maintenance === true ? {} : maintenance;
    const retryAfter = ms('retry_after' in said ? said.retry_after : undefined, defaults.maintenance.retryAfter);
    return {
      kind: 'maintenance',
      message: said.message ?? defaults.maintenance.message.written,
      retryAfterS: Math.ceil(retryAfter / 1000),
    };
  }
  return { kind: 'upstream', upstream: (read.to ?? '') as UpstreamId };
}

function buildEdits(read: RouteRead['request_fields']): FieldEdits {
  return {
    remove: (read?.remove ?? []).map((name) => name.toLowerCase()),
    set: Object.entries(read?.set ?? {}),
    add: Object.entries(read?.add ?? {}).flatMap(([name, values]) => values.map((value) => [name, value] as const)),
  };
}

function buildPages(paths: Readonly<Record<string, string>>, context: BuildContext): Record<string, string> {
  const pages = Object.entries(paths).flatMap(([status, path]) => {
    const reading = context.readings.get(resolve(context.directory, path));
    return reading?.ok === true ? [[status, reading.text] as const] : [];
  });
  return Object.fromEntries(pages);
}

function buildSocket(draft: Draft, deployment: string, context: BuildContext): string | null {
  const written = draft.plain.admin?.socket;
  if (written === null) return null;
  if (written !== undefined) return resolve(context.directory, written);
  return adminSocketCandidates(deployment, context.directory, context.environment)[0] ?? null;
}

function buildLogPath(written: string | null | undefined, directory: string): string | null {
  if (written === null || written === '-') return written;
  return resolve(directory, written ?? defaults.logPath.written);
}
