import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClientLimits } from '../core/listener-spec.ts';
import { noCounts } from '../core/counters.ts';
import type { AddressSemaphores, Semaphore } from '../core/semaphores.ts';
import { SharedCounts } from '../limits/shared-counts.ts';
import { WorkerSemaphores } from '../limits/worker-semaphores.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { addressKey } from '../policy/ip-address.ts';
import { WorkerAdmission } from './admission.ts';

const limits = {
  connectionsMax: 4,
  connectionsPerAddressMax: 2,
  handshakesPerSecondMax: 3,
  ipv6PrefixBits: 64,
} as ClientLimits;

/** Two workers with shared counters; 10.0.0.1 is trusted. */
function workers() {
  const clock = new SimulatedClock();
  const shared = new SharedCounts({ workersMax: 2, endpointsMax: 1, addressesMax: 64 }, clock, new SeededRandom(1));
  const admissionOf = () => {
    const semaphores = new WorkerSemaphores(shared.memory, shared.claimWorkerIndex() ?? -1, clock);
    const counts = noCounts(1);
    const { clientConnections: connections, clientAddresses: addresses } = semaphores;
    const isTrusted = (address: string): boolean => address === '10.0.0.1';
    return { counts, admission: new WorkerAdmission({ clock, counts, connections, addresses, isTrusted }) };
  };
  return { clock, shared, one: admissionOf(), other: admissionOf() };
}

test('all workers together accept no more connections than the limit', () => {
  const { one, other } = workers();
  const addresses = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'];
  const places = addresses.map((address, index) => (index % 2 === 0 ? one : other).admission.acquire(address, limits));
  assert.ok(places.every((place) => place !== null));
  assert.equal(one.admission.acquire('192.0.2.5', limits), null);
  assert.deepEqual([one.counts.refusedAtMax, one.counts.lastRefusedAddress], [1, '192.0.2.5']);
  other.admission.release(places[1] ?? '', limits);
  assert.notEqual(one.admission.acquire('192.0.2.5', limits), null);
});

test('an address gets as many connections in all workers together as its limit, and uses up none of the others’', () => {
  const { one, other } = workers();
  const place = one.admission.acquire('192.0.2.1', limits) ?? '';
  assert.notEqual(other.admission.acquire('192.0.2.1', limits), null);
  assert.equal(one.admission.acquire('192.0.2.1', limits), null);
  assert.deepEqual([one.counts.refusedAtAddressMax, one.counts.clientConnectionsRefused], [1, 1]);
  // The refused connection has released its permit of the shared semaphore.
  assert.notEqual(other.admission.acquire('192.0.2.2', limits), null);
  one.admission.release(place, limits);
  assert.notEqual(one.admission.acquire('192.0.2.1', limits), null);
});

describe('while another worker holds the lock and is suspended by the system', () => {
  const admissionWhere = (takesAt: number, hasRoom: boolean, addressTakesAt = takesAt) => {
    let [tries, addressTries] = [0, 0];
    const counts = noCounts(1);
    const clock = new SimulatedClock();
    // Naps take twice as long as they should, as on a busy machine.
    const nap = (waitMsMax: number): void => clock.advanceSync(2 * waitMsMax);
    const connections = {
      hasRoom: () => hasRoom,
      tryAcquire(_max: number, _since: number, waitMsMax = 250): boolean {
        if (++tries >= takesAt) return true;
        if (hasRoom) nap(waitMsMax);
        return false;
      },
      release: (_max: number, waitMsMax = 250) => nap(waitMsMax),
    } as unknown as Semaphore;
    const addresses = {
      tryAcquire(_key: string, _max: number, waitMsMax = 250): string {
        if (++addressTries >= addressTakesAt) return 'acquired';
        nap(waitMsMax);
        return 'busy';
      },
    } as unknown as AddressSemaphores;
    const admission = new WorkerAdmission({ clock, counts, connections, addresses, isTrusted: () => false });
    return { counts, admission, clock, tries: () => tries };
  };

  test('a client waits for a moment and is not refused', () => {
    const { admission, counts } = admissionWhere(5, true);
    assert.equal(admission.acquire('192.0.2.1', limits), '192.0.2.1');
    assert.equal(counts.clientConnectionsRefused, 0);
  });

  test('a client is refused at once if there is no room, and after the wait if the lock is never released', () => {
    const full = admissionWhere(Infinity, false);
    assert.equal(full.admission.acquire('192.0.2.1', limits), null);
    assert.equal(full.tries(), 1);
    const stuck = admissionWhere(Infinity, true);
    assert.equal(stuck.admission.acquire('192.0.2.1', limits), null);
    assert.deepEqual([stuck.counts.refusedAtMax, stuck.counts.refusedUncounted], [0, 1]);
  });

  for (const [what, takesAt, addressTakesAt] of [
    ['all', Infinity, 1],
    ['the address', 1, Infinity],
    ['all, then the address', 9, Infinity],
  ] as const) {
    test(`a held lock (on ${what}) delays a worker by at most half a second, and hardly for the next clients`, () => {
      const { admission, counts, clock } = admissionWhere(takesAt, true, addressTakesAt);
      const beganAt = clock.now();
      assert.equal(admission.acquire('192.0.2.1', limits), null);
      const heldUpMs = clock.now() - beganAt;
      assert.ok(heldUpMs <= 500, `${heldUpMs} ms`);
      for (let client = 0; client < 20; client++) assert.equal(admission.acquire('192.0.2.1', limits), null);
      const nextMs = clock.now() - beganAt - heldUpMs;
      assert.ok(nextMs <= 100, `${nextMs} ms`);
      assert.deepEqual([counts.refusedUncounted, counts.refusedAtMax, counts.refusedAtAddressMax], [21, 0, 0]);
      clock.advanceSync(2000);
      assert.equal(admission.acquire('192.0.2.1', limits), null);
      assert.ok(clock.now() - beganAt > 2500, 'after a while a client waits again');
    });
  }
});

test('a trusted peer carries many clients, and counts only towards the limit of all connections', () => {
  const { one, shared } = workers();
  for (let count = 0; count < 4; count++) assert.notEqual(one.admission.acquire('10.0.0.1', limits), null);
  assert.equal(one.admission.acquire('10.0.0.1', limits), null);
  assert.equal(shared.clientConnections, 4);
});

test('clients that a trusted peer names are counted by their own address', () => {
  const { one } = workers();
  assert.notEqual(one.admission.acquireAddress('192.0.2.1', limits), null);
  const place = one.admission.acquireAddress('192.0.2.1', limits) ?? '';
  assert.equal(one.admission.acquireAddress('192.0.2.1', limits), null);
  one.admission.releaseAddress(place);
  assert.notEqual(one.admission.acquireAddress('192.0.2.1', limits), null);
});

describe('addresses share a key', () => {
  const pairs: readonly (readonly [a: string, b: string, bits: number, same: boolean])[] = [
    ['192.0.2.1', '192.0.2.1', 64, true],
    ['192.0.2.1', '192.0.2.2', 64, false],
    ['2001:db8::1', '2001:db8:0:0:ffff::2', 64, true],
    ['2001:db8::1', '2001:db8:0:1::1', 64, false],
    ['2001:db8::1', '2001:db8:0:1::1', 56, true],
    ['2001:db8:0:100::', '2001:db8:0:2ff::', 56, false],
    ['2001:db8:0:10::', '2001:db8:0:1f::', 60, true],
    ['2001:db8:0:10::', '2001:db8:0:20::', 60, false],
    ['2001:db8::1', '2001:db8::2', 128, false],
    ['fe80::1%eth0', 'fe80::2%eth0', 64, true],
  ];
  for (const [a, b, bits, same] of pairs) {
    test(`${a} and ${b} at ${bits} bits: ${same ? 'yes' : 'no'}`, () => {
      assert.equal(addressKey(a, bits) === addressKey(b, bits), same);
      assert.ok(addressKey(a, bits).length <= 48);
    });
  }
});

describe('TLS handshakes of one address', () => {
  /** How many of 100 at once begin now, wait, and may not begin. */
  const begun = (admission: WorkerAdmission, address: string, of: ClientLimits): readonly number[] => {
    const delays = Array.from({ length: 100 }, () => admission.handshakeDelayMs(address, of));
    const ofKind = (is: (ms: number) => boolean): number => delays.filter(is).length;
    return [ofKind((ms) => ms === 0), ofKind((ms) => ms > 0 && ms < Infinity), ofKind((ms) => ms === Infinity)];
  };
  const of = { ...limits, headMs: 10_000 };

  test('begin five seconds’ worth at once; then they wait for half of `head_timeout`, and the rest is refused', () => {
    const { one } = workers();
    assert.deepEqual(begun(one.admission, '192.0.2.1', of), [15, 15, 70]);
    assert.deepEqual(begun(one.admission, '2001:db8::1', of), [15, 15, 70]);
    assert.deepEqual(begun(one.admission, '2001:db8::2', of), [0, 0, 100], 'of the same block');
    assert.deepEqual([one.counts.handshakesDelayed, one.counts.lastDelayedHandshake], [30, '2001:db8::1']);
  });

  test('begin as they like at a trusted peer, and without a limit', () => {
    const { one } = workers();
    assert.deepEqual(begun(one.admission, '10.0.0.1', of), [100, 0, 0]);
    assert.deepEqual(begun(one.admission, '192.0.2.1', { ...of, handshakesPerSecondMax: null }), [100, 0, 0]);
  });

  test('begin one after the other at the rate, once they wait', () => {
    const { one } = workers();
    const delays = Array.from({ length: 30 }, () => one.admission.handshakeDelayMs('192.0.2.1', of)).filter(
      (ms) => ms > 0,
    );
    for (const [at, ms] of delays.entries()) assert.ok(Math.abs(ms - ((at + 1) * 1000) / 3) < 1, `${at}: ${ms}`);
  });
});

test('an address may abandon 10,000 requests at once and 200 a second; then it waits, a trusted peer never', () => {
  const { one, clock } = workers();
  const { admission } = one;
  const abandons = (address: string, count: number): number => admission.noteAbandoned(address, count, limits);
  for (let connection = 0; connection < 100; connection++) assert.equal(abandons('192.0.2.1', 100), 0);
  assert.deepEqual([abandons('192.0.2.1', 1), abandons('192.0.2.2', 1)], [250, 0]);
  clock.advanceSync(500);
  assert.deepEqual([abandons('192.0.2.1', 100), abandons('192.0.2.1', 1)], [0, 500]);
  assert.deepEqual([abandons('10.0.0.1', 20_000), admission.hasFlooded('192.0.2.1', limits)], [0, true]);
});

test('an address that has flooded waits, its block of IPv6 too; a trusted peer and all others do not', () => {
  const { one } = workers();
  const { admission, counts } = one;
  const delay = (address: string): number => admission.delayMs(address, limits);
  assert.deepEqual([delay('192.0.2.1'), counts.clientConnectionsDelayed], [0, 0]);
  assert.deepEqual(
    ['192.0.2.1', '192.0.2.1', '2001:db8::1', '10.0.0.1'].map((address) => admission.noteFlood(address, limits)),
    [250, 500, 250, 0],
  );
  assert.deepEqual(['192.0.2.1', '2001:db8::2', '10.0.0.1', '192.0.2.2'].map(delay), [500, 250, 0, 0]);
  assert.equal(counts.clientConnectionsDelayed, 2);
  assert.deepEqual(
    ['192.0.2.1', '2001:db8::2', '10.0.0.1', '192.0.2.2'].map((address) => admission.hasFlooded(address, limits)),
    [true, true, false, false],
  );
});
