// Only `npm run test:complete` runs this file: it starts other gateways and reads their logs. `npm test` reads lines of all of
// them (`corpus.test.ts`).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';
import * as diagnose from '../../src/diagnose/diagnose.ts';
import { isInnocent, listOf } from './corpus.ts';
import { missingOf, realGateways } from './real-logs/gateways.ts';
import { claimedShare, failureText, type JudgedCase, judge } from './real-logs/judge.ts';
import { openStage, type PlayedCase, playAll, type Stage } from './real-logs/play.ts';
import { clarityOf, strayCases, unclearCases } from './real-logs/unclear-cases.ts';

// The distribution's gateways stand in front of an origin that misbehaves. Compares Candor's verdicts on their real logs with
// what the origin did.

const document = readFileSync(join(repositoryRoot, 'docs', 'explain', 'what-logs-cannot-tell.md'), 'utf8');

test('the page for people and this test list the same limits of logs', () => {
  assert.deepEqual(strayCases(), []);
  const rows = unclearCases.map(
    ({ log, shows: says, cases: acts, why }) => `| ${log} | ${acts.join(', ')} | ${says} | ${why} |`,
  );
  assert.deepEqual(
    rows.filter((row) => !document.includes(row)),
    [],
  );
});

describe('the real logs of the distribution’s gateways', () => {
  let stage: Stage;
  const playing = new Map<string, Promise<PlayedCase[]>>();

  before(async () => {
    stage = await openStage();
    // All at once: most of the time is spent waiting for timeouts.
    for (const gateway of realGateways) {
      if (missingOf(gateway) !== null) continue;
      const played = playAll(gateway, stage);
      played.catch(() => {});
      playing.set(gateway.name, played);
    }
  });

  after(async () => {
    await Promise.allSettled(playing.values());
    await stage.close();
  });

  for (const gateway of realGateways) {
    test(`${gateway.name} logs each failure as the list of limits says`, async (t) => {
      const missing = missingOf(gateway);
      if (missing !== null) return t.skip(missing);
      const played = (await playing.get(gateway.name)) ?? [];
      const silent = played.filter(({ failureCase: act, log, lines }) => {
        const says = clarityOf(log.name, act.id);
        return lines.length === 0 && says !== 'fine' && !listOf(act.shape).every(isInnocent);
      });
      assert.deepEqual(
        silent.map(({ failureCase: act, log }) => `${log.name}: ${act.id}`),
        [],
      );
      assert.ok(played.length > 0);
    });
  }

  test('98 % of the failures that logs can show are explained correctly, and 98 % of the others are unknown', async (t) => {
    if (playing.size === 0) return t.skip('none of the gateways is here');
    const played = (await Promise.all(playing.values())).flat();
    const judged = played.map((one) => judge(one, diagnose));
    assertShare(judged.filter(({ told }) => told));
    assertShare(judged.filter(({ told }) => !told));
  });
});

function assertShare(judged: readonly JudgedCase[]): void {
  const of = judged.filter(({ right }) => right !== null);
  const wrong = of.filter(({ right }) => right === false);
  assert.ok(
    wrong.length <= (1 - claimedShare) * of.length,
    `${wrong.length} of ${of.length} are wrong:\n${wrong.map(failureText).join('\n')}`,
  );
}
