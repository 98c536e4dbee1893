import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitSnapshot, partMax } from '../../src/core/snapshot-parts.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { startFromYaml } from './start-from-yaml.ts';
import { ManagedWorker } from './managed-worker.ts';

const routesMax = 1500;

function large(address: string, version: number, routes = routesMax): string {
  const lines = ['workers: 2', 'upstreams:'];
  for (let upstream = 0; upstream < 60; upstream++) {
    const others = Array.from({ length: 4 }, (_, index) => `"127.9.${upstream}.${index + 1}:9"`);
    // Requests go to the last upstream.
    lines.push(
      `  up${upstream}: { check: none, endpoints: [${upstream === 59 ? `"${address}"` : others.join(', ')}] }`,
    );
  }
  lines.push('routes:');
  for (let route = 0; route < routes; route++)
    lines.push(`  - { path: /p${route}, to: up${route === routes - 1 ? 59 : route % 59} }`);
  lines.push(
    `  - { path: /p${routes - 1}, respond: { status: 500, body: "the route before it is the first that matches" } }`,
  );
  lines.push(`  - { path: /, respond: { status: 200, body: "version ${version}" } }`);
  return `${lines.join('\n')}\n`;
}

test('each reload applies a configuration in its whole and in its order, although workers get it in parts', {
  timeout: 120_000,
}, async () => {
  const origin = await RawOrigin.start(() => ok('the last upstream'));
  const edge = await startFromYaml(large(origin.address, 1));
  try {
    for (const version of [1, 2, 3]) {
      if (version > 1) {
        const routes = version === 2 ? routesMax : 700;
        const outcome = await edge.reload(large(origin.address, version, routes));
        assert.ok(outcome.ok, JSON.stringify(outcome));
      }
      const last = version === 3 ? 699 : routesMax - 1;
      // More connections than workers, so that each worker gets one.
      for (let look = 0; look < 6; look++) {
        assert.equal((await edge.get('/')).body.toString(), `version ${version}`);
        assert.equal((await edge.get(`/p${last}/x`)).body.toString(), 'the last upstream');
      }
    }
    const gone = await edge.get(`/p${routesMax - 1}`);
    assert.equal(gone.body.toString(), 'version 3', 'a route that the file no longer has is gone');
  } finally {
    await edge.stop();
    await origin.close();
  }
});

test('a worker requests the parts of a snapshot one by one, and serves none of them before the commit', async () => {
  const worker = await ManagedWorker.start();
  try {
    await worker.apply('listeners: { http: "127.0.0.1:0" }\nroutes: [{ path: /, respond: { status: 204 } }]');
    const whole = await worker.snapshotOf(
      `listeners: { http: "127.0.0.1:0" }\n${large('127.0.0.1:9', 1).replace('workers: 2\n', '')}`,
    );
    const { snapshot, parts } = splitSnapshot(whole);
    assert.ok(parts.length >= routesMax / partMax);
    const prepared = worker.worker.prepare(snapshot, parts.length);
    for (const [index, part] of parts.entries()) {
      const asked = worker.sent.filter((message) => message.kind === 'send-part');
      assert.equal(asked.length, index + 1, 'the worker requests the next part when it has the one before');
      assert.equal(asked.at(-1)?.index, index);
      assert.ok(!worker.sent.some((message) => message.kind === 'prepared' && message.revision === whole.revision));
      worker.worker.addPart(whole.revision, part);
    }
    await prepared;
    assert.ok(worker.sent.some((message) => message.kind === 'prepared' && message.revision === whole.revision));
    worker.worker.discard(whole.revision);
  } finally {
    await worker.stop();
  }
});
