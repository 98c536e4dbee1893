import { headerId } from '../core/header-names.ts';
import type { RequestHead } from '../core/message.ts';
import { grpcContentType } from './grpc-answer.ts';

const grpcTimeoutId = headerId('grpc-timeout');

/** How many milliseconds the client of a gRPC call, or of gRPC-Web, waits for its end; null if it does not say. */
export function grpcTimeoutMs({ headers }: Pick<RequestHead, 'headers'>): number | null {
  if (!headers.hasId(grpcTimeoutId) || grpcContentType(headers.get('content-type')) === null) return null;
  return parseGrpcTimeout(headers.get('grpc-timeout') ?? '');
}

/**
 * The value of `grpc-timeout`: at most eight digits and a unit. Rounded up to whole milliseconds. Null if it is malformed,
 * which the application judges, or longer than a timer can run.
 */
export function parseGrpcTimeout(value: string): number | null {
  if (!/^\d{1,8}[HMSmun]$/.test(value)) return null;
  const ms = Math.ceil(Number(value.slice(0, -1)) * msOf(value.slice(-1)));
  return ms > timerMaxMs ? null : ms;
}

/** 24 days. */
const timerMaxMs = 2 ** 31 - 1;

function msOf(unit: string): number {
  switch (unit) {
    case 'H':
      return 3_600_000;
    case 'M':
      return 60_000;
    case 'S':
      return 1000;
    case 'm':
      return 1;
    case 'u':
      return 1e-3;
    default:
      return 1e-6;
  }
}
