import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { ConfigurationFile, originalPath } from './configuration-file.ts';
import { ConfigurationHistory } from './configuration-history.ts';

let folder: string;
let clock: SimulatedClock;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'candor-history-')), 'state');
  clock = new SimulatedClock();
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

/** As a process has it that starts now. */
function start(epoch: string, inFolder = true): ConfigurationHistory {
  const storage = inFolder ? new ConfigurationFile(folder) : null;
  const history = new ConfigurationHistory({ clock, epoch, source: '/etc/candor.yaml', storage, hashes });
  history.load();
  return history;
}

/** As long as the process, and those after it, have the same key. */
const hashes = { ofValue: (key: string, digest: string): string => `${key} ${digest}`.toUpperCase() };
const shown = (text: string) => ({ text, warnings: [], unshown: null });
const applied = (history: ConfigurationHistory, text: string, revision = 1, actor = 'gateway'): number =>
  history.applied(actor, { revision, contentHash: `hash of ${text}`, changed: ['routes'] }, shown(text));
const idsOf = ({ list }: ConfigurationHistory): readonly number[] => list.map(({ id }) => id);

describe('configurations that were applied and refused', () => {
  test('are listed newest first, with the one that runs', () => {
    const history = start('one');
    assert.deepEqual([history.current, history.list], [null, []]);
    assert.equal(applied(history, 'a'), 1);
    assert.equal(history.refused('signal:SIGHUP', ['candor.yaml:1:1: no'], shown('b')), 2);
    assert.equal(applied(history, 'c', 2, 'admin:socket'), 3);
    assert.equal(history.refused('admin:socket', ['candor.yaml:2:1: no'], shown('d')), 4);
    assert.deepEqual(idsOf(history), [4, 3, 2, 1]);
    const { id, revision, text } = history.list[1] ?? {};
    assert.deepEqual([id, revision, text, history.list[1] === history.current], [3, 2, 'c', true]);
    assert.deepEqual(history.list[0]?.errors, ['candor.yaml:2:1: no']);
  });

  test('outlive the process, and numbers count on', async () => {
    const first = start('one');
    applied(first, 'a');
    applied(first, 'b', 2);
    await first.close();
    const second = start('two');
    assert.deepEqual([idsOf(second), second.current], [[2, 1], null]);
    assert.equal(applied(second, 'c'), 3);
    assert.equal(second.current?.epoch, 'two');
  });

  test('are in a file that only its user may read', async () => {
    const history = start('one');
    applied(history, 'a');
    await history.close();
    assert.equal(statSync(join(folder, 'configurations.json')).mode & 0o777, 0o600);
  });

  test('are kept with their secrets in files of their own, the newest twenty that were applied, for their user alone', async () => {
    const history = start('one');
    for (let count = 1; count <= 23; count++)
      history.applied(
        'ann',
        { revision: count, contentHash: `${count}`, changed: [] },
        {
          ...shown(`a: "***" # ${count}`),
          original: `a: geheim # ${count}`,
        },
      );
    history.refused('ann', ['no'], { ...shown('b'), original: 'b: geheim' });
    await history.close();
    const files = readdirSync(join(folder, 'configurations'));
    assert.deepEqual(files.toSorted(), Array.from({ length: 20 }, (_, at) => `${at + 4}.yaml`).toSorted());
    assert.equal(readFileSync(originalPath(folder, 23), 'utf8'), 'a: geheim # 23');
    assert.equal(statSync(originalPath(folder, 23)).mode & 0o777, 0o600);
    assert.doesNotMatch(readFileSync(join(folder, 'configurations.json'), 'utf8'), /geheim/);
  });

  test('count the same one again, as restarts do', async () => {
    for (const epoch of ['one', 'two', 'three']) {
      const history = start(epoch);
      applied(history, 'a');
      history.refused('signal:SIGHUP', ['no'], shown('b'));
      await history.close();
    }
    const { list, current } = start('four');
    assert.deepEqual(
      list.map(({ outcome, times, epoch }) => [outcome, times, epoch]),
      [
        ['refused', 3, 'three'],
        ['applied', 3, 'three'],
      ],
    );
    assert.equal(current, null);
  });

  test('are another one where a secret or a file that it names has changed', () => {
    const history = start('one');
    applied(history, 'a');
    const other = { revision: 2, contentHash: 'another', changed: [] };
    assert.equal(history.applied('signal:SIGHUP', other, shown('a')), 2);
  });

  test('are kept up to 50, at most 10 of them refused, and the one that runs always', () => {
    const history = start('one');
    applied(history, 'a');
    for (let round = 0; round < 70; round++) history.refused('admin:socket', [`no ${round}`], shown('b'));
    assert.equal(history.list.length, 11);
    assert.equal(history.current?.text, 'a');
    for (let round = 0; round < 70; round++) applied(history, `text ${round}`, round + 2);
    assert.equal(history.list.length, 50);
    assert.equal(history.current?.revision, 71);
  });

  test('are fewer where their texts are large', () => {
    const history = start('one', false);
    for (let round = 0; round < 5; round++) applied(history, `${round}`.repeat(1024 * 1024), round + 1);
    assert.deepEqual(idsOf(history), [5, 4]);
    applied(history, 'x'.repeat(3 * 1024 * 1024), 6);
    assert.deepEqual(idsOf(history), [6]);
  });

  test('of another process are not lost when both write, as during an upgrade', async () => {
    const [old, next] = [start('old'), start('next')];
    applied(old, 'a');
    await old.close();
    applied(next, 'b');
    await next.close();
    assert.equal(applied(old, 'c', 2), 3);
    await old.close();
    assert.deepEqual(idsOf(start('later')), [3, 2, 1]);
  });

  test('of a gateway without a file stay in memory', async () => {
    const history = start('one');
    history.applied('gateway', { revision: 1, contentHash: 'h', changed: [] }, null);
    await history.close();
    assert.deepEqual([idsOf(history), history.current?.text], [[1], null]);
    assert.throws(() => readFileSync(join(folder, 'configurations.json')), { code: 'ENOENT' });
  });

  test('of a damaged file are as none, and a damaged one is left out', async () => {
    const history = start('one');
    applied(history, 'a');
    applied(history, 'b', 2);
    await history.close();
    const path = join(folder, 'configurations.json');
    const content = JSON.parse(readFileSync(path, 'utf8')) as { configurations: object[] };
    writeFileSync(path, JSON.stringify({ ...content, configurations: [null, { id: 1 }, content.configurations[1]] }));
    assert.deepEqual(idsOf(start('two')), [2]);
    for (const text of ['{', '[]', 'null', '{"version":2,"configurations":[]}']) {
      writeFileSync(path, text);
      assert.deepEqual(idsOf(start('two')), [], text);
    }
  });
});

describe('values that texts do not show', () => {
  const read = (digests: Readonly<Record<string, string>>) => ({
    ...shown('text'),
    unshown: Object.entries(digests).map(([key, digest]) => ({ key, digest })),
  });
  const versionsOf = ({ list }: ConfigurationHistory) =>
    list.map(({ unshown }) => unshown?.map(({ key, version }) => `${key} ${version}`).join(', ') ?? null);
  const apply = (history: ConfigurationHistory, digests: Readonly<Record<string, string>>): number =>
    history.applied('gateway', { revision: 1, contentHash: JSON.stringify(digests), changed: [] }, read(digests));

  test('have a number for each value of a key, also in another process', async () => {
    const first = start('one');
    apply(first, { a: 'x', b: 'x' });
    apply(first, { a: 'y', b: 'x' });
    await first.close();
    const second = start('two');
    apply(second, { a: 'x', b: 'z' });
    assert.deepEqual(versionsOf(second), ['a 1, b 2', 'a 2, b 1', 'a 1, b 1']);
  });

  test('are hashed with a key before they are kept', async () => {
    const history = start('one');
    apply(history, { a: 'digest' });
    await history.close();
    const text = readFileSync(join(folder, 'configurations.json'), 'utf8');
    assert.match(text, /A DIGEST/);
    assert.doesNotMatch(text, /"digest"/);
  });

  test('make a configuration that was refused another one', () => {
    const history = start('one');
    history.refused('signal:SIGHUP', ['no'], read({ a: 'x' }));
    history.refused('signal:SIGHUP', ['no'], read({ a: 'y' }));
    history.refused('signal:SIGHUP', ['no'], read({ a: 'y' }));
    assert.deepEqual(versionsOf(history), ['a 2', 'a 1']);
  });
});
