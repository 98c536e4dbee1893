import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import fc from '../../test/properties.ts';
import { settingLines } from './setting-lines.ts';

test('settings are printed as YAML that people read', () => {
  const settings = {
    deployment: 'edge.test',
    workers: { count: null },
    listeners: [{ id: 'http', host: '::', tls: null }, { id: 'https' }],
    trusted_peers: [],
    names: ['*.example.org', 'yes', '8080'],
    resource: {},
  };
  assert.deepEqual(settingLines(settings), [
    'deployment: edge.test',
    'workers:',
    '  count: null',
    'listeners:',
    '  - id: http',
    '    host: "::"',
    '    tls: null',
    '  - id: https',
    'trusted_peers: []',
    'names:',
    '  - "*.example.org"',
    '  - "yes"',
    '  - "8080"',
    'resource: {}',
  ]);
});

test('whatever the settings are, YAML reads them as they were', () => {
  const key = fc.stringMatching(/^[a-z_]{1,8}$/);
  const leaf = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom('no', '1e3', '-', 'a: b'),
  );
  const { settings } = fc.letrec((tie) => ({
    settings: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    value: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('value'), { maxLength: 3 }), tie('settings')),
  }));
  fc.assert(
    fc.property(settings, (value) => {
      const plain = JSON.parse(JSON.stringify(value)) as object;
      if (Object.keys(plain).length === 0) return;
      assert.deepEqual(parse(settingLines(plain).join('\n')), plain);
    }),
  );
});
