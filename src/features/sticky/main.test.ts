import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { SeededRandom } from '../../testing/seeded-random.ts';
import { StickyKeys } from './main.ts';
import type { StickySettings } from './settings.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-session-key-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const spec = (key: string | null): StickySettings => ({ key }) as StickySettings;

class Keys extends StickyKeys {
  constructor(seed: string, stateFolder: string | null) {
    super({ random: new SeededRandom(seed), stateFolder });
  }

  get own(): string {
    return this.forWorkers(spec(null)).key ?? '';
  }
}

const keyOf = (seed: string, stateFolder: string | null): string => new Keys(seed, stateFolder).own;

describe('the key of sticky sessions', () => {
  it('is not created unless an upstream needs it', () => {
    assert.equal(new Keys('a', folder).forWorkers(spec('of a file')).key, 'of a file');
    assert.deepEqual(readdirSync(folder), []);
  });

  it('is the same for each process with the same state folder, and for others another one', () => {
    const state = join(folder, 'state');
    const key = keyOf('first', state);
    assert.match(key, /^[\w-]{43}$/);
    assert.equal(keyOf('second', state), key);
    assert.notEqual(keyOf('second', join(folder, 'other')), key);
    assert.notEqual(keyOf('second', null), key);
  });

  it('is for us alone, and leaves no other file', () => {
    keyOf('a', folder);
    assert.equal(statSync(join(folder, 'session-key')).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['session-key']);
  });

  it('stays the same for the process after reloads', () => {
    const key = new Keys('a', folder);
    const first = key.own;
    rmSync(join(folder, 'session-key'));
    assert.equal(key.own, first);
  });

  for (const [what, make] of [
    ['no key', (path: string) => writeFileSync(path, 'x\n')],
    ['a link', (path: string) => symlinkSync('/etc/hostname', path)],
    ['a folder', (path: string) => mkdirSync(path)],
  ] as const)
    it(`is one of this process alone where the file is ${what}, which stays`, () => {
      make(join(folder, 'session-key'));
      const key = keyOf('a', folder);
      assert.match(key, /^[\w-]{43}$/);
      assert.notEqual(keyOf('b', folder), key);
      if (what === 'no key') assert.equal(readFileSync(join(folder, 'session-key'), 'utf8'), 'x\n');
    });

  it('is not written to a folder that others may change', () => {
    chmodSync(folder, 0o777);
    assert.match(keyOf('a', folder), /^[\w-]{43}$/);
    assert.deepEqual(readdirSync(folder), []);
  });
});
