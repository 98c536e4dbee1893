import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewEvent } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { ClockWatch } from './clock-watch.ts';

const hourMs = 3_600_000;

function watched() {
  const clock = new SimulatedClock(Date.UTC(2026, 0, 1, 9));
  const events: NewEvent[] = [];
  const watch = new ClockWatch(clock, { emit: (event) => void events.push(event as NewEvent) });
  watch.look();
  return { clock, events, watch, ahead: (ms: number) => clock.setWallTime(clock.wallTime() + ms) };
}

test('a clock that is set is reported once, with the time before and after, and the uptime stays', () => {
  const { clock, events, watch, ahead } = watched();
  clock.advanceSync(60_000);
  ahead(3 * hourMs);
  clock.advanceSync(60_000);
  const [event, ...others] = events as NewEvent<'clock_changed'>[];
  assert.deepEqual(others, []);
  assert.deepEqual(
    [event?.kind, event?.from, event?.to],
    ['clock_changed', '2026-01-01T09:01:05Z', '2026-01-01T12:01:05Z'],
  );
  assert.equal(event?.evidence.movedMs, 3 * hourMs);
  assert.match(event?.reason ?? '', /moved from 2026-01-01T09:01:05Z to 2026-01-01T12:01:05Z, forward by 3 h/);
  assert.deepEqual([watch.uptimeMs, new Date(watch.startedWall).toISOString()], [120_000, '2026-01-01T12:00:00.000Z']);
  ahead(-4 * hourMs);
  watch.look();
  assert.match(events[1]?.reason ?? '', /back by 4 h/);
  assert.deepEqual([watch.uptimeMs, new Date(watch.startedWall).toISOString()], [120_000, '2026-01-01T08:00:00.000Z']);
  watch.close();
  assert.equal(clock.timersLive, 0);
});

test('a clock that a time service corrects slowly, for however long, is not', () => {
  const { clock, events, ahead } = watched();
  for (let look = 0; look < 3000; look++) {
    ahead(5);
    clock.advanceSync(5000);
  }
  ahead(-3000);
  clock.advanceSync(10_000);
  assert.deepEqual(events, []);
});
