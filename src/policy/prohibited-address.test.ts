import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import type { Prohibition } from '#failures/failure.ts';
import { parseBlock, parseIp } from './ip-address.ts';
import { DestinationPolicy } from './prohibited-address.ts';

const table: readonly (readonly [address: string, verdict: Prohibition | null])[] = [
  ['10.0.0.1', null],
  ['172.16.4.5', null],
  ['192.168.1.10', null],
  ['100.64.0.1', null],
  ['93.184.215.14', null],
  ['fd12:3456::1', null],
  ['2606:2800:21f::1', null],
  ['127.0.0.1', 'loopback'],
  ['127.1.2.3', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['64:ff9b::7f00:1', 'loopback'],
  ['169.254.169.254', 'metadata'],
  ['::ffff:169.254.169.254', 'metadata'],
  ['64:ff9b::a9fe:a9fe', 'metadata'],
  ['64:ff9b:1::a9fe:a9fe', 'metadata'],
  ['::ffff:0:a9fe:a9fe', 'metadata'],
  ['2002:a9fe:a9fe::1', 'metadata'],
  ['2002:7f00:1::', 'loopback'],
  ['::7f00:1', 'loopback'],
  ['2002:5db8:d70e::1', null],
  ['fd00:ec2::254', 'metadata'],
  ['169.254.170.23', 'metadata'],
  ['168.63.129.16', 'metadata'],
  ['168.63.129.17', null],
  ['192.0.0.192', 'metadata'],
  ['192.0.0.8', 'reserved'],
  ['fd20:ce::254', 'metadata'],
  ['169.254.10.10', 'link_local'],
  ['fe80::1', 'link_local'],
  ['fe80::1%eth0', 'link_local'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.250', 'multicast'],
  ['ff02::1', 'multicast'],
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['::', 'unspecified'],
  ['255.255.255.255', 'reserved'],
  ['240.0.0.1', 'reserved'],
  ['not an address', 'reserved'],
];

describe('an address that a name server gave', () => {
  const policy = new DestinationPolicy({ allow: [], deny: [] });
  for (const [address, verdict] of table) {
    it(`${address} is ${verdict ?? 'connected to'}`, () => {
      assert.equal(policy.prohibitionOf(address, 'dns'), verdict);
      assert.equal(policy.prohibitionOf(address, 'system'), verdict);
    });
  }
});

describe('an address that this machine gave', () => {
  const policy = new DestinationPolicy({ allow: [], deny: [] });
  it('may be loopback', () => {
    for (const address of ['127.0.0.1', '::1']) assert.equal(policy.prohibitionOf(address, 'machine'), null);
  });
  it('may be no other prohibited address', () => {
    assert.equal(policy.prohibitionOf('169.254.169.254', 'machine'), 'metadata');
    assert.equal(policy.prohibitionOf('0.0.0.0', 'machine'), 'unspecified');
  });
});

describe('allow and deny', () => {
  it('deny prohibits addresses, and allow permits a part of them', () => {
    const policy = new DestinationPolicy({ allow: ['10.1.0.0/16'], deny: ['0.0.0.0/0', '::/0'] });
    assert.equal(policy.prohibitionOf('10.1.2.3', 'dns'), null);
    assert.equal(policy.prohibitionOf('10.2.0.1', 'dns'), 'denied');
    assert.equal(policy.prohibitionOf('2001:db8::1', 'dns'), 'denied');
    assert.equal(policy.prohibitionOf('127.0.0.1', 'machine'), 'denied');
  });
  it('allow permits addresses that are prohibited by default', () => {
    const policy = new DestinationPolicy({ allow: ['127.0.0.0/8', '169.254.0.0/16'], deny: [] });
    assert.equal(policy.prohibitionOf('127.0.0.1', 'dns'), null);
    assert.equal(policy.prohibitionOf('169.254.169.254', 'dns'), null);
    assert.equal(policy.prohibitionOf('::1', 'dns'), 'loopback');
  });
});

describe('parseIp', () => {
  it('reads every IPv4 address, written plainly or within IPv6', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        assert.deepEqual([...(parseIp(text) ?? [])], text.split('.').map(Number));
        assert.deepEqual([...(parseIp(`::ffff:${text}`) ?? [])].slice(12), text.split('.').map(Number));
      }),
    );
  });
  it('reads every IPv6 address into sixteen bytes', () => {
    fc.assert(fc.property(fc.ipV6(), (text) => assert.equal(parseIp(text)?.length, 16, text)));
  });
  it('reads nothing else', () => {
    for (const text of [
      '',
      '1.2.3',
      '1.2.3.256',
      '1.2.3.4.5',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7:8:9',
      'g::',
      'localhost',
    ])
      assert.equal(parseIp(text), null, text);
    for (const text of ['10.0.0.0/33', '10.0.0.0/x', 'fd00::/129', '/8']) assert.equal(parseBlock(text), null, text);
  });
});
