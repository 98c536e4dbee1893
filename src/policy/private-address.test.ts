import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPrivateAddress } from './private-address.ts';

test('addresses of this machine and of private networks are private, as IPv4 within IPv6 too', () => {
  for (const address of ['127.0.0.1', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1'])
    assert.equal(isPrivateAddress(address), true, address);
  for (const address of ['::1', 'fd00::7', 'fe80::1', '::ffff:10.0.0.1', '169.254.1.1'])
    assert.equal(isPrivateAddress(address), true, address);
});

test('addresses of the internet are not private, nor is any other text', () => {
  for (const address of ['192.0.2.7', '172.32.0.1', '100.128.0.1', '2001:db8::1', '::ffff:192.0.2.7', '', 'x'])
    assert.equal(isPrivateAddress(address), false, address);
});
