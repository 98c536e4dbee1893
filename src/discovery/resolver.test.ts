import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NewEvent } from '../core/event.ts';
import type { FamilyAnswer, LookupWaiter, NameQuestion } from '../core/name-resolver.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { resolutionStateOf } from '../policy/dns-cache.ts';
import { Resolver } from './resolver.ts';

const question: NameQuestion = { name: 'app.test', families: ['ipv4', 'ipv6'], servers: [], limitMs: 5000 };

const found = (ttlS: number | null, ...addresses: string[]): FamilyAnswer => ({ found: true, addresses, ttlS });
const fault = (code: string): FamilyAnswer => ({ found: false, fault: { stage: 'dns', code, alertId: null } });

/** A resolver in simulated time, over a world that answers as `answer` says, or not at all (null). */
function world(answer: (nth: number) => FamilyAnswer | null, delayMs = 0) {
  const clock = new SimulatedClock();
  const asked: number[] = [];
  const cancelled: number[] = [];
  const emitted: NewEvent[] = [];
  const unclassified: string[] = [];
  let changes = 0;
  const resolver = new Resolver({
    clock,
    random: new SeededRandom('names'),
    names: {
      lookUp(_question, waiter: LookupWaiter) {
        asked.push(clock.now());
        const ipv4 = answer(asked.length);
        const tell = (): void => waiter.onLookedUp({ source: 'dns', ipv4, ipv6: fault('ENODATA') });
        const timer = ipv4 === null ? null : clock.schedule((clock.now() + delayMs) as never, tell, undefined);
        return {
          cancel() {
            cancelled.push(clock.now());
            timer?.cancel();
          },
        };
      },
    },
    events: { emit: (event) => void emitted.push(event as unknown as NewEvent) },
    onChange: () => changes++,
    onUnclassified: ({ code }) => unclassified.push(code),
  });
  resolver.watch([question]);
  const state = () => resolutionStateOf(resolver.entryOf(question) ?? assert.fail('the name is watched'));
  return { clock, resolver, asked, cancelled, told: emitted, unclassified, standing: state, changes: () => changes };
}

describe('a name that is watched', () => {
  it('is looked up at once, and again before each answer expires, never at the same fraction of its TTL', () => {
    const { clock, asked } = world(() => found(20, '10.0.0.1'));
    clock.advanceSync(200_000);
    const gaps = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
    assert.ok(gaps.length >= 10 && gaps.every((gap) => gap >= 15_000 && gap <= 18_000), String(gaps));
    assert.ok(new Set(gaps).size > 5, 'by chance');
  });

  it('reports nothing while the answer is the same, in any order', () => {
    const answers = [found(10, '10.0.0.1', '10.0.0.2'), found(10, '10.0.0.2', '10.0.0.1')];
    const { clock, told, changes } = world((nth) => answers[nth % 2] ?? null);
    clock.advanceSync(60_000);
    assert.deepEqual([changes(), told.length], [1, 0]);
  });

  it('reports addresses that come and go', () => {
    const { clock, told } = world((nth) => (nth === 1 ? found(10, '10.0.0.1') : found(10, '10.0.0.2', '10.0.0.1')));
    clock.advanceSync(30_000);
    assert.deepEqual(
      told.map(({ kind, evidence }) => [kind, evidence]),
      [['name_addresses', { name: 'app.test', added: ['10.0.0.2'], removed: [] }]],
    );
  });

  it('is stale while lookups fail, and keeps its addresses; each change is reported once', () => {
    const { clock, told, standing, resolver } = world((nth) =>
      nth === 1 || nth > 6 ? found(10, '10.0.0.1') : fault(nth < 4 ? 'ESERVFAIL' : 'ENOTFOUND'),
    );
    clock.advanceSync(9500);
    assert.equal(standing(), 'stale');
    assert.deepEqual(resolver.entryOf(question)?.ipv4, ['10.0.0.1']);
    clock.advanceSync(60_000);
    assert.equal(standing(), 'resolved');
    assert.deepEqual(
      told.map(({ from, to, evidence }) => [from, to, 'rcode' in evidence ? evidence.rcode : '']),
      [
        ['resolved', 'stale', 'SERVFAIL'],
        ['stale', 'stale', 'NXDOMAIN'],
        ['stale', 'resolved', null],
      ],
    );
    assert.match(told[0]?.reason ?? '', /answered SERVFAIL\. Its last good addresses stay in use\.$/);
  });

  it('for which no answer comes is given up after its time limit, with that cause', () => {
    const { clock, cancelled, resolver, standing } = world(() => null);
    clock.advanceSync(1000);
    assert.deepEqual(resolver.failureOf(question)?.evidence, { name: 'app.test', limitMs: 1000 }, 'so far');
    assert.equal(standing(), 'resolving');
    assert.equal(resolver.settled, false);
    clock.advanceSync(4000);
    assert.deepEqual([cancelled, standing(), resolver.settled], [[5000], 'failed', true]);
    assert.deepEqual(resolver.failureOf(question)?.evidence, { name: 'app.test', limitMs: 5000 });
  });

  it('whose retries end before the time limit reports how long was waited', () => {
    const { clock, resolver } = world(() => fault('ETIMEOUT'), 4321);
    clock.advanceSync(4400);
    // The other family said that it has none, which is no answer to what was asked.
    assert.equal(resolver.failureOf(question)?.cause, 'dns_timeout');
    assert.deepEqual(resolver.failureOf(question)?.evidence, { name: 'app.test', limitMs: 4321 });
  });

  it('is looked up again soon where it has never been found', () => {
    const { clock, asked } = world(() => fault('ENOTFOUND'));
    clock.advanceSync(10_000);
    assert.ok(asked.length >= 4, String(asked));
    assert.ok((asked[1] ?? 0) <= 1000 && (asked[1] ?? 0) >= 750, String(asked));
  });

  it('is forgotten with its lookup in progress', () => {
    const { clock, resolver, asked, cancelled } = world(() => null);
    resolver.keepOnly([]);
    assert.equal(cancelled.length, 1);
    clock.advanceSync(100_000);
    assert.deepEqual([asked.length, clock.timersLive], [1, 0]);
  });

  it('is the same name with another time limit', () => {
    const { clock, resolver, asked } = world(() => found(30, '10.0.0.1'));
    clock.advanceSync(100);
    resolver.watch([{ ...question, limitMs: 100 }]);
    resolver.keepOnly([{ ...question, limitMs: 100 }]);
    assert.equal(asked.length, 1);
    assert.deepEqual(resolver.entryOf(question)?.ipv4, ['10.0.0.1']);
  });

  it('whose lookup fails with an unknown code is counted as unclassified', () => {
    const { clock, resolver, unclassified } = world(() => fault('EWHATEVER'));
    clock.advanceSync(10);
    assert.deepEqual([unclassified, resolver.failureOf(question)?.cause], [['EWHATEVER'], 'gateway_fault']);
  });
});
