import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { ReleaseLog, readReleaseLog } from './release-log.ts';

test('the logs of builds: the last lines of each, of the last twenty', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'candor-logs-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const clock = new SimulatedClock();
  for (let number = 1; number <= 25; number++) {
    const log = new ReleaseLog(folder, number, clock);
    for (let line = 1; line <= (number === 25 ? 10_000 : 1); line++) log.add(`${line} ${'x'.repeat(98)}`);
    await log.save();
  }
  assert.equal(readdirSync(join(folder, 'logs')).length, 20);
  assert.deepEqual([readReleaseLog(folder, 5), readReleaseLog(folder, 6)?.slice(0, 4)], [null, '1 xx']);
  const lines = readReleaseLog(folder, 25)?.split('\n') ?? [];
  assert.match(lines[0] ?? '', /^… 4\d{3} earlier lines are left out$/);
  assert.match(lines.at(-2) ?? '', /^10000 x/);
  assert.equal(statSync(join(folder, 'logs/r25.log')).mode & 0o777, 0o600);
});
