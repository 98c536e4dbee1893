import type { UpstreamSpec } from '../core/upstream-spec.ts';
import type { DialSettings } from './pool-dial.ts';

/**
 * Connections with a tunnel, or with a response that is a stream, to one endpoint from all workers. They are idle for most of their time, so
 * that an endpoint has many more of them than of requests; as many as clients may connect by default.
 */
export const longLivedMax = 10_000;

/** The part of an upstream's configuration that its pools use. */
export type PoolSettings = Pick<
  UpstreamSpec,
  | 'id'
  | 'tls'
  | 'proxyProtocol'
  | 'protocol'
  | 'idleConnectionsMax'
  | 'idleConnectionMs'
  | 'connectionReuse'
  | 'connectionsMax'
  | 'requestsMax'
  | 'queueMax'
  | 'queueMs'
  | 'responseHeadBytesMax'
>;

/** So many private connections may be idle: the other half of the idle ones is left to everybody. */
export function privateIdleMax({ idleConnectionsMax }: PoolSettings): number {
  return Math.ceil(idleConnectionsMax / 2);
}

export function dialSettingsOf({ tls, proxyProtocol, protocol }: PoolSettings): DialSettings {
  return {
    tls,
    ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
    ...(protocol === undefined ? {} : { protocol }),
  };
}
