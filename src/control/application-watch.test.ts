import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { NewEvent } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { ApplicationWatch } from './application-watch.ts';
import type { ApplicationStatus, InstanceStatus } from '../core/schemas/status.ts';

let clock: SimulatedClock;
let told: NewEvent<'application_not_ready'>[];
let applications: ApplicationStatus[];
let watch: ApplicationWatch;

beforeEach(() => {
  clock = new SimulatedClock();
  told = [];
  applications = [];
  const events = { emit: (event: NewEvent) => void told.push(event as NewEvent<'application_not_ready'>) };
  watch = new ApplicationWatch(clock, events as never, () => applications);
});

function instance(id: string, phase: InstanceStatus['phase'], restarts = 0, isEarlier = false): InstanceStatus {
  return {
    ...{
      id,
      phase,
      restarts,
      pid: 1,
      port: 1,
      reason: 'exited with code 3',
      usage: null,
      exposedAt: null,
      release: null,
      late: false,
    },
    ...{ earlierCommand: isEarlier ? ['old'] : null, lastLines: [] },
  };
}

function see(...instances: InstanceStatus[]): void {
  applications = [{ id: 'shop', command: ['node'], instances }];
  watch.look();
}

const states = (): readonly string[] => told.map(({ to, evidence }) => `${to} ${evidence.instance}`);
const earlier = instance('shop/1', 'ready', 0, true);

test('a release that fails for ten seconds is reported once, and once that it is ready', () => {
  see(earlier, instance('shop/2', 'starting'));
  see(earlier, instance('shop/2', 'backing_off'));
  clock.advanceSync(9000);
  see(earlier, instance('shop/2', 'starting', 1));
  assert.deepEqual(states(), []);
  clock.advanceSync(1000);
  see(earlier, instance('shop/2', 'backing_off', 1));
  clock.advanceSync(60_000);
  assert.deepEqual(states(), ['failing shop/2']);
  assert.equal(
    told[0]?.reason,
    'the instance shop/2 has not become ready, though it was started twice; exited with code 3; shop/1 of the earlier configuration serves',
  );
  assert.deepEqual(told[0]?.evidence.serving, ['shop/1']);
  see(earlier, instance('shop/2', 'ready', 2));
  assert.deepEqual(states(), ['failing shop/2', 'ready shop/2']);
});

test('it is reported without a further change of the instance', () => {
  see(earlier, instance('shop/2', 'backing_off'));
  clock.advanceSync(10_000);
  assert.deepEqual(states(), ['failing shop/2']);
});

test('a release that is replaced by another is over, and the next one is judged by itself', () => {
  see(earlier, instance('shop/2', 'backing_off'));
  clock.advanceSync(10_000);
  see(earlier, { ...instance('shop/2', 'stopping', 1), earlierCommand: ['bad'] }, instance('shop/3', 'starting'));
  see(earlier, instance('shop/3', 'backing_off'));
  clock.advanceSync(10_000);
  assert.deepEqual(states(), ['failing shop/2', 'replaced shop/2', 'failing shop/3']);
});

test('an application that is removed is over', () => {
  see(instance('shop/1', 'backing_off'));
  clock.advanceSync(10_000);
  applications = [];
  watch.look();
  assert.deepEqual(states(), ['failing shop/1', 'replaced shop/1']);
});

test('a release that neither ends nor is ready is reported as soon as it is late', () => {
  const starts = instance('shop/2', 'starting');
  see(earlier, starts);
  clock.advanceSync(60_000);
  assert.deepEqual(states(), []);
  see(earlier, { ...starts, late: true, reason: 'not ready after 60 s: GET / answered 500' });
  clock.advanceSync(60_000);
  assert.deepEqual(states(), ['failing shop/2']);
  assert.equal(
    told[0]?.reason,
    'the instance shop/2 is not ready after 60 s: GET / answered 500; shop/1 of the earlier configuration serves',
  );
  see(earlier, instance('shop/2', 'ready'));
  assert.deepEqual(states(), ['failing shop/2', 'ready shop/2']);
});

test('what comes up at the second attempt, and what was ready before it failed, is not reported', () => {
  see(instance('shop/1', 'backing_off'), instance('shop/2', 'ready'));
  clock.advanceSync(5000);
  see(instance('shop/1', 'ready', 1), instance('shop/2', 'backing_off'));
  clock.advanceSync(60_000);
  assert.deepEqual(states(), []);
});

test('it is reported once more when no earlier instance serves any longer', () => {
  see(earlier, instance('shop/2', 'backing_off'));
  clock.advanceSync(10_000);
  for (let time = 0; time < 3; time += 1) see(instance('shop/2', 'starting', 3));
  assert.deepEqual(
    told.map(({ evidence }) => evidence.serving.length),
    [1, 0],
  );
});

test('instances that end with the gateway are not reported', () => {
  see(earlier, instance('shop/2', 'backing_off'));
  watch.close();
  clock.advanceSync(60_000);
  applications = [];
  watch.look();
  assert.deepEqual([states(), clock.timersLive], [[], 0]);
});

test('a release that is replaced by another while nothing serves goes on, until one is ready', () => {
  see(instance('shop/1', 'backing_off', 3));
  clock.advanceSync(10_000);
  see({ ...instance('shop/1', 'stopping', 3), earlierCommand: ['bad'] }, instance('shop/2', 'starting'));
  see(instance('shop/2', 'backing_off', 1));
  clock.advanceSync(60_000);
  assert.deepEqual(states(), ['failing shop/1']);
  see(instance('shop/2', 'ready', 1));
  assert.deepEqual(states(), ['failing shop/1', 'ready shop/2']);
  assert.equal(told.at(-1)?.reason, 'the instance shop/2 is ready');
});

test('an instance that is not ready beside one of the same configuration names that one', () => {
  see(instance('shop/1', 'ready'), instance('shop/2', 'backing_off', 2));
  clock.advanceSync(10_000);
  assert.match(told[0]?.reason ?? '', /; shop\/1 serves$/);
  assert.deepEqual(told[0]?.evidence.serving, ['shop/1']);
});
