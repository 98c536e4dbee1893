/** The fields of an Envoy access log line, in any format. A field that is absent, or "-", is null. */
export interface EnvoyExchange {
  /** Short names, in the line's order; empty for "-"; null if the format leaves the flags out. */
  readonly flags: readonly string[] | null;
  /** The flags as the line writes them. */
  readonly flagsText: string | null;
  readonly details: string | null;
  /** `%UPSTREAM_TRANSPORT_FAILURE_REASON%` */
  readonly reason: string | null;
  /** 0 if no response was begun, and in TCP lines. */
  readonly code: number | null;
  readonly isTcp: boolean;
  readonly request: string | null;
  readonly host: string | null;
  /** Whether the format has a field for the host. If not, its absence means nothing. */
  readonly namesHost: boolean;
  readonly cluster: string | null;
  /** Only a response of the application has it. Null without such a response, or if the format leaves it out. */
  readonly serviceTimeMs: number | null;
  readonly durationMs: number | null;
  readonly requestId: string | null;
  readonly atMs: number | null;
}

/** The direction of a sidecar: "inbound" is from it to the application in the same pod; null outside of Istio. */
export type Direction = 'inbound' | 'outbound' | null;

export function directionOf({ cluster }: Pick<EnvoyExchange, 'cluster'>): Direction {
  if (cluster === null) return null;
  if (cluster.startsWith('inbound|') || cluster.startsWith('InboundPassthroughCluster')) return 'inbound';
  const isOutbound =
    cluster.startsWith('outbound|') || cluster === 'PassthroughCluster' || cluster === 'BlackHoleCluster';
  return isOutbound ? 'outbound' : null;
}
