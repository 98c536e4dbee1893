import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SeededRandom } from '../../../testing/seeded-random.ts';
import { Seal } from './worker-seal.ts';

const seal = new Seal('a key', new SeededRandom('seal'));

describe('what is sealed', () => {
  for (const text of ['', 'a', '{"a":"ä€😀"}', '\0\n', 'x'.repeat(20_000)])
    it(`is opened again, and is never the same twice: ${JSON.stringify(text).slice(0, 20)}`, () => {
      const sealed = seal.close(text, 'a');
      assert.match(sealed, /^[\w-]+$/);
      assert.equal(seal.open(sealed, 'a'), text);
      assert.notEqual(seal.close(text, 'a'), sealed);
    });

  it('is opened with no other key, for no other purpose, and not when any bit was changed', () => {
    const sealed = seal.close('text', 'a');
    assert.equal(new Seal('another key', new SeededRandom('seal')).open(sealed, 'a'), null);
    assert.equal(seal.open(sealed, 'b'), null);
    const bytes = Buffer.from(sealed, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      assert.equal(seal.open(changed.toString('base64url'), 'a'), null, `bit ${bit}`);
    }
    for (const other of ['', 'A', sealed.slice(0, 20), sealed.slice(0, -1), `${sealed}AAAA`, '%%%'])
      assert.equal(seal.open(other, 'a'), null, other);
  });
});
