import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Configuration } from '../core/configuration.ts';
import { SeededRandom } from '../testing/testing.ts';
import { ConfigurationHashes } from './configuration-history.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-hashes-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const configuration = (deployment: string): Configuration => ({ deployment }) as Configuration;
const both = (hashes: ConfigurationHashes): readonly string[] => [
  hashes.ofConfiguration(configuration('shop')),
  hashes.ofValue('PIN', '1234'),
];

describe('hashes of configurations and their values', () => {
  test('are the same in each process with the same state folder', () => {
    const first = both(new ConfigurationHashes(folder, new SeededRandom('first')));
    assert.deepEqual(both(new ConfigurationHashes(folder, new SeededRandom('second'))), first);
    assert.match(first.join(' '), /^[\da-f]{16} [\da-f]{32}$/);
  });

  test('cannot be computed without the key of the folder', () => {
    const hashes = [folder, join(folder, 'other'), null].map(
      (one, at) => new ConfigurationHashes(one, new SeededRandom(`${at}`)),
    );
    assert.equal(new Set(hashes.flatMap(both)).size, 6);
  });

  test('differ where the configuration, the value or its key does', () => {
    const hashes = new ConfigurationHashes(null, new SeededRandom('one'));
    assert.notEqual(hashes.ofConfiguration(configuration('a')), hashes.ofConfiguration(configuration('b')));
    const values = [hashes.ofValue('a', '1'), hashes.ofValue('a', '2'), hashes.ofValue('b', '1')];
    assert.equal(new Set(values).size, 3);
  });
});
