import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Clock, type Instant, type Timer } from '../../core/time.ts';
import { HoldUpWatch } from './torture.ts';

/** A clock whose timers are as late as the process that they are in. */
class LateClock implements Clock {
  #now = 0;
  #timer: { readonly at: Instant; readonly fire: () => void } | null = null;

  now(): Instant {
    return this.#now as Instant;
  }

  wallTime(): number {
    return this.#now;
  }

  schedule<T>(at: Instant, fire: (subject: T) => void, subject: T): Timer {
    const timer = { at, fire: () => fire(subject) };
    this.#timer = timer;
    return { cancel: () => void (this.#timer === timer && (this.#timer = null)) };
  }

  /** The process runs for so long. */
  run(ms: number): void {
    const end = this.#now + ms;
    while (this.#timer !== null && this.#timer.at <= end) {
      const { at, fire } = this.#timer;
      this.#now = Math.max(this.#now, at);
      this.#timer = null;
      fire();
    }
    this.#now = end;
  }

  /** The process stands still for so long. */
  standStill(ms: number): void {
    this.#now += ms;
  }
}

describe('what is observed while the process is held up', () => {
  /** How long the process stands still in each attempt, and which of them counts. */
  const rows: readonly (readonly [when: string, standsStillMs: readonly number[], verdicts: string, counts: number])[] =
    [
      ['nothing was late', [0, 0], 'wrong right', 1],
      ['it was a little late', [90, 0], 'wrong right', 1],
      ['it stood still once', [500, 0], 'wrong right', 2],
      ['it stood still twice, and what was seen is wrong', [500, 300, 0], 'wrong wrong wrong', 3],
      ['it stood still, and what was seen holds all the same', [500, 0], 'right wrong', 1],
      ['it stood still each time', [500, 500, 500, 500, 500], 'wrong wrong wrong wrong right', 4],
    ];
  for (const [when, standsStillMs, verdicts, counts] of rows) {
    test(`attempt ${counts} counts if ${when}`, async () => {
      const clock = new LateClock();
      let attempts = 0;
      const look = async (): Promise<string> => {
        clock.run(50);
        clock.standStill(standsStillMs[attempts] ?? 0);
        clock.run(5);
        return verdicts.split(' ')[attempts++] ?? '';
      };
      const { seen, heldUpMs } = await new HoldUpWatch(clock).observe(look, (verdict) => verdict === 'right');
      assert.deepEqual([attempts, seen], [counts, verdicts.split(' ')[counts - 1]]);
      assert.equal(heldUpMs > 100, (standsStillMs[counts - 1] ?? 0) > 100);
    });
  }

  test('is noticed at its end, where no timer has fired any more', async () => {
    const clock = new LateClock();
    const look = async (): Promise<void> => clock.standStill(1000);
    const { heldUpMs } = await new HoldUpWatch(clock).observe(look, () => true);
    assert.equal(heldUpMs, 980);
  });

  test('is not repeated once the person has ended the run', async () => {
    const clock = new LateClock();
    let attempts = 0;
    const look = async (): Promise<void> => {
      attempts++;
      clock.standStill(1000);
    };
    await new HoldUpWatch(clock).observe(
      look,
      () => false,
      () => true,
    );
    assert.equal(attempts, 1);
  });
});
