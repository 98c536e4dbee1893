import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTrust } from './trust.ts';

describe('trust', () => {
  const trusts = createTrust(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '::1']);
  const table: readonly [address: string, trusted: boolean][] = [
    ['10.1.2.3', true],
    ['11.0.0.1', false],
    ['192.0.2.7', true],
    ['192.0.2.8', false],
    ['2001:db8::5', true],
    ['2001:db9::5', false],
    ['::1', true],
    ['/run/peer.sock', false],
    ['', false],
    ['10.1.2.3:80', false],
  ];
  for (const [address, trusted] of table) {
    it(`${trusted ? 'is given to' : 'is not given to'} "${address}", twice`, () => {
      assert.deepEqual([trusts(address), trusts(address)], [trusted, trusted]);
    });
  }

  it('is given to no address without a list', () => assert.equal(createTrust([])('127.0.0.1'), false));
});
