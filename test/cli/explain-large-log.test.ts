// Only `npm run test:complete` runs this file: it explains a log of a hundred megabytes. `npm test` has `explain-log.test.ts`.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { explainLargeLog, writeLargeLog } from '../../bench/large-log.ts';

// The short form of `npm run bench:explain:large`.

const residentMax = 300e6;

let folder = '';

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'candor-large-'));
  await writeLargeLog('error', 40, join(folder, 'error.log'));
  await writeLargeLog('access', 40, join(folder, 'access.log'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const isElsewhere = process.platform !== 'linux' && 'the memory of a process is read as Linux tells it';

describe('a large log', { skip: isElsewhere, timeout: 240_000 }, () => {
  it('of failures alone is explained within 300 MB of resident memory', async () => {
    const { code, residentBytes, headline } = await explainLargeLog(['error.log'], folder);
    assert.equal(code, 1);
    assert.match(headline, /^\d{3},\d{3} gateway failures in \d{3},\d{3} lines$/);
    assert.ok(residentBytes > 0 && residentBytes < residentMax, `${residentBytes} bytes`);
  });

  it('that is interrupted is summed up so far, and exits with 130', async () => {
    const { code, headline, notice } = await explainLargeLog(['error.log', 'access.log'], folder, 60e6);
    assert.equal(code, 130);
    assert.match(headline, /^[\d,]+ gateway failures? in [\d,]+ lines$/);
    assert.match(notice, /^\w+\.log: it was not read completely: [\d.]+ MB of 40\.\d MB\.$/m);
  });
});
