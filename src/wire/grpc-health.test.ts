import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { healthRequest, servingStatusIn } from './grpc-health.ts';

describe('gRPC health messages', () => {
  test('ask for a service, or for the whole server', () => {
    assert.deepEqual([...healthRequest('')], [0, 0, 0, 0, 0]);
    assert.deepEqual([...healthRequest('a.B')], [0, 0, 0, 0, 5, 0x0a, 3, ...Buffer.from('a.B')]);
    const long = healthRequest('x'.repeat(200));
    assert.deepEqual([...long.subarray(0, 8)], [0, 0, 0, 0, 203, 0x0a, 0xc8, 1]);
    assert.equal(long.length, 208);
  });

  for (const [bytes, status] of [
    [[0, 0, 0, 0, 2, 8, 1], 'SERVING'],
    [[0, 0, 0, 0, 2, 8, 2], 'NOT_SERVING'],
    [[0, 0, 0, 0, 2, 8, 3], 'SERVICE_UNKNOWN'],
    [[0, 0, 0, 0, 0], 'UNKNOWN'],
    [[0, 0, 0, 0, 2, 8, 9], null],
    [[1, 0, 0, 0, 2, 8, 1], null],
    [[0, 0, 0, 0, 2, 8], null],
    [[], null],
  ] as const) {
    test(`read ${bytes.join(' ')} as ${status ?? 'nothing that they know'}`, () => {
      assert.equal(servingStatusIn(Uint8Array.from(bytes)), status);
    });
  }
});
