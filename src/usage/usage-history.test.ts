import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noAmounts, ownerKey, type UsageOwner } from './amounts.ts';
import { UsageHistory } from './usage-history.ts';

const hour = 490_000;
const minute = hour * 60;
const owner: UsageOwner = { application: 'shop', kind: 'instances', name: '', release: 'r1' };
const all = (history: UsageHistory, step: 'minute' | 'hour'): [number, number][] =>
  history
    .steps(step, 0, (hour + 10_000) * 3_600_000)
    .flatMap(({ steps }) => [...steps].map(([at, { cpuMs }]): [number, number] => [at, cpuMs]));

describe('the history of usage', () => {
  test('has what is written and what is not in the same steps', () => {
    const history = new UsageHistory();
    history.add(minute, owner, { cpuMs: 10 });
    history.take();
    history.add(minute, owner, { cpuMs: 5 });
    history.add(minute + 1, owner, { cpuMs: 1 });
    assert.deepEqual(all(history, 'minute'), [
      [minute, 15],
      [minute + 1, 1],
    ]);
    assert.deepEqual(all(history, 'hour'), [[hour, 16]]);
  });

  test('gives what is to be written once', () => {
    const history = new UsageHistory();
    history.add(minute, owner, { cpuMs: 10, durations: new Map([[3, 2]]) });
    const amounts = { ...noAmounts(), cpuMs: 10, durations: new Map([[3, 2]]) };
    assert.deepEqual(history.take(), [{ at: minute, owner, amounts }]);
    assert.deepEqual(history.take(), []);
  });

  test('makes hours of minutes that are older than a day, and forgets hours after forty days', () => {
    const history = new UsageHistory();
    for (const at of [minute, minute + 1]) history.add(at, owner, { cpuMs: 10, peakBytes: at });
    history.take();
    history.compact(hour + 24);
    assert.equal(all(history, 'minute').length, 2);
    history.compact(hour + 25);
    assert.deepEqual([all(history, 'minute'), all(history, 'hour')], [[], [[hour, 20]]]);
    history.compact(hour + 40 * 24 + 1);
    assert.deepEqual([all(history, 'hour'), history.since], [[], null]);
  });

  test('counts further releases as one where there are too many, and loses nothing', () => {
    const history = new UsageHistory();
    for (let release = 0; release < 300; release++)
      history.add(minute + release, { ...owner, release: `r${release}` }, { requests: 1 });
    const rows = history.take();
    for (let release = 300; release < 400; release++)
      history.add(minute, { ...owner, release: `r${release}` }, { requests: 1 });
    const series = history.steps('hour', 0, (hour + 100) * 3_600_000);
    assert.equal(rows.length, 300);
    assert.ok(series.length <= 301, String(series.length));
    const requests = series.flatMap(({ steps }) => [...steps.values()]).reduce((sum, one) => sum + one.requests, 0);
    assert.equal(requests, 400);
  });

  test('counts restarts of the last day by series', () => {
    const history = new UsageHistory();
    history.add(minute, owner, { restarts: 2 });
    history.take();
    history.add(minute + 1, owner, { restarts: 1 });
    assert.deepEqual([...history.restarts], [[ownerKey(owner), 3]]);
  });
});
