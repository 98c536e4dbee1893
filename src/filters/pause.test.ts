import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Failure } from '#failures/failure.ts';
import type { Filter, FilterContext, FilterDecision, FilterResponseHead } from '../core/filter.ts';
import { noBody } from '../core/message.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { PauseFilter } from './pause.ts';

const clock = new SimulatedClock();
const head: FilterResponseHead = {
  ...{ status: 200, contentLength: -1, framing: noBody },
  ...{ get: () => null, set() {}, add() {}, remove() {}, replaceBody() {} },
};

/** One exchange, and what the filter decided about it. */
class FakeExchange implements Pick<FilterContext, 'clock' | 'resume'> {
  readonly clock = clock;
  decision: FilterDecision | 'nothing' = 'nothing';

  resume(_filter: Filter, decision: Exclude<FilterDecision, 'suspend'>): void {
    assert.equal(this.decision, 'suspend', 'the filter resumes an exchange that it has suspended, and does so once');
    this.decision = decision;
  }

  get context(): FilterContext {
    return this as unknown as FilterContext;
  }
}

function ask(filter: PauseFilter): FakeExchange {
  const exchange = new FakeExchange();
  exchange.decision = filter.onRequestHead(exchange.context);
  return exchange;
}

const goneOn = (all: readonly FakeExchange[]): number => all.filter(({ decision }) => decision === 'continue').length;
const causeOf = ({ decision }: FakeExchange): string => (decision as Failure).cause;

describe('PauseFilter', () => {
  it('suspends requests, fails each that has waited its time, and goes on with the others at its end', () => {
    const filter = new PauseFilter('api', 1000, 10);
    const early = ask(filter);
    clock.advanceSync(600);
    const late = ask(filter);
    clock.advanceSync(400);
    assert.deepEqual([causeOf(early), late.decision, filter.waiting], ['pause_timeout', 'suspend', 1]);
    filter.end(clock);
    assert.deepEqual([late.decision, filter.waiting], ['continue', 0]);
    clock.advanceSync(10_000);
    assert.equal(late.decision, 'continue');
  });

  it('refuses a request at once where as many wait as may, and takes the next one when a client has left', () => {
    const filter = new PauseFilter('api', 1000, 2);
    const [first] = [ask(filter), ask(filter)];
    assert.equal(causeOf(ask(filter)), 'pause_full');
    filter.onCancelled(first.context);
    assert.equal(ask(filter).decision, 'suspend');
    assert.equal(filter.waiting, 2);
  });

  it('takes other limits for requests that come, while those that wait keep their time', () => {
    const filter = new PauseFilter('api', 1000, 1);
    const early = ask(filter);
    assert.equal(causeOf(ask(filter)), 'pause_full');
    filter.setLimits(100, 2);
    const late = ask(filter);
    clock.advanceSync(100);
    assert.deepEqual([causeOf(late), early.decision], ['pause_timeout', 'suspend']);
    clock.advanceSync(900);
    assert.equal((early.decision as Extract<Failure, { cause: 'pause_timeout' }>).evidence.waitedMs, 1000);
  });

  it('suspends nothing any more once it is over', () => {
    const filter = new PauseFilter('api', 1000, 2);
    filter.end(clock);
    assert.equal(ask(filter).decision, 'continue');
  });

  it('lets requests go on in groups, and with each response another one, in the order in which they came', () => {
    const filter = new PauseFilter('api', 1000, 1000);
    const all = Array.from({ length: 100 }, () => ask(filter));
    filter.end(clock);
    assert.equal(goneOn(all), 16);
    filter.onResponseHead(all[0]?.context as FilterContext, head);
    assert.deepEqual([goneOn(all), goneOn(all.slice(0, 17))], [17, 17]);
    clock.advanceSync(25);
    assert.equal(goneOn(all), 33);
    clock.advanceSync(25 * 5);
    assert.equal(goneOn(all), 100);
  });

  it('fails none that waits for its turn after the end', () => {
    const filter = new PauseFilter('api', 30, 1000);
    const all = Array.from({ length: 100 }, () => ask(filter));
    filter.end(clock);
    clock.advanceSync(1000);
    assert.equal(goneOn(all), 100);
  });
});
