import assert from 'node:assert/strict';
import { appendFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { OutputLine } from '../../src/core/output-line.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// What an application prints is stored, and found with the exchanges that it was printed for.

let edge: YamlGateway;

/** Prints the id that each order has, and a line without one. Orders that are held are answered with GET /answer. Ends itself during POST /die. */
const program = `
const { createServer } = require('node:http');
const held = [];
createServer((request, response) => {
  if (request.url.includes('/orders')) {
    console.log(JSON.stringify({ msg: 'order', request_id: request.headers['x-request-id'] }));
    console.error('no stock left');
  }
  if (request.url.startsWith('/held')) return void held.push(response);
  if (request.url === '/answer') for (const one of held.splice(0)) one.end('held');
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
    logs: [shop.log, absent.log]
upstreams:
  legacy: { endpoints: 127.0.0.1:9, logs: [legacy.log] }
routes: [{ path: /legacy, to: legacy }, { to: shop }]
store: { path: ./store }`);
  await until('the logs are followed', async () => {
    for (const name of ['shop.log', 'legacy.log']) appendFileSync(join(edge.folder, name), 'old\n');
    return edge.gateway.status().logFiles.filter(({ state }) => state === 'following').length === 2;
  });
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
  const id = headerOf(response, 'x-request-id') ?? '';
  await until('the lines are stored', async () => (await linesOf('stock')).length === 1);
  const [line, ...more] = await linesOf(`id:${id}`);
  assert.deepEqual(more, []);
  assert.ok(line !== undefined && line.text.includes(id));
  const { pid, ...source } = line.source;
  assert.deepEqual(source, { application: 'shop', instance: 'shop/1', stream: 'stdout', path: null });
  assert.ok(pid !== null && pid > 0);
  const { lines } = await edge.gateway.requestContext(await edge.record(response));
  assert.deepEqual(
    lines.map(({ text }) => text),
    [line.text],
  );
});

test('a line without an id belongs to a request that the instance had then, and one with the id of another request does not', async () => {
  const before = (await linesOf('stock')).length;
  const held = [edge.get('/held/orders/8'), edge.get('/held/orders/9')] as const;
  // Lines that are stored before the requests end are of their time, however late the main thread reads them.
  await until('the lines are stored', async () => (await linesOf('stock')).length === before + held.length);
  await edge.get('/answer');
  const [response] = await Promise.all(held);
  const { nearby } = await edge.gateway.requestContext(await edge.record(response));
  assert.deepEqual(
    nearby.map(({ text, source: { stream } }) => [stream, text]),
    held.map(() => ['stderr', 'no stock left']),
  );
});

test('a line of a file that the application writes is found by the id of a request, also after a rotation', async () => {
  const response = await edge.get('/');
  const id = headerOf(response, 'x-request-id') ?? '';
  const log = join(edge.folder, 'shop.log');
  appendFileSync(log, `{"request_id":"${id}","msg":"written"}\n`);
  renameSync(log, `${log}.1`);
  appendFileSync(log, `after the rotation of ${id}\n`);
  await until('both lines are stored', async () => (await linesOf(`stream:file id:${id}`)).length === 2);
  const [line] = await linesOf(`application:shop id:${id}`);
  assert.deepEqual(line?.source, { application: 'shop', instance: null, pid: null, stream: 'file', path: log });
  const { lines } = await edge.gateway.requestContext(await edge.record(response));
  assert.deepEqual(
    lines.map(({ text }) => text.includes(id)),
    [true, true],
  );
});

test('the log of an application that Candor does not start belongs to its upstream', async () => {
  appendFileSync(join(edge.folder, 'legacy.log'), 'legacy: password=hunter2-canary no database\n');
  await until('the line is stored', async () => (await linesOf('application:legacy database')).length === 1);
  const [line] = await linesOf('application:legacy');
  assert.doesNotMatch(line?.text ?? '', /hunter2/);
});

test('the process that had a request is known with the request and in the status', async () => {
  const usage = () => edge.gateway.status().applications[0]?.instances[0]?.usage ?? null;
  await until('its process was looked at', async () => usage() !== null);
  const { residentBytes, openFiles, threads } = usage() ?? { residentBytes: 0, openFiles: 0, threads: 0 };
  assert.ok((residentBytes ?? 0) > 1e6 && (openFiles ?? 0) > 3 && threads > 1);
  const { processes } = await edge.gateway.requestContext(await edge.record(await edge.get('/')));
  const [{ instance, sample, exit, summary } = assert.fail('no process')] = processes;
  assert.deepEqual([instance, exit], ['shop/1', null]);
  assert.ok(sample !== null && sample.before_ms >= 0);
  assert.match(summary, /^\d.* before the attempt ended: RSS \d+ MiB.*descriptors/);
});

test('of a request at an application it is known that it printed nothing, and of another one that this is not known', async () => {
  const [quiet, legacy] = [await edge.record(await edge.get('/quiet')), await edge.record(await edge.get('/legacy'))];
  await until('its output must have come', async () => (await edge.gateway.requestContext(quiet)).hasAllOutput);
  const { lines, nearby } = await edge.gateway.requestContext(quiet);
  assert.deepEqual([lines, nearby], [[], []]);
  assert.equal((await edge.gateway.requestContext(legacy)).hasAllOutput, false);
});

test('where the application wrote to a file meanwhile, it is not known that it printed nothing', async () => {
  const held = edge.get('/held');
  await until('it is in flight', async () => edge.counts().active === 1);
  appendFileSync(join(edge.folder, 'shop.log'), 'meanwhile in the file\n');
  await until('the line is stored', async () => (await linesOf('meanwhile file')).length === 1);
  await edge.get('/answer');
  const record = await edge.record(await held);
  const later = await edge.record(await edge.get('/quiet'));
  await until('the output of a later request must have come', async () => {
    return (await edge.gateway.requestContext(later)).hasAllOutput;
  });
  assert.equal((await edge.gateway.requestContext(record)).hasAllOutput, false);
});

test('the last words of an application that is killed during a request belong to the request', async () => {
  const response = await edge.send('POST /die HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
  assert.equal(response.status, 502);
  const record = await edge.record(response);
  await until('the last words are found', async () => {
    const { nearby } = await edge.gateway.requestContext(record);
    return nearby.some(({ text }) => text === 'FATAL: on purpose');
  });
  await until('its end is known with what it used before', async () => {
    const [state] = (await edge.gateway.requestContext(record)).processes;
    return (
      state?.exit?.signal === 'SIGKILL' && state.sample !== null && /^killed by SIGKILL, /.test(state.remarks[0] ?? '')
    );
  });
});
