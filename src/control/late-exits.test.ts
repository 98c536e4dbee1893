import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointId } from '../core/endpoint.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { LateExits } from './late-exits.ts';

const endpoint = 'shop/shop/1/127.0.0.1:3000' as EndpointId;

function exitAt(atInstant: number, lastLine: string | null = null): InstanceExit {
  return { atInstant, code: null, signal: 'SIGKILL', outOfMemory: false, lastLine };
}

/** A request that began at 1 s, failed at 1.1 s and was answered at 1.12 s. */
function record(clock: SimulatedClock, changes: Partial<ExchangeRecord> = {}): ExchangeRecord {
  const at = new Date(clock.wallTime() - clock.now() + 1000).toISOString();
  const attempt = { endpoint, ended_ms: 100, cause: 'closed_before_response', exit: null };
  const failed = { cause: 'closed_before_response', detail: 'It broke.', end: 'generated', duration_ms: 120 };
  return { at, attempts: [attempt], ...failed, ...changes } as unknown as ExchangeRecord;
}

function known(exit: InstanceExit, id = endpoint): { exits: LateExits; clock: SimulatedClock } {
  const clock = new SimulatedClock();
  const exits = new LateExits(clock);
  clock.advanceSync(5000);
  exits.note([{ id, exit }]);
  return { exits, clock };
}

describe('an exit that becomes known after the response', () => {
  test('completes the record, and says how long after the response', () => {
    const { exits, clock } = known(exitAt(1160, 'bye'));
    const { attempts, detail } = exits.complete(record(clock));
    assert.deepEqual(attempts[0]?.exit, {
      code: null,
      signal: 'SIGKILL',
      oom: false,
      before_ms: -60,
      last_line: 'bye',
      after_answer_ms: 40,
    });
    assert.equal(
      detail,
      'It broke. The instance was killed by SIGKILL; the exit became known 40 ms after the answer; its last line: "bye".',
    );
  });

  test('is shown with the last line as soon as that is known', () => {
    const { exits, clock } = known(exitAt(1160));
    exits.note([{ id: endpoint, exit: exitAt(1160, 'bye') }]);
    assert.equal(exits.complete(record(clock)).attempts[0]?.exit?.last_line, 'bye');
  });

  const others: readonly (readonly [why: string, exit: InstanceExit, id: EndpointId, of: Partial<ExchangeRecord>])[] = [
    ['of another endpoint', exitAt(1160), 'shop/shop/2/127.0.0.1:3001' as EndpointId, {}],
    ['long after it', exitAt(4000), endpoint, {}],
    ['long before it', exitAt(50), endpoint, {}],
    ['of a request that was answered', exitAt(1160), endpoint, { end: 'forwarded' }],
    ['that explains another failure', exitAt(1160), endpoint, { cause: 'exchange_timeout' }],
  ];
  for (const [why, exit, id, changes] of others) {
    test(`is not added to a record: ${why}`, () => {
      const { exits, clock } = known(exit, id);
      const before = record(clock, changes);
      assert.equal(exits.complete(before), before);
    });
  }

  test('is one of a limited number that are kept', () => {
    const { exits, clock } = known(exitAt(1160));
    for (let number = 0; number < 300; number++) exits.note([{ id: endpoint, exit: exitAt(10_000 + number) }]);
    const before = record(clock);
    assert.equal(exits.complete(before), before);
  });
});
