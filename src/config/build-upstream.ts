import { resolve } from 'node:path';
import type * as z from 'zod';
import type { CheckSpec, ResponseExpectation, UpstreamSpec, UpstreamTls } from '../core/upstream-spec.ts';
import type { ApplicationId, UpstreamId } from '../core/endpoint.ts';
import { upstreamFeatures } from './build-features.ts';
import type { BuildContext } from './build-context.ts';
import type { expectation } from './check-schema.ts';
import { defaults } from './defaults.ts';
import { count, ms, bytes } from '../schema/fallback.ts';
import type { ApplicationRead, EndpointKeysRead } from './application-schema.ts';
import type { UpstreamRead } from './upstream-schema.ts';

function buildEndpointLimits(
  name: string,
  read: EndpointKeysRead,
  context: BuildContext,
): Pick<
  UpstreamSpec,
  | 'idleConnectionsMax'
  | 'idleConnectionMs'
  | 'connectionReuse'
  | 'connectionsMax'
  | 'requestsMax'
  | 'queueMax'
  | 'queueMs'
  | 'attemptsMax'
  | 'responseHeadBytesMax'
  | 'balance'
  | 'features'
  | 'whenNoneReady'
  | 'logs'
> {
  const { connections } = read;
  const connectionsMax = count(connections?.max, defaults.connections.max);
  return {
    idleConnectionsMax: Math.min(count(connections?.idle_max, defaults.connections.idleMax), connectionsMax),
    idleConnectionMs: ms(connections?.idle_timeout, defaults.connections.idleTimeout),
    // A connection that php-fpm keeps holds one of its children.
    connectionReuse: connections?.reuse ?? (read.protocol === 'fastcgi' ? 'never' : 'always'),
    connectionsMax,
    ...(typeof connections?.requests_max === 'number' ? { requestsMax: connections.requests_max } : {}),
    queueMax: count(connections?.queue_max, defaults.connections.queueMax),
    queueMs: ms(connections?.queue_timeout, defaults.connections.queueTimeout),
    attemptsMax: count(read.attempts, defaults.attempts),
    responseHeadBytesMax: bytes(read.response_head_max, defaults.responseHeadMax),
    ...upstreamFeatures(name, read, context),
    ...(read.logs === undefined
      ? {}
      : { logs: [...new Set(read.logs.map((path) => resolve(context.directory, path)))] }),
    ...buildWhenNoneReady(read.when_none_ready),
    ...(read.balance === undefined || read.balance === null ? {} : { balance: read.balance }),
  };
}

/** `http2: true` is another way to write it. */
export function protocolOf({
  protocol,
  http2,
}: Pick<ApplicationRead, 'protocol' | 'http2'>): Pick<UpstreamSpec, 'protocol'> {
  const spoken = protocol ?? (http2 === true ? 'http2' : 'http1');
  return spoken === 'http1' ? {} : { protocol: spoken };
}

function buildWhenNoneReady(read: EndpointKeysRead['when_none_ready']): Pick<UpstreamSpec, 'whenNoneReady'> {
  const waitMs = read?.wait === null ? null : ms(read?.wait, defaults.whenNoneReady.wait);
  if (waitMs === null) return {};
  return { whenNoneReady: { waitMs, waitersMax: count(read?.wait_max, defaults.whenNoneReady.waitMax) } };
}

export function buildUpstream(name: string, read: UpstreamRead, context: BuildContext): UpstreamSpec {
  const full: FullUpstream = Array.isArray(read) ? { endpoints: read } : read;
  return {
    id: name as UpstreamId,
    endpoints: full.endpoints.map(({ address, weight, priority }) => ({
      address: address.kind === 'unix' ? { kind: 'unix', path: resolve(context.directory, address.path) } : address,
      ...(weight === undefined ? {} : { weight }),
      ...(priority === undefined ? {} : { priority }),
    })),
    family: full.family ?? 'prefer_ipv4',
    application: null,
    tls: buildTls(full, context),
    ...(full.proxy_protocol === undefined || full.proxy_protocol === 'none'
      ? {}
      : { proxyProtocol: full.proxy_protocol }),
    ...protocolOf(full),
    check: buildCheck(full.check),
    ...buildEndpointLimits(name, full, context),
    ...(full.when_none_ready?.then === 'try' ? { triesUnhealthy: true as const } : {}),
  };
}

type FullUpstream = Exclude<UpstreamRead, readonly unknown[]>;

function buildTls(read: FullUpstream, context: BuildContext): UpstreamTls | null {
  const secure = read.endpoints.some(({ scheme }) => scheme === 'https');
  if (read.tls === false || (read.tls === undefined && !secure)) return null;
  const { server_name, verify, ca_file, certificate_file, key_file } =
    read.tls === true || read.tls === undefined ? {} : read.tls;
  const textOf = (path: string | undefined): string | null => {
    const reading = path === undefined ? undefined : context.readings.get(resolve(context.directory, path));
    return reading?.ok === true ? reading.text : null;
  };
  return {
    serverName: server_name ?? null,
    verify: verify ?? true,
    ca: ca_file === undefined ? null : ca_file.map((path) => textOf(path) ?? '').join('\n'),
    certificate: textOf(certificate_file),
    key: textOf(key_file),
  };
}

function buildCheck(read: FullUpstream['check']): CheckSpec {
  if (read === 'none') return { kind: 'none' };
  const { path, grpc, port, host, headers, expect, interval, timeout, passes, fails } = checkSettings(read);
  const times = {
    ...(port === undefined ? {} : { port }),
    intervalMs: ms(interval, defaults.check.interval),
    timeoutMs: ms(timeout, defaults.check.timeout),
    passes: count(passes, defaults.check.passes),
    // A number that the operator wrote stands, whatever the checks had met.
    ...(passes === undefined ? { passesAfterRefusal: 1 } : {}),
    fails: count(fails, defaults.check.fails),
    // What another port refuses says nothing of the port of requests.
    ...(fails === undefined && port === undefined ? { failsAfterRefusal: 2 } : {}),
  };
  if (grpc !== undefined) return { kind: 'grpc', service: grpc, host: host ?? null, ...times };
  if (path === undefined) return { kind: 'tcp', ...times };
  return {
    ...{ kind: 'http', path, host: host ?? null },
    ...(headers === undefined ? {} : { headers }),
    ...buildExpectation(expect),
    ...times,
  };
}

export function buildExpectation(read: z.output<typeof expectation> | undefined): ResponseExpectation {
  const { status, headers, body } = read ?? {};
  return {
    ...(status === undefined ? {} : { expectStatus: status }),
    ...(headers === undefined
      ? {}
      : { expectHeaders: Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const) }),
    ...(body === undefined ? {} : { expectBody: body }),
  };
}

function checkSettings(read: FullUpstream['check']): Exclude<FullUpstream['check'], string | undefined> {
  if (read === 'tcp' || read === undefined) return {};
  return typeof read === 'string' ? { path: read } : read;
}

/** An application's upstream has no endpoints yet and no check: whoever runs the instances says which are ready. */
export function buildApplicationUpstream(name: string, read: ApplicationRead, context: BuildContext): UpstreamSpec {
  return {
    id: name as UpstreamId,
    endpoints: [],
    family: 'prefer_ipv4',
    application: name as ApplicationId,
    tls: null,
    ...protocolOf(read),
    check: { kind: 'none' },
    ...buildEndpointLimits(name, read, context),
  };
}
