import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hostOfAddress, hostOfAuthority, neighbourhoodOf } from './failed-attempts.ts';

describe('the host of a Host header', () => {
  for (const [authority, host] of [
    ['localhost', 'localhost'],
    ['LocalHost:80', 'localhost'],
    ['127.0.0.1:9901', '127.0.0.1'],
    // Browsers treat these as the same address, and so must we.
    ['127.1', '127.0.0.1'],
    ['0x7f.0.0.1', '127.0.0.1'],
    ['[::1]:80', '[::1]'],
    ['[0:0:0:0:0:0:0:1]', '[::1]'],
    ['', null],
    ['a b', null],
    ['a/b', null],
    ['user@localhost', null],
    ['localhost:80:80', null],
    ['localhost:99999', null],
    ['[::1', null],
    ['localhost\\@evil.example', null],
    ['localhost?', null],
    ['localhost#', null],
    ['%6cocalhost', null],
    ['löcalhost', null],
  ] as const) {
    it(`${JSON.stringify(authority)} is ${host ?? 'none'}`, () => assert.equal(hostOfAuthority(authority), host));
  }
});

describe('the host of a socket address', () => {
  for (const [address, host] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::1', '[::1]'],
    ['fe80::1%eth0', '[fe80::1]'],
  ] as const) {
    it(`${address} is ${host}`, () => assert.equal(hostOfAddress(address), host));
  }
});

describe('the network of an address', () => {
  for (const [one, other, same] of [
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['::ffff:192.0.2.1', '192.0.2.1', true],
    ['2001:db8::1', '2001:db8::ffff:1', true],
    ['2001:db8:0:1::1', '2001:db8:0:1:2:3:4:5', true],
    ['2001:db8:0:1::1', '2001:db8:0:2::1', false],
    ['::1', '::2', true],
    ['fe80::1%eth0', 'fe80::2%eth1', true],
  ] as const) {
    it(`${one} and ${other} are in ${same ? 'the same network' : 'different networks'}`, () =>
      assert.equal(neighbourhoodOf(one) === neighbourhoodOf(other), same));
  }
});
