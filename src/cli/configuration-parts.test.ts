import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from '../../test/properties.ts';
import type { Configuration } from '../core/configuration.ts';
import { JoinedRead, partMax, splitRead } from './configuration-parts.ts';
import type { ServedRead } from './configuration-read.ts';

function readOf(routes: number, upstreams: number): ServedRead {
  const named = (count: number, prefix: string): unknown[] =>
    Array.from({ length: count }, (_, index) => ({ id: `${prefix}${index}` }));
  const configuration = {
    member: 'm',
    routes: named(routes, '/r'),
    upstreams: named(upstreams, 'u'),
  } as unknown as Configuration;
  return {
    configuration,
    errors: [],
    path: '/candor.yaml',
    leftOpen: { log: true, state: false, socket: true },
    text: 'x',
    shown: { text: 'x', warnings: [], unshown: null },
    isMissing: false,
  };
}

const joinedOf = (read: ServedRead): ServedRead | null => {
  const joined = new JoinedRead();
  for (const part of splitRead(read)) joined.add(structuredClone(part));
  return joined.read;
};

describe('a configuration in parts', () => {
  test('is the same when it is put together, and no part has more than its share', () => {
    fc.assert(
      fc.property(fc.nat(3 * partMax), fc.nat(50), (routes, upstreams) => {
        const read = readOf(routes, upstreams);
        assert.deepEqual(joinedOf(read), read);
        for (const part of splitRead(read)) {
          if (part.kind === 'routes') assert.ok(part.routes.length <= partMax);
          if (part.kind === 'upstreams') assert.ok(part.upstreams.length <= partMax / 10);
          if (part.kind === 'head') assert.deepEqual(part.read.configuration?.routes, []);
        }
      }),
    );
  });

  test('that cannot be used arrives with its errors', () => {
    const read = { ...readOf(0, 0), configuration: null };
    assert.deepEqual(joinedOf(read), read);
  });

  test('of which nothing has arrived is null', () => {
    assert.equal(new JoinedRead().read, null);
  });
});
