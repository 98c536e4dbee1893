import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { localEndpointSemaphores } from '../core/local-semaphore.ts';
import { addressesSeenMs } from '../core/semaphores.ts';
import type { Instant } from '../core/time.ts';
import fc from '../../test/properties.ts';
import { connectionsReserve, hasLittle } from '../policy/address-share.ts';
import { addressesMax, AddressUses, type AddressedClient } from './address-uses.ts';

const at = (ms: number): Instant => ms as Instant;
const clientAt = (address: string): AddressedClient => ({ address, peerAddress: address, trusted: false });

function usesAndSeen(): { of: (address: string, ms: number) => unknown; several: (ms: number) => boolean } {
  const { addresses } = localEndpointSemaphores();
  const uses = new AddressUses();
  return {
    of: (address, ms) => uses.of(clientAt(address), addresses, at(ms)),
    several: (ms) => addresses.areSeveral(at(ms)),
  };
}

describe('what an address uses of an endpoint', () => {
  it('is counted together for a block of 64 bits of IPv6, and for each address of IPv4', () => {
    const { of } = usesAndSeen();
    const first = of('2001:db8::1', 0);
    assert.equal(of('2001:db8::2', 1), first);
    assert.notEqual(of('2001:db8:0:1::1', 2), first);
    const other = of('192.0.2.1', 3);
    assert.notEqual(of('192.0.2.2', 4), other);
    assert.equal(of('192.0.2.1', 5), other);
  });

  it('is not counted where the address is not that of a client', () => {
    const { addresses } = localEndpointSemaphores();
    const uses = new AddressUses();
    const table: readonly [client: AddressedClient, hasShare: boolean][] = [
      [{ address: '', peerAddress: '', trusted: false }, false],
      [{ address: '10.0.0.1', peerAddress: '10.0.0.1', trusted: true }, false],
      [{ address: '192.0.2.1', peerAddress: '10.0.0.1', trusted: true }, true],
      [{ address: '192.0.2.1', peerAddress: '192.0.2.1', trusted: false }, true],
    ];
    for (const [client, hasShare] of table) assert.equal(uses.of(client, addresses, at(0)) !== null, hasShare);
  });

  it('is kept for a bounded number of addresses, and for those that use something first', () => {
    const { addresses } = localEndpointSemaphores();
    const uses = new AddressUses();
    const kept = uses.of(clientAt('192.0.2.1'), addresses, at(0));
    assert.ok(kept !== null);
    kept.connections = 1;
    for (let count = 0; count < 3 * addressesMax; count++) {
      uses.of(clientAt(`2001:db8:${count.toString(16)}::1`), addresses, at(count * 2));
      assert.ok(uses.size <= addressesMax);
    }
    assert.equal(uses.of(clientAt('192.0.2.1'), addresses, at(50_000)), kept);
  });
});

describe('whether several addresses use an endpoint', () => {
  it('is known from the second address on, for ten minutes after either has left', () => {
    const { of, several } = usesAndSeen();
    of('192.0.2.1', 0);
    assert.equal(several(0), false);
    for (let ms = 0; ms <= 400_000; ms += 500) of('192.0.2.1', ms);
    assert.equal(several(400_000), false);
    of('192.0.2.2', 400_000);
    assert.equal(several(400_000), true);
    for (let ms = 400_000; ms <= 1_200_000; ms += 500) {
      of('192.0.2.1', ms);
      assert.equal(several(ms), ms < 400_000 + addressesSeenMs, `${ms}`);
    }
  });

  it('stays known while both go on, however their requests alternate', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { minLength: 2, maxLength: 12 }), (gaps) => {
        const { of, several } = usesAndSeen();
        let ms = 0;
        for (let round = 0; ms < 3 * addressesSeenMs; round++) {
          ms += 1 + (gaps[round % gaps.length] ?? 0) * 1000;
          of(`192.0.2.${round % 2}`, ms);
          if (round > 0) assert.ok(several(ms));
        }
      }),
      { numRuns: 10 },
    );
  });
});

describe('the share of an address', () => {
  it('leaves others at least half of the reserve, however it spreads its requests over workers', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 4096 }),
        fc.array(fc.nat(63), { minLength: 300, maxLength: 600 }),
        fc.integer({ min: 1, max: 64 }),
        (max, chosen, workers) => {
          const reserve = connectionsReserve(max, true);
          const own = new Array<number>(workers).fill(0);
          let total = 0;
          const tryAll = (worker: number): void => {
            while (total < max && (total < max - reserve || hasLittle(own[worker] ?? 0, reserve, workers))) {
              own[worker] = (own[worker] ?? 0) + 1;
              total++;
            }
          };
          for (const worker of chosen) tryAll(worker % workers);
          // With fewer than two connections of the reserve to each worker, an address may have one in each.
          assert.ok(total <= max - reserve + Math.max(reserve / 2, Math.min(reserve, workers)));
        },
      ),
      { numRuns: 50 },
    );
  });
});
