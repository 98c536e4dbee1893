import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingOf, harmlessVerdict } from './verdict.ts';

test('a finding has null for unknown facts, and at most 200 characters of a request', () => {
  const facts = { gateway: 'nginx', format: 'nginx access log', kind: 'access' } as const;
  const short = findingOf(facts, harmlessVerdict);
  assert.deepEqual(
    [short.request, short.atMs, short.upstream, short.joins, short.evidence, short.isConsequence],
    [null, null, null, null, [], false],
  );
  const long = findingOf({ ...facts, request: `GET /${'a'.repeat(300)}` }, harmlessVerdict);
  assert.equal(long.request, `GET /${'a'.repeat(195)}`);
});
