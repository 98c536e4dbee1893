import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { noAmounts, type UsageOwner } from './amounts.ts';
import { UsageFile } from './usage-file.ts';
import type { UsageRow } from './usage-lines.ts';

const hour = 490_000;
const owner: UsageOwner = { application: 'shop', kind: 'worker', name: 'mail', release: 'r3' };
const row = (at: number, cpuMs = 1500): UsageRow => ({
  ...{ at, owner },
  amounts: { ...noAmounts(), cpuMs, peakBytes: 4096, requests: 2.5, durations: new Map([[12, 2.5]]) },
});
const counted = {
  boot: 'b1',
  programs: [{ pid: 7, startTicks: '70', timesMs: 1500, groupMs: null }],
};

describe('the file of usage', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'candor-usage-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const usage = (): string => join(folder, 'usage');
  const minutes = (): string => join(usage(), readdirSync(usage()).find((name) => name.startsWith('minutes-')) ?? '');

  test('gives another process what was written, and what is counted of programs', async () => {
    await new UsageFile(folder).append([row(hour * 60), row(hour * 60 + 1)], counted);
    const kept = await new UsageFile(folder).read();
    assert.deepEqual(kept, { minutes: [row(hour * 60), row(hour * 60 + 1)], hours: [], counted });
  });

  test('is for the user of the gateway alone', async () => {
    await new UsageFile(folder).append([row(hour * 60)], counted);
    assert.equal(statSync(minutes()).mode & 0o777, 0o600);
  });

  test('skips a line that was cut, and goes on behind it', async () => {
    const file = new UsageFile(folder);
    await file.append([row(hour * 60)], counted);
    appendFileSync(minutes(), '{"t":29400001,"a":"sh');
    await file.append([row(hour * 60 + 2)], counted);
    assert.deepEqual((await new UsageFile(folder).read()).minutes, [row(hour * 60), row(hour * 60 + 2)]);
  });

  test('whose first line was cut by a full disk has the rows behind it', async () => {
    const file = new UsageFile(folder);
    await file.append([row(hour * 60)], counted);
    for (const length of [0, 1, 10]) {
      writeFileSync(minutes(), readFileSync(minutes(), 'utf8').slice(0, length));
      await file.append([row(hour * 60 + 2)], counted);
      assert.deepEqual((await new UsageFile(folder).read()).minutes, [row(hour * 60 + 2)], `${length} bytes`);
    }
  });

  test('gets what could not be written with the next rows, once', async () => {
    const file = new UsageFile(folder);
    writeFileSync(usage(), 'no folder');
    await file.append([row(hour * 60), row(hour * 60 - 1)], counted);
    rmSync(usage());
    await file.append([row(hour * 60 + 1)], counted);
    await file.append([row(hour * 60 + 2)], counted);
    const { minutes: kept } = await new UsageFile(folder).read();
    assert.deepEqual(
      kept.map(({ at }) => at - hour * 60),
      [-1, 0, 1, 2],
    );
  });

  test('keeps a file of another version aside, and begins another one', async () => {
    const file = new UsageFile(folder);
    await file.append([row(hour * 60)], counted);
    const path = minutes();
    writeFileSync(path, '{"candor_usage":99}\nwho knows\n');
    assert.deepEqual((await new UsageFile(folder).read()).minutes, []);
    assert.equal(readFileSync(`${path}.unusable`, 'utf8'), '{"candor_usage":99}\nwho knows\n');
    await file.append([row(hour * 60)], counted);
    assert.deepEqual((await new UsageFile(folder).read()).minutes, [row(hour * 60)]);
  });

  test('makes one hour of minutes that are older than a day, of parts of two processes too', async () => {
    const file = new UsageFile(folder);
    await file.append([row(hour * 60, 100), row(hour * 60 + 1, 200)], counted);
    await new UsageFile(folder).append([row(hour * 60 + 1, 50)], counted);
    await file.compact(hour + 25);
    const { minutes: left, hours } = await new UsageFile(folder).read();
    assert.deepEqual(left, []);
    assert.deepEqual(
      hours.map(({ at, amounts }) => [at, amounts.cpuMs, amounts.requests, amounts.peakBytes]),
      [[hour, 350, 7.5, 4096]],
    );
  });

  test('counts an hour once whose minutes were not removed before the process ended', async () => {
    const file = new UsageFile(folder);
    await file.append([row(hour * 60)], counted);
    const text = readFileSync(minutes(), 'utf8');
    const path = minutes();
    await file.compact(hour + 25);
    writeFileSync(path, text);
    assert.deepEqual((await file.read()).minutes, []);
    await file.compact(hour + 25);
    assert.deepEqual(
      (await file.read()).hours.map(({ amounts }) => amounts.cpuMs),
      [1500],
    );
  });

  test('forgets hours after forty days', async () => {
    const file = new UsageFile(folder);
    await file.append([row(hour * 60)], counted);
    await file.compact(hour + 25);
    await file.compact(hour + 41 * 24 + 24);
    assert.deepEqual(
      readdirSync(usage()).filter((name) => name.endsWith('.ndjson')),
      [],
    );
  });

  test('of a folder that cannot be used is as none', async () => {
    writeFileSync(join(folder, 'usage'), 'a file');
    const file = new UsageFile(folder);
    await file.append([row(hour * 60)], counted);
    assert.deepEqual(await file.read(), { minutes: [], hours: [], counted: null });
  });
});
