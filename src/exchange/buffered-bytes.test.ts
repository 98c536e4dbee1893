import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { BufferAllowance } from './buffer-allowance.ts';
import { BufferedBytes } from './buffered-bytes.ts';

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ add: fc.integer({ min: 1, max: 9000 }) }) },
  fc.constantFrom('take' as const, 'give back' as const),
);

describe('bytes of bodies that wait', () => {
  it('never count more than the allowance, count as long as they or what was taken are there, and nothing in the end', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 30, size: 'max' }),
        fc.integer({ min: 0, max: 40_000 }),
        (steps, bytesMax) => {
          const counts = { bufferedRequestBytes: 0, bufferedResponseBytes: 0 };
          const allowance = new BufferAllowance(counts, bytesMax);
          const bodies = [new BufferedBytes(allowance, 'request'), new BufferedBytes(allowance, 'response')] as const;
          let waiting = 0;
          for (const [index, one] of steps.entries()) {
            const body = bodies[index % 2] as BufferedBytes;
            const before = { ...counts };
            if (one === 'take') waiting -= body.take()?.length ?? 0;
            else if (one === 'give back') body.giveBackTaken();
            else if (body.tryAdd(Buffer.alloc(one.add), 0, one.add)) waiting += one.add;
            else assert.deepEqual(counts, before, 'what was refused counts nothing');
            if (one === 'take') assert.deepEqual(counts, before, 'what was taken counts until it is given back');
            const counted = counts.bufferedRequestBytes + counts.bufferedResponseBytes;
            assert.ok(counted <= bytesMax, `${counted}`);
            assert.ok(counted >= waiting, `${counted} for ${waiting} bytes`);
            assert.equal(bodies[0].length + bodies[1].length, waiting);
          }
          for (const body of bodies) body.release();
          assert.deepEqual(counts, { bufferedRequestBytes: 0, bufferedResponseBytes: 0 });
        },
      ),
    );
  });

  it('that come when the allowance is used up are kept, and count nothing', () => {
    const counts = { bufferedRequestBytes: 0, bufferedResponseBytes: 0 };
    const body = new BufferedBytes(new BufferAllowance(counts, 5000), 'request');
    assert.equal(body.tryAdd(Buffer.from('counted'), 0, 7), true);
    body.addUncounted(Buffer.alloc(9000, 'x'), 0, 9000);
    assert.equal(counts.bufferedRequestBytes, 4096);
    assert.equal(Buffer.concat(body.all()).toString('latin1'), `counted${'x'.repeat(9000)}`);
    while (body.take() !== null);
    body.giveBackTaken();
    assert.equal(counts.bufferedRequestBytes, 0);
    body.release();
    assert.equal(counts.bufferedRequestBytes, 0);
  });
});
