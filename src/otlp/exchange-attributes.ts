import { isGrpcServerError } from '../core/grpc-server-errors.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { addressAndPort, attributesOf } from './attributes.ts';
import type { KeyValue } from './messages.ts';

/** The methods that the conventions know; others are `_OTHER`, so that clients cannot make as many names as they like. */
const knownMethods = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE']);

/** The method, as the conventions want it. */
export function methodAttributes(method: string): Readonly<Record<string, string>> {
  return knownMethods.has(method)
    ? { 'http.request.method': method }
    : { 'http.request.method': '_OTHER', 'http.request.method_original': method };
}

/** The name of spans: no client can make as many names as it likes. */
export function spanName({ method, route }: ExchangeRecord): string {
  const verb = knownMethods.has(method) ? method : 'HTTP';
  return route === null ? verb : `${verb} ${route}`;
}

/** Whether the exchange is an error of the serving side: a 4xx and a client that left are none. */
export function isServerError({ status, end, shape, grpc_status }: ExchangeRecord): boolean {
  if (status !== null && status >= 500) return true;
  if (grpc_status !== null && isGrpcServerError(grpc_status)) return true;
  return end === 'truncated' && shape !== 'none' && shape !== 'client_abort';
}

/** `error.type` of the conventions: what exactly failed; the status, where the application said it itself. */
function errorType(record: ExchangeRecord): string | null {
  if (record.cause !== null) return record.cause;
  return isServerError(record) && record.status !== null ? String(record.status) : null;
}

/** The attributes of an exchange: by the conventions of OpenTelemetry, and below `candor.` what they have no name for. */
export function exchangeAttributes(record: ExchangeRecord): KeyValue[] {
  const { client, tls } = record;
  const server = addressAndPort(record.host);
  return attributesOf({
    ...methodAttributes(record.method),
    'url.scheme': record.scheme,
    'url.path': record.path,
    'url.query': record.query,
    'server.address': server.address === '' ? null : server.address,
    'server.port': server.port,
    'client.address': client.address,
    'client.port': client.port,
    'network.peer.address': client.peer,
    'network.protocol.name': 'http',
    'network.protocol.version': client.protocol.replace(/^HTTP\//, ''),
    'tls.protocol.version': tls?.version.replace(/^TLSv/, ''),
    'http.response.status_code': record.status,
    'http.request.body.size': record.bytes_in,
    'http.response.body.size': record.bytes_out,
    'rpc.grpc.status_code': record.grpc_status !== null && record.grpc_status >= 0 ? record.grpc_status : null,
    'user_agent.original': record.headers?.['user-agent'],
    'error.type': errorType(record),
    ...candorAttributes(record),
  });
}

function candorAttributes(record: ExchangeRecord): Readonly<Record<string, string | number | null>> {
  return {
    'candor.request.id': record.id,
    'candor.route': record.route,
    'candor.upstream': record.upstream,
    'candor.application': record.application,
    'candor.release': record.release ?? null,
    'candor.arm': record.arm ?? null,
    'candor.weight': record.weight ?? null,
    'candor.revision': record.revision,
    'candor.worker': record.worker,
    'candor.shape': record.shape,
    'candor.cause': record.cause,
    'candor.type': record.type,
    'candor.whose': record.whose,
    'candor.stage': record.stage,
    'candor.delivery': record.delivery,
    'candor.end': record.end,
    'candor.received_status': record.received_status,
    'candor.attempts': record.attempts.length,
  };
}
