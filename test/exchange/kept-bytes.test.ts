import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UpstreamId } from '../../src/core/endpoint.ts';
import { bandwidthPart } from '../../src/features/bandwidth/worker-part.ts';
import type { FeaturePorts } from '../../src/features/worker-feature.ts';
import { pattern } from './cases.ts';
import { Http1World } from './http1-world.ts';
import { StreamWorld } from './stream-world.ts';

const kib = 1024;

describe('the bytes of a large read, which the next read overwrites, are their own', () => {
  for (const clients of ['http/1.1', 'h2'] as const)
    it(`where a limit of bandwidth holds them, and a client of ${clients} that does not read makes the buffer hold more`, () => {
      let world: Http1World | null = null;
      const clock = {
        now: () => world?.clock.now() ?? 0,
        wallTime: () => 0,
        schedule: (...call: [never, never, never]) => world?.clock.schedule(...call),
      };
      const spec = { responseBytesPerS: 1024 * kib, routeBytesPerS: null, freeBytes: 0 };
      const scope = { kind: 'route', id: 'all', upstream: 'app' } as const;
      const { hooks } = bandwidthPart(scope, spec, { clock } as unknown as FeaturePorts);
      const buffer = { responseBytesMax: 1024 * kib };
      world = new Http1World({ filters: hooks.filters ?? [], buffer }, { clients });
      const body = pattern(700 * kib);
      world.endpoint('a').onRequest = (request) => request.answer(200, body);
      const client = world.request({}, { windowBytes: 64 * kib });
      world.pass(250);
      client.stopReading();
      world.pass(2000);
      client.readOn();
      world.pass(2000);
      assert.equal(client.body.length, body.length);
      assert.ok(client.body.equals(body), 'no byte is changed');
    });

  it('where the gateway keeps an answer for itself', async () => {
    const world = new StreamWorld();
    const body = pattern(200 * kib);
    world.endpoint('a').onRequest = (request) => request.answer(200, body);
    const answer = world.ask({
      ...{ upstream: 'app' as UpstreamId, route: 'authentication of /a', method: 'GET', target: '/keys' },
      ...{ authority: 'shop.example', headers: [], body: null, limitMs: 2000, bodyBytesMax: 256 * kib },
      client: world.clientFacts,
    });
    for (let turn = 0; turn < 20; turn++) {
      world.pass(5);
      await new Promise(setImmediate);
    }
    const result = await answer;
    assert.ok(result.ok && body.equals(result.value.body), 'no byte is changed');
  });
});
