/**
 * Statuses of gRPC that are failures of the server, as OpenTelemetry's conventions have them; -1: the response came without a status, which
 * clients take for UNKNOWN.
 */
const grpcServerErrors: ReadonlyMap<number, string> = new Map([
  [-1, ''],
  [2, 'UNKNOWN'],
  [4, 'DEADLINE_EXCEEDED'],
  [12, 'UNIMPLEMENTED'],
  [13, 'INTERNAL'],
  [14, 'UNAVAILABLE'],
  [15, 'DATA_LOSS'],
]);

export function isGrpcServerError(status: number): boolean {
  return grpcServerErrors.has(status);
}

/** How the application has answered with an error of its own: '500', '200 with the gRPC status 14 (UNAVAILABLE)', '200 without a gRPC status'. */
export function ownErrorText(status: number | null, grpcStatus: number | null): string {
  if (status === null) return '5xx';
  const name = grpcStatus === null || status >= 500 ? undefined : grpcServerErrors.get(grpcStatus);
  if (name === undefined) return String(status);
  return name === '' ? `${status} without a gRPC status` : `${status} with the gRPC status ${grpcStatus} (${name})`;
}
