import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as passTime } from 'node:timers/promises';
import { HoldUpWatch } from '../../src/testing/torture/torture.ts';
import { systemClock } from '../../src/testing/system.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';
import { checkPlay, requestText } from './check-play.ts';
import { conditionsOf, FaultRun, type Played, playMsMax, type Security } from './fault-run.ts';
import { type ExpectedRow, loadExpected } from './load-expected.ts';

/**
 * The tests of every row of `expected.md`: the fault origin behind the real gateway, over real sockets. `differing`: names of
 * rows that cannot have their outcome with this security; the file that names them has the reasons. Of every `every` rows one is played, and all in a whole sweep.
 */
export function proveMatrix(security: Security, differing: ReadonlySet<string> = new Set(), every = 1): void {
  const rows = loadExpected().filter((row) => row.needs === null && !row.whenStopping && !differing.has(row.name));
  const plays = sampled(rows, every).flatMap((row) => conditionsOf(row).map((condition) => ({ row, condition })));

  void describe(`every fault has the outcome that expected.md gives it, ${security}`, () => {
    let run: FaultRun;
    /** An error if the run of the row itself failed: that row reports it, and the others run all the same. */
    const played: (Played | Error)[] = [];
    /** Rows that were run again, because this process was held up: a time limit may have passed that no origin has caused. */
    let again = 0;

    // All rows run before any is checked, since records come in batches.
    before(async () => {
      run = await FaultRun.start(security);
      const watch = new HoldUpWatch(systemClock);
      for (const { row, condition } of plays) {
        let attempts = 0;
        const play = (): Promise<Played | Error> => {
          attempts++;
          return bounded(run.play(row, condition), `${row.name}: ${requestText(row, condition)}`);
        };
        played.push((await watch.observe(play, () => false)).seen);
        again += attempts - 1;
      }
      await run.quiet(2 * plays.length);
    });
    after(() => run?.stop()); // The start may have failed.

    plays.forEach(({ row, condition }, index) => {
      void test(`expected.md:${row.line} ${row.name}: ${requestText(row, condition)}`, async () => {
        const outcome = played[index] ?? new Error('the row was not run');
        if (outcome instanceof Error) throw outcome;
        await checkPlay(run, row, outcome);
      });
    });

    void test('truncated responses are counted as such, and no others', () => {
      const expected = plays.filter(({ row }) => isTruncated(row)).length;
      const { truncated } = run.gateway.exchanges();
      assert.ok(truncated >= expected && truncated <= expected + again, `${truncated}, not ${expected}`);
    });

    void test('no failure is unclassified, and no exchange is in flight', () => {
      assert.equal(run.gateway.unclassified(), 0);
      assert.equal(run.gateway.exchanges().active, 0);
      assert.ok(run.gateway.exchanges().ended >= 2 * plays.length, `${run.gateway.exchanges().ended} have ended`);
    });
  });
}

function isTruncated({ end }: ExpectedRow): boolean {
  return end === 'truncated';
}

/** The outcome of a row, or an error that names it: a row that hangs must not stop the others. */
async function bounded(play: Promise<Played>, what: string): Promise<Played | Error> {
  const limit = new AbortController();
  const tooLong = passTime(playMsMax, new Error(`no end after ${playMsMax} ms: ${what}`), limit);
  try {
    return await Promise.race([play, tooLong]);
  } catch (error) {
    return new Error(`not run: ${what}`, { cause: error });
  } finally {
    limit.abort();
    tooLong.catch(() => {});
  }
}
