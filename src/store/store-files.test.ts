import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openDatabase } from './database.ts';
import type { NewExchange } from './segment.ts';
import { StoreFolder } from './store-folder.ts';
import {
  aside,
  clock,
  exchangeOf,
  folder,
  golden,
  numbered,
  open,
  others,
  removed,
  search,
  store,
  storeForEachTest,
  use,
} from './exchange-store.test-support.ts';

storeForEachTest();

describe('the files of the store', () => {
  const line = golden[0] as string;
  const names = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.sqlite'));
  const many = (first: number): NewExchange[] =>
    Array.from({ length: 400 }, (_, n) => exchangeOf(numbered(line, first + n)));

  test('are ignored by git in a folder that the store has made, and in no other', () => {
    const made = join(folder, 'new', 'store');
    assert.deepEqual(new StoreFolder(made).files(), []);
    assert.equal(readFileSync(join(folder, 'new', '.gitignore'), 'utf8'), '*\n');
    new StoreFolder(folder).files();
    assert.equal(readdirSync(folder).includes('.gitignore'), false);
    rmSync(join(folder, 'new'), { recursive: true });
  });

  test('stay below their size: the oldest exchanges are deleted, the newest are found', () => {
    store.close();
    const keepBytes = 2 ** 21;
    use(open({ keepBytes }));
    for (let round = 0; round < 60; round += 1) {
      store.append(many(round * 400));
      clock.advanceSync(11_000);
      store.maintain();
    }
    const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    assert.ok(bytes <= keepBytes * 1.2, `${bytes}`);
    assert.equal(search('path:/orders/23999').exchanges.length, 1);
    assert.equal(search('path:/orders/0').exchanges.length, 0);
  });

  test('are deleted when they are too old', () => {
    store.close();
    use(open({ keepBytes: 8 * 30_000, keepAgeMs: 1 }));
    store.append(many(0));
    store.maintain();
    clock.advanceSync(20_000);
    store.append(many(400));
    store.maintain();
    assert.deepEqual(names(), ['exchanges-000002.sqlite']);
  });

  test('comprise an eighth of the age that is kept: what is too old goes, although a file is never full', () => {
    const hour = 3_600_000;
    store.close();
    use(open({ keepAgeMs: 8 * hour }));
    const lineNow = (number: number): NewExchange => {
      const at = new Date(clock.wallTime()).toISOString();
      return exchangeOf(numbered(JSON.stringify({ ...(JSON.parse(line) as object), at }), number));
    };
    for (let number = 0; number < 5; number += 1) {
      store.append([lineNow(number)]);
      clock.advanceSync(hour / 2 + 1);
      store.maintain();
    }
    assert.deepEqual(names(), ['exchanges-000001.sqlite', 'exchanges-000002.sqlite', 'exchanges-000003.sqlite']);
  });

  test('are not deleted for their age when the clock is set forward, until it has been so for ten minutes', () => {
    store.close();
    use(open({ keepBytes: 8 * 100_000, keepAgeMs: 3_600_000 }));
    store.append(many(0));
    store.maintain();
    store.append(many(400));
    clock.setWallTime(Math.max(clock.wallTime(), Date.now()) + 7_200_000);
    clock.advanceSync(11_000);
    store.maintain();
    assert.deepEqual(names(), ['exchanges-000001.sqlite', 'exchanges-000002.sqlite']);
    clock.advanceSync(601_000);
    store.maintain();
    assert.deepEqual(names(), ['exchanges-000002.sqlite']);
  });

  test('can be read by their user alone', () => {
    store.append(many(0));
    const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777);
    assert.deepEqual(new Set(modes), new Set([0o600]));
  });

  test('are read again by a later process', () => {
    store.append(many(0));
    store.close();
    use(open());
    store.append(many(400));
    assert.equal(search('').exchanges.length, 800);
  });

  test('that are damaged are moved aside, and a new one is begun', () => {
    store.append(many(0));
    store.close();
    writeFileSync(join(folder, 'exchanges-000001.sqlite'), Buffer.alloc(8192, 'x'));
    use(open());
    store.append(many(400));
    assert.equal(aside.length, 1);
    assert.equal(search('').exchanges.length, 400);
    assert.ok(readdirSync(folder).includes('exchanges-000001.sqlite.corrupt'));
  });

  for (const [what, remove] of [
    ['the file', (path: string) => rmSync(path)],
    ['what SQLite keeps beside it', (path: string) => rmSync(`${path}-wal`)],
    ['the folder', () => rmSync(folder, { recursive: true })],
  ] as const)
    test(`are opened anew if ${what} was removed, and what comes then is found by another process`, () => {
      store.append(many(0));
      remove(join(folder, 'exchanges-000001.sqlite'));
      store.append(many(400));
      assert.equal(removed.length, 1);
      const other = open();
      const result = other.search({ query: '', limit: 1000, cursor: null, after: null });
      other.close();
      assert.equal(result.kind === 'page' && result.exchanges[0]?.record.path, '/orders/799');
      store.append(many(800));
      assert.equal(removed.length, 1, 'once');
    });

  test('are opened anew if they are removed while records are written to them, and none of those is lost', () => {
    store.append(many(0));
    const records = many(400);
    const [first] = records;
    let isThere = true;
    const one = () => {
      if (isThere) rmSync(folder, { recursive: true });
      isThere = false;
      return first;
    };
    store.append(Object.defineProperty([...records], 0, { get: one, enumerable: true }));
    assert.equal(removed.length, 1);
    assert.equal(search('').exchanges.length, 400);
  });

  for (const [what, change] of [
    ['of a later version', 'PRAGMA user_version = 2'],
    ['of no version', 'PRAGMA user_version = 0'],
    ['of another program', 'PRAGMA application_id = 0'],
  ] as const)
    test(`${what} are told once and left as they are, and a new one is begun`, () => {
      const path = join(folder, 'exchanges-000001.sqlite');
      store.append(many(0));
      store.close();
      const database = openDatabase(path);
      database.execute(change);
      database.close();
      const before = readFileSync(path);
      use(open());
      store.append(many(400));
      store.append(many(800));
      assert.equal(search('').exchanges.length, 800);
      assert.deepEqual(others, [path]);
      assert.deepEqual(readFileSync(path), before);
    });

  test('take the exchanges of two processes during an upgrade', () => {
    const other = open();
    for (let round = 0; round < 4; round += 1) {
      store.append([exchangeOf(numbered(line, 2 * round))]);
      other.append([exchangeOf(numbered(line, 2 * round + 1))]);
    }
    other.close();
    assert.deepEqual(
      new Set(search('').exchanges.map(({ record }) => record.path)),
      new Set(Array.from({ length: 8 }, (_, n) => `/orders/${n}`)),
    );
  });

  test('that another program has locked lose nothing that the caller keeps', () => {
    store.append(many(0));
    const database = openDatabase(join(folder, 'exchanges-000001.sqlite'));
    database.execute('BEGIN IMMEDIATE');
    assert.throws(() => store.append(many(400)));
    database.execute('COMMIT');
    database.close();
    store.append(many(400));
    assert.equal(search('').exchanges.length, 800);
  });
});
