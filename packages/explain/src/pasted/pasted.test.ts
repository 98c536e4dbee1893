import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explain } from '../explain.ts';
import { LogExplainer } from '../log-explainer.ts';
import { repairedJson } from './short-forms.ts';
import { unmarked } from './read-part.ts';

const refused =
  '2026/11/21 10:00:00 [error] 12#12: *5 connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.5, server: _, request: "GET / HTTP/1.1", upstream: "http://10.0.0.1:8080/", host: "a.example"';

describe('marks around a pasted line', () => {
  for (const [before, after] of [
    ['> ', ''],
    ['> > ', ''],
    ['    ', ''],
    ['- ', ''],
    ['* ', ''],
    ['12. ', ''],
    ['(3) ', ''],
    ['`', '`'],
    ['```', '```'],
    ['…', '…'],
    ['> - `', '`'],
  ] as const)
    it(`${before}line${after} are removed, and the verdict is certain`, () => {
      assert.equal(unmarked(`${before}${refused}${after}`), refused);
      const found = new LogExplainer().read(`${before}${refused}${after}`);
      assert.deepEqual([found?.type, found?.confidence], ['connection_refused', 'certain']);
    });
});

it('a broken line is joined, whatever broke it', () => {
  const hard = refused.match(/.{1,80}/g) ?? [];
  const soft = refused.replace(/(.{40,70}) /g, '$1\n').split('\n');
  for (const slices of [hard, soft, hard.map((slice) => `> ${slice}`), soft.map((slice) => `    ${slice}`)]) {
    const { lines } = explain(slices.join('\n'), { pasted: true });
    assert.deepEqual(
      lines.map((line) => [line?.type, line?.upstream]),
      [['connection_refused', 'http://10.0.0.1:8080/']],
      slices.join('\n'),
    );
  }
});

it('lines that are whole, or parts of different lines, are not joined', () => {
  const parts = [
    '- connect() failed (111: Connection refused) while connecting to upstream',
    '- no live upstreams while connecting to upstream',
    '- AH00957: HTTP: attempt to connect to 127.0.0.1:3000 (*) failed',
  ];
  const { lines } = explain(parts.join('\n'), { pasted: true });
  assert.deepEqual(
    lines.map((line) => line?.shape),
    ['unreachable', 'refused_by_gateway', 'unreachable'],
  );
  assert.equal(explain(`${refused}\n${refused}`, { pasted: true }).lines.length, 2);
});

it('a part has neither a time nor a key that joins it, since both would be invented', () => {
  const found = new LogExplainer().read(
    '*77 upstream timed out (110: Connection timed out) while connecting to upstream',
  );
  assert.deepEqual([found?.shape, found?.confidence, found?.atMs, found?.joins], ['unreachable', 'likely', null, null]);
});

it('a part that leaves two explanations open is not explained', () => {
  for (const part of [
    'recv() failed (104: Connection reset by peer) while sending to client, client: 192.0.2.7',
    'recv() failed (104: Connection reset by peer)',
    '"GET / HTTP/1.1" 502 157 "-" "curl/8.5.0"',
  ])
    assert.equal(new LogExplainer().read(part), null, part);
});

it("a member that only Google's load balancer writes decides in JSON that was cut, too", () => {
  const part = '{"httpRequest":{"status":502},"jsonPayload":{"statusDetails":"backend_timeout"';
  assert.equal(new LogExplainer().read(part)?.shape, 'too_slow');
});

it('a part of one line does not change what a reader remembers of others', () => {
  const apache =
    '[Sat Nov 21 10:00:00.100000 2026] [proxy:error] [pid 9:tid 140] (111)Connection refused: AH00957: HTTP: attempt to connect to 127.0.0.1:3000 (127.0.0.1:3000) failed';
  const follows =
    '[Sat Nov 21 10:00:00.100001 2026] [proxy_http:error] [pid 9:tid 140] [client 192.0.2.7:5] AH01114: HTTP: failed to make connection to backend: 127.0.0.1';
  const explainer = new LogExplainer();
  const first = explainer.read(apache);
  explainer.read('> AH01102: error reading status line from remote server 127.0.0.1:3000');
  assert.equal(explainer.read(follows)?.joins, first?.joins);
});

describe('a part of a JSON object', () => {
  const whole = '{"a":1,"request":{"b":[1,2],"c":"x"},"response_flags":"UF","d":"e, f"}';
  for (let cut = 12; cut < whole.length; cut += 3)
    it(`is closed after ${cut} characters`, () => {
      for (const text of repairedJson(`${whole.slice(0, cut)}"flags":`)) assert.doesNotThrow(() => JSON.parse(text));
    });

  it('has its complete members, also those after an object that was begun before', () => {
    assert.deepEqual(JSON.parse(repairedJson('"c":"x"},"response_flags":"UF","d":"e, f"}')[0] ?? ''), {
      c: 'x',
      response_flags: 'UF',
      d: 'e, f',
    });
  });
});

describe('the words that Envoy sends to clients name the type, if they have it', () => {
  for (const [reason, type] of [
    ['connection timeout', 'connection_timeout'],
    ['remote connection failure, transport failure reason: delayed connect error: 111', 'connection_refused'],
    ['connection failure', null],
    ['connection termination', 'connection_terminated'],
    ['overflow', 'connection_limit_reached'],
  ] as const)
    it(reason, () => {
      const words = `upstream connect error or disconnect/reset before headers. reset reason: ${reason}`;
      const found = new LogExplainer().read(words);
      assert.deepEqual([found?.type ?? null, found?.confidence], [type, 'likely']);
    });
});
