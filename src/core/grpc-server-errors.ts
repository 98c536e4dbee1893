/**
 * Statuses of gRPC that are failures of the server, as OpenTelemetry's conventions have them: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED,
 * INTERNAL, UNAVAILABLE and DATA_LOSS; -1: the response came without a status, which clients take for UNKNOWN.
 */
const grpcServerErrors: ReadonlySet<number> = new Set([-1, 2, 4, 12, 13, 14, 15]);

export function isGrpcServerError(status: number): boolean {
  return grpcServerErrors.has(status);
}
