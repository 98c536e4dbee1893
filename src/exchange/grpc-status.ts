import type { MessageHeaders } from '../core/message.ts';
import { grpcContentType } from './grpc-answer.ts';

/** A gRPC response has said no status: its client takes it for UNKNOWN. */
export const grpcStatusMissing = -1;

/** gRPC's status in the head of a response (trailers-only); `grpcStatusMissing` if it has none; null: it is no gRPC response. */
export function grpcStatusOfHead(headers: MessageHeaders): number | null {
  return grpcContentType(headers.get('content-type')) === null ? null : grpcStatusIn(headers);
}

/** gRPC's status in trailers. */
export function grpcStatusIn(headers: MessageHeaders | null): number {
  const text = headers?.get('grpc-status') ?? null;
  return text !== null && /^\d{1,5}$/.test(text) ? Number(text) : grpcStatusMissing;
}
