import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import { cdnLoopHops, cdnLoopMember, cdnLoopValue, type Hops, viaHops, viaValue } from './hops.ts';

describe('Via', () => {
  it('gets our member at its end, with a name that cannot break the list', () => {
    assert.equal(viaValue(null, 'HTTP/1.1', 'edge'), '1.1 edge');
    assert.equal(viaValue('1.0 fred', 'HTTP/2', 'edge'), '1.0 fred, 2.0 edge');
    assert.equal(viaValue(null, 'HTTP/1.0', 'my edge, (x)'), '1.0 my-edge---x-');
    assert.equal(viaValue('', 'HTTP/1.1', 'edge:8080'), '1.1 edge:8080');
  });

  const told: readonly [via: string | null, count: number, ours: number][] = [
    [null, 0, 0],
    ['', 0, 0],
    ['1.1 edge', 1, 1],
    ['HTTP/1.1 EDGE', 1, 1],
    ['1.1\tedge (comment)', 1, 1],
    ['1.1 edge, 1.0 fred, 2.0 Edge', 3, 2],
    ['1.1 other (edge), , 1.0 fred', 2, 0],
    ['1.1 edge:8080', 1, 0],
    ['1.1 edges, 1.1 my.edge', 2, 0],
    ['1.1 x (never ends, 1.1 edge', 2, 1],
  ];
  for (const [via, count, ours] of told) {
    it(`is read: ${via ?? 'none'}`, () => {
      assert.deepEqual(viaHops(via, 'edge'), { count, ours, sameRoute: false });
    });
  }
});

describe('CDN-Loop', () => {
  it('gets our member at its end, with a name that cannot break the list', () => {
    assert.equal(cdnLoopMember('my edge, (x)', ''), 'my-edge---x-');
    assert.equal(cdnLoopValue(null, cdnLoopMember('edge', 'aB-_9')), 'edge; route=aB-_9');
    assert.equal(
      cdnLoopValue('foo123.foocdn.example, barcdn.example; trace="abcdef"', cdnLoopMember('edge', 'aB')),
      'foo123.foocdn.example, barcdn.example; trace="abcdef", edge; route=aB',
    );
  });

  const told: readonly [header: string | null, count: number, ours: number, sameRoute: boolean][] = [
    [null, 0, 0, false],
    ['edge', 1, 1, false],
    ['foo.example, Edge ; trace="1"', 2, 1, false],
    ['foo.example; name=edge', 1, 0, false],
    ['foo.example; trace="a, edge"', 2, 0, false],
    ['foo.example; trace="never ends, edge', 2, 1, false],
    ['edge; route=aB', 1, 1, true],
    ['edge;route=aB;x=1', 1, 1, true],
    ['edge; x=1; route=aB , other', 2, 1, true],
    ['edge; route=aB, edge; route=cD', 2, 2, true],
    ['edge; route=cD, edge', 2, 2, false],
    ['edge; route=aBc', 1, 1, false],
    ['edge; route=AB', 1, 1, false],
    ['other; route=aB, edge', 2, 1, false],
    ['route=aB, edge', 2, 1, false],
  ];
  for (const [header, count, ours, sameRoute] of told) {
    it(`is read: ${header ?? 'none'}`, () => {
      assert.deepEqual(cdnLoopHops(header, 'edge', 'aB'), { count, ours, sameRoute });
    });
  }
});

describe('whoever adds its name', () => {
  it('finds it and its route again, whatever stood there before, and counts one more', () => {
    const before = fc.option(
      fc.string({ unit: fc.constantFrom('a', '1', '.', ' ', ',', '(', ')', '"', '\\', ';', '=') }),
    );
    fc.assert(
      fc.property(before, fc.string({ minLength: 1 }), (header, name) => {
        const via = viaHops(header, name);
        assert.deepEqual(viaHops(viaValue(header, 'HTTP/1.1', name), name), added(via, false));
        const loop = cdnLoopHops(header, name, 'aB');
        for (const token of ['', 'aB', 'cD']) {
          const value = cdnLoopValue(header, cdnLoopMember(name, token));
          assert.deepEqual(cdnLoopHops(value, name, 'aB'), added(loop, token === 'aB'));
        }
      }),
    );
  });
});

function added({ count, ours }: Hops, sameRoute: boolean): Hops {
  return { count: count + 1, ours: ours + 1, sameRoute };
}
