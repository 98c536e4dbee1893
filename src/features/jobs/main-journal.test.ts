import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { faultyFiles } from '../../deploy/faulty-files.test-support.ts';
import { releaseFiles, type ReleaseFiles } from '../../deploy/release-files.ts';
import { isWholeSweep } from '../../testing/sweep.test-support.ts';
import { type JobFact, runsMax } from './main-history.ts';
import { JobJournal } from './main-journal.ts';

const root = mkdtempSync(join(tmpdir(), 'candor-jobs-'));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const newFolder = (): string => join(root, `state-${++folders}`, 'jobs');

async function opened(folder: string, files?: ReleaseFiles) {
  const found = await JobJournal.open(files === undefined ? { folder } : { folder, files });
  assert.ok(typeof found !== 'string', typeof found === 'string' ? found : '');
  return found;
}

const job = 'shop.report';
const scheduled: JobFact = { kind: 'scheduled', job, schedule: '0 3 * * * UTC', after: 1000 };
const started = (run: number, tick: number | null = run * 1000): JobFact => ({
  ...{ kind: 'started', job, run, tick, by: 'schedule', actor: null, release: null },
  startedAt: run * 1000,
});
const ended = (run: number, line = 'done'): JobFact => ({
  ...{ kind: 'ended', job, run, endedAt: run * 1000 + 5, code: 0, signal: null, ms: 5, failure: null },
  lines: [line],
});

/** What a process that starts knows of the job. */
async function known(folder: string) {
  const { journal, damage } = await opened(folder);
  const history = journal.histories.get(job);
  return { decidedTo: history?.decidedTo, runs: history?.runs.map(({ run }) => run) ?? [], damage };
}

describe('the journal of jobs', () => {
  test('is what the next process knows; only we may read it', async () => {
    const folder = newFolder();
    const { journal } = await opened(folder);
    await journal.append(scheduled);
    await journal.append(started(1), ended(1));
    assert.deepEqual(await known(folder), { decidedTo: 1000, runs: [1], damage: null });
    assert.equal(statSync(journal.path).mode & 0o777, 0o600);
  });

  test('of which a crash has torn the last line loses that line, which claims nothing', async () => {
    const folder = newFolder();
    const { journal } = await opened(folder);
    await journal.append(scheduled, started(2));
    for (const torn of ['{"v":1,"kind":"started","job":"shop.rep', '\0\0\0\0\0', '\0\0\0\n']) {
      appendFileSync(journal.path, torn);
      assert.deepEqual(await known(folder), { decidedTo: 2000, runs: [2], damage: null });
    }
    const again = await opened(folder);
    await again.journal.append(started(3));
    assert.deepEqual((await known(folder)).runs, [2, 3]);
  });

  test('whose middle is damaged counts all ticks up to its last change as decided, and keeps a copy', async () => {
    const folder = newFolder();
    const { journal } = await opened(folder);
    await journal.append(scheduled, started(1), started(2));
    const lines = readFileSync(journal.path, 'utf8').split('\n');
    writeFileSync(journal.path, [lines[0], 'x'.repeat(40), lines[2], ''].join('\n'));
    utimesSync(journal.path, 500, 500);
    const { journal: read, damage } = await opened(folder);
    assert.match(damage ?? '', /^A line of .* cannot be read/);
    assert.deepEqual([read.histories.get(job)?.decidedTo, read.unknownTo], [500_000, 500_000]);
    assert.match(readFileSync(`${journal.path}.damaged`, 'utf8'), /xxxx/);
    assert.deepEqual(await known(folder), { decidedTo: 500_000, runs: [2], damage: null });
  });

  test('with any wrong bit is noticed: no tick that was claimed is due again', async () => {
    const folder = newFolder();
    const { journal } = await opened(folder);
    await journal.append(scheduled, started(1), ended(1), started(2), ended(2));
    const whole = readFileSync(journal.path);
    for (let at = 0; at < whole.length; at += isWholeSweep ? 1 : 9) {
      const wrong = Buffer.from(whole);
      wrong[at] = (wrong[at] as number) ^ (1 << (at % 8));
      writeFileSync(journal.path, wrong);
      const { journal: read } = await opened(folder);
      const decidedTo = read.histories.get(job)?.decidedTo ?? read.unknownTo;
      assert.ok(decidedTo >= 2000, `byte ${at}: ${decidedTo}`);
    }
  });

  test('cut anywhere has what was confirmed before, and can be written again', async () => {
    const folder = newFolder();
    const { journal } = await opened(folder);
    await journal.append(scheduled, started(1), ended(1), started(2), ended(2));
    const whole = readFileSync(journal.path);
    for (let length = 0; length <= whole.length; length += isWholeSweep ? 1 : 7) {
      writeFileSync(journal.path, whole.subarray(0, length));
      const { journal: read, damage } = await opened(folder);
      await read.append(started(3));
      const { runs } = await known(folder);
      assert.deepEqual([damage, runs.at(-1)], [null, 3], `${length} bytes`);
    }
  });

  test('keeps what nothing waits for until the disk has room, and writes it before what comes then', async () => {
    const folder = newFolder();
    const state = { isFull: false };
    const files = {
      ...releaseFiles,
      open: ((...asked: Parameters<typeof releaseFiles.open>) =>
        state.isFull
          ? Promise.reject(Object.assign(new Error(), { code: 'EROFS', syscall: 'open' }))
          : releaseFiles.open(...asked)) as typeof releaseFiles.open,
    };
    const { journal } = await opened(folder, files);
    await journal.append(scheduled, started(1));
    state.isFull = true;
    await journal.note(ended(1));
    const missed = (first: number) =>
      ({ kind: 'missed', job, first, last: first, count: 1, isMore: false, reason: 'full' }) as const;
    for (const first of [2000, 3000, 4000]) await journal.note(missed(first));
    await assert.rejects(journal.append(started(5)), /cannot be written/);
    assert.equal(journal.histories.get(job)?.runs[0]?.end?.code, 0, 'it is known here');
    assert.deepEqual(await known(folder), { decidedTo: 1000, runs: [1], damage: null });
    state.isFull = false;
    await journal.append(started(5));
    const { journal: read } = await opened(folder);
    const history = read.histories.get(job);
    assert.deepEqual([history?.decidedTo, history?.runs[0]?.end?.code, history?.missed?.count], [5000, 0, 3]);
  });

  test('that another program has changed is not written', async () => {
    const folder = newFolder();
    const { journal } = await opened(folder);
    await journal.append(scheduled);
    truncateSync(journal.path, 3);
    await assert.rejects(journal.append(started(1)), /changed by another program/);
  });

  test('that belongs to another process is not written', async () => {
    const { journal } = await opened(newFolder());
    await journal.append(scheduled);
    await journal.close();
    await assert.rejects(journal.append(started(1)), /another process/);
  });

  test('is bounded: runs that are forgotten are still counted, and those of removed jobs are not run again', async () => {
    const folder = newFolder();
    const { journal } = await opened(folder);
    await journal.append({
      kind: 'started',
      job: 'shop.gone',
      run: 7,
      tick: 9000,
      by: 'schedule',
      actor: null,
      release: null,
      startedAt: 1,
    });
    await journal.append({ kind: 'removed', job: 'shop.gone' });
    await journal.append(scheduled);
    const line = 'x'.repeat(60_000);
    for (let run = 1; run <= 60; run++) await journal.append(started(run), ended(run, line));
    assert.ok(statSync(journal.path).size < 3_000_000);
    const { journal: read } = await opened(folder);
    const history = read.histories.get(job);
    assert.deepEqual([history?.runs.length, history?.runsTotal, history?.decidedTo], [runsMax, 60, 60_000]);
    assert.equal(read.histories.get('shop.gone')?.decidedTo, 9000);
  });

  test('that is no file of ours is not used, and says why', async () => {
    const folder = newFolder();
    const { journal } = await opened(folder);
    await journal.append(scheduled);
    rmSync(journal.path);
    await import('node:fs/promises').then(({ mkdir }) => mkdir(journal.path));
    const found = await JobJournal.open({ folder });
    assert.match(typeof found === 'string' ? found : '', /it is a folder, not a file/);
  });
});

for (const code of ['ENOSPC', 'EIO'] as const)
  test(`whatever call of the file system fails with ${code}: what was not confirmed is not in the file, and what was is`, async () => {
    for (let failAt = 0; failAt < 12; failAt++) {
      const folder = newFolder();
      const first = await opened(folder);
      await first.journal.append(scheduled, started(1));
      const { files, calls } = faultyFiles(failAt, code);
      const { journal } = await opened(folder, files);
      let confirmed = 1;
      for (const run of [2, 3]) {
        const isWritten = await journal.append(started(run)).then(
          () => true,
          () => false,
        );
        if (isWritten) confirmed = run;
      }
      const { runs } = await known(folder);
      assert.equal(runs.at(-1), confirmed, `call ${failAt} (${calls[failAt] ?? 'none'})`);
    }
  });

test('wherever a crash ends the process: what was confirmed is in the file, and the file can be read', async () => {
  for (let failAt = 0; failAt < 12; failAt++) {
    const folder = newFolder();
    const first = await opened(folder);
    await first.journal.append(scheduled, started(1));
    const { files } = faultyFiles(failAt, 'EIO', true);
    const { journal } = await opened(folder, files);
    let confirmed = 1;
    for (const run of [2, 3])
      await journal.append(started(run)).then(
        () => (confirmed = run),
        () => undefined,
      );
    const { runs, damage } = await known(folder);
    assert.equal(damage, null);
    assert.ok((runs.at(-1) ?? 0) >= confirmed);
  }
});
