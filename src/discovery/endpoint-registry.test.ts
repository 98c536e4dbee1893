import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Configuration, UpstreamSpec } from '../core/configuration.ts';
import type { ApplicationId, EndpointState, UpstreamId } from '../core/endpoint.ts';
import type { EventSink, NewEvent } from '../core/event.ts';
import type { NameQuestion } from '../core/name-resolver.ts';
import type { LiveInstance, SupervisedInstances } from '../core/live-instance.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { EndpointRegistry } from './endpoint-registry.ts';

const shop = 'shop' as ApplicationId;

function world() {
  const clock = new SimulatedClock();
  const emitted: NewEvent[] = [];
  const changes: UpstreamId[] = [];
  let instances: readonly LiveInstance[] = [];
  const events: EventSink = { emit: (event) => void emitted.push(event as unknown as NewEvent) };
  const supervisor: SupervisedInstances = { instances: () => instances, noteTraffic: () => undefined };
  const watch = { clock, random: new SeededRandom(1), checker: { check: () => assert.fail() } };
  const lookedUp: string[] = [];
  const names = {
    lookUp: ({ name }: NameQuestion) => {
      lookedUp.push(name);
      return { cancel: () => {} };
    },
  };
  const listeners = (): [] => [];
  const registry = new EndpointRegistry({
    clock,
    watch,
    names,
    onUnclassified: () => assert.fail(),
    listeners,
    events,
    supervisor,
    onChange: (id) => void changes.push(id),
    onChecked: () => undefined,
  });
  const set = (id: string, state: EndpointState): void => {
    const address = { kind: 'tcp' as const, host: '127.0.0.1', port: 3000 };
    instances = [
      { id, address, state, reason: 'so it is', finding: null, sinceInstant: clock.now(), release: null, exit: null },
    ];
  };
  return { board: registry, told: emitted, changes, set, clock, lookedUp };
}

function configuration(...names: string[]): Configuration {
  const upstreams = names.map(
    (id): Partial<UpstreamSpec> => ({
      id: id as UpstreamId,
      application: shop,
      endpoints: [],
      check: { kind: 'none' },
      tls: null,
    }),
  );
  const dns = { servers: [], allow: [], deny: [] };
  return { upstreams, dns, routes: [], listeners: [] } as unknown as Configuration;
}

test('a change of state is told once, and never by a question', () => {
  const { board, told, changes, set } = world();
  set('shop/1', 'starting');
  board.watch(configuration('shop'));
  set('shop/1', 'healthy');
  for (let time = 0; time < 3; time++) board.upstreams();
  assert.equal(told.length, 0, 'a status is no event');
  for (let time = 0; time < 3; time++) board.changed('shop' as UpstreamId);
  assert.deepEqual(
    told.map(({ from, to }) => [from, to]),
    [['starting', 'healthy']],
  );
  assert.equal(changes.length, 3);
});

test('an endpoint that is gone is forgotten: one of its name begins anew', () => {
  const { board, told, set } = world();
  set('shop/1', 'healthy');
  board.watch(configuration('shop'));
  set('shop/2', 'healthy');
  board.changed('shop' as UpstreamId);
  set('shop/1', 'healthy');
  board.changed('shop' as UpstreamId);
  assert.deepEqual(
    told.map(({ subject, from }) => [subject, from]),
    [1, 2, 1].map((number) => [`endpoint:shop/shop/${number}/127.0.0.1:3000`, null]),
  );
});

test('what is only prepared has no endpoints for anybody, and no events', () => {
  const { board, told, set } = world();
  set('shop/1', 'healthy');
  board.watch(configuration());
  board.prepare(configuration('shop'));
  board.changed('shop' as UpstreamId);
  assert.equal(board.endpoints('shop' as UpstreamId), null);
  assert.equal(told.length, 0);
  board.watch(configuration('shop'));
  assert.equal(board.endpoints('shop' as UpstreamId)?.size, 1);
  assert.equal(told.length, 1);
});

test('after its end nothing is looked up or checked any more, whoever asks for it', () => {
  const { board, lookedUp, clock } = world();
  const named = (host: string): Configuration => {
    const one = configuration('app');
    const address = { kind: 'tcp', host, port: 80 } as const;
    const upstreams = one.upstreams.map((spec) => ({
      ...spec,
      application: null,
      family: 'ipv4',
      endpoints: [{ address }],
    }));
    return { ...one, upstreams } as unknown as Configuration;
  };
  board.watch(named('before.internal'));
  assert.deepEqual(lookedUp, ['before.internal']);
  board.stop();
  // As a reload does that is refused since the end has come.
  board.prepare(named('prepared.internal'));
  board.watch(named('after.internal'));
  clock.advanceSync(60_000);
  assert.deepEqual(lookedUp, ['before.internal']);
});
