import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { OutputLine } from '../../src/core/output-line.ts';
import { fieldOf } from '../../src/testing/testing.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// What an application prints is stored, and found with the exchanges that it was printed for.

let edge: YamlGateway;

/** Prints the id that each request has, and a line without one; ends itself during POST /die. */
const program = `
const { createServer } = require('node:http');
createServer((request, response) => {
  if (request.url.startsWith('/orders')) {
    console.log(JSON.stringify({ msg: 'order', request_id: request.headers['x-request-id'] }));
    console.error('no stock left');
  }
  if (request.url !== '/die') return response.end('here');
  console.error('FATAL: on purpose');
  process.kill(process.pid, 'SIGKILL');
}).listen(process.env.PORT, process.env.HOST);
`;

before(async () => {
  edge = await startFromYaml(`
applications:
  shop:
    command: ["${process.execPath}", "-e", ${JSON.stringify(program)}]
    readiness: { path: /healthz, interval: 50ms, passes: 1 }
routes: [{ to: shop }]
store: { path: ./store }`);
  await until('it serves', async () => (await edge.get('/')).status === 200, 30_000);
});
after(() => edge.stop());

async function linesOf(query: string): Promise<readonly OutputLine[]> {
  const result = await edge.gateway.searchOutput({ query, limit: 100, cursor: null, after: null });
  assert.ok(result.kind === 'page', JSON.stringify(result));
  return result.lines;
}

test('a line with the id of a request is found by that id, with its process, and belongs to the request', async () => {
  const response = await edge.get('/orders/7');
  const id = fieldOf(response, 'x-request-id') ?? '';
  await until('the lines are stored', async () => (await linesOf('stock')).length === 1);
  const [line, ...more] = await linesOf(`id:${id}`);
  assert.deepEqual(more, []);
  assert.ok(line !== undefined && line.text.includes(id));
  const { pid, ...source } = line.source;
  assert.deepEqual(source, { application: 'shop', instance: 'shop/1', stream: 'stdout', path: null });
  assert.ok(pid !== null && pid > 0);
  const { lines, nearby } = await edge.gateway.requestContext(await edge.record(response));
  assert.deepEqual(
    lines.map(({ text }) => text),
    [line.text],
  );
  assert.ok(
    nearby.some(({ text, source: { stream } }) => text === 'no stock left' && stream === 'stderr'),
    JSON.stringify(nearby),
  );
});

test('the last words of an application that is killed during a request belong to the request', async () => {
  const response = await edge.send('POST /die HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
  assert.equal(response.status, 502);
  const record = await edge.record(response);
  await until('the last words are found', async () => {
    const { nearby } = await edge.gateway.requestContext(record);
    return nearby.some(({ text }) => text === 'FATAL: on purpose');
  });
});
