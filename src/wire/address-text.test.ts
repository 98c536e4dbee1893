import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { canonicalAddress } from './address-text.ts';

const spellings: readonly (readonly [text: string, canonical: string])[] = [
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8::2', '2001:db8::2'],
  ['2001:DB8::2', '2001:db8::2'],
  ['2001:0db8:0:0:0:0:0:2', '2001:db8::2'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['::FFFF:cb00:7107', '203.0.113.7'],
  ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
  ['64:ff9b::203.0.113.7', '64:ff9b::cb00:7107'],
  ['::203.0.113.7', '::cb00:7107'],
];

describe('canonicalAddress', () => {
  for (const [text, canonical] of spellings) {
    it(`writes ${text} as ${canonical}`, () => assert.equal(canonicalAddress(text), canonical));
  }

  it('writes every address but mapped ones as URLs do, whatever its spelling', () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xfffe }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), fc.boolean(), (groups, padded) => {
        const text = groups.map((word) => word.toString(16).padStart(padded ? 4 : 1, '0')).join(':');
        const expected = new URL(`http://[${text}]/`).hostname.slice(1, -1);
        assert.equal(canonicalAddress(text.toUpperCase()), expected);
        assert.equal(canonicalAddress(expected), expected);
      }),
    );
  });
});
