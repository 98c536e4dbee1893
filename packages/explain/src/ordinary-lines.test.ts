import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explain } from './explain.ts';
import { isGatewayFailure } from './finding.ts';

/** Lines of other programs, and text of people, with words that gateways use too. None tells of a gateway's failure. */
const lines: readonly string[] = [
  '2026-11-21 10:00:00,123 ERROR [main] c.z.hikari.pool.HikariPool - Exception during pool initialization. Connection refused',
  'psycopg2.OperationalError: could not connect to server: Connection refused (0x0000274D/10061)',
  'redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.',
  '(111) Connection refused by the database',
  'level=error msg="query failed" error="dial tcp 10.0.0.5:5432: connect: connection refused"',
  '{"level":"error","ts":1795255200.1,"msg":"sync failed","error":"dial tcp 10.0.0.5:6379: i/o timeout"}',
  '{"severity":"ERROR","message":"upstream service answered 503","status":503,"path":"/cart"}',
  '{"time":"2026-11-21T10:00:00Z","level":"INFO","msg":"request","method":"GET","path":"/","status":502,"duration":12}',
  '{"log":"starting upstream sync","stream":"stdout","time":"2026-11-21T10:00:00Z"}',
  '{"message":"we saw upstream timed out (110: Connection timed out) last week","level":"info"}',
  'curl: (7) Failed to connect to localhost port 3000 after 0 ms: Connection refused',
  'curl: (22) The requested URL returned error: 502 Bad Gateway',
  'wget: server returned error: HTTP/1.1 503 Service Unavailable',
  'HTTP/1.1 502 Bad Gateway',
  '< HTTP/2 503',
  'INFO:     127.0.0.1:53422 - "GET /health HTTP/1.1" 503 Service Unavailable',
  '127.0.0.1 - - [21/Nov/2026 10:00:00] "GET / HTTP/1.1" 500 -',
  '10.0.0.1 - - [21/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 141 "-" "curl/8.5.0"',
  '"GET / HTTP/1.1" 502 141 "-" "curl/8.5.0"',
  'GET / 502 3.412 ms - 157',
  'Started GET "/cart" for 127.0.0.1 at 2026-11-21 10:00:00 +0000',
  'Completed 500 Internal Server Error in 12ms (ActiveRecord: 1.2ms)',
  "requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='a.example', port=443): Read timed out. (read timeout=5)",
  'java.net.SocketTimeoutException: Read timed out',
  'AxiosError: Request failed with status code 504',
  'upstream is a word that people use',
  'git: upstream prematurely closed the discussion',
  'fatal: the upstream branch of your current branch does not match',
  'TODO: explain upstream timeouts to the team',
  'no live upstreams were found in the survey',
  'I raised proxy_read_timeout and the 504 is gone',
  'Does anyone know why limiting requests helps?',
  'kernel: Out of memory: Killed process 4711 (node) total-vm:1024kB',
  'systemd[1]: nginx.service: Main process exited, code=exited, status=1/FAILURE',
  "systemd[1]: app.service: Failed with result 'exit-code'.",
  'sshd[812]: Failed password for root from 203.0.113.7 port 22 ssh2',
  'sshd[812]: error: kex_exchange_identification: Connection closed by remote host',
  'postfix/smtp[812]: connect to mx.example[203.0.113.5]:25: Connection refused',
  'dnsmasq[1]: query[A] app.internal from 10.0.0.1',
  'CRON[812]: (root) CMD (run-parts /etc/cron.hourly)',
  'ntpd[1]: time 10/20/30/40/50 502 adjusted',
  'chip 1/2/3 0 SC sample',
  'build 12/0/-1/-1/3 done',
  'scores: 0.5 0.1 0.2 502 503 10 20 "final"',
  'Warning: Invalid argument AH is not a code',
  "AH00558: httpd: Could not reliably determine the server's fully qualified domain name",
  "AH00094: Command line: '/usr/sbin/apache2'",
  '[Sat Nov 21 10:00:00.123456 2026] [mpm_event:notice] [pid 1:tid 1] AH00489: Apache/2.4.62 configured -- resuming normal operations',
  '2026/11/21 10:00:00 [notice] 1#1: signal process started',
  '1#1: start worker processes',
  'Error R99 is not an error of Heroku',
  'at=info method=GET path="/" status=200',
  'reason=UNKNOWN status=ok',
  'FUNCTION_NAME is not set',
  'Server starting on port 3000',
  'Server a/b is great',
  '[HPM] Proxy created: /api  -> http://localhost:3000',
  '[vite] connected.',
  'proxy error handling was improved in this release',
  'flags=UT is my home state',
  'state=UT code=84101 city=Provo',
  'UH 1 2 3',
  'MySQL server has gone away',
  'lookup tables were rebuilt',
  'dial the number and wait',
  'tls: the difference between 1.2 and 1.3',
  '    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1607:16)',
  '> 502 errors since Monday',
  '- connect the cable',
  '1. restart nginx',
  '',
];

describe('no failure of a gateway is reported for', () => {
  for (const line of lines)
    it(line.slice(0, 90), () => {
      for (const text of [line, `> ${line}`, `web-1  | ${line}`]) {
        const [found = null] = explain(text).lines;
        assert.ok(found === null || !isGatewayFailure(found), `${found?.format}: ${found?.shape}, ${found?.sentence}`);
      }
    });
});
