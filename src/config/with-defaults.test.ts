import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import type { Configuration } from '../core/configuration.ts';
import { type ParseContext, parseConfiguration } from './parse.ts';
import { isWholeSweep, sampled } from '../testing/sweep.test-support.ts';
import { strictSecurityHeaders } from './security-headers.ts';
import { withDefaults } from './with-defaults.ts';

const context: ParseContext = {
  ...{ file: 'candor.yaml', directory: '/etc/shop', environment: {}, hostname: 'gateway', readings: new Map() },
};

function configurationOf(text: string): Configuration {
  const parsing = parseConfiguration(text, context);
  assert.ok(parsing.ok, parsing.ok ? '' : `${JSON.stringify(parsing.errors)}\n${text}`);
  return parsing.configuration;
}

const root = join(import.meta.dirname, '..', '..');
const allExamples = [
  ...readdirSync(join(root, 'examples'))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => `examples/${name}`),
  'examples/demo/candor.yaml',
];
const examples = isWholeSweep ? allExamples : [];
const ownTexts: readonly (readonly [what: string, text: string])[] = [
  ['one address', 'upstreams: { app: "127.0.0.1:3000" }\n'],
  [
    'limits of the whole file, which routes take',
    'timeouts: { response_head: 20s }\nwebsocket: { ping: 5s }\nupstreams: { app: "a:1" }\nroutes: [{ to: app }, { path: /x, to: app, timeouts: { idle: 5s } }]\n',
  ],
  [
    'sections that change something by being there',
    `store: { path: ./store }\nadmin: { listen: "127.0.0.1:9901", tokens: { deploy: "sha256:${'0a'.repeat(32)}" } }\nupstreams: { app: { endpoints: "https://a", tls: { verify: false }, check: /h, sticky: true, circuit_breaker: true } }\nlisteners: { web: { bind: ":443", tls: internal } }\nroutes: [{ host: a.example, to: app }]\notlp: { endpoint: "http://a:4318" }\n`,
  ],
  ['a reference to a variable', 'listeners: { http: ":${PORT:-8080}" }\nupstreams: { app: "a:1" }\n'],
  [
    'keys that routes repeat, and values below them that nothing uses',
    'x-def: &def { to: app, timeouts: { connect: 1s } }\nx-own: { to: "***", token: "***" }\nroutes: [{ path: /a, <<: *def }, { path: /b, <<: [*def] }, { to: app }]\nupstreams: { app: "a:1" }\n',
  ],
  [
    'what people wrote as text',
    'upstreams: { app: "a:1" }\nroutes: [{ to: app, request_headers: { set: { x-a: "yes" } } }]\n',
  ],
];

describe('a configuration with the defaults that it leaves out', () => {
  for (const [what, text] of [
    ...examples.map((name) => [name, readFileSync(join(root, name), 'utf8')] as const),
    ...sampled(ownTexts, 6, 1),
  ])
    test(`reads as the same configuration: ${what}`, () => {
      const { text: filled, problem } = withDefaults(text, context);
      assert.equal(problem, null);
      assert.deepEqual(configurationOf(filled), configurationOf(text));
      assert.ok(Object.keys(parse(filled)).length > Object.keys(parse(text)).length, filled);
      assert.equal(withDefaults(filled, context).text, filled, 'nothing is left to be filled in');
    });

  test('has the keys and units of the file', () => {
    const settings = parse(withDefaults(ownTexts[0]?.[1] ?? '', context).text);
    assert.equal(settings.timeouts.response_head, '60s');
    assert.equal(settings.client.head_max, '32KiB');
    assert.deepEqual(settings.upstreams.app.endpoints, '127.0.0.1:3000');
    assert.equal(settings.upstreams.app.connections.idle_timeout, '4s');
    assert.equal(settings.store, 'none');
  });

  test('has the keys of a section that one route has and another one has not', () => {
    const routes = 'routes: [{ path: /a, respond: { body: a } }, { path: /, to: app }]\n';
    const { text } = withDefaults(`upstreams: { app: "a:1" }\n${routes}`, context);
    const [first, second] = parse(text).routes;
    assert.equal(first.respond.status, 200);
    assert.equal(second.respond, undefined);
  });

  test('keeps references to variables and names of secrets', () => {
    const hidden = 'applications: { web: { command: x, environment: { PASSWORD: "***" } } }\n';
    const { text, problem } = withDefaults(`listeners: { http: ":\${PORT:-8080}" }\n${hidden}`, context);
    assert.equal(problem, null);
    assert.match(text, /bind: :\$\{PORT:-8080\}/);
    assert.equal(parse(text).applications.web.environment.PASSWORD, '***');
  });

  test('of a text with a mistake is that text, with the reason', () => {
    for (const wrong of ['upstreams: { app: 7x }\nlisteners: 7\n', 'upstreams: { app: *** }\nlisteners: 7\n']) {
      const { text, problem } = withDefaults(wrong, context);
      assert.equal(text, wrong);
      assert.notEqual(problem, null);
    }
  });

  test('has blocks of text as they are', () => {
    const body =
      'routes:\n  - path: /\n    respond:\n      status: 200\n      body: |\n        pin: ***\n        - ***\n';
    const { text, problem } = withDefaults(body, context);
    assert.equal(problem, null);
    assert.equal(parse(text).routes[0].respond.body, 'pin: ***\n- ***\n');
  });
});

describe('values that are not known', () => {
  const cases: readonly (readonly [what: string, text: string, key: readonly string[], value: string])[] = [
    ['a duration', 'timeouts: { response_head: "${T}" }\n', ['timeouts', 'response_head'], '${T}'],
    ['a size', 'client: { head_max: "${SIZE}" }\n', ['client', 'head_max'], '${SIZE}'],
    ['an address', 'upstreams: { app: "${APP}" }\n', ['upstreams', 'app', 'endpoints'], '${APP}'],
    ['a host and a port', 'upstreams: { app: "${A}:${B}" }\n', ['upstreams', 'app', 'endpoints'], '${A}:${B}'],
    ['a number', 'workers: ${W}\n', ['workers', 'count'], '${W}'],
    ['a word', 'disclosure: ${D}\n', ['disclosure'], '${D}'],
    ['a name', 'routes: [{ path: /, to: "${UP}" }]\n', ['routes', '0', 'to'], '${UP}'],
    ['a URL', 'otlp: { endpoint: "${COLLECTOR}" }\n', ['otlp', 'endpoint'], '${COLLECTOR}'],
    [
      'the URL of a chat that is hidden',
      'alerts: { targets: { chat: { slack: { url: "***" } } } }\n',
      ['alerts', 'targets', 'chat', 'slack', 'url'],
      '***',
    ],
    [
      'a key of a service that is hidden',
      'alerts: { targets: { chat: { pagerduty: { routing_key: "***" } } } }\n',
      ['alerts', 'targets', 'chat', 'pagerduty', 'routing_key'],
      '***',
    ],
    [
      'a password that is hidden beside a variable',
      'alerts: { targets: { mail: { smtp: { server: "a:25", username: "${USER}", password: "***", from: "a@b.example", to: ["${TO}"] } } } }\n',
      ['alerts', 'targets', 'mail', 'smtp', 'to', '0'],
      '${TO}',
    ],
  ];
  for (const [what, part, key, value] of sampled(cases, 11, 9))
    test(`stay, and the defaults are there: ${what}`, () => {
      const text = part.startsWith('upstreams') ? part : `${part}upstreams: { app: "a:1" }\n`;
      const { text: filled, problem } = withDefaults(text, context);
      assert.equal(problem, null);
      const settings = parse(filled);
      assert.equal(
        key.reduce((inner, name) => inner[name], settings),
        value,
      );
      assert.equal(settings.store, 'none');
    });

  test('of two listeners are not the same, and none is that of this environment', () => {
    const text = 'listeners: { a: ":${A}", b: ":${B}" }\ntimeouts: { idle: "${T}" }\nupstreams: { app: "a:1" }\n';
    const { text: filled, problem } = withDefaults(text, { ...context, environment: { T: 'long' } });
    assert.equal(problem, null);
    assert.equal(parse(filled).timeouts.idle, '${T}');
  });

  test('have each line of security_headers: strict, of the file and of a route', () => {
    const { text } = withDefaults(
      'security_headers: strict\nupstreams: { app: "a:1" }\nroutes: [{ to: app, security_headers: strict }]\n',
      context,
    );
    for (const [name, value] of Object.entries(strictSecurityHeaders))
      assert.equal(text.split(`${name}: ${value}`).length, 3, name);
  });

  test('are named where nothing that was tried can stand there', () => {
    const text = 'timeouts: { idle: "${T}x" }\nupstreams: { app: "a:1" }\n';
    assert.deepEqual(withDefaults(text, context), {
      text,
      problem: 'candor does not know the value of timeouts.idle, and none of those that it tried can stand there',
      hidden: [],
    });
  });

  test('are not blamed for another mistake', () => {
    const { problem } = withDefaults('timeouts: { idle: "${T}", iddle: 7 }\nupstreams: { app: "a:1" }\n', context);
    assert.match(problem ?? '', /^this version of candor cannot read it: unknown key/);
    for (const unknown of ['unknown: { a: "${T}" }', 'client: { unknown: "${T}" }'])
      assert.match(
        withDefaults(`${unknown}\nupstreams: { app: "a:1" }\n`, context).problem ?? '',
        /^this version of candor cannot read it: unknown key/,
      );
  });
});
