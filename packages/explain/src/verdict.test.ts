import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failedWith, findingOf, harmlessVerdict } from './verdict.ts';

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

const words = { sentence: 'It failed.', fix: null };
const inShort = (type: Parameters<typeof failedWith>[1]): string => {
  const { shape, stage, whose, born } = failedWith('reverse-proxy', type, words);
  return [shape, stage, whose, born].join(' ');
};

test('shape, stage and whose follow from the type', () => {
  assert.equal(inShort('connection_refused'), 'unreachable connect application reverse-proxy');
  assert.equal(inShort('connection_timeout'), 'unreachable connect network reverse-proxy');
  assert.equal(inShort('connection_write_timeout'), 'too_slow send application reverse-proxy');
  assert.equal(inShort('connection_limit_reached'), 'refused_by_gateway queue application reverse-proxy');
  assert.equal(inShort('proxy_loop_detected'), 'refused_by_gateway route operator reverse-proxy');
  assert.equal(inShort('http_response_incomplete'), 'reset body application reverse-proxy');
  assert.equal(inShort('http_protocol_error'), 'garbage response application reverse-proxy');
});

test('what the client sent wrong is attributed to the client, and explicit words replace the usual ones', () => {
  assert.equal(inShort('http_request_error'), 'client_abort request client client');
  assert.equal(failedWith('reverse-proxy', 'connection_timeout', { ...words, stage: 'tls', whose: null }).stage, 'tls');
});
