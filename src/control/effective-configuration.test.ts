import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfiguration } from '../config/parse.ts';
import { hiddenKeys } from '../config/hidden-keys.ts';
import { hiddenSettings, effectiveConfiguration, type SettingMap } from './effective-configuration.ts';

const secret = 'Kn4rv-hunter2';
const hash = `sha256:${'0a'.repeat(32)}`;

function effectiveOf(text: string): SettingMap {
  const parsing = parseConfiguration(text, {
    ...{ file: 'candor.yaml', directory: '/etc/shop', environment: {}, hostname: 'gateway' },
    readings: new Map(),
  });
  assert.ok(parsing.ok, parsing.ok ? '' : JSON.stringify(parsing.errors));
  return effectiveConfiguration(parsing.configuration);
}

const listening = 'upstreams: { app: "127.0.0.1:3000" }\n';

/** Where a secret may stand; SECRET is the value. */
const places: readonly (readonly [what: string, text: string])[] = [
  ['a variable of an application', 'applications: { web: { command: node a.js, environment: { DATABASE: SECRET } } }'],
  ['a word of a command', 'applications: { web: { command: [node, --api-key, SECRET, -v] } }'],
  ['a header of a check', 'upstreams: { a: { endpoints: "a:1", check: { path: /, headers: { x-monitor: SECRET } } } }'],
  [
    'a header of a readiness check',
    'applications: { a: { command: a, readiness: { headers: { x-monitor: SECRET } } } }',
  ],
  [
    'what a check expects',
    'upstreams: { a: { endpoints: "a:1", check: { path: /, expect: { headers: { x: SECRET } } } } }',
  ],
  [
    'what programs are told',
    'upstreams: { app: { endpoints: "a:1", protocol: fastcgi } }\nroutes: [{ to: app, php: { root: /srv, variables: { A: SECRET } } }]',
  ],
  ['a drain signal', 'upstreams: { a: { endpoints: "a:1", drain_signal: { header: x-a, value: SECRET } } }'],
  ['a chat', `${listening}alerts: { targets: { chat: { slack: { url: "https://hooks.example/SECRET" } } } }`],
  ['a key of a collector', `${listening}otlp: { endpoint: "http://a:4318", headers: { x-key: SECRET } }`],
  ['the path of a collector', `${listening}otlp: { endpoint: "http://a:4318/SECRET" }`],
  ['a header that is set', `${listening}routes: [{ to: app, request_headers: { set: { Authorization: SECRET } } }]`],
  [
    'a header that the configuration names',
    `${listening}log: { secret_headers: [x-inner] }\nroutes: [{ to: app, request_headers: { set: { x-inner: SECRET } } }]`,
  ],
];

test('settings are hidden as the schema of the file says first of their keys', () => {
  const marks = hiddenKeys().map(({ built, hiding }) => [built, hiding] as const);
  const first = new Map(marks.toReversed());
  assert.deepEqual(Object.fromEntries(hiddenSettings), Object.fromEntries(first));
});

describe('the effective configuration has no secret', () => {
  for (const [what, text] of places)
    test(what, () => {
      const json = JSON.stringify(effectiveOf(`${text.replace('SECRET', secret)}\n`));
      assert.ok(!json.includes(secret), json);
      assert.match(json, /\*{3}|…/);
    });
});

test('the effective configuration has all defaults, and names of variables and headers as they were written', () => {
  const effective = effectiveOf(
    `${listening}admin: { listen: "127.0.0.1:9901", tokens: { deploy: "${hash}" } }\napplications: { web: { command: node a.js, environment: { myVar: x } } }\nroutes: [{ to: app, request_headers: { set: { Cache-Control: no-store, X-From: edge } } }]\n`,
  ) as Record<string, Record<string, unknown>[]>;
  const [route = {}] = effective['routes'] ?? [];
  assert.deepEqual((route['timeouts'] as Record<string, unknown>)['response_head_ms'], 60_000);
  assert.deepEqual((route['request_headers'] as Record<string, unknown>)['set'], [
    ['Cache-Control', 'no-store'],
    ['X-From', '***'],
  ]);
  assert.deepEqual(effective['applications']?.[0]?.['environment'], { myVar: '***' });
  assert.deepEqual((effective['admin'] as unknown as Record<string, unknown>)['tokens'], [{ name: 'deploy', hash }]);
  assert.equal(effective['store'], null);
});
