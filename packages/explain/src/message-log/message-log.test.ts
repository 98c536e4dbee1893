import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LogExplainer } from '../log-explainer.ts';

const lighttpd = (text: string): string => `2026-11-21 10:00:00: (gw_backend.c.278) ${text}`;
const goProxy = (text: string): string => `2026/11/21 10:00:00 http: proxy error: ${text}`;
const linkerd = (text: string): string => `[     1.5s]  WARN ThreadId(01) outbound: linkerd_reconnect: ${text}`;

const cases: readonly (readonly [verdict: string, ...lines: string[]])[] = [
  ['event none null', lighttpd('server started'), linkerd('Connected')],
  [
    'error unreachable connection_refused',
    lighttpd('establishing connection failed: socket: tcp:127.0.0.1:8000: Connection refused'),
    goProxy('dial tcp 127.0.0.1:8080: connect: connection refused'),
    linkerd('Failed to connect error=Connection refused (os error 111)'),
  ],
  ['error too_slow http_response_timeout', goProxy('net/http: timeout awaiting response headers')],
  [
    'error reset connection_terminated',
    lighttpd('response not received, request sent: 812 on socket: tcp:127.0.0.1:8000 for /?, closing connection'),
    goProxy('EOF'),
  ],
  ['error refused_by_gateway destination_unavailable', lighttpd('all handlers for /a.php? on .php are down.')],
  ['error client_abort http_request_error', goProxy('context canceled')],
];

describe('a line of sentences', () => {
  for (const [verdict, ...lines] of cases)
    for (const line of lines)
      it(`is ${verdict}: ${line}`, () => {
        const found = new LogExplainer().read(line);
        assert.equal(`${found?.kind} ${found?.shape} ${found?.type}`, verdict);
      });
});
