import type { Fields } from '../core/message.ts';
import { grpcContentType } from './grpc-answer.ts';

/** A gRPC response has said no status: its client takes it for UNKNOWN. */
export const grpcStatusMissing = -1;

/** gRPC's status in the head of a response (trailers-only); `grpcStatusMissing` if it has none; null: it is no gRPC response. */
export function grpcStatusOfHead(fields: Fields): number | null {
  return grpcContentType(fields.get('content-type')) === null ? null : grpcStatusIn(fields);
}

/** gRPC's status in trailers. */
export function grpcStatusIn(fields: Fields | null): number {
  const text = fields?.get('grpc-status') ?? null;
  return text !== null && /^\d{1,5}$/.test(text) ? Number(text) : grpcStatusMissing;
}
