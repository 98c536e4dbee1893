import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import { addressOfNode, isIpAddress } from './address.ts';
import { authorityText, isAuthority, sameAuthority } from './host.ts';

function authority(text: string): boolean {
  const bytes = Buffer.from(`xx${text}yy`, 'latin1');
  return isAuthority(bytes, 2, bytes.length - 2);
}

describe('isAuthority', () => {
  const good = [
    'a',
    'example.org',
    'example.org:',
    'a:0',
    'a:65535',
    '127.0.0.1:80',
    '[::]',
    '[::1]:8080',
    'a_b',
    'a.',
    'a.b.:80',
    "x!$&'()*+,;=~",
  ];
  for (const text of good) it(`takes ${text}`, () => assert.ok(authority(text)));

  const bad = [
    '',
    ':',
    ':80',
    'a:65536',
    'a:100000',
    'a:8 0',
    'a:b',
    'a@b',
    'a/b',
    'a b',
    'a:80:80',
    '[',
    '[]',
    '[::1',
    '[::1]x',
    '[1.2.3.4]',
    'a%2',
    'a%gg',
    'a%20b',
    '%61',
    '.',
    '..',
    '.a',
    'a..',
    'a..b',
    '.:80',
    'a..:80',
    '\xe9',
    'a\0',
  ];
  for (const text of bad) it(`refuses ${JSON.stringify(text)}`, () => assert.ok(!authority(text)));
});

const spellings: readonly (readonly [sent: string, read: string])[] = [
  ['Example.ORG', 'example.org'],
  ['example.org.', 'example.org'],
  ['EXAMPLE.org.:8080', 'example.org:8080'],
  ['example.org:', 'example.org'],
  ['example.org.:', 'example.org'],
  ['example.org:0080', 'example.org:80'],
  ['example.org:0', 'example.org:0'],
  ['example.org:000', 'example.org:0'],
  ['127.0.0.1.:80', '127.0.0.1:80'],
  ['[::0001]', '[::1]'],
  ['[0:0:0:0:0:0:0:1]:8080', '[::1]:8080'],
  ['[2001:DB8::]:', '[2001:db8::]'],
  ['[::FFFF:192.0.2.1]', '[::ffff:192.0.2.1]'],
  ['[::ffff:c000:201]:01', '[::ffff:192.0.2.1]:1'],
];
for (const [sent, read] of spellings)
  it(`"${sent}" is read as "${read}"`, () => {
    const bytes = Buffer.from(`xx${sent}yy`, 'latin1');
    assert.ok(isAuthority(bytes, 2, bytes.length - 2));
    assert.equal(authorityText(bytes, 2, bytes.length - 2), read);
    assert.ok(sameAuthority(read, read, 'http'));
  });

describe('isIpAddress', () => {
  it('agrees with the system about IPv6', () => {
    const group = fc.oneof(fc.constantFrom('0', 'ffff', 'a', '', '12345', 'g'), fc.stringMatching(/^[0-9a-f]{0,5}$/));
    fc.assert(
      fc.property(
        fc.array(group, { minLength: 1, maxLength: 9 }),
        fc.constantFrom('', ':1.2.3.4', ':1.2.3', ':256.1.1.1'),
        (groups, tail) => {
          const text = groups.join(':') + tail;
          if (text.includes(':')) assert.equal(isIpAddress(text), isIP(text) === 6, text);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('agrees with the system about IPv4', () => {
    const part = fc.oneof(fc.nat({ max: 300 }).map(String), fc.constantFrom('', 'a', '-1', '01', '00'));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const text = parts.join('.');
        assert.equal(isIpAddress(text), isIP(text) === 4, text);
      }),
    );
  });
});

const nodes: readonly (readonly [node: string, address: string | null])[] = [
  ['192.0.2.1', '192.0.2.1'],
  [' 192.0.2.1 ', '192.0.2.1'],
  ['192.0.2.1:80', '192.0.2.1'],
  ['192.0.2.1:', null],
  ['192.0.2.1:123456', null],
  ['[2001:db8::1]', '2001:db8::1'],
  ['[2001:db8::1]:80', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::1'],
  ['[2001:DB8::0001]', '2001:db8::1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['[2001:db8::1', null],
  ['[]', null],
  ['fe80::1%eth0', 'fe80::1'],
  ['FE80::1%1', 'fe80::1'],
  ['[fe80::1%25eth0.7]:80', 'fe80::1'],
  ['fe80::1%', null],
  ['fe80::1%eth0 x', null],
  ['[fe80::1]%eth0', null],
  ['192.0.2.1%eth0', null],
  ['192.0.2.1:80%eth0', null],
  ['unknown', null],
  ['_a', null],
  ['', null],
];
for (const [node, address] of nodes)
  it(`the address in "${node}" is ${address}`, () => assert.equal(addressOfNode(node), address));
