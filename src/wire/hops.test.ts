import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../testing/properties.test-support.ts';
import { cdnLoopHops, cdnLoopValue, viaHops, viaValue } from './hops.ts';

describe('Via', () => {
  it('gets our member at its end, with a name that cannot break the list', () => {
    assert.equal(viaValue(null, 'HTTP/1.1', 'edge'), '1.1 edge');
    assert.equal(viaValue('1.0 fred', 'HTTP/2', 'edge'), '1.0 fred, 2.0 edge');
    assert.equal(viaValue(null, 'HTTP/1.0', 'my edge, (x)'), '1.0 my-edge---x-');
    assert.equal(viaValue('', 'HTTP/1.1', 'edge:8080'), '1.1 edge:8080');
  });

  const told: readonly [via: string | null, count: number, ours: boolean][] = [
    [null, 0, false],
    ['', 0, false],
    ['1.1 edge', 1, true],
    ['HTTP/1.1 EDGE', 1, true],
    ['1.1\tedge (comment)', 1, true],
    ['1.1 other (edge), , 1.0 fred', 2, false],
    ['1.1 edge:8080', 1, false],
    ['1.1 edges, 1.1 my.edge', 2, false],
    ['1.1 x (never ends, 1.1 edge', 2, true],
  ];
  for (const [via, count, ours] of told) {
    it(`is read: ${via ?? 'none'}`, () => {
      assert.deepEqual(viaHops(via, 'edge'), { count, ours });
    });
  }
});

describe('CDN-Loop', () => {
  it('gets our member at its end', () => {
    assert.equal(cdnLoopValue(null, 'edge'), 'edge');
    assert.equal(
      cdnLoopValue('foo123.foocdn.example, barcdn.example; trace="abcdef"', 'my edge'),
      'foo123.foocdn.example, barcdn.example; trace="abcdef", my-edge',
    );
  });

  const told: readonly [field: string | null, count: number, ours: boolean][] = [
    [null, 0, false],
    ['edge', 1, true],
    ['foo.example, Edge ; trace="1"', 2, true],
    ['foo.example; name=edge', 1, false],
    ['foo.example; trace="a, edge"', 2, false],
    ['foo.example; trace="never ends, edge', 2, true],
  ];
  for (const [field, count, ours] of told) {
    it(`is read: ${field ?? 'none'}`, () => {
      assert.deepEqual(cdnLoopHops(field, 'edge'), { count, ours });
    });
  }
});

describe('whoever adds its name', () => {
  it('finds it again, whatever stood there before, and counts one more', () => {
    const before = fc.option(
      fc.string({ unit: fc.constantFrom('a', '1', '.', ' ', ',', '(', ')', '"', '\\', ';', '=') }),
    );
    fc.assert(
      fc.property(before, fc.string({ minLength: 1 }), (field, name) => {
        for (const [value, hops] of [
          [viaValue(field, 'HTTP/1.1', name), viaHops],
          [cdnLoopValue(field, name), cdnLoopHops],
        ] as const) {
          assert.equal(hops(value, name).ours, true);
          assert.equal(hops(value, name).count, hops(field, name).count + 1);
        }
      }),
    );
  });
});
