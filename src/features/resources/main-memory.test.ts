import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant } from '../../core/time.ts';
import { groupKills, groupMemory, MemoryGrowth, MemoryOfReleases } from './main-memory.ts';

const mebibyte = 1024 * 1024;
const at = (seconds: number): Instant => (seconds * 1000) as Instant;

test('memory of a group is without pages of files that the kernel may drop, in both versions', () => {
  const files: Readonly<Record<string, string>> = {
    '/two/memory.current': '1000\n',
    '/two/memory.stat': 'anon 600\nfile 400\ninactive_file 300\n',
    '/two/memory.events': 'low 0\nmax 7\noom 2\noom_kill 1\n',
    '/one/memory.usage_in_bytes': '2000\n',
    '/one/memory.stat': 'inactive_file 5\ntotal_inactive_file 500\n',
    '/one/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 4\n',
  };
  const read = (path: string): string | null => files[path] ?? null;
  assert.equal(groupMemory('/two', 2)(read), 700);
  assert.equal(groupMemory('/one', 1)(read), 1500);
  assert.equal(groupMemory('/none', 2)(read), null);
  assert.deepEqual(
    [groupKills('/two', 2, read), groupKills('/one', 1, read), groupKills('/none', 1, read)],
    [1, 4, null],
  );
});

test('growth is told from where the program used least, also after days in bounded memory', () => {
  const growth = new MemoryGrowth();
  assert.equal(growth.text(), null);
  growth.add(at(0), 80 * mebibyte);
  assert.equal(growth.text(), null);
  growth.add(at(240), 500 * mebibyte);
  assert.equal(growth.text(), 'it had grown from 80 MiB to 500 MiB within 4 min');
  const long = new MemoryGrowth();
  for (let n = 0; n < 100_000; n += 1) long.add(at(n * 5), (100 + n / 1000) * mebibyte);
  assert.equal(long.text(), 'it had grown from 100 MiB to 200 MiB within 139 h');
  assert.equal(long.peakBytes > 199 * mebibyte, true);
});

test('a kill names the first release in a row that is killed, and what the one before used', () => {
  const releases = new MemoryOfReleases();
  assert.equal(releases.killed('shop', null), null);
  releases.used('shop', 'a', 90 * mebibyte);
  releases.used('shop', 'a', 80 * mebibyte);
  assert.equal(releases.killed('shop', 'b'), 'it runs release b; release a before used at most 90 MiB');
  assert.equal(
    releases.killed('shop', 'c'),
    'it runs release c, and this happens since release b; release a before used at most 90 MiB',
  );
  assert.equal(releases.killed('other', 'b'), 'it runs release b');
  const successor = new MemoryOfReleases();
  successor.import(releases.export());
  assert.equal(
    successor.killed('shop', 'c'),
    'it runs release c, and this happens since release b; release a before used at most 90 MiB',
  );
});
