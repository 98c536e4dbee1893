import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestHead } from '../core/message.ts';
import { PairHeaders } from '../core/pair-headers.ts';
import { RequestHeaderChanges } from './request-header-changes.ts';

class Changes extends RequestHeaderChanges {
  readonly request: RequestHead;

  constructor(...lines: string[]) {
    super();
    this.request = { headers: new PairHeaders(lines.map((line) => ['Cookie', line])) } as unknown as RequestHead;
  }

  /** What the endpoint gets: as it came, or the value that was set; null: no cookies. */
  get cookies(): string | null {
    const isRemoved = this.requestHeadersRemoved?.has('cookie') === true;
    return this.requestHeadersSet?.get('cookie') ?? (isRemoved ? null : 'as they came');
  }
}

for (const [what, lines, removed, left] of [
  ['of no cookie leaves the lines as they came', ['a=1; b', 'c=3'], [['z']], 'as they came'],
  [
    'of one leaves the others, also equal names and those without a value',
    ['a=1; x=2', 'b; a=3;;'],
    [['x']],
    'a=1; b; a=3',
  ],
  ['finds all of a name, with spaces around it', ['x=1; a=1;x =2', 'x', 'x=3'], [['x']], 'a=1'],
  ['compares whole names, to the letter', ['xx=1; X=2; y=x=3; x=4'], [['x']], 'xx=1; X=2; y=x=3'],
  ['of all leaves no header', ['x=1', 'y=2'], [['x', 'y']], null],
  ['by several filters adds up', ['x=1; y=2; a=3'], [['x'], ['y']], 'a=3'],
  ['goes on where no cookie is left', ['x=1'], [['x'], ['x']], null],
] as const)
  test(`the removal ${what}`, () => {
    const changes = new Changes(...lines);
    for (const names of removed as readonly (readonly string[])[])
      changes.removeRequestCookies((name) => names.includes(name));
    assert.equal(changes.cookies, left);
  });

test('a value with a control character is a fault, and not sent', () => {
  const changes = new Changes();
  assert.throws(() => changes.setRequestHeader('X-User', 'ada\r\nX-Evil: 1'), /control characters/);
  assert.equal(changes.requestHeadersSet, null);
});
