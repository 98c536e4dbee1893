import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { redactAuthority, redactPath } from './target.ts';

describe('a path loses values that are secrets by their position or name, and nothing else', () => {
  const cases: readonly (readonly [path: string, redacted: string])[] = [
    ['/users/anna@example.org/a%20b;v=1', '/users/anna@example.org/a%20b;v=1'],
    ['/callback#access_token=abc', '/callback#…'],
    ['http://anna:CANARY@example.org/', 'http://…@example.org/'],
    ['http://CANARY@example.org/', 'http://…@example.org/'],
    ['//anna:CANARY@example.org/', '//…@example.org/'],
    ['anna:CANARY@example.org/x', 'anna:…@example.org/x'],
    ['/to/https://anna:CAN@RY@example.org/', '/to/https://…@example.org/'],
    ['/to/https%3A%2F%2Fanna%3ACANARY%40example.org/', '/to/https%3A%2F%2F…%40example.org/'],
    ['/a;token=CANARY/b', '/a;token=…'],
    ['/a;v=2;session_id=CANARY', '/a;v=2;session_id=…'],
    ['/@scope/package@1.2.3/index.js', '/@scope/package@1.2.3/index.js'],
    ['/a/Bearer%20CANARY/b', '/a/Bearer%20…/b'],
    ['/a/authorization:%20basic%20%20CANARY%3D', '/a/authorization:%20basic%20%20…'],
    ['/a/forbearer%20x/basics%20y', '/a/forbearer%20x/basics%20y'],
    ['*', '*'],
  ];
  for (const [path, redacted] of cases) test(path, () => assert.equal(redactPath(path), redacted));
});

test('a host has no user information before it', () => {
  assert.equal(redactAuthority('example.org:8080'), 'example.org:8080');
  assert.equal(redactAuthority('anna:CANARY@example.org'), '…@example.org');
  assert.equal(redactAuthority('anna:CAN@RY@example.org'), '…@example.org');
});
