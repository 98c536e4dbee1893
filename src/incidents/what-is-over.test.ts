import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventKind } from '../core/event.ts';
import { LastChange, mayBeOver } from './what-is-over.ts';

/** One address of ten requests a second is gone since second 100, and four seconds have passed. */
function mayBeOverAfter(kind: EventKind, changedAt: number): boolean {
  const lastChange = new LastChange();
  lastChange.onEvent(kind, changedAt);
  const isGone = (second: number): boolean => second >= 100;
  const sum = (after: number, until: number) => {
    const seconds = Array.from({ length: until - after }, (_, at) => after + 1 + at);
    const gone = 10 * seconds.filter(isGone).length;
    return { answered: 10 * seconds.length, unusual: gone, gone, lost: 0 };
  };
  return mayBeOver({ now: sum(95, 103), since: 100, second: 103, oldest: 0, sum, lastChange });
}

test('what is gone so soon may be over, unless what answers has changed shortly before', () => {
  const cases: readonly (readonly [kind: EventKind, changedAt: number, mayBe: boolean])[] = [
    ['configuration_applied', 90, false],
    ['instance_ready', 101, false],
    ['endpoint_state', 99, false],
    ['rollout', 60, true],
    ['worker_lost', 99, true],
  ];
  for (const [kind, changedAt, mayBe] of cases) assert.equal(mayBeOverAfter(kind, changedAt), mayBe, kind);
});
