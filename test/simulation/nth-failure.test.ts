import assert from 'node:assert/strict';
import { anyRequest } from '../../src/upstream/any-request.test-support.ts';
import { describe, it } from 'node:test';
import { Http1World, type Http1Settings } from '../exchange/http1-world.ts';
import { isWholeSweep, sampled } from '../../src/testing/sweep.test-support.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { type HeadBlock, HeadStorage } from '../../src/wire/head-storage.ts';
import { Effects, kindsOf, type EffectPoint, type Plan } from './effects.ts';
import { type Scenario, scenarios, type Sent } from './scenarios.ts';

/**
 * Makes the nth effect fail, for n = 1, 2, 3 … until a scenario succeeds without a failure. Whatever fails, every
 * exchange ends once and is recorded once, no byte is invented, and no connection, timer, permit or block is left. A sixteenth of the ways, and all
 * with `SWEEP=all npm test -- --only nth-failure`.
 */

/** Longer than all timeouts of `world.ts` in a row, including those of idle connections. */
const settleMs = 200_000;

/**
 * How long connections may be idle: shorter than elsewhere, since the gateway compares their deadlines with the clock each 20 ms, but
 * longer than any scenario.
 */
const idleMs = 4000;

function makeWorld(
  scenario: Scenario,
  endpoints: 'http/1.1' | 'h2',
  settings: Http1Settings,
  clock = new SimulatedClock(),
): Http1World {
  const options = {
    endpoints: ['a', 'b'],
    attemptsMax: 2,
    application: 'shop',
    limits: { keepAliveMs: idleMs },
    ...scenario.options,
  };
  const all = { idleConnectionMs: idleMs, ...scenario.settings, ...settings, endpoints };
  return new Http1World(options, all, clock);
}

/** The blocks of the storage, by how much of each is in use. */
class CountedStorage extends HeadStorage {
  readonly #out = new Set<HeadBlock>();

  get outside(): number {
    return this.#out.size;
  }

  override acquire(bytesMin: number): HeadBlock {
    const block = super.acquire(bytesMin);
    this.#out.add(block);
    return block;
  }

  override release(block: HeadBlock): void {
    assert.ok(this.#out.delete(block), 'a block is given back once, by its user');
    super.release(block);
  }
}

/** Runs a scenario with one effect that fails. Returns the points of its effects. */
function playWith(scenario: Scenario, endpoints: 'http/1.1' | 'h2', plan: Plan | null): Effects {
  const effects = new Effects(plan);
  const storage = new CountedStorage();
  const clock = new SimulatedClock();
  const settings: Http1Settings = {
    storage,
    gatewayClock: () => effects.clock(clock),
    gatewayTransport: (transport, side) => effects.transport(transport, side, clock),
    gatewayConnector: (connector) => effects.connector(connector, clock),
  };
  const world = makeWorld(scenario, endpoints, settings, clock);
  const sent = scenario.play(world);
  effects.stop();
  for (let steps = 0; world.counts.exchangesActive > 0; steps++) {
    assert.ok(steps < settleMs / 100, 'every exchange ends');
    world.pass(100);
  }
  assert.ok(effects.timersLive <= 1, 'only the sweep timer outlives the exchanges');
  world.pass(settleMs);
  for (const one of sent) checkSent(world, one, effects.failed > 0);
  checkNothingLeft(world, storage, effects);
  checkOthersServed(world);
  return effects;
}

function checkSent(world: Http1World, sent: Sent, failed: boolean): void {
  const { client, answer, body, target, method, status = 200, isCut = false } = sent;
  assert.notEqual(client.state, 'open', "the client's connection has ended");
  if (!failed) assert.deepEqual([client.status, client.state], [status, isCut ? 'cut' : 'whole']);
  const records = world.records.filter((record) => record.target === target);
  assert.ok(records.length <= 1, 'one request is one exchange');
  const [record] = records;
  if (client.status > 0) assert.ok(record !== undefined, 'every answer is recorded');
  if (record?.endKind === 'forwarded') assert.equal(record.failure, null);
  else if (record !== undefined) assert.notEqual(record.failure, null, 'every other end has its reason');
  // A `gateway_fault` is the one cause that no effect can have.
  assert.notEqual(record?.failure?.cause, 'gateway_fault');
  if (client.status === status) {
    assert.ok(client.body.equals(answer.subarray(0, client.body.length)), 'the bytes are those of the endpoint');
  }
  // A FIN within a tunnel is a FIN: its meaning belongs to the protocol inside.
  if (client.status === status && status !== 101) {
    assert.equal(client.state === 'whole', client.body.length === answer.length && client.state !== 'cut');
    if (record?.endKind === 'truncated')
      assert.notEqual(client.state, 'whole', 'a truncated response does not look complete');
  }
  checkArrivals(world, target, method, body);
}

function checkArrivals(world: Http1World, target: string, method: string, body: Buffer): void {
  const names = world.options.endpoints ?? ['a'];
  const arrived = names.flatMap((name) => world.endpoint(name).arrived.filter((one) => one.target === target));
  for (const one of arrived)
    assert.ok(one.body.equals(body.subarray(0, one.body.length)), 'the bytes are those of the client');
  if (method === 'POST') assert.ok(arrived.length <= 1, 'a POST is not sent twice');
  const record = world.records.find((one) => one.target === target);
  if (arrived.length > 0)
    assert.notEqual(record?.delivery, 'not_sent', 'every request that arrived was recorded as sent');
}

function checkNothingLeft(world: Http1World, storage: CountedStorage, effects: Effects): void {
  world.verifyAtRest();
  const { clientConnections, upstreamConnections, upstreamConnectionsIdle, exchangesActive } = world.counts;
  assert.deepEqual(
    { clientConnections, upstreamConnections, upstreamConnectionsIdle, exchangesActive },
    { clientConnections: 0, upstreamConnections: 0, upstreamConnectionsIdle: 0, exchangesActive: 0 },
    'every permit is released',
  );
  assert.equal(world.gatewayEnds.filter((transport) => !transport.closed).length, 0, 'no connection is open');
  const first = world.upstream.choose([], anyRequest);
  const second = first === null ? null : world.upstream.choose([first], anyRequest);
  for (const endpoint of [first, second]) assert.equal(endpoint?.load ?? 0, 0, 'no endpoint has a permit in use');
  assert.equal(effects.timersLive, 0, 'no timer lives');
  assert.equal(storage.outside, 0, 'every block of a head is given back');
  assert.equal(world.heldBytes(), 0);
}

function checkOthersServed(world: Http1World): void {
  const next = world.request({ method: 'HEAD', target: '/next' });
  for (const name of world.options.endpoints ?? ['a'])
    world.endpoint(name).onRequest = (request) => request.head(200, 0);
  for (let passedMs = 0; next.state === 'open' && passedMs < settleMs; passedMs += 100) world.pass(100);
  assert.deepEqual([next.status, next.state], [200, 'whole'], 'later requests are served as before');
}

/** Runs a scenario in which the nth step of the gateway's code throws once. False if there are fewer steps. */
function playWithDefect(scenario: Scenario, endpoints: 'http/1.1' | 'h2', nth: number): boolean {
  let steps = 0;
  let over = false;
  let failed = false;
  const world = makeWorld(scenario, endpoints, {
    onStep() {
      if (over || ++steps !== nth) return;
      failed = true;
      throw new TypeError('a defect of the gateway');
    },
  });
  const clients: readonly Sent['client'][] = scenario.play(world).map(({ client }) => client);
  world.pass(settleMs);
  over = true;
  for (const client of clients) assert.notEqual(client.state, 'open', "the client's connection has ended");
  world.verifyAtRest();
  if (failed) checkOthersServed(world);
  return failed;
}

/** Scenarios whose endpoints answer in bytes of HTTP/1 exist there alone. */
const played = (['http/1.1', 'h2'] as const).flatMap((endpoints) =>
  scenarios
    .filter(({ onlyHttp1 = false }) => endpoints === 'http/1.1' || !onlyHttp1)
    .map((scenario) => [endpoints, scenario] as const),
);

/** `npm test` lets each third step throw, from another one on in each scenario. */
const stepsApart = isWholeSweep ? 1 : 3;

describe("when the nth step of the gateway's code throws", () => {
  for (const [endpoints, scenario] of played) {
    it(`no client waits for ever, in ${scenario.name}, with ${endpoints} endpoints`, () => {
      let nth = isWholeSweep ? 1 : 1 + (scenarios.indexOf(scenario) % stepsApart);
      for (; playWithDefect(scenario, endpoints, nth); nth += stepsApart)
        assert.ok(nth < 1000, 'a scenario has an end');
      // HTTP/2 composes without the writer, whose calls are steps.
      assert.ok(nth > (endpoints === 'h2' ? 5 : 10), `${nth} steps`);
    });
  }
});

describe('when the nth effect fails', () => {
  const met = new Set<EffectPoint>();

  for (const [endpoints, scenario] of played) {
    it(`in many ways, every promise holds in ${scenario.name}, with ${endpoints} endpoints`, () => {
      const { semaphores } = playWith(scenario, endpoints, null);
      assert.ok(semaphores.length > 6, `${semaphores.length} effects`);
      const plans = semaphores.flatMap((place, index) =>
        kindsOf[place].flatMap((kind) =>
          (['one', 'onwards'] as const).map((extent): Plan => ({ from: index + 1, extent, kind })),
        ),
      );
      for (const place of semaphores) met.add(place);
      for (const plan of sampled(plans, 16, scenarios.indexOf(scenario))) {
        try {
          assert.ok(playWith(scenario, endpoints, plan).failed > 0, 'the effect has failed');
        } catch (error) {
          const { from, kind, extent } = plan;
          throw new Error(`effect ${from} of ${semaphores.length}, ${semaphores[from - 1]}: ${kind}, ${extent}`, {
            cause: error,
          });
        }
      }
    });
  }

  it('the scenarios have effects at every point', () => {
    assert.deepEqual([...met].sort(), Object.keys(kindsOf).sort());
  });
});
