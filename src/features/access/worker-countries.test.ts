import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadDatabaseLibrary, lookIntoDatabase, openCountryDatabase } from './country-database.ts';
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

for (const form of ['nested', 'registered', 'flat', 'bare'] as const)
  test(`a country is found in the form of each maker: ${form}`, async () => {
    await loadDatabaseLibrary();
    const content = mmdbOf({ '192.0.2.0/24': 'de', '2001:db8::/32': 'AT' }, { form });
    const opened = openCountryDatabase(content);
    assert.deepEqual(
      ['192.0.2.1', '2001:db8::1', '::1'].map((address) => opened.countryOf(address)),
      ['DE', 'AT', null],
    );
    assert.deepEqual(lookIntoDatabase(content), { type: 'Test-Country', ipv4: true, ipv6: true, country: true });
  });

test('what a file lacks is known before it is used', async () => {
  await loadDatabaseLibrary();
  const has = lookIntoDatabase(mmdbOf({ '192.0.2.0/24': 'Example Ltd' }, { form: 'provider' }));
  assert.deepEqual(has, { type: 'Test-Country', ipv4: true, ipv6: false, country: false });
});

test('a file of which a part is missing or of another one is not opened, or has no country there', async () => {
  await loadDatabaseLibrary();
  const networks = Object.fromEntries(
    Array.from({ length: 64 }, (_, at) => [`198.51.${at}.0/24`, at % 2 ? 'DE' : 'FR']),
  );
  const whole = mmdbOf(networks);
  for (let from = 0; from < whole.length - 200; from += 7) {
    const damaged = Buffer.concat([whole.subarray(0, from), whole.subarray(from + 64)]);
    const zeroed = Buffer.from(whole).fill(0, from, from + 64);
    for (const content of [damaged, zeroed, Buffer.from(whole).fill(0xff, from, from + 64)])
      try {
        lookIntoDatabase(content);
        const found = openCountryDatabase(content).countryOf('198.51.7.1');
        assert.ok(found === null || /^[A-Z]{2}$/.test(found), `${from}: ${found}`);
      } catch (error) {
        assert.ok(!(error instanceof assert.AssertionError), error as Error);
      }
  }
});

test('a worker does not take rules whose file the main thread could not read', async () => {
  const { database, ...rules } = rulesWith(Buffer.alloc(1));
  await assert.rejects(loadCountries(rules), /countries\.mmdb could not be read/);
});
