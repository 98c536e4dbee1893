import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { NewEvent } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { CrashLoopWatch } from './crash-loop-watch.ts';
import type { CrashLoop } from './crash-loops.ts';
import type { ApplicationStatus } from '../core/schemas/status.ts';

let clock: SimulatedClock;
let told: NewEvent<'application_crash_loop'>[];
let loops: CrashLoop[];
let phases: Readonly<Record<string, string>>;
let watch: CrashLoopWatch;

beforeEach(() => {
  clock = new SimulatedClock();
  told = [];
  loops = [];
  phases = { 'shop/1': 'ready' };
  const events = { emit: (event: NewEvent) => void told.push(event as NewEvent<'application_crash_loop'>) };
  const applications = (): readonly ApplicationStatus[] => {
    const instances = Object.entries(phases).map(([id, phase]) => ({ id, phase }));
    return [{ id: 'shop', command: [], instances } as unknown as ApplicationStatus];
  };
  watch = new CrashLoopWatch(clock, events as never, { loops: () => loops, applications });
});

const loop = (rest: Partial<CrashLoop> = {}): CrashLoop => ({
  ...{ application: 'shop', instance: 'shop/1', ends: 3, serving: [], wasReady: true, since: clock.now() },
  ...{ reason: 'shop/1 has ended 3 times in 9 s.', nextStep: 'Read its last output.' },
  ...rest,
});
const look = (...found: CrashLoop[]): void => {
  loops = found;
  watch.look();
};
const said = (): readonly string[] => told.map(({ to, reason }) => `${to}: ${reason}`);

test('a crash loop is reported once while it lasts, and once when it is over, though nothing changes then', () => {
  look(loop());
  look(loop({ ends: 4 }));
  clock.advanceSync(60_000);
  assert.deepEqual(said(), ['failing: the instance shop/1 has ended 3 times in 9 s']);
  assert.equal(told[0]?.evidence.fix, 'Read its last output.');
  loops = [];
  clock.advanceSync(5_000);
  assert.deepEqual(said().slice(1), ['stable: the instance shop/1 no longer ends again and again']);
  assert.equal(clock.timersLive, 0);
});

test('an instance that was never ready is told of elsewhere', () => {
  look(loop({ wasReady: false }));
  assert.deepEqual([said(), clock.timersLive], [[], 0]);
});

test('it is reported once more when nothing else serves any longer', () => {
  look(loop({ serving: ['shop/2'] }));
  look(loop());
  look(loop());
  look(loop({ serving: ['shop/2'] }));
  look(loop());
  assert.deepEqual(
    told.map(({ evidence }) => evidence.serving.length),
    [1, 0],
  );
});

test('the end of a loop whose instance is gone says so', () => {
  look(loop());
  phases = {};
  look();
  assert.equal(said().at(-1), 'stable: the instance shop/1 is no longer wanted');
});

test('nothing is reported while the gateway ends', () => {
  look(loop());
  watch.close();
  look();
  assert.deepEqual([told.length, clock.timersLive], [1, 0]);
});
