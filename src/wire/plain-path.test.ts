import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { hasDotSegment, plainPath } from './plain-path.ts';

const table: readonly [target: string, plain: string][] = [
  ['/', '/'],
  ['*', '*'],
  ['/admin', '/admin'],
  ['/%61dmin', '/admin'],
  ['/%41', '/A'],
  ['/%7euser', '/~user'],
  ['/a%2fb', '/a%2Fb'],
  ['/a%20b', '/a%20b'],
  ['/a%zz', '/a%zz'],
  ['/%2561', '/%2561'],
  ['//admin', '/admin'],
  ['///', '/'],
  ['/a//b/', '/a/b/'],
  ['/x/../admin', '/admin'],
  ['/x/%2e%2E/admin', '/admin'],
  ['/./admin', '/admin'],
  ['/admin/.', '/admin/'],
  ['/admin/x/..', '/admin/'],
  ['/../../admin', '/admin'],
  ['/..', '/'],
  ['/.well-known/x', '/.well-known/x'],
  ['/...', '/...'],
  ['/a?b=//../%61', '/a?b=//../%61'],
  ['//a?b=//..', '/a?b=//..'],
];

describe('the plain spelling of a path', () => {
  for (const [target, plain] of table) {
    it(`of ${target} is ${plain}`, () => assert.equal(plainPath(target), plain));
  }

  const pieces = fc.array(fc.constantFrom('/', '.', '..', '%2e', '%2f', '%61', 'a', '?', '//'), { maxLength: 12 });

  it('is its own plain spelling, and never climbs above the root', () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        const plain = plainPath(`/${parts.join('')}`);
        assert.equal(plainPath(plain), plain);
        assert.ok(plain.startsWith('/'));
        assert.ok(!hasDotSegment(plain));
      }),
    );
  });
});
