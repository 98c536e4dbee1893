import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AnsweredRequest } from '../../core/response-values.ts';
import type { CookieChange, PathPrefixes } from './settings.ts';
import { cookieForClient } from './worker-cookies.ts';

const answered: AnsweredRequest = {
  scheme: 'https',
  authorities: ['shop.test:8443'],
  schemeSent: 'http',
  ownAuthorities: ['10.0.0.5:3000'],
};
const ownHosts = ['10.0.0.5', 'app.internal'];
const removed: PathPrefixes = { ofClients: '/app', ofApplication: '/' };
const moved: PathPrefixes = { ofClients: '/api', ofApplication: '/v1' };

const keep: CookieChange = { path: 'keep', domain: 'keep', secure: null, httpOnly: null, sameSite: null };
const auto: CookieChange = { ...keep, path: 'auto', domain: 'auto' };

type Case = readonly [line: string, change: CookieChange, prefix: PathPrefixes | null, expected: string];

const cases: readonly Case[] = [
  ['a=1; Path=/; HttpOnly', auto, removed, 'a=1; Path=/app; HttpOnly'],
  ['a=1;path=/admin/', auto, removed, 'a=1; Path=/app/admin/'],
  ['a=1; PATH = /admin ;Secure', auto, removed, 'a=1; Path=/app/admin;Secure'],
  ['a=1; Path=/app', auto, removed, 'a=1; Path=/app'],
  ['a=1; Path=/application', auto, removed, 'a=1; Path=/app/application'],
  ['a=1; Path=/v1', auto, moved, 'a=1; Path=/api'],
  ['a=1; Path=/', auto, moved, 'a=1; Path=/'],
  ['a=1; Path', auto, removed, 'a=1; Path'],
  ['a=1; Path=x', auto, removed, 'a=1; Path=x'],
  ['a=1; Path="/"', auto, removed, 'a=1; Path="/"'],
  ['a=1', auto, removed, 'a=1'],
  // Every one of several is changed: browsers take the last.
  ['a=1; Path=/x; Path=/', auto, removed, 'a=1; Path=/app/x; Path=/app'],
  ['a=1; Domain=app.internal', auto, null, 'a=1'],
  ['a=1; domain=.INTERNAL; Path=/', auto, null, 'a=1; Path=/'],
  ['a=1; Domain=10.0.0.5', auto, null, 'a=1'],
  ['a=1; Domain=shop.test', auto, null, 'a=1; Domain=shop.test'],
  ['a=1; Domain=other.test', auto, null, 'a=1; Domain=other.test'],
  ['a=1; Domain=', auto, null, 'a=1; Domain='],
  ['a=1; Domain=x; Path=/', keep, removed, 'a=1; Domain=x; Path=/'],
  ['a=1; Domain=x', { ...keep, domain: 'none' }, null, 'a=1'],
  ['a=1; Domain=x', { ...keep, domain: 'shop.test' }, null, 'a=1; Domain=shop.test'],
  ['a=1; Path=/x', { ...keep, path: '/all' }, removed, 'a=1; Path=/all'],
  ['a=1', { ...keep, path: '/all' }, removed, 'a=1; Path=/all'],
  ['a=1; secure; httponly', { ...keep, secure: true, httpOnly: true }, null, 'a=1; Secure; HttpOnly'],
  ['a=1; Secure; HttpOnly; x', { ...keep, secure: false, httpOnly: false }, null, 'a=1; x'],
  ['a=1; SameSite=None', { ...keep, sameSite: 'lax' }, null, 'a=1; SameSite=Lax'],
  ['a=1', { ...keep, sameSite: 'strict' }, null, 'a=1; SameSite=Strict'],
  ['__Host-a=1; Path=/; Secure', { ...auto, path: '/x', domain: 'shop.test' }, removed, '__Host-a=1; Path=/; Secure'],
  [' __SECURE-a=1; Secure', { ...keep, secure: false }, null, ' __SECURE-a=1; Secure'],
  [
    'a="x, y= z"; Expires=Thu, 01 Jan 2026 00:00:00 GMT; Path=/',
    auto,
    removed,
    'a="x, y= z"; Expires=Thu, 01 Jan 2026 00:00:00 GMT; Path=/app',
  ],
  ['a=%3B Path=/; ;;Partitioned', auto, removed, 'a=%3B Path=/; ;;Partitioned'],
  ['=;__proto__=1;Path=//x', auto, removed, '=;__proto__=1; Path=/app//x'],
  ['', auto, removed, ''],
];

describe('a cookie of an application', () => {
  for (const [line, change, prefix, expected] of cases)
    it(`${line} with ${Object.values(change).join(' ')} behind ${prefix?.ofClients ?? 'no prefix'} is ${expected}`, () =>
      assert.equal(cookieForClient(line, change, { prefix, answered, ownHosts }), expected));

  it('takes no longer than a line of its length is read', () => {
    const line = `a=${';Path=/'.repeat(20_000)}`;
    assert.equal(cookieForClient(line, auto, { prefix: removed, answered, ownHosts }).length, line.length + 20_000 * 4);
  });
});
