import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explain } from './explain.ts';
import { nginxLogFormat } from './nginx/log-format.ts';

/** An object that cannot be converted to a string or a number; JSON can express it. */
const stubborn = '{"toString":1,"valueOf":1}';

const vercel = (timestamp: string): string =>
  `{"deploymentId":"d","projectId":"p","source":"lambda","timestamp":${timestamp},"statusCode":500,"message":"x"}`;

const caddy = (ts: string, status = '502', more = ''): string =>
  `{"level":"info","ts":${ts},"logger":"http.log.access","msg":"handled request","request":{"method":"GET","uri":"/"},"duration":1,"status":${status}${more}}`;

describe('a line that was written to do harm', () => {
  const times = ['1e300', '-1e300', '1e308', '1e17', '99999999999999999999', '-9e15'];
  for (const time of times) {
    for (const line of [vercel(time), caddy(time)]) {
      it(`has no time where it says ${time} (${line.slice(2, 7)})`, () => {
        const { lines, summary } = explain(`${line}\n`.repeat(20));
        assert.equal(lines[0]?.atMs, null);
        assert.equal(summary.recognised, 20);
        assert.equal(summary.timeline.undated, 20);
        assert.deepEqual(summary.timeline.intervals, []);
      });
    }
  }

  it('has no status and no duration if the numbers are invalid', () => {
    const [finding] = explain(caddy('1', '1e17').replace('"duration":1', '"duration":1e308')).lines;
    assert.deepEqual([finding?.gateway, finding?.status, finding?.durationMs], ['caddy', null, null]);
  });

  const objects = [
    `{"MESSAGE":"x","__REALTIME_TIMESTAMP":${stubborn}}`,
    `{"health_checker_type":"HTTP","cluster_name":"c","host":{"socket_address":{"address":${stubborn},"port_value":${stubborn}}},"health_check_failure_event":{}}`,
    caddy('1', '502', `,"resp_headers":{"Server":[${stubborn}]}`),
  ];
  for (const line of objects)
    it(`may hold an object instead of a text: ${line.slice(0, 50)}`, () => void explain(line));

  const commands = [
    'W1121 10:00:00.000000       7 controller.go:1108] Service "a$(id)/b`id`" does not have any active Endpoint.',
    '2026-03-02T10:14:07.120Z lb 203.0.113.4:51022 $(id):80 0.01 0.01 0.01 502 502 1 1 "GET http://a.example:80/ HTTP/1.1" "-" - -',
    '2026-03-02T10:14:07.120Z lb 203.0.113.4:51022 $(id):80 0.01 0.01 0.01 502 0 1 1 "GET http://a.example:80/ HTTP/1.1" "-" - -',
  ];
  for (const line of commands) {
    it(`puts none of its text into a command that people copy: ${line.slice(0, 60)}`, () => {
      const [finding] = explain(line).lines;
      assert.notEqual(finding, null, 'not recognised');
      assert.doesNotMatch(`${finding?.fix?.text} ${finding?.fix?.snippet}`, /id`|\$\(|rm x/);
    });
  }

  for (const name of ['constructor', '__proto__', 'toString', 'valueOf']) {
    it(`may use the name ${name} in a format and in an address`, () => {
      const format = nginxLogFormat(`$${name} "$request" $status`);
      if (format.ok) for (const line of ['a "GET / HTTP/1.1" 502', 'a b "c" 1']) format.value.open().read(line);
      const text = `2026/03/02 10:14:07 [error] 812#812: *4411 upstream sent too big header while reading response header from upstream, client: 203.0.113.4, server: a.example, request: "GET / HTTP/1.1", upstream: "${name}://10.0.0.5:3000/", host: "a.example"`;
      assert.match(explain(text).lines[0]?.fix?.snippet ?? '', /proxy_buffer_size/);
    });
  }
});
