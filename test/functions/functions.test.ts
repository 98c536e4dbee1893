import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { withSection } from '../../scripts/comparison-document.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { readCases } from './configurations/cases.ts';
import {
  configurationsSection,
  functionsSection,
  type GatewayFunction,
  mistakesOf,
  peerNames,
  readFunctions,
} from './functions-table.ts';
import { sourceAddress } from './sources.ts';

const update = process.env['UPDATE_DOCS'] === '1';
const documentPath = join(repositoryRoot, 'docs', 'comparison.md');
const functions = readFunctions();

describe('the functions in docs/comparison.md', () => {
  const written = (document: string): string =>
    withSection(
      withSection(document, 'functions', functionsSection(functions)),
      'configurations',
      configurationsSection(readCases()),
    );
  if (update) writeFileSync(documentPath, written(readFileSync(documentPath, 'utf8')));

  test('are those of functions.tsv; else run with UPDATE_DOCS=1', () => {
    const document = readFileSync(documentPath, 'utf8');
    assert.equal(document, written(document));
  });

  test('have a test and a document where Candor has them, and a source where another gateway has them', () => {
    assert.deepEqual(functions.flatMap(mistakesOf), []);
  });

  test('are numbered from 1 on', () => {
    assert.deepEqual(
      functions.map(({ id }) => id),
      functions.map((_, index) => index + 1),
    );
  });

  const one = functions.find(({ candor }) => candor === 'yes') as GatewayFunction;
  const { nginx } = one.peers;
  const wrong: [what: string, change: Partial<GatewayFunction>][] = [
    ['a test that does not exist', { test: `${one.test.split(' › ')[0]} › no such title` }],
    ['a file that does not exist', { test: 'test/none.test.ts › a test' }],
    ['no document', { documented: '' }],
    ['no source', { peers: { ...one.peers, nginx: { ...nginx, source: '' } } }],
    ['a part that nothing names', { candor: 'partly', part: '' }],
  ];
  for (const [what, change] of wrong)
    test(`are refused with ${what}`, () => assert.equal(mistakesOf({ ...one, ...change }).length, 1));
});

test('a source is an address, with what to look for on its page', () => {
  for (const { peers } of functions)
    for (const peer of peerNames) {
      const { source } = peers[peer];
      if (source === '?' || source === '') continue;
      const { address, title } = sourceAddress(peer, source);
      assert.doesNotThrow(() => new URL(address), source);
      assert.match(title, /^[^"|]+$/, source);
    }
  const shown = (peer: (typeof peerNames)[number], source: string): string => sourceAddress(peer, source).address;
  assert.equal(shown('nginx', 'core#location'), 'https://nginx.org/en/docs/http/ngx_http_core_module.html#location');
  assert.equal(shown('nginx', 'doc/http/websocket'), 'https://nginx.org/en/docs/http/websocket.html');
  assert.equal(
    shown('Envoy', 'route#RouteMatch.safe_regex'),
    'https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#envoy-v3-api-field-config-route-v3-routematch-safe-regex',
  );
});
