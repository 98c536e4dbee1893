import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fail } from '#failures/failure.ts';
import type { Instant } from '../core/time.ts';
import { createRecordRing, createWakeWord, RecordRingReader, RecordRingWriter } from './record-ring.ts';
import { RecordWriter } from './write-record.ts';
import { failedExchange, sampleAttempt, sampleExchange } from './sample-exchange.test-support.ts';
import { StoreSampler } from './store-sampler.ts';

const at = (endedAt: number, changes: object = {}) =>
  sampleExchange({ startedAt: (endedAt - 5) as Instant, endedAt: endedAt as Instant, ...changes });
const samplerOf = (successesPerSecond: number): StoreSampler =>
  new StoreSampler(new RecordRingWriter(createRecordRing(createWakeWord())), { successesPerSecond, slowMs: 1000 });

describe('what is stored', () => {
  for (const perSecond of [1, 10, 200])
    test(`of successes are ${perSecond} a second, evenly, and they stand for all`, () => {
      const sampler = samplerOf(perSecond);
      let [stored, standFor] = [0, 0];
      // 1,000 a second for ten seconds.
      for (let ms = 0; ms < 10_000; ms += 1) {
        const one = sampler.choose(at(1000 + ms), true);
        if (one > 0) stored += 1;
        standFor += one;
      }
      // And those of the first second, which may come at once.
      assert.ok(stored >= 10 * perSecond && stored <= 11 * perSecond + 1, `${stored}`);
      assert.ok(standFor <= 10_000 && standFor > 10_000 - 2000 / perSecond, `${standFor}`);
    });

  test('of a share of one success a second, where there are several workers, is one in some seconds', () => {
    const sampler = samplerOf(0.25);
    const stored = Array.from({ length: 12_000 }, (_, ms) => sampler.choose(at(1000 + ms), true)).filter((n) => n > 0);
    assert.ok(stored.length >= 3 && stored.length <= 4, `${stored.length}`);
  });

  test('of successes is nothing at 0 a second, and every failure and slow exchange', () => {
    const sampler = samplerOf(0);
    for (let n = 0; n < 100; n += 1) {
      assert.equal(sampler.choose(at(1000 + n), true), 0);
      assert.equal(sampler.choose(at(1000 + n), false), 1);
      assert.equal(sampler.choose(at(5000 + n, { startedAt: (4000 + n) as Instant }), true), 1);
    }
  });

  test('of each route is counted by itself', () => {
    const sampler = samplerOf(1);
    assert.equal(sampler.choose(at(1000, { route: 'a' }), true), 1);
    assert.equal(sampler.choose(at(1001, { route: 'a' }), true), 0);
    assert.equal(sampler.choose(at(1001, { route: 'b' }), true), 1);
    assert.equal(sampler.choose(at(2001, { route: 'a' }), true), 2, 'the second one too');
  });

  test('has the line of the log behind the number; retried exchanges are stored like failures', () => {
    const storeRing = createRecordRing(createWakeWord());
    const logRing = createRecordRing(createWakeWord());
    const sampler = new StoreSampler(new RecordRingWriter(storeRing), { successesPerSecond: 0, slowMs: 1000 });
    const writer = new RecordWriter({
      ...{ deployment: 'edge', member: 'one', processStartedUnixMs: 0, processKey: 'k3f9xa', worker: 1 },
      ...{ queryAllowed: [], secretHeaders: [], ring: new RecordRingWriter(logRing), sampler },
    });
    writer.write(sampleExchange());
    writer.write(sampleExchange({ startedAt: 0 as Instant, endedAt: 1500 as Instant }));
    writer.write(sampleExchange({ attempts: [sampleAttempt({ retry: true }), sampleAttempt()] }));
    writer.write(failedExchange(fail('connect_refused', 'connect', { address: '127.0.0.1:3000' }), 502));
    const linesOf = (ring: typeof logRing): string[] =>
      new RecordRingReader(ring).take().flatMap(({ bytes }) => bytes.toString('latin1').trimEnd().split('\n'));
    const [, ...expected] = linesOf(logRing);
    assert.deepEqual(
      linesOf(storeRing),
      expected.map((line) => `1 ${line}`),
    );
  });
});
