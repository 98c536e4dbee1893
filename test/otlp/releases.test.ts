import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '#failures/failure.ts';
import { AttemptCounters } from '../../src/record/attempt-counters.ts';
import { ReleaseTotals } from '../../src/control/release-totals.ts';
import { parseRecord } from '../../src/record/parse-record.ts';
import { sampleAttempt, sampleExchange } from '../../src/record/sample-exchange.test-support.ts';
import { RecordWriter } from '../../src/record/write-record.ts';
import { TestRing } from '../../src/record/test-ring.test-support.ts';
import { spansOf } from '../../src/otlp/spans.ts';
import { matches } from '../../src/store/match.ts';
import { parseQuery } from '../../src/store/parse-query.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';

// A request whose first attempt failed at the new release, and which the old one has answered.

const failure = fail('connect_refused', 'connect', { address: '127.0.0.1:3001' });
const [fresh, old] = [
  { name: 'r7', arm: { name: 'new', weight: 0.05 } },
  { name: 'r6', arm: { name: 'old', weight: 0.95 } },
] as const;
const exchange = sampleExchange({
  ...{ application: 'shop', release: old },
  attempts: [
    sampleAttempt({ endpoint: 'shop/shop/3/127.0.0.1:3001', release: fresh, failure, status: 0, retry: true }),
    sampleAttempt({ endpoint: 'shop/shop/1/127.0.0.1:3000', release: old }),
  ],
});

function recordOfExchange() {
  const constants = { deployment: null, member: 'one', processStartedUnixMs: 0, processKey: 'k3f9xa' };
  const settings = { worker: 1, queryAllowed: [], secretHeaders: [], inlineConstants: false };
  const parsed = parseRecord(
    new RecordWriter({ ...constants, ...settings, ring: new TestRing() } as never).line(exchange),
  );
  assert.ok(parsed.ok);
  return parsed.record;
}

test('the record has the release of the last endpoint, and that of an attempt at the other one', () => {
  const { release, arm, weight, attempts } = recordOfExchange();
  assert.deepEqual([release, arm, weight], ['r6', 'old', 0.95]);
  assert.deepEqual(
    attempts.map((attempt) => attempt.release),
    ['r7', undefined],
  );
});

test('a search finds it by either release, and by the arm that has answered', () => {
  const record = recordOfExchange();
  const isFound = (text: string): boolean => {
    const parsed = parseQuery(text, Date.parse(record.at));
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return matches(parsed.query, record);
  };
  const texts = ['release:r6', 'release:r7', 'release:r8', 'arm:old', 'arm:new'];
  assert.deepEqual(texts.filter(isFound), ['release:r6', 'release:r7', 'arm:old']);
  assert.equal(parseQuery('arm:fresh', 0).ok, false);
});

test('so have its spans', () => {
  const span = { spanId: '00f067aa0ba902b7', parentId: '', flags: '01' };
  const found = spansOf(recordOfExchange(), '4bf92f3577b34da6a3ce929d0e0e4736', span).map(({ attributes }) =>
    attributes
      .filter(({ key }) => /release|arm|weight/.test(key))
      .map(({ key, value }) => [key, ...Object.values(value)]),
  );
  assert.deepEqual(found, [
    [
      ['candor.release', 'r6'],
      ['candor.arm', 'old'],
      ['candor.weight', 0.95],
    ],
    [['candor.release', 'r7']],
    [['candor.release', 'r6']],
  ]);
});

test('metrics count its attempts by release, until ten minutes after the release has gone', () => {
  const counters = new AttemptCounters();
  counters.count(exchange);
  counters.count(sampleExchange());
  const clock = new SimulatedClock();
  let current = ['r6', 'r7'];
  const totals = new ReleaseTotals(clock, () => current.map((release) => ({ id: 'shop', release })));
  totals.add(counters.takeResponses());
  const shown = () =>
    totals.all.map(({ upstream, release, statusClass, count }) => [upstream, release, statusClass, count].join(' '));
  assert.deepEqual(shown(), ['shop r7 none 1', 'shop r6 2xx 1']);
  current = ['r6'];
  for (let minute = 0; minute < 12; minute++) {
    clock.advanceSync(60_000);
    totals.add([]);
  }
  assert.deepEqual(shown(), ['shop r6 2xx 1']);
});
