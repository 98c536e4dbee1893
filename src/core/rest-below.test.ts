import assert from 'node:assert/strict';
import { it } from 'node:test';
import { restBelow } from './rest-below.ts';

for (const [folder, path, rest] of [
  ['/srv', '/srv', ''],
  ['/srv', '/srv/a/b', 'a/b'],
  ['/srv', '/srv2/a', null],
  ['/srv/a', '/srv', null],
  ['/', '/', ''],
  ['/', '/a', 'a'],
] as const)
  it(`${path} is ${rest === null ? 'not below' : `"${rest}" below`} ${folder}`, () =>
    assert.equal(restBelow(folder, path), rest));
