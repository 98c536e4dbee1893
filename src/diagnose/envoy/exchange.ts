/** What a line of an Envoy access log says, whichever format it was written in. Absent is null, and so is Envoy's "-". */
export interface EnvoyExchange {
  /** Short names, in the line's order; empty where it has none ("-"); null where the format leaves them out. */
  readonly flags: readonly string[] | null;
  /** As the line has them. */
  readonly flagsText: string | null;
  readonly details: string | null;
  /** `%UPSTREAM_TRANSPORT_FAILURE_REASON%` */
  readonly reason: string | null;
  /** 0 where no answer was begun, and in TCP lines. */
  readonly code: number | null;
  readonly isTcp: boolean;
  readonly request: string | null;
  readonly host: string | null;
  /** Whether the format has a place for the host: if not, that none is named says nothing. */
  readonly namesHost: boolean;
  readonly cluster: string | null;
  /** Only an answer of the application brings it; null where there was none, or the format leaves it out. */
  readonly serviceTimeMs: number | null;
  readonly durationMs: number | null;
  readonly requestId: string | null;
  readonly atMs: number | null;
}

/** Which side of a sidecar: "inbound" is from it to the application in the same pod; null outside of Istio. */
export type Direction = 'inbound' | 'outbound' | null;

export function directionOf({ cluster }: Pick<EnvoyExchange, 'cluster'>): Direction {
  if (cluster === null) return null;
  if (cluster.startsWith('inbound|') || cluster.startsWith('InboundPassthroughCluster')) return 'inbound';
  const isOutbound =
    cluster.startsWith('outbound|') || cluster === 'PassthroughCluster' || cluster === 'BlackHoleCluster';
  return isOutbound ? 'outbound' : null;
}
