// Starts processes: the applications whose instances are replaced.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';
import { Peer } from './web-socket-peers.ts';

// What has no end of its own, at an instance that another one replaces: WebSockets and event streams.

const ws = import.meta.resolve('ws');

/** It writes the codes with which its WebSockets were closed into a file, and ends at SIGTERM only when no connection is left. */
const program = `
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { WebSocketServer } from '${ws}';
const server = createServer((request, response) => {
  if (request.url === '/events') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('data: ' + process.env.RELEASE + '\\n\\n');
  } else if (request.url === '/slow') setTimeout(() => response.end('slow'), 1500);
  else response.end(process.env.RELEASE);
});
new WebSocketServer({ server }).on('connection', (socket) =>
  socket.on('close', (code) => appendFileSync('codes', process.env.RELEASE + ' ' + code + '\\n')));
server.listen(process.env.PORT, '127.0.0.1');
process.on('SIGTERM', () => server.close(() => process.exit()));
`;

const yaml = (release: string, drain: string): string => `
applications:
  web:
    command: ["${process.execPath}", "--input-type=module", "-e", ${JSON.stringify(program)}]
    environment: { RELEASE: "${release}" }
    readiness: { path: /, interval: 50ms, passes: 1 }
routes: [{ to: web }]
drain: ${drain}`;

let edge: YamlGateway;
afterEach(() => edge.stop());

async function started(drain: string): Promise<void> {
  edge = await startFromYaml(yaml('one', drain));
  await until('it serves', async () => (await edge.get('/')).body.toString() === 'one', 30_000);
}

const url = (path: string): string => `http://127.0.0.1:${edge.address().port}${path}`;

async function stream(path: string): Promise<IncomingMessage> {
  const [response] = (await once(get(url(path)), 'response')) as [IncomingMessage];
  return response;
}

const codes = (): Promise<string> => readFile(join(edge.folder, 'codes'), 'utf8').catch(() => '');

test('are closed when the time to drain is over, so that their clients come back to the new instance', async () => {
  await started('{ timeout: 500ms }');
  const client = await Peer.connect(url('/').replace('http', 'ws'));
  const events = await stream('/events');
  events.resume();
  const broken = once(events, 'error');
  const slow = edge.get('/slow');
  await until('all are open', async () => edge.counts().active === 3);
  const begun = performance.now();
  await edge.reload(yaml('two', '{ timeout: 500ms }'));
  assert.deepEqual(await client.ended, [1012, '']);
  assert.ok(performance.now() - begun >= 500);
  // The program itself would have kept it.
  await broken;
  assert.equal((await slow).body.toString(), 'slow', 'a request that has an end is left to the instance');
  await until('the instance has its code', async () => (await codes()) === 'one 1001\n');
  const tunnel = await edge.record(client.id);
  assert.deepEqual([tunnel.cause, tunnel.tunnel?.how, tunnel.tunnel?.close_code], ['drained', 'drained', 1012]);
  const streamed = await edge.record(String(events.headers['x-request-id']));
  assert.deepEqual([streamed.cause, streamed.end, streamed.whose], ['drained', 'truncated', 'operator']);
  assert.match(streamed.detail ?? '', /^The gateway stopped the instance, .*still running when its time/);
});

test('are closed at once if tunnels end at the beginning of a drain; event streams are not tunnels', async () => {
  await started('{ timeout: 2s, tunnels: end }');
  const client = await Peer.connect(url('/').replace('http', 'ws'));
  const events = await stream('/events');
  events.resume();
  let isBroken = false;
  events.once('error', () => (isBroken = true));
  await edge.reload(yaml('two', '{ timeout: 2s, tunnels: end }'));
  const begun = performance.now();
  assert.deepEqual(await client.ended, [1012, '']);
  assert.ok(performance.now() - begun < 1900);
  assert.equal(isBroken, false);
  await until('the stream has ended', async () => isBroken);
});
