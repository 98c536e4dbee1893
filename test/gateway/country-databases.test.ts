// Only `npm run test:complete` runs this file: it fetches 14 MB of databases from npm; `npm test` has small ones of its own.
// Starts processes: npm and tar.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { cacheFolder } from '../../scripts/repository.ts';
import { loadDatabaseLibrary, openCountryDatabase } from '../../src/features/access/country-database.ts';
import { countryFile } from '../../src/features/access/keys-country-file.ts';

/** In the form of MaxMind, and in that of others. Their licences let them be tried, and not be part of a repository. */
const databases = [
  { name: 'geolite2-country', version: '1.0.22', file: 'GeoLite2-Country.mmdb.gz' },
  { name: '@ip-location-db/geolite2-country-mmdb', version: '2.3.2026061719', file: 'geolite2-country.mmdb' },
] as const;

/** Networks that have been of one country for long; null: of none. */
const countries: Readonly<Record<string, string | null>> = {
  '8.8.8.8': 'US',
  '::ffff:8.8.8.8': 'US',
  '::ffff:808:808': 'US',
  '5.9.0.1': 'DE',
  '2001:4860:4860::8888': 'US',
  '2a01:4f8::1': 'DE',
  '10.0.0.1': null,
  'fe80::1%eth0': null,
  '::1': null,
};

function fetched({ name, version, file }: (typeof databases)[number]): Buffer | string {
  const folder = join(cacheFolder, 'countries', name.replace(/.*\//, ''));
  const path = join(folder, 'package', file);
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    const packed = spawnSync('npm', ['pack', `${name}@${version}`], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 300_000,
    });
    if (packed.status !== 0) return `${name} could not be fetched from npm`;
    spawnSync('tar', ['-xzf', packed.stdout.trim().split('\n').at(-1) ?? ''], { cwd: folder });
  }
  const content = readFileSync(path);
  return file.endsWith('.gz') ? gunzipSync(content) : content;
}

describe('a file of countries that people have', () => {
  for (const database of databases) {
    const content = fetched(database);
    const skip = typeof content === 'string' ? content : false;
    const whole = typeof content === 'string' ? Buffer.alloc(0) : content;
    const isRefused = async (one: Buffer): Promise<boolean> => !(await countryFile.digest!(one, 'countries.mmdb')).ok;

    test(`${database.name} says where an address is, in each of its spellings`, { skip }, async () => {
      assert.match(JSON.stringify(await countryFile.digest!(whole, 'countries.mmdb')), /"value":"[0-9a-f]{64}"/);
      await loadDatabaseLibrary();
      const opened = openCountryDatabase(whole);
      const found = Object.keys(countries).map((address) => [address, opened.countryOf(address)]);
      assert.deepEqual(Object.fromEntries(found), countries);
    });

    test(`${database.name} is refused while it is copied, or written over another one`, { skip }, async () => {
      for (let part = 1; part < 20; part++) {
        const at = Math.floor((whole.length * part) / 20);
        assert.ok(await isRefused(whole.subarray(0, at)), `the first ${part} of 20`);
        const mixed = Buffer.concat([whole.subarray(0, at), whole.subarray(at + 1_000_003)]);
        if (at + 1_000_003 < whole.length) assert.ok(await isRefused(mixed), `mixed after ${part} of 20`);
      }
    });
  }
});
