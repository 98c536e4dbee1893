import type { UpstreamSpec } from '../core/upstream-spec.ts';
import type { DialSettings } from './pool-dial.ts';

/** The part of an upstream's configuration that its pools use. */
export type PoolSettings = Pick<
  UpstreamSpec,
  | 'id'
  | 'tls'
  | 'proxyProtocol'
  | 'http2'
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

export function dialSettingsOf({ tls, proxyProtocol, http2 }: PoolSettings): DialSettings {
  return {
    tls,
    ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
    ...(http2 === undefined ? {} : { http2 }),
  };
}
