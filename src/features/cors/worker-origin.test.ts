import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originTest } from './worker-origin.ts';

const isAllowed = originTest(['https://app.example.org', 'https://*.example.com', 'http://*.dev.test:8080']);

const cases: readonly (readonly [origin: string, allowed: boolean])[] = [
  ['https://app.example.org', true],
  ['http://app.example.org', false],
  ['https://app.example.org:8443', false],
  ['https://app.example.org.evil.test', false],
  ['https://evil-app.example.org', false],
  ['https://APP.example.org', false],
  ['https://a.example.com', true],
  ['https://a.b.example.com', true],
  ['https://example.com', false],
  ['https://.example.com', false],
  ['https://evilexample.com', false],
  ['https://a.example.com:444', false],
  ['https://evil.test/.example.com', false],
  ['https://evil.test:80.example.com', false],
  ['https://evil.test#.example.com', false],
  ['https://user@a.example.com', false],
  ['https://a..example.com', false],
  [`https://${'a'.repeat(300)}.example.com`, false],
  ['http://x.dev.test:8080', true],
  ['http://x.dev.test', false],
  ['null', false],
  ['', false],
  ['*', false],
  ['https://app.example.org, https://app.example.org', false],
];

for (const [origin, allowed] of cases)
  test(`${origin.slice(0, 60)} is ${allowed ? 'allowed' : 'refused'}`, () => assert.equal(isAllowed(origin), allowed));

test('* allows every origin', () => assert.equal(originTest(['*'])('null'), true));
