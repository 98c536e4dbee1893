/** Envoy's response flags: the short name, and the long one that `%RESPONSE_FLAGS_LONG%` writes. */
const longNames = {
  DC: 'DownstreamConnectionTermination',
  LH: 'FailedLocalHealthCheck',
  UH: 'NoHealthyUpstream',
  UT: 'UpstreamRequestTimeout',
  LR: 'LocalReset',
  UR: 'UpstreamRemoteReset',
  UF: 'UpstreamConnectionFailure',
  UC: 'UpstreamConnectionTermination',
  UO: 'UpstreamOverflow',
  URX: 'UpstreamRetryLimitExceeded',
  NR: 'NoRouteFound',
  DI: 'DelayInjected',
  FI: 'FaultInjected',
  RL: 'RateLimited',
  UAEX: 'UnauthorizedExternalService',
  RLSE: 'RateLimitServiceError',
  SI: 'StreamIdleTimeout',
  IH: 'InvalidEnvoyRequestHeaders',
  DPE: 'DownstreamProtocolError',
  UMSDR: 'UpstreamMaxStreamDurationReached',
  RFCF: 'ResponseFromCacheFilter',
  NFCF: 'NoFilterConfigFound',
  DT: 'DurationTimeout',
  UPE: 'UpstreamProtocolError',
  NC: 'NoClusterFound',
  OM: 'OverloadManagerTerminated',
  DF: 'DnsResolutionFailed',
  DO: 'DropOverload',
  DR: 'DownstreamRemoteReset',
  UDO: 'UnconditionalDropOverload',
} as const;

type EnvoyFlag = keyof typeof longNames;

const shortOf: ReadonlyMap<string, EnvoyFlag> = new Map(
  Object.entries(longNames).flatMap(([short, long]) => [
    [short.toLowerCase(), short as EnvoyFlag],
    [long.toLowerCase(), short as EnvoyFlag],
  ]),
);

/** The short names in "UF,URX" or their long forms; empty for "-"; null for text that is no list of flags. */
export function flagsIn(text: string): readonly EnvoyFlag[] | null {
  if (text === '-' || text === '') return [];
  if (text.length > 200) return null;
  const flags = text.split(',').map((name) => shortOf.get(name.trim().replaceAll('_', '').toLowerCase()));
  return flags.every((flag) => flag !== undefined) ? flags : null;
}

/** Whether it could be a flag of Envoy or of a filter: capital letters, as Envoy registers them. */
export function looksLikeFlags(text: string): boolean {
  return text === '-' || flagsIn(text) !== null || /^[A-Z]{2,8}(?:,[A-Z]{2,8}){0,8}$/.test(text);
}
