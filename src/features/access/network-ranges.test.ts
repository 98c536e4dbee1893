import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type IpBlock, isWithin, parseBlock, parseIp } from '../../policy/ip-address.ts';
import { readAddress } from './address-words.ts';
import { NetworkRanges, packRanges, rangeOf } from './network-ranges.ts';

function wordsOf(text: string): readonly number[] {
  const words = new Uint32Array(4);
  return [...words.subarray(0, readAddress(text, words))];
}

function rangesOf(...networks: readonly string[]): NetworkRanges {
  return new NetworkRanges(packRanges(networks.flatMap((network) => rangeOf(network) ?? [])));
}

describe('an address is read', () => {
  test('as the numbers that another reader makes of it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const bytes = parseIp(address) as Uint8Array;
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        const expected = Array.from({ length: bytes.length / 4 }, (_, at) => view.getUint32(at * 4));
        const isMapped = expected.length === 4 && expected[0] === 0 && expected[1] === 0 && expected[2] === 0xffff;
        assert.deepEqual(wordsOf(address), isMapped ? expected.slice(3) : expected, address);
      }),
    );
  });

  for (const [text, words] of [
    ['192.0.2.1', [0xc0000201]],
    ['::ffff:192.0.2.1', [0xc0000201]],
    ['::FFFF:c000:0201', [0xc0000201]],
    ['0:0:0:0:0:ffff:192.0.2.1', [0xc0000201]],
    ['fe80::1%eth0', [0xfe800000, 0, 0, 1]],
    ['::', [0, 0, 0, 0]],
    ['1::', [0x10000, 0, 0, 0]],
  ] as const)
    test(`${text}, however it is spelt`, () => assert.deepEqual(wordsOf(text), words));

  for (const text of [
    ...['', '1.2.3', '1.2.3.4.5', '1.2.3.256', '010.0.0.1', '1.2.3.4 ', '1.2.3.', 'unix', '@', '1.2.3.4:80'],
    ...[':', ':::', '1:', '1:2:3:4:5:6:7:8:9', '1::2::3', '12345::', '::1.2.3', '1:2:3:4:5:6:7', ':1::', '::1.2.3.4:1'],
    ...['::ffff:1.2.3.256', '1:2:3:4:5:6:7:1.2.3.4', '::g'],
  ])
    test(`not: ${JSON.stringify(text)}`, () => assert.deepEqual(wordsOf(text), []));
});

/** IPv4 that is written as IPv6, which is IPv4 here alone. */
function isMapped(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 255;
}

describe('a list of networks', () => {
  const network = fc
    .tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(128))
    .map(([address, bits]) => `${address}/${address.includes(':') ? bits : bits % 33}`);

  test('has the addresses that are within one of them, and no others', () => {
    fc.assert(
      fc.property(fc.array(network, { maxLength: 40 }), fc.array(fc.oneof(fc.ipV4(), fc.ipV6())), (list, addresses) => {
        const ranges = rangesOf(...list);
        const blocks = list.map((one) => parseBlock(one) as IpBlock);
        // Beginnings of networks are where a mistake by one shows.
        for (const address of [...addresses, ...list.map((one) => one.replace(/\/.*/, ''))]) {
          const bytes = parseIp(address) as Uint8Array;
          if (isMapped(bytes) || blocks.some((block) => isMapped(block.bytes))) continue;
          assert.equal(
            ranges.has(address),
            blocks.some((block) => isWithin(bytes, block)),
            `${address} in ${list.join(' ')}`,
          );
        }
      }),
    );
  });

  test('has an IPv4 address in both spellings, whichever of them the network has', () => {
    for (const written of ['192.0.2.0/24', '::ffff:192.0.2.0/120', '::ffff:c000:200/120'])
      for (const address of ['192.0.2.9', '::ffff:192.0.2.9', '::ffff:c000:209', '::FFFF:192.0.2.9'])
        assert.ok(rangesOf(written).has(address), `${address} in ${written}`);
    assert.ok(!rangesOf('192.0.2.0/24').has('::192.0.2.9'), 'that is another address');
    assert.ok(!rangesOf('::/0').has('192.0.2.9'), 'IPv6 is not IPv4');
  });

  test('has first and last addresses, and none beside them', () => {
    const ranges = rangesOf('10.0.0.0/8', '10.1.0.0/16', '255.255.255.255/32', '0.0.0.0/32', '2001:db8::/32');
    for (const inside of ['10.0.0.0', '10.255.255.255', '255.255.255.255', '0.0.0.0', '2001:db8:ffff:ffff::ffff'])
      assert.ok(ranges.has(inside), inside);
    for (const outside of ['9.255.255.255', '11.0.0.0', '255.255.255.254', '0.0.0.1', '2001:db9::', '2001:db7:ffff::'])
      assert.ok(!ranges.has(outside), outside);
    assert.equal(ranges.count, 4, 'one within another is none of its own');
    assert.ok(!rangesOf().has('10.0.0.1'));
  });
});
