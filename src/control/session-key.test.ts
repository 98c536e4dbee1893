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
import type { Configuration } from '../core/configuration.ts';
import type { UpstreamSpec } from '../core/upstream-spec.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SessionKey } from './session-key.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-session-key-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function configurationOf(keys: readonly (string | null | undefined)[], stateFolder: string | null): Configuration {
  const upstreams = keys.map((key) => (key === undefined ? {} : { sticky: { key } })) as UpstreamSpec[];
  return { upstreams, stateFolder } as unknown as Configuration;
}

const sticky = (stateFolder: string | null): Configuration => configurationOf([null], stateFolder);
const keyOf = (seed: string): SessionKey => new SessionKey(new SeededRandom(seed));

describe('the key of sticky sessions', () => {
  it('is not created unless an upstream needs it', () => {
    for (const keys of [[], [undefined], ['of a file']])
      assert.equal(keyOf('a').for(configurationOf(keys, folder)), undefined);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('is the same for each process with the same state folder, and for others another one', () => {
    const state = join(folder, 'state');
    const key = keyOf('first').for(sticky(state));
    assert.match(key ?? '', /^[\w-]{43}$/);
    assert.equal(keyOf('second').for(sticky(state)), key);
    assert.notEqual(keyOf('second').for(sticky(join(folder, 'other'))), key);
    assert.notEqual(keyOf('second').for(sticky(null)), key);
  });

  it('is for us alone, and leaves no other file', () => {
    keyOf('a').for(sticky(folder));
    assert.equal(statSync(join(folder, 'session-key')).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['session-key']);
  });

  it('stays the same for the process after reloads', () => {
    const key = keyOf('a');
    const first = key.for(sticky(folder));
    rmSync(join(folder, 'session-key'));
    assert.equal(key.for(sticky(folder)), first);
  });

  for (const [what, make] of [
    ['no key', (path: string) => writeFileSync(path, 'x\n')],
    ['a link', (path: string) => symlinkSync('/etc/hostname', path)],
    ['a folder', (path: string) => mkdirSync(path)],
  ] as const)
    it(`is one of this process alone where the file is ${what}, which stays`, () => {
      make(join(folder, 'session-key'));
      const key = keyOf('a').for(sticky(folder));
      assert.match(key ?? '', /^[\w-]{43}$/);
      assert.notEqual(keyOf('b').for(sticky(folder)), key);
      if (what === 'no key') assert.equal(readFileSync(join(folder, 'session-key'), 'utf8'), 'x\n');
    });

  it('is not written to a folder that others may change', () => {
    chmodSync(folder, 0o777);
    assert.match(keyOf('a').for(sticky(folder)) ?? '', /^[\w-]{43}$/);
    assert.deepEqual(readdirSync(folder), []);
  });
});
