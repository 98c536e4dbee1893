import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { headerValueBytes } from './characters.ts';
import { HeaderSectionParser } from './header-section.ts';
import { newBlock } from './head-storage.ts';

/** What becomes of a section whose value is `value`, which begins at byte `begin` of the block. */
function ruleOf(value: readonly number[], begin: number): string | null {
  const section = Buffer.from([...Buffer.from('X:'), ...value, ...Buffer.from('\r\n\r\n')]);
  const block = newBlock(begin + section.length, 4);
  section.copy(block.bytes, begin);
  const parser = new HeaderSectionParser();
  parser.begin(begin);
  assert.equal(parser.scan(block, begin + section.length, 4), true);
  return parser.rule;
}

describe('HeaderSectionParser', () => {
  it('finds each byte that may not stand in a value, wherever it lies among the words of the memory', () => {
    for (let byte = 0; byte < 256; byte++) {
      if (byte === 0x0d) continue; // It begins the line's end.
      for (let begin = 0; begin < 4; begin++)
        for (let place = 0; place < 9; place++) {
          const value = Array.from({ length: 9 }, (_, index) => (index === place ? byte : 0x61));
          const refused = ruleOf(value, begin) !== null;
          assert.equal(refused, headerValueBytes[byte] === 0, `byte ${byte} at ${place} of a value at ${begin + 2}`);
        }
    }
  });

  it('takes values of obs-text and of tabs', () => {
    for (const byte of [0x09, 0x20, 0x7e, 0x80, 0x9f, 0xa0, 0xff])
      for (let length = 1; length < 20; length++)
        assert.equal(ruleOf([0x61, ...new Array<number>(length).fill(byte), 0x61], 1), null);
  });
});
