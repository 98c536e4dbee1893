import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lackOf } from './required.ts';
import type { RequiredOfUsers } from './settings.ts';

const user = {
  name: 'ada',
  by: 'jwt',
  claims: { groups: ['dev', 'ops'], tenant: 7, verified: true, nested: { a: 1 } },
};
const nothing: RequiredOfUsers = { users: null, groups: null, claims: null };

const cases: readonly (readonly [required: Partial<RequiredOfUsers>, lack: string | null])[] = [
  [{}, null],
  [{ users: ['bob', 'ada'] }, null],
  [{ users: ['bob'] }, 'a name that the route lets in'],
  [{ groups: ['ops'] }, null],
  [{ groups: ['admin'] }, 'the group admin'],
  [{ groups: ['admin', 'root'] }, 'each of the groups admin, root'],
  [{ users: ['ada'], groups: ['admin'] }, 'the group admin'],
  [{ claims: { tenant: ['7'] } }, null],
  [{ claims: { tenant: ['8'] } }, 'a fitting claim tenant'],
  [{ claims: { verified: ['true'] } }, null],
  [{ claims: { nested: ['[object Object]'] } }, 'a fitting claim nested'],
  [{ claims: { toString: ['x'] } }, 'a fitting claim toString'],
  [{ claims: { tenant: ['7'], missing: ['x'] } }, 'a fitting claim missing'],
];
for (const [required, lack] of cases)
  test(`of ${JSON.stringify(required)} ada lacks ${lack ?? 'nothing'}`, () =>
    assert.equal(lackOf(user, { ...nothing, ...required }), lack));

test('a claim that objects have by themselves is none', () =>
  assert.equal(
    lackOf({ ...user, claims: {} }, { ...nothing, claims: { constructor: ['x'] } }),
    'a fitting claim constructor',
  ));
