import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { partiesOf } from './line-parties.ts';

const access = '203.0.113.9 - - [21/Nov/2026:10:10:01 +0000] "GET /a?b HTTP/1.1" 502 157 "-" "curl/8.5.0"';
const error =
  '2026/11/21 10:10:00 [error] 8#8: *7 connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.9, server: a.example, request: "GET /a?b HTTP/1.1", upstream: "http://10.0.0.1:80/a", host: "a.example"';
const docker = (line: string): string =>
  JSON.stringify({ log: `${line}\n`, stream: 'stdout', time: '2026-11-21T10:10:09Z' });

const rows: readonly (readonly [what: string, line: string, client: string | null, host: string | null])[] = [
  ['an access log', access, '203.0.113.9', null],
  ['an access log with the site', `a.example:443 ${access}`, '203.0.113.9', 'a.example:443'],
  ['an error log', error, '203.0.113.9', 'a.example'],
  ['an access log of Docker', docker(access), '203.0.113.9', null],
  ['an error log of Docker', docker(error), '203.0.113.9', 'a.example'],
  ['an access log in the journal', `Nov 21 10:10:00 edge1 nginx[812]: ${access}`, '203.0.113.9', null],
  ['an access log of Kubernetes', `2026-11-21T10:10:00.123456789Z stdout F ${access}`, '203.0.113.9', null],
  ['an access log of Compose', `web-1  | ${access}`, '203.0.113.9', null],
  ['an address with a port', '{"ClientAddr":"203.0.113.9:5000","RequestHost":"a.example"}', '203.0.113.9', 'a.example'],
  ['IPv6', access.replace('203.0.113.9', '2001:db8::1'), '2001:db8::1', null],
  ['a line that names none', 'worker process 9 exited', null, null],
];

describe('a line names the client and the host, also in the text of other tools', () => {
  for (const [what, line, client, host] of rows)
    it(what, () => assert.deepEqual(partiesOf({ request: 'GET /a?b' }, line), { client, host, path: '/a' }));
});
