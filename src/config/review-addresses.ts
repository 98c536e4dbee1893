import { addressText } from '../core/endpoint.ts';
import { clause } from '#failures/failure-table/formatting.ts';
import { lowerFirst } from '#failures/first-letter.ts';
import { stepOfOtherProtocol } from '#failures/guess-words.ts';
import { ownListener } from '../core/own-listener.ts';
import type { ErrorCollector } from './error-collector.ts';
import type { Draft } from './draft.ts';
import { isMap } from './draft.ts';
import type { HostPort, WrittenEndpoint } from './format/address.ts';
import { socketPathError, parseListenAddress } from './format/address.ts';
import { quoted } from '../schema/error-detail.ts';
import type { Path } from '../schema/findings.ts';
import type { ListenerRead } from './listener-schema.ts';
import type { UpstreamRead } from './upstream-schema.ts';

interface Placed<T> {
  readonly path: Path;
  readonly value: T;
}

export function reviewAddresses(draft: Draft, collector: ErrorCollector, addresses: readonly string[]): void {
  const listeners = [...draft.listeners].map(([name, listener]) => ({
    path: listenerPath(draft, name),
    value: listenAddressOf(listener),
  }));
  const endpoints = [...draft.upstreams.keys()].flatMap((name) => endpointsOf(draft, name));
  const ofHttp = [...draft.upstreams].filter(([, read]) => Array.isArray(read) || read.protocol !== 'fastcgi');
  reviewListeners(listeners, collector);
  reviewEndpoints(endpoints, listeners, collector, addresses);
  reviewFastCgiSockets(
    ofHttp.flatMap(([name]) => endpointsOf(draft, name)),
    collector,
  );
  reviewSchemes(draft, collector);
  reviewApplications(draft, listeners, collector);
  for (const [at, network] of (draft.plain.trusted_peers ?? []).entries()) {
    if (network.endsWith('/0'))
      collector.warnAtValue(
        ['trusted_peers', at],
        `${network} trusts every client to say where it comes from`,
        'name the networks of your own proxies',
      );
  }
  for (const [at, network] of (draft.plain.dns?.allow ?? []).entries()) {
    if (network.endsWith('/0'))
      collector.warnAtValue(
        ['dns', 'allow', at],
        `${network} lets name servers lead to any address, those where clouds keep credentials included`,
        'name the networks that are meant',
      );
  }
}

/** Host and port of a listener in any of its forms. */
export function listenAddressOf(listener: ListenerRead): HostPort {
  const bind = typeof listener === 'object' && 'bind' in listener ? listener.bind : listener;
  if (typeof bind === 'object') return bind;
  const parsed = parseListenAddress(String(bind));
  return parsed.ok ? parsed.value : { host: '', port: 0 };
}

function listenerPath(draft: Draft, name: string): Path {
  const listeners = draft.raw['listeners'];
  return isMap(listeners) && isMap(listeners[name]) ? ['listeners', name, 'bind'] : ['listeners', name];
}

/** The endpoints of an upstream with their places, which depend on how it was written. */
function endpointsOf(draft: Draft, name: string): Placed<WrittenEndpoint>[] {
  const upstream = draft.upstreams.get(name)!;
  const raw = (draft.raw['upstreams'] as Readonly<Record<string, unknown>>)[name];
  const base: Path = ['upstreams', name, ...(isMap(raw) ? ['endpoints'] : [])];
  const written: unknown = isMap(raw) ? raw['endpoints'] : raw;
  const endpoints = Array.isArray(upstream) ? upstream : upstream.endpoints;
  return endpoints.map((value, at) => ({ path: Array.isArray(written) ? [...base, at] : base, value }));
}

function reviewListeners(listeners: readonly Placed<HostPort>[], collector: ErrorCollector): void {
  for (const [index, listener] of listeners.entries()) {
    const earlier = listeners.slice(0, index).find((one) => collides(one.value, listener.value));
    if (earlier === undefined) continue;
    collector.errorAtValue(
      listener.path,
      `port ${listener.value.port} is taken by the listener ${quoted(earlier.path[1])} in ${collector.positionText(earlier.path)}`,
      'give one of them another port, or remove it',
    );
  }
}

function isEveryAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function collides(a: HostPort, b: HostPort): boolean {
  if (a.port === 0 || a.port !== b.port) return false;
  return a.host === b.host || isEveryAddress(a.host) || isEveryAddress(b.host);
}

function reviewEndpoints(
  endpoints: readonly Placed<WrittenEndpoint>[],
  listeners: readonly Placed<HostPort>[],
  collector: ErrorCollector,
  addresses: readonly string[],
): void {
  const ours = listeners.map(({ path, value }) => ({ ...value, path }));
  const seen = new Map<string, Path>();
  for (const { path, value } of endpoints) {
    const { address } = value;
    const id = `${String(path[1])} ${addressText(address)}`;
    const earlier = seen.get(id);
    if (earlier !== undefined)
      collector.errorAtValue(
        path,
        `the endpoint ${quoted(addressText(address))} stands here for a second time`,
        'remove one of them',
      );
    seen.set(id, path);
    if (address.kind === 'unix') {
      collector.addDetail(path, socketPathError(address.path));
      continue;
    }
    const loop = ownListener(address, ours, () => addresses);
    if (loop !== null)
      collector.errorAtValue(
        path,
        `this endpoint is the gateway's own listener ${quoted(loop.path[1])}, in ${collector.positionText(loop.path)}: requests would go in circles`,
        'write the port of the application',
      );
  }
}

/** By the names that distributions give to the socket of php-fpm, of fcgiwrap and of others. */
const fastCgiSocket = /(?:fpm|fcgi|fastcgi)[^/]*\.sock(?:et)?$/i;

function reviewFastCgiSockets(endpoints: readonly Placed<WrittenEndpoint>[], collector: ErrorCollector): void {
  for (const { path, value } of endpoints)
    if (value.address.kind === 'unix' && fastCgiSocket.test(value.address.path))
      collector.warnAtValue(
        path,
        `${quoted(value.address.path)} looks like the socket of a FastCGI server, and the upstream speaks HTTP`,
        lowerFirst(clause(stepOfOtherProtocol.fastcgi)),
      );
}

/** TLS belongs to the whole upstream, so that its endpoints can stand in for each other. */
function reviewSchemes(draft: Draft, collector: ErrorCollector): void {
  for (const [name, upstream] of draft.upstreams) {
    const endpoints = endpointsOf(draft, name);
    const first = endpoints[0];
    const secure = endpoints.filter(({ value }) => value.scheme === 'https');
    const other = endpoints.find(({ value }) => (value.scheme === 'https') !== (first?.value.scheme === 'https'));
    if (other !== undefined)
      collector.errorAtValue(
        other.path,
        'some endpoints of this upstream speak TLS, and some do not',
        'make two upstreams of it, or write https:// before all',
      );
    if (Array.isArray(upstream)) continue;
    if (upstream.tls === false && secure[0] !== undefined)
      collector.errorAtValue(
        ['upstreams', name, 'tls'],
        'tls is false, and an endpoint begins with https://',
        'remove one of them',
      );
    const insecure = endpoints.find(({ value }) => value.scheme === 'http');
    if (upstream.tls !== undefined && upstream.tls !== false && insecure !== undefined)
      collector.errorAtValue(
        insecure.path,
        'this endpoint begins with http://, and tls is asked for',
        'write https://, or no scheme',
      );
    const check = upstream.check;
    if (typeof check === 'object')
      reviewCheck(name, check, upstream.http2 === true || upstream.protocol === 'http2', collector);
  }
}

type CheckRead = Exclude<Exclude<UpstreamRead, readonly unknown[]>['check'], string | undefined>;

function reviewCheck(name: string, check: CheckRead, speaksHttp2: boolean, collector: ErrorCollector): void {
  const { path, grpc } = check;
  const at = ['upstreams', name, 'check'];
  if (grpc !== undefined && path !== undefined)
    collector.errorAtKey([...at, 'grpc'], 'a check asks by gRPC or for a path, not both', 'remove one of them');
  if (grpc !== undefined && !speaksHttp2)
    collector.errorAtKey([...at, 'grpc'], 'a gRPC check needs HTTP/2', 'add "http2: true" to the upstream');
  if (path !== undefined) return;
  for (const key of ['host', 'headers', 'expect'] as const) {
    if (check[key] === undefined || (key === 'host' && grpc !== undefined)) continue;
    const what = grpc === undefined ? 'a check without a path asks nothing' : 'a gRPC check asks the health service';
    const fix = grpc === undefined ? 'add path: /healthz' : 'remove it';
    collector.errorAtKey([...at, key], `${what}, so that ${quoted(key)} has no effect`, fix);
  }
}

function reviewApplications(draft: Draft, listeners: readonly Placed<HostPort>[], collector: ErrorCollector): void {
  const seen = new Map<number, string>();
  for (const [name, { command, port, instances, when_none_ready, readiness }] of draft.applications) {
    for (const key of ['path', 'headers', 'expect'] as const)
      if (typeof readiness === 'object' && readiness.tcp === true && readiness[key] !== undefined)
        collector.errorAtKey(
          ['applications', name, 'readiness', key],
          `with "tcp" nothing is asked, so that ${quoted(key)} has no effect`,
          'remove "tcp", or remove it',
        );
    if (when_none_ready?.then === 'try')
      collector.errorAtKey(
        ['applications', name, 'when_none_ready', 'then'],
        'nothing is sent to an instance that is not ready',
        'remove it; requests wait for an instance that starts',
      );
    if (typeof port !== 'number' || command === undefined) continue;
    const path = ['applications', name, 'port'];
    if (instances === 'per_core' || (instances ?? 1) > 1)
      collector.errorAtValue(
        path,
        `${instances === 'per_core' ? 'several' : instances} instances cannot share one port`,
        'remove the port; each is given a free one by PORT',
      );
    const listener = listeners.find(({ value }) => value.port === port);
    if (listener !== undefined)
      collector.errorAtValue(
        path,
        `port ${port} is that of the listener ${quoted(listener.path[1])} in ${collector.positionText(listener.path)}`,
        'give the application another, or none',
      );
    const other = seen.get(port);
    if (other !== undefined)
      collector.errorAtValue(
        path,
        `port ${port} is taken by the application ${quoted(other)}`,
        'give one of them another, or none',
      );
    seen.set(port, name);
  }
}
