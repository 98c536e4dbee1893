import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runScenario } from './engine/run-scenario.ts';
import { scenarioOf, type Step } from './engine/scenario.ts';
import { readResponses } from './engine/response-reader.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { fuzzEngine } from './fuzz-engine.ts';
import { smallerList } from './smaller.ts';
import { snippetOf } from './snippet.ts';
import { readCases } from '../conformance/load-cases.ts';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';

test('random clients and endpoints break no rule of the engine', (context) => {
  const end = process.hrtime.bigint() + (isWholeSweep ? 5_000_000_000n : 0n);
  const seed = String(process.hrtime.bigint());
  let begun = 0;
  const { runs, exchanges, reached, answered } = fuzzEngine(seed, () => begun++ < 100 || process.hrtime.bigint() < end);
  context.diagnostic(`seed ${seed}: ${runs} scenarios, ${exchanges} exchanges`);
  // Otherwise the test proves nothing.
  assert.ok(exchanges > runs && reached > runs / 2 && answered > runs / 2);
});

test('the same seed gives the same scenario', () => {
  assert.deepEqual(scenarioOf('7', new SeededRandom('7')), scenarioOf('7', new SeededRandom('7')));
});

test('bytes after a 101 that comes in two slices are not taken for a request', () => {
  const send = (bytes: string): Step => ({ kind: 'send', bytes });
  const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  const changes = [send('HTTP/1.1 1'), send('01 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')];
  const { reached } = runScenario({
    seed: '101',
    clients: [[send(upgrade), send('\r\n\r\nno request\r\n\r\n')]],
    connections: [{ refuses: false, first: [], answers: [changes] }],
    windowBytes: 65_536,
    latencyMs: 0,
    pieceBytes: 0,
  });
  assert.equal(reached, 1);
});

test('a failing list is reduced to the members that fail', () => {
  const all = Array.from({ length: 100 }, (_, n) => n);
  assert.deepEqual(
    smallerList(all, (some) => some.includes(17) && some.includes(80)),
    [17, 80],
  );
});

test('a snippet reads as the bytes from which it was made', () => {
  const bytes = Buffer.from('GET /\\ HTTP/1.1\r\nA: \0\x80 \r\nB:\tc\n\r\r\n\r\nrest', 'latin1');
  const [read] = readCases('a.md', `# A\n\n${snippetOf(bytes, 'request')}\n`);
  assert.deepEqual(read?.bytes, bytes);
  const [head] = readCases('a.md', `# A\n\n${snippetOf(Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), 'response', 'HEAD')}\n`);
  assert.deepEqual([head?.bytes.toString(), head?.method], ['HTTP/1.1 200 OK\r\n\r\n', 'HEAD']);
});

const badResponses: readonly (readonly [what: string, bytes: string, methods: readonly string[]])[] = [
  ['an answer without a request', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', []],
  ['two framings', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n', ['GET']],
  ['a 204 with a length', 'HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n', ['GET']],
  ['a chunk without its end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc', ['GET']],
  ['a body in an answer to HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab', ['HEAD', 'GET']],
  ['a bare LF', 'HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n', ['GET']],
];

for (const [what, bytes, methods] of badResponses) {
  test(`the response reader reports ${what}`, () => {
    const { violation, isCut } = readResponses(bytes, methods, 'fin');
    assert.ok(violation !== null || isCut);
    if (!isCut) assert.notEqual(violation, null);
  });
}
