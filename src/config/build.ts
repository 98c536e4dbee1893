import { isAbsolute, resolve } from 'node:path';
import { logFormatOf } from '../core/log-formats.ts';
import { buildSyslog } from './log-schema.ts';
import type { Configuration, StoreSpec, WorkersSpec, OtlpSpec } from '../core/configuration.ts';
import type { ClientLimits, ListenerSpec } from '../core/listener-spec.ts';
import { adminSocketCandidates } from './admin-socket.ts';
import { fileFeatures, headersReserved } from './build-features.ts';
import { type BuildContext, contentOf } from './build-context.ts';
import { unroutedHeaders } from './build-headers.ts';
import { buildPages, buildRoutes } from './build-routes.ts';
import { buildAdminTls, buildListenerTls } from './build-listener-tls.ts';
import { tlsOfListener, programPath } from './wanted-files.ts';
import { answersRequests, buildApplication } from './build-application.ts';
import { buildApplicationUpstream, buildUpstream } from './build-upstream.ts';
import type { Default } from '../schema/default.ts';
import { defaults } from './defaults.ts';
import type { Draft } from './draft.ts';
import { count, ms, msOrNone, bytes, bytesOrNone, share } from '../schema/fallback.ts';
import { parseListenAddress } from './format/address.ts';
import { listenAddressOf } from './review-addresses.ts';
import { parseAge } from '../schema/format/duration.ts';
import type { StoreRead } from './store-schema.ts';
import type { OtlpRead } from './otlp-schema.ts';
import {
  type AlertChannelSpec,
  alertChanges,
  alertKinds,
  type AlertsSpec,
  type AlertTargetSpec,
} from '../core/alert.ts';
import { alertDefaults } from './alert-defaults.ts';
import type { AlertsRead, AlertTargetRead } from './alerts-schema.ts';

/** A draft without mistakes into a configuration with every default filled in. */
export function build(draft: Draft, context: BuildContext): Configuration {
  const { plain } = draft;
  const hostname = nameFrom(context.hostname);
  const deployment = plain.deployment ?? hostname;
  return {
    deployment,
    member: plain.member ?? hostname,
    workers: buildWorkers(plain.workers),
    drain: {
      timeoutMs: ms(plain.drain?.timeout, defaults.drain.timeout),
      lameDuckMs: msOrNone(plain.drain?.lame_duck, defaults.drain.lameDuck) ?? 0,
      tunnels: plain.drain?.tunnels ?? 'wait',
    },
    stateFolder: stateFolderOf(plain.state, context),
    listeners: buildListeners(draft, context),
    routes: buildRoutes(draft, context),
    unrouted: {
      errorPages: buildPages(plain.error_pages ?? {}, context),
      disclosure: plain.disclosure ?? 'public',
      ...unroutedHeaders(plain),
    },
    upstreams: [
      ...[...draft.upstreams].map(([name, upstream]) => buildUpstream(name, upstream, context)),
      ...[...draft.applications].flatMap(([name, application]) =>
        answersRequests(application) ? [buildApplicationUpstream(name, application, context)] : [],
      ),
    ],
    applications: [...draft.applications].flatMap(([name, application]) =>
      buildApplication(name, application, context),
    ),
    trustedPeers: plain.trusted_peers ?? [],
    clientAddressHeader: plain.client_address_header?.toLowerCase() ?? null,
    ...headersReserved([...draft.routes.values()], plain),
    client: buildClient(plain.client ?? {}),
    dns: { servers: plain.dns?.servers ?? [], allow: plain.dns?.allow ?? [], deny: plain.dns?.deny ?? [] },
    admin: {
      socket: buildSocket(draft, deployment, context),
      listen: plain.admin?.listen === undefined ? null : listenAddressOf(plain.admin.listen),
      ...(plain.admin?.tls === undefined ? {} : { tls: buildAdminTls(plain.admin.tls, context) }),
      tokens: Object.entries(plain.admin?.tokens ?? {}).map(([name, { hash, role }]) => ({
        name,
        hash,
        ...(role === undefined ? {} : { role }),
      })),
      hosts: plain.admin?.hosts ?? [],
    },
    log: {
      path: buildLogPath(plain.log?.path, context),
      rotateBytes: bytesOrNone(plain.log?.rotate_at, defaults.logRotateAt),
      keepMax: count(plain.log?.keep, defaults.logKeep),
      compression: plain.log?.compress ?? 'zstd',
      queryAllowed: [...new Set((plain.log?.query_allowed ?? []).map((name) => name.toLowerCase()))],
      secretHeaders: [...new Set((plain.log?.secret_headers ?? []).map((name) => name.toLowerCase()))],
      format: plain.log?.format ?? 'json',
      recordedHeaderNames: recordedHeaderNamesOf(plain.log ?? {}),
      syslog: buildSyslog(plain.log?.syslog, (path) => contentOf(path, context)),
      fullDetail: plain.log?.detail === 'full',
    },
    store: buildStore(plain.store, context),
    ...buildAlerts(plain.alerts, context),
    otlp: buildOtlp(plain.otlp, context),
    ...fileFeatures(plain, context),
  };
}

function buildStore(read: StoreRead | undefined, context: BuildContext): StoreSpec | null {
  if (read === undefined || read === 'none') return null;
  const { path, keep = {}, successes_per_second, slow } = read;
  const service = folderOfService('STATE_DIRECTORY', context);
  const folder = service === null ? resolve(context.directory, 'candor-store') : resolve(service, 'store');
  return {
    path: path === undefined ? folder : resolve(context.directory, path),
    keepAgeMs: (keep.age ?? secondsOf(defaults.store.keepAge)) * 1000,
    keepBytes: bytes(keep.size, defaults.store.keepSize),
    successesPerSecond: count(successes_per_second, defaults.store.successesPerSecond),
    slowMs: ms(slow, defaults.store.slow),
  };
}

function secondsOf(absent: Default): number {
  const parsed = parseAge(absent.written);
  return parsed.ok ? parsed.value : 0;
}

function recordedHeaderNamesOf({ headers = [], format = 'json' }: NonNullable<Draft['plain']['log']>): string[] {
  const names = headers.map((name) => name.toLowerCase());
  return [...new Set([...names, ...logFormatOf(format).headers])];
}

/** A host name as a name of ours: what cannot stand in one becomes a hyphen. */
function nameFrom(hostname: string): string {
  const name = hostname
    .slice(0, 63)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
  return name === '' ? 'gateway' : name;
}

function buildListeners(draft: Draft, context: BuildContext): ListenerSpec[] {
  if (draft.listeners.size === 0) {
    const bind = parseListenAddress(':8080');
    return bind.ok ? [{ id: 'http', ...bind.value, proxyProtocol: false, http2: true, tls: null }] : [];
  }
  return [...draft.listeners].map(([id, listener]) => {
    const { proxy_protocol = false, http2 = true } = typeof listener === 'object' && 'bind' in listener ? listener : {};
    const tls = tlsOfListener(listener);
    const address = listenAddressOf(listener);
    return {
      ...{ id, ...address, proxyProtocol: proxy_protocol, http2 },
      tls: tls === null ? null : buildListenerTls(tls, address.port, draft, context),
    };
  });
}

function buildClient(read: NonNullable<Draft['plain']['client']>): ClientLimits {
  const absent = defaults.client;
  return {
    headMs: ms(read.head_timeout, absent.headTimeout),
    bodyMs: ms(read.body_timeout, absent.bodyTimeout),
    keepAliveMs: ms(read.keep_alive, absent.keepAlive),
    writeMs: ms(read.write_timeout, absent.writeTimeout),
    headBytesMax: bytes(read.head_max, absent.headMax),
    headersMax: count(read.headers_max, absent.headersMax),
    targetBytesMax: bytes(read.target_max, absent.targetMax),
    bodyBytesMax: read.body_max ?? null,
    connectionsMax: count(read.connections_max, absent.connectionsMax),
    connectionsPerAddressMax:
      read.connections_per_address_max === 'none'
        ? null
        : count(read.connections_per_address_max, absent.connectionsPerAddressMax),
    handshakesPerSecondMax:
      read.tls_handshake_rate_max === 'none' ? null : count(read.tls_handshake_rate_max, absent.tlsHandshakeRateMax),
    ipv6PrefixBits: count(read.ipv6_prefix, absent.ipv6Prefix),
    pipelinedMax: count(read.pipelined_max, absent.pipelinedMax),
    headRateMin: bytesOrNone(read.head_rate_min, absent.headRateMin) ?? 0,
    bodyRateMin: bytesOrNone(read.body_rate_min, absent.bodyRateMin) ?? 0,
    writeRateMin: bytesOrNone(read.write_rate_min, absent.writeRateMin) ?? 0,
    rateGraceMs: ms(read.rate_grace, absent.rateGrace),
    bufferBytesMax: bytes(read.buffer_max, absent.bufferMax),
  };
}

function buildWorkers(read: Draft['plain']['workers']): WorkersSpec {
  const { count: number = 'auto', memory_max, delay_max } = typeof read === 'object' ? read : { count: read };
  return {
    count: number === 'auto' ? null : number,
    memoryBytesMax: bytes(memory_max, defaults.workers.memoryMax),
    delayMaxMs: msOrNone(delay_max, defaults.workers.delayMax),
  };
}

/** Null: the configuration wants none. */
export function stateFolderOf(
  written: string | null | undefined,
  context: Pick<BuildContext, 'directory' | 'environment'>,
): string | null {
  if (written === null) return null;
  if (written !== undefined) return resolve(context.directory, written);
  return folderOfService('STATE_DIRECTORY', context) ?? resolve(context.directory, '.candor');
}

/** A folder that systemd made for the service; StateDirectory= and its like may name several, joined by colons. */
function folderOfService(
  variable: 'STATE_DIRECTORY' | 'LOGS_DIRECTORY',
  { environment }: Pick<BuildContext, 'environment'>,
): string | null {
  const first = environment[variable]?.split(':')[0] ?? '';
  return isAbsolute(first) ? first : null;
}

function buildSocket(draft: Draft, deployment: string, context: BuildContext): string | null {
  const written = draft.plain.admin?.socket;
  if (written === null) return null;
  if (written !== undefined) return resolve(context.directory, written);
  return adminSocketCandidates(deployment, context.directory, context.environment)[0] ?? null;
}

function buildLogPath(written: string | null | undefined, context: BuildContext): string | null {
  if (written === null || written === '-') return written;
  if (written !== undefined) return resolve(context.directory, written);
  return resolve(folderOfService('LOGS_DIRECTORY', context) ?? context.directory, 'candor.log');
}

type OtlpSection = Exclude<OtlpRead, 'none'>;

function buildOtlp(read: OtlpRead | undefined, context: BuildContext): OtlpSpec | null {
  if (read === undefined || read === 'none') return null;
  const { endpoint, format, ca_file = [], timeout, resource, traces = {}, logs, metrics = {} } = read;
  return {
    endpoint,
    format: format ?? 'protobuf',
    headers: headersOf(read, context),
    compression: read.compression ?? 'none',
    authorities: ca_file.map((path) => contentOf(path, context)),
    identity: identityOf(read, context),
    timeoutMs: ms(timeout, defaults.otlp.timeout),
    resource: resource ?? {},
    traces: traces === 'none' ? null : { share: share(traces.share, defaults.otlp.share) },
    logs: logs ?? 'failed',
    metrics: metrics === 'none' ? null : { intervalMs: ms(metrics.interval, defaults.otlp.interval) },
  };
}

function headersOf({ headers = {}, header_files = {} }: OtlpSection, context: BuildContext): OtlpSpec['headers'] {
  const fromFiles = Object.entries(header_files).map(([name, path]) => [name, contentOf(path, context).trim()]);
  return { ...headers, ...(Object.fromEntries(fromFiles) as Record<string, string>) };
}

function identityOf({ certificate_file, key_file }: OtlpSection, context: BuildContext): OtlpSpec['identity'] {
  if (certificate_file === undefined || key_file === undefined) return null;
  return { certificate: contentOf(certificate_file, context), key: contentOf(key_file, context) };
}

/** Nothing where there are no targets. */
function buildAlerts(read: AlertsRead | undefined, context: BuildContext): { readonly alerts?: AlertsSpec } {
  const targets = Object.entries(read?.targets ?? {}).flatMap(([id, target]) => buildTarget(id, target, context));
  if (targets.length === 0) return {};
  return {
    alerts: { link: read?.link ?? null, grownEveryMs: ms(read?.grown_every, alertDefaults.grownEvery), targets },
  };
}

function buildTarget(id: string, read: AlertTargetRead, context: BuildContext): readonly AlertTargetSpec[] {
  const channel = buildChannel(read, context);
  if (channel === null) return [];
  const {
    kinds = alertKinds,
    changes = alertChanges,
    min_severity: severityMin = 'info',
    upstreams = [],
    routes = [],
  } = read;
  return [{ id, kinds, changes, severityMin, upstreams, routes, channel }];
}

/** Null: it has none, which the review complains of. */
function buildChannel(read: AlertTargetRead, context: BuildContext): AlertChannelSpec | null {
  const { webhook, slack, discord, pagerduty, smtp, command } = read;
  const secret = (written: string | undefined, file: string | undefined): string | null =>
    written ?? (file === undefined ? null : contentOf(file, context).trim());
  const ca = (files: readonly string[] | undefined): readonly string[] =>
    (files ?? []).map((file) => contentOf(file, context));
  if (webhook !== undefined) {
    const { url, url_file, token, token_file, ca_file } = webhook;
    return { type: 'webhook', url: secret(url, url_file) ?? '', token: secret(token, token_file), ca: ca(ca_file) };
  }
  for (const [type, chat] of [
    ['slack', slack],
    ['discord', discord],
  ] as const)
    if (chat !== undefined) return { type, url: secret(chat.url, chat.url_file) ?? '', ca: ca(chat.ca_file) };
  if (pagerduty !== undefined) {
    const { url = alertDefaults.pagerdutyUrl.written, routing_key, routing_key_file, ca_file } = pagerduty;
    return { type: 'pagerduty', url, routingKey: secret(routing_key, routing_key_file) ?? '', ca: ca(ca_file) };
  }
  if (smtp !== undefined) {
    const { server, tls = 'starttls', username: user = null, password, password_file, from, to, ca_file } = smtp;
    const port = server.port ?? { starttls: 587, implicit: 465, none: 25 }[tls];
    return {
      type: 'smtp',
      host: server.host,
      port,
      tls,
      user,
      password: secret(password, password_file),
      from,
      to,
      ca: ca(ca_file),
    };
  }
  if (command === undefined) return null;
  const [program = '', ...rest] = command.run;
  const timeoutMs = ms(command.timeout, alertDefaults.commandTimeout);
  return { type: 'command', command: [programPath(program, context.directory), ...rest], timeoutMs };
}
