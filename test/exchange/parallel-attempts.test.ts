import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Http1World } from './http1-world.ts';
import { ParallelAttempts } from './parallel-attempts.ts';
import { StreamWorld } from './stream-world.ts';
import type { World, WorldOptions } from './world.ts';

function options(mode: 'hedge' | 'mirror'): WorldOptions {
  return { endpoints: ['a', 'b'], createHandler: (...given) => new ParallelAttempts(mode, ...given) };
}

/** Status, failure, and whether head and end were timed, of every attempt, in the order of the endpoints. */
function outcomes(world: World): readonly unknown[] {
  const attempts = world.records[0]?.attempts ?? assert.fail('the exchange is recorded');
  return attempts.map(({ status, failure, headMs, endedMs }) => [
    status,
    failure?.cause ?? null,
    headMs >= 0,
    endedMs >= 0,
  ]);
}

const worlds: readonly [name: string, create: (options?: WorldOptions) => World][] = [
  ['HTTP/1.1 over transports in memory', (given) => new Http1World(given)],
  ['multiplexed streams in memory', (given) => new StreamWorld(given)],
];

for (const [worldName, create] of worlds) {
  describe(`two attempts of one exchange between ${worldName}`, () => {
    it('race: the first response goes to the client, and the other attempt is cancelled', () => {
      const world = create(options('hedge'));
      const client = world.request({});
      world.pass(10);
      const [a] = world.endpoint('a').arrived;
      const [b] = world.endpoint('b').arrived;
      b?.head(200, 9, { 'X-From': 'b' });
      world.pass(5);
      assert.equal(a?.gone, true, 'the losing endpoint has lost its stream');
      b?.write('fast one.');
      world.pass(10);
      assert.deepEqual([client.status, client.header('x-from'), client.body.toString()], [200, 'b', 'fast one.']);
      assert.deepEqual(outcomes(world), [
        [0, null, false, true],
        [200, null, true, true],
      ]);
      world.pass(100);
      world.verifyAtRest();
    });

    it('race: an endpoint that fails leaves the response to the other one', () => {
      const world = create(options('hedge'));
      world.endpoint('a').accepts = 'refuses';
      world.endpoint('b').onRequest = (request) => request.answer(200, 'from b');
      const client = world.request({});
      world.pass(20);
      assert.deepEqual([client.status, client.body.toString()], [200, 'from b']);
      assert.deepEqual(outcomes(world), [
        [0, 'connect_refused', false, true],
        [200, null, true, true],
      ]);
      world.pass(100);
      world.verifyAtRest();
    });

    it('mirror a request: both endpoints get its body, and the client gets the first response only', () => {
      const world = create(options('mirror'));
      const client = world.request({ method: 'POST', body: 'the body' });
      world.pass(20);
      const arrived = ['a', 'b'].map((name) => world.endpoint(name).arrived[0] ?? assert.fail(`${name} got nothing`));
      for (const request of arrived) assert.deepEqual([request.body.toString(), request.whole], ['the body', true]);
      for (const request of arrived) request.head(200, 100);
      world.pass(10);
      for (const [index, request] of arrived.entries()) request.write(`${index}`.repeat(100));
      world.pass(10);
      assert.equal(client.body.toString(), '0'.repeat(100));
      assert.equal(client.state, 'whole');
      assert.deepEqual(outcomes(world), [
        [200, null, true, true],
        [200, null, true, true],
      ]);
      world.pass(100);
      world.verifyAtRest();
    });

    it('mirror a request: the failure of the dropped attempt is recorded, and the client sees nothing of it', () => {
      const world = create(options('mirror'));
      const client = world.request({});
      world.pass(20);
      const arrived = ['a', 'b'].map((name) => world.endpoint(name).arrived[0] ?? assert.fail(`${name} got nothing`));
      for (const request of arrived) request.head(200, 4);
      world.pass(10);
      arrived[0]?.write('good');
      arrived[1]?.breakOff('reset');
      world.pass(20);
      assert.deepEqual([client.state, client.body.toString()], ['whole', 'good']);
      assert.deepEqual(outcomes(world), [
        [200, null, true, true],
        [200, 'response_body_short', true, true],
      ]);
      world.pass(100);
      world.verifyAtRest();
    });
  });
}
