import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../../../test/properties.ts';
import { quotedBytes } from './formatting.ts';

const hexadecimal = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

describe('received bytes in a sentence', () => {
  const cases: readonly (readonly [bytes: string, shown: string])[] = [
    ['', '""'],
    ['SSH-2.0-OpenSSH_9.2\r\n', '"SSH-2.0-OpenSSH_9.2"'],
    ['HTTP/1.1 500 Inter\u0001nal\r\nDate: x', String.raw`"HTTP/1.1 500 Inter\x01nal\r\nDate: x"`],
    ['a "b\\u0001" \u0000', String.raw`"a \"b\\u0001\""`],
    ['caf\u00e9 au lait', String.raw`"caf\xe9 au lait"`],
    ['\u0016\u0003\u0001\u0002\u0000\u0001', '160301020001 (hexadecimal)'],
    ['x'.repeat(130), `"${'x'.repeat(120)}…"`],
  ];
  for (const [bytes, shown] of cases)
    it(`shows ${JSON.stringify(bytes.slice(0, 40))} as text with escapes, or says that it is hexadecimal`, () => {
      assert.equal(quotedBytes(hexadecimal(bytes)), shown);
    });

  it('never has hexadecimal in quotation marks', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes) => {
        const hex = Buffer.from(bytes).toString('hex');
        assert.notEqual(quotedBytes(hex), `"${hex}"`);
        assert.match(quotedBytes(hex), /^(?:"[\x20-\x7e]*"|[\da-f]+…? \(hexadecimal\))$/);
      }),
    );
  });
});
