import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { ByteBlocks } from './byte-blocks.ts';

const lent = (part: Uint8Array): Buffer => Buffer.concat([Buffer.of(1), part, Buffer.of(2)]);

describe('bytes that wait in blocks', () => {
  it('come out as they went in, in any parts, and take as much memory as was said', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ add: fc.uint8Array({ maxLength: 9000, size: 'max' }) }) },
      fc.constant('take' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20, size: 'max' }), (steps) => {
        const blocks = new ByteBlocks();
        const added: Buffer[] = [];
        const taken: Buffer[] = [];
        for (const one of steps) {
          const before = blocks.allocatedBytes;
          if (one === 'take') {
            const bytes = blocks.take();
            if (bytes !== null) taken.push(bytes);
            continue;
          }
          const space = blocks.spaceFor(one.add.length);
          const bytes = lent(one.add);
          blocks.add(bytes, 1, one.add.length + 1);
          bytes.fill(0xdb);
          added.push(Buffer.from(one.add));
          assert.equal(blocks.allocatedBytes - before, space);
          const waits = Buffer.concat(blocks.all());
          assert.equal(blocks.length, waits.length);
          assert.deepEqual(Buffer.concat([...taken, waits]), Buffer.concat(added));
        }
        for (let next = blocks.take(); next !== null; next = blocks.take()) taken.push(next);
        assert.deepEqual(Buffer.concat(taken), Buffer.concat(added));
        assert.deepEqual([blocks.length, blocks.allocatedBytes], [0, 0]);
      }),
    );
  });

  it('take no more memory for parts of one byte than a block more', () => {
    const blocks = new ByteBlocks();
    for (let count = 0; count < 65_535; count++) blocks.add(Buffer.of(count), 0, 1);
    assert.ok(blocks.allocatedBytes <= 65_535 + 4096, `${blocks.allocatedBytes} bytes`);
    assert.equal(blocks.all().length, 16);
    assert.equal(blocks.drop(), 65_535);
    assert.deepEqual([blocks.take(), blocks.allocatedBytes, blocks.length], [null, 0, 0]);
  });
});
