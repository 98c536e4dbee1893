import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mmdbOf } from './mmdb.test-support.ts';
import type { CountryRules } from './settings.ts';
import { countriesOf, loadCountries } from './worker-countries.ts';

function rulesWith(content: Buffer): CountryRules {
  const database = new SharedArrayBuffer(content.length);
  content.copy(new Uint8Array(database));
  return { allow: ['DE'], deny: null, allowsUnknown: false, file: 'countries.mmdb', version: 'one', database };
}

test('an address has the country of its network in the file, in each of its spellings', async () => {
  const rules = rulesWith(mmdbOf({ '192.0.2.0/24': 'DE', '198.51.100.0/24': 'FR', '2001:db8::/32': 'AT' }));
  await loadCountries(rules);
  const { countryOf } = countriesOf(rules);
  for (const [address, country] of [
    ['192.0.2.7', 'DE'],
    ['::ffff:192.0.2.7', 'DE'],
    ['::ffff:c000:207', 'DE'],
    ['198.51.100.255', 'FR'],
    ['2001:db8:1::1', 'AT'],
    ['2001:db9::', null],
    ['10.0.0.1', null],
    ['', null],
    ['unix', null],
  ] as const)
    assert.equal(countryOf(address), country, address);
  assert.equal(countriesOf(rules).countryOf, countryOf, 'one reader is for all routes');
});

test('a worker does not take rules whose file the main thread could not read', async () => {
  const { database, ...rules } = rulesWith(Buffer.alloc(1));
  await assert.rejects(loadCountries(rules), /countries\.mmdb could not be read/);
});
