/** grpc.health.v1: the request and the response of `Health/Check`, one protobuf field each, in a gRPC message of its own. */

export const healthCheckPath = '/grpc.health.v1.Health/Check';

/** By number, as the protocol has them. */
const servingStatuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;

type ServingStatus = (typeof servingStatuses)[number];

/** HealthCheckRequest: field 1 is the name of the service; '' is the whole server. */
export function healthRequest(service: string): Uint8Array {
  const name = new TextEncoder().encode(service);
  const header = name.length === 0 ? [] : [0x0a, ...varint(name.length), ...name];
  return Uint8Array.from([0, 0, 0, header.length >> 8, header.length & 0xff, ...header]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7];
}

/** HealthCheckResponse: field 1 is the status; absent: 0. Null where the bytes are no such message. */
export function servingStatusIn(body: Uint8Array): ServingStatus | null {
  const [compressed, , , , length] = body;
  if (compressed !== 0 || body.length !== 5 + (length ?? 0)) return null;
  if (length === 0) return 'UNKNOWN';
  const [tag, status = -1] = body.subarray(5);
  return tag === 0x08 && length === 2 ? (servingStatuses[status] ?? null) : null;
}
