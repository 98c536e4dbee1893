import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../testing/properties.test-support.ts';
import { HeldContent } from './held-content.ts';

describe('content that is held', () => {
  it('comes out as it went in, in any parts', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 9000 }), { maxLength: 12 }), (parts) => {
        const held = new HeldContent();
        for (const part of parts) held.add(Buffer.concat([Buffer.of(1), part, Buffer.of(2)]), 1, part.length + 1);
        const all = Buffer.concat(parts);
        assert.equal(held.length, all.length);
        const taken: Buffer[] = [];
        for (let next = held.take(); next !== null; next = held.take()) taken.push(next);
        assert.deepEqual(Buffer.concat(taken), all);
        assert.equal(held.length, 0);
        assert.equal(held.allocatedBytes, 0);
      }),
    );
  });

  it('takes no more memory for parts of one byte than a block more', () => {
    const held = new HeldContent();
    for (let count = 0; count < 65_535; count++) held.add(Buffer.of(count), 0, 1);
    assert.ok(held.allocatedBytes <= 65_535 + 4096, `${held.allocatedBytes} bytes`);
    assert.equal(held.drop(), 65_535);
    assert.equal(held.take(), null);
  });
});
