import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientHash, clientNetwork } from './route-traffic.ts';

test('a client is counted by its address; of IPv6 by its /64', () => {
  for (const [address, network] of [
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:0:1:a:b:c:d', '2001:db8:0:1::/64'],
    ['2001:DB8::1:0:0:0:1', '2001:db8:0:1::/64'],
    ['2001:db8:0:0001::5', '2001:db8:0:1::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::ffff:192.0.2.7', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ] as const)
    assert.equal(clientNetwork(address), network);
  assert.equal(clientHash('2001:db8::1'), clientHash('2001:db8::2'));
});
