// Starts processes: an application, and the Redis that it depends on.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { lateMs } from '../../src/incidents/suspect-facts.ts';
import { freePort } from '../free-port.ts';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { databasePeer, Redis } from './databases.ts';

/** Asks Redis for each request, and answers with 500 where that fails, and for /broken by itself. */
const program = `
const { connect } = require('node:net');
require('node:http').createServer((request, response) => {
  const end = (status) => response.headersSent || response.writeHead(status).end();
  if (request.url === '/') return end(200);
  if (request.url.endsWith('/broken')) return end(500);
  const socket = connect(process.env.REDIS, '127.0.0.1', () => socket.write('PING\\r\\n'));
  socket.on('error', () => end(500)).on('close', () => end(500)).on('data', () => { end(200); socket.destroy(); });
}).listen(process.env.PORT, '127.0.0.1');`;

const redis = databasePeer('redis-server');
describe('the incident of an application that depends on Redis', { skip: redis.skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'deps-'));
  chmodSync(folder, 0o755);
  let server: Redis;
  let edge: YamlGateway;
  let openedAt = 0;

  before(async () => {
    if (redis.skip !== false) return;
    server = new Redis(redis.peer, join(folder, 'redis'), await freePort());
    await server.start();
    const command = JSON.stringify([process.execPath, '-e', program]);
    edge = await startFromYaml(`
dependencies:
  cache: { url: "redis://127.0.0.1:${server.port}", interval: 2s, timeout: 1s }
applications:
  shop: { command: ${command}, environment: { REDIS: "${server.port}" }, depends_on: cache }
  api: { command: ${command}, environment: { REDIS: "${server.port}" }, depends_on: cache }
  blog: { command: ${command}, environment: { REDIS: "${server.port}" } }
routes: [{ path: /blog, to: blog }, { path: /api, to: api }, { to: shop }]
`);
    await until('the cache is up', () => state() === 'up');
    await until('requests are answered', async () => (await edge.get('/page')).status === 200);
  });
  after(async () => {
    await edge.stop();
    await server.stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  const state = (): string | undefined => edge.gateway.status().dependencies[0]?.state;
  const suspectsOf = (upstream: string) =>
    edge.gateway.incidents().find((one) => one.upstream === upstream && one.resolvedAt === null)?.suspects;
  async function incidentOf(upstream: string, path: string): Promise<readonly string[]> {
    await until(`${upstream} has an incident`, async () => {
      await edge.get(path);
      await sleep(20);
      return suspectsOf(upstream) !== undefined;
    });
    return (suspectsOf(upstream) ?? []).map(({ name }) => name);
  }

  test('does not name it while it works', async () => {
    assert.ok(!(await incidentOf('api', '/api/broken')).includes('dependency'));
    openedAt = performance.now();
  });

  test('names it first once it has stopped, with what the gateway has seen itself; and not in that of another application', async () => {
    // Until then an event may belong to failures before it.
    await until('the incident of api is older', () => performance.now() - openedAt > lateMs, 4 * lateMs);
    await server.stop('SIGKILL');
    const [names, others] = await Promise.all([incidentOf('shop', '/page'), incidentOf('blog', '/blog/page')]);
    assert.equal(names[0], 'dependency', names.join(' '));
    assert.ok(!others.includes('dependency'));
    assert.ok(!suspectsOf('api')?.some(({ name }) => name === 'dependency'), 'one that failed before');
    assert.match(
      suspectsOf('shop')?.[0]?.sentence ?? '',
      /^cache \(redis:\/\/127\.0\.0\.1:\d+\) refused connections (?:at the time of|\d+ s before) the first failure/,
    );
    assert.equal(state(), 'down');
    const problems = () => edge.gateway.status().problems.filter(({ kind }) => kind === 'dependency_failing');
    assert.match(
      problems()[0]?.reason ?? '',
      /^The dependency cache .* refuses connections .*; needed by shop, api\.$/,
    );
    const [event] = edge.eventsOf('dependency_state');
    assert.deepEqual([event?.from, event?.to, event?.evidence.dependents], ['up', 'down', ['shop', 'api']]);
  });

  test('and tells when it works again', async () => {
    await server.start();
    await until('the cache is up', () => state() === 'up');
    assert.match(edge.eventsOf('dependency_state').at(-1)?.reason ?? '', /works again/);
  });
});
