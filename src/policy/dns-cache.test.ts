import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { Instant } from '../core/time.ts';
import {
  afterLookup,
  type DnsCacheEntry,
  emptyEntry,
  type FamilyOutcome,
  resolutionStateOf,
  resolvedAddressesOf,
} from './dns-cache.ts';

const now = 1000 as Instant;
const notFound = (rcode: string): FamilyOutcome => ({ failure: fail('dns_not_found', 'dns', { name: 'app', rcode }) });
const servfail: Failure = fail('dns_failed', 'dns', { name: 'app', rcode: 'SERVFAIL', code: 'ESERVFAIL' });
const found = (ttlS: number | null, ...addresses: string[]): FamilyOutcome => ({ addresses, ttlS });

function lookUp(entry: DnsCacheEntry, ipv4: FamilyOutcome, ipv6: FamilyOutcome, at = now, chance = 0): DnsCacheEntry {
  const families = new Map([
    ['ipv4' as const, ipv4],
    ['ipv6' as const, ipv6],
  ]);
  return afterLookup(entry, { source: 'dns', families }, at, chance);
}

describe('the next lookup comes before the TTL expires', () => {
  const table: [ttlS: number | null, fromMs: number, toMs: number][] = [
    [0, 750, 900],
    [1, 750, 900],
    [10, 7500, 9000],
    [30, 22_500, 27_000],
    [600, 22_500, 27_000],
    [null, 22_500, 27_000],
  ];
  for (const [ttlS, fromMs, toMs] of table) {
    it(`${ttlS} s: after ${fromMs} to ${toMs} ms`, () => {
      const at = (chance: number): number =>
        lookUp(emptyEntry(now), found(ttlS, '10.0.0.1'), notFound('NODATA'), now, chance).nextAt - now;
      assert.equal(Math.round(at(0)), fromMs);
      assert.equal(Math.round(at(1)), toMs);
    });
  }
  it('goes by the shorter TTL of the two families', () => {
    const entry = lookUp(emptyEntry(now), found(20, '10.0.0.1'), found(2, 'fd00::1'));
    assert.equal(entry.nextAt - now, 1500);
  });
});

describe('a lookup that fails', () => {
  const good = lookUp(emptyEntry(now), found(10, '10.0.0.2', '10.0.0.1'), notFound('NODATA'));

  it('leaves the last good addresses, and marks them as stale', () => {
    const stale = lookUp(good, { failure: servfail }, { failure: servfail });
    assert.deepEqual(
      [stale.ipv4, resolutionStateOf(stale), stale.failure],
      [['10.0.0.1', '10.0.0.2'], 'stale', servfail],
    );
  });

  it('is repeated after 1 s, 2 s, 4 s … 30 s, less a random part of up to a quarter', () => {
    let entry = emptyEntry(now);
    const waits = Array.from({ length: 7 }, () => {
      entry = lookUp(entry, notFound('NXDOMAIN'), notFound('NXDOMAIN'), now, 1);
      return entry.nextAt - now;
    });
    assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    assert.equal(resolutionStateOf(entry), 'failed');
  });

  it('is forgotten with the next successful one', () => {
    const stale = lookUp(good, notFound('NXDOMAIN'), notFound('NXDOMAIN'));
    const fresh = lookUp(stale, found(10, '10.0.0.3'), notFound('NODATA'));
    assert.deepEqual([fresh.ipv4, resolutionStateOf(fresh), fresh.consecutiveFailures], [['10.0.0.3'], 'resolved', 0]);
  });

  it('keeps the addresses of a family whose lookup failed while the other succeeded, and removes them where the answer is that there are none', () => {
    const both = lookUp(emptyEntry(now), found(10, '10.0.0.1'), found(10, 'fd00::1'));
    assert.deepEqual(lookUp(both, found(10, '10.0.0.1'), { failure: servfail }).ipv6, ['fd00::1']);
    assert.deepEqual(lookUp(both, found(10, '10.0.0.1'), notFound('NODATA')).ipv6, []);
  });

  const table: [what: string, FamilyOutcome, FamilyOutcome, cause: string, rcode: string | null][] = [
    ['NXDOMAIN', notFound('NXDOMAIN'), notFound('NXDOMAIN'), 'dns_not_found', 'NXDOMAIN'],
    ['NXDOMAIN and NODATA', notFound('NODATA'), notFound('NXDOMAIN'), 'dns_not_found', 'NXDOMAIN'],
    ['NODATA', notFound('NODATA'), notFound('NODATA'), 'dns_not_found', 'NODATA'],
    ['SERVFAIL for the other family alone', notFound('NODATA'), { failure: servfail }, 'dns_failed', 'SERVFAIL'],
  ];
  for (const [what, ipv4, ipv6, cause, rcode] of table) {
    it(`${what} is ${cause}, ${rcode}`, () => {
      const { failure } = lookUp(emptyEntry(now), ipv4, ipv6);
      assert.equal(failure?.cause, cause);
      assert.ok(failure !== null && 'rcode' in failure.evidence && failure.evidence.rcode === rcode);
    });
  }
});

it('before the first answer a name is resolving', () => assert.equal(resolutionStateOf(emptyEntry(now)), 'resolving'));

describe('the endpoints of a name', () => {
  const any = (): boolean => true;
  const dual = { ipv4: ['10.0.0.1', '10.0.0.2'], ipv6: ['fd00::1'] };

  it('are the addresses of the preferred family, with those of the other one as second addresses', () => {
    assert.deepEqual(resolvedAddressesOf(dual, 'prefer_ipv4', any), [
      { address: '10.0.0.1', secondAddress: 'fd00::1' },
      { address: '10.0.0.2', secondAddress: 'fd00::1' },
    ]);
    assert.deepEqual(resolvedAddressesOf(dual, 'prefer_ipv6', any), [
      { address: 'fd00::1', secondAddress: '10.0.0.1' },
    ]);
  });

  it('are of one family where only that is looked up or found', () => {
    assert.deepEqual(resolvedAddressesOf(dual, 'ipv6', any), [{ address: 'fd00::1', secondAddress: null }]);
    const six = { ipv4: [], ipv6: ['fd00::1', 'fd00::2'] };
    assert.deepEqual(
      resolvedAddressesOf(six, 'prefer_ipv4', any).map(({ address }) => address),
      ['fd00::1', 'fd00::2'],
    );
  });

  it('are never prohibited addresses', () => {
    const addresses = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 });
    const choices = fc.constantFrom('ipv4', 'ipv6', 'prefer_ipv4', 'prefer_ipv6' as const);
    fc.assert(
      fc.property(addresses, addresses, addresses, choices, (ipv4, ipv6, closed: readonly string[], choice) => {
        const may = (address: string): boolean => !closed.includes(address);
        for (const { address, secondAddress } of resolvedAddressesOf({ ipv4, ipv6 }, choice as 'ipv4', may))
          assert.ok(may(address) && (secondAddress === null || may(secondAddress)));
      }),
    );
  });
});
