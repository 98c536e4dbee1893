import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../../core/time.ts';
import { RawClient } from '../raw-client.ts';

/** The address of the gateway, and how to connect to it. */
export interface GatewayTarget {
  readonly url: URL;
  /** Whether the certificate of the gateway must be valid. */
  readonly verify: boolean;
}

export function openClient({ url, verify }: GatewayTarget, clock: Clock): RawClient {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secure = url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  if (!secure) return new RawClient({ host, port, clock });
  const open = (): Socket =>
    connectTls({
      host,
      port,
      ...(/^[0-9.]+$|:/.test(host) ? {} : { servername: host }),
      rejectUnauthorized: verify,
      ALPNProtocols: ['http/1.1'],
    });
  return new RawClient({ host, port, clock, open });
}

/** The target for a path of the torture origin, with the path of the gateway's URL before it. */
export function targetOf({ url }: GatewayTarget, path: string): string {
  return url.pathname.replace(/\/+$/, '') + path;
}
