import { errnoSense } from './errno.ts';
import type { NginxErrorLine } from './error-line.ts';
import { fix } from './fixes.ts';
import type { NginxVerdict } from './verdict.ts';
import { harmless } from './verdict.ts';

/**
 * The request for an upgrade was answered with 101 long ago: what ends after it is the tunnel (a WebSocket, mostly), and no
 * request has failed. Errors of the client's connection have the level `info`.
 */
export function judgeTunnel({ action, level, errno, text }: NginxErrorLine): NginxVerdict | null {
  if (action !== 'proxying upgraded connection' || level === 'info') return null;
  const sense = errno === null ? null : errnoSense(errno);
  if (sense === 'timed_out')
    return {
      ...harmless(
        'event',
        'nginx ended a tunnel (a WebSocket, mostly) through which nothing had come for its timeout.',
      ),
      fix: fix(
        'Let the application or the client send pings, or raise the timeout above the longest silence',
        'proxy_read_timeout 3600s;\nproxy_send_timeout 3600s;',
      ),
    };
  if (!/^(?:recv|send|writev|readv|SSL_\w{1,24})\(\)|^upstream /.test(text)) return null;
  return {
    ...harmless('event', 'The application ended a tunnel (a WebSocket, mostly) without closing it in order.'),
    fix: fix('Look whether the application was stopped or crashed then; let it close its tunnels on SIGTERM'),
  };
}
