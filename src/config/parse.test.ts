import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { alertKinds } from '../core/alert.ts';
import type { Configuration } from '../core/configuration.ts';
import { unicodeText } from '../../test/unicode-text.ts';
import { endpointBreakerOf } from '../features/circuit-breaker/settings.ts';
import { outlierDetectionOf } from '../features/outlier-detection/settings.ts';
import { renderConfigurationErrors } from './configuration-errors.ts';
import { parseConfiguration } from './parse.ts';
import { sampled } from '../testing/sweep.test-support.ts';

const examples = join(import.meta.dirname, '..', '..', 'examples');

/** Numbers in memory that threads share. */
function shared(...words: readonly number[]): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(words.length * 4);
  new Uint32Array(buffer).set(words);
  return buffer;
}

function parse(text: string, environment: Record<string, string> = {}): ReturnType<typeof parseConfiguration> {
  return parseConfiguration(text, {
    file: 'candor.yaml',
    directory: '/etc/shop',
    environment,
    hostname: 'gateway.local',
  });
}

function configurationOf(text: string, environment: Record<string, string> = {}): Configuration {
  const parsing = parse(text, environment);
  if (parsing.ok) return parsing.configuration;
  assert.fail(renderConfigurationErrors(parsing.errors, text, { colour: false, width: 80 }));
}

const one = 'upstreams: { app: "127.0.0.1:3000" }\n';

describe('a file of one line', () => {
  const configuration = configurationOf(one);

  test('is enough: everything goes to the only upstream', () => {
    assert.deepEqual(
      configuration.routes.map(({ id, action }) => ({ id, action })),
      [{ id: '/', action: { kind: 'upstream', upstream: 'app' } }],
    );
    assert.deepEqual(configuration.listeners, [
      { id: 'http', host: '0.0.0.0', port: 8080, proxyProtocol: false, http2: true, tls: null },
    ]);
    assert.deepEqual(configuration.upstreams[0]?.endpoints, [
      { address: { kind: 'tcp', host: '127.0.0.1', port: 3000 } },
    ]);
    assert.equal(configuration.deployment, 'gateway.local');
  });

  test('says a default for everything, and none is missing', () => {
    const undefinedPaths: string[] = [];
    const walk = (value: unknown, path: string): void => {
      if (value === undefined || Number.isNaN(value)) undefinedPaths.push(path);
      if (typeof value === 'object' && value !== null)
        for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
    };
    walk(configuration, '');
    assert.deepEqual(undefinedPaths, []);
  });

  test('can be sent to a worker', () => {
    assert.deepEqual(structuredClone(configuration), configuration);
  });
});

describe('what is written', () => {
  const readings: [what: string, text: string, pick: (configuration: Configuration) => unknown, expected: unknown][] = [
    [
      'a collector: what it gets, and how',
      'upstreams: { app: { endpoints: "127.0.0.1:3000" } }\nroutes: [{ to: app }]\notlp: { endpoint: "https://otlp.test/x/", format: json, headers: { X-Key: "${KEY:-k}" }, timeout: 2s, resource: { a: b }, traces: { share: 5% }, logs: all, metrics: { interval: 5s } }',
      (c) => c.otlp,
      {
        ...{ endpoint: 'https://otlp.test/x', format: 'json', headers: { 'X-Key': 'k' }, authorities: [] },
        ...{ compression: 'none', identity: null },
        ...{
          timeoutMs: 2000,
          resource: { a: 'b' },
          traces: { share: 0.05 },
          logs: 'all',
          metrics: { intervalMs: 5000 },
        },
      },
    ],
    [
      'a collector gets everything unless something else is written, and successes as spans alone',
      'upstreams: { app: { endpoints: "127.0.0.1:3000" } }\nroutes: [{ to: app }]\notlp: { endpoint: "http://127.0.0.1:4318" }',
      (c) => [c.otlp?.format, c.otlp?.timeoutMs, c.otlp?.traces, c.otlp?.logs, c.otlp?.metrics],
      ['protobuf', 10_000, { share: 1 }, 'failed', { intervalMs: 60_000 }],
    ],
    [
      'a collector gets only what is wanted',
      'upstreams: { app: { endpoints: "127.0.0.1:3000" } }\nroutes: [{ to: app }]\notlp: { endpoint: "http://127.0.0.1:4318", traces: none, metrics: none }',
      (c) => [c.otlp?.traces, c.otlp?.logs, c.otlp?.metrics],
      [null, 'failed', null],
    ],
    [
      'an application is an upstream of its name',
      'applications: { web: { command: node server.js } }',
      (c) => [c.upstreams[0]?.id, c.upstreams[0]?.application, c.upstreams[0]?.check.kind, c.routes[0]?.action],
      ['web', 'web', 'none', { kind: 'upstream', upstream: 'web' }],
    ],
    [
      'a command is split as a shell would',
      `applications: { web: { command: "node 'my server.js' --name=\\"a b\\" c\\\\ d" } }`,
      (c) => c.applications[0]?.command,
      ['node', 'my server.js', '--name=a b', 'c d'],
    ],
    [
      'targets of alerts, with what holds where they are silent',
      'upstreams: { a: "a:1" }\nalerts: { link: "https://gw.example.org", targets: { p: { pagerduty: { routing_key: k }, min_severity: critical }, m: { smtp: { server: "mail:25", tls: none, from: "a@b", to: "c@d" }, kinds: [disk] }, c: { command: { run: "./tell now", timeout: 3s } } } }',
      ({ alerts }) => [
        alerts?.link,
        alerts?.grownEveryMs,
        alerts?.targets.map(({ id, channel, kinds, severityMin }) => [id, channel, kinds.length, severityMin]),
      ],
      [
        'https://gw.example.org/',
        600_000,
        [
          [
            'p',
            { type: 'pagerduty', url: 'https://events.pagerduty.com/v2/enqueue', routingKey: 'k', ca: [] },
            alertKinds.length,
            'critical',
          ],
          [
            'm',
            {
              ...{ type: 'smtp', host: 'mail', port: 25, tls: 'none', user: null, password: null },
              ...{ from: 'a@b', to: ['c@d'], ca: [] },
            },
            1,
            'info',
          ],
          ['c', { type: 'command', command: ['/etc/shop/tell', 'now'], timeoutMs: 3000 }, alertKinds.length, 'info'],
        ],
      ],
    ],
    [
      'features that need an upstream, of a route that answers by itself: none',
      `${one}retry: { statuses: [503] }\nroutes: [{ path: /old, redirect: /new, circuit_breaker: true, concurrency: 4, slo: { availability: 99% } }, { to: app }]`,
      ({ routes }) => routes.map(({ features }) => Object.keys(features ?? {})),
      [['redirect', 'slo'], ['retry']],
    ],
    [
      'objectives of a route',
      'upstreams: { a: "a:1" }\nroutes: [{ to: a, slo: { availability: 99.95%, latency: { under: 300ms, share: 99% } } }, { to: a, path: /b, slo: { availability: 99% } }]',
      ({ routes }) => routes.map(({ features }) => features?.['slo']),
      [
        { availability: 0.9995, latency: { underMs: 300, share: 0.99 } },
        { availability: 0.99, latency: null },
      ],
    ],
    [
      'prices of the file',
      'prices: { currency: EUR, month: 5.49, cpu_hour: 0.04, million_requests: 0.2 }\napplications: { web: { command: a } }',
      ({ features }) => features?.['prices'],
      {
        currency: 'EUR',
        units: { cpuHour: 0.04, millionRequests: 0.2 },
        month: { price: 5.49, sharedBy: 'cpu_and_memory' },
      },
    ],
    [
      'a command may be a list',
      'applications: { web: { command: [node, my server.js] } }',
      (c) => c.applications[0]?.command,
      ['node', 'my server.js'],
    ],
    [
      'environment values keep how they were written',
      'applications: { web: { command: a, environment: { V: 1.10, B: true, O: 0o17, S: " x " } } }',
      (c) => c.applications[0]?.environment,
      { V: '1.10', B: 'true', O: '0o17', S: ' x ' },
    ],
    [
      'a check may be a path alone',
      'upstreams: { a: { endpoints: "127.0.0.1:1", check: /up } }',
      (c) => c.upstreams[0]?.check.kind === 'http' && c.upstreams[0].check.path,
      '/up',
    ],
    [
      'what a check sends and expects',
      'upstreams: { a: { endpoints: "127.0.0.1:1", check: { path: /up, headers: { X-A: b }, expect: { status: [204, 3xx, 401-403], body: ok } } } }',
      ({ upstreams: [a] }) => a?.check.kind === 'http' && [a.check.headers, a.check.expectStatus, a.check.expectBody],
      [
        [['X-A', 'b']],
        [
          { from: 204, to: 204 },
          { from: 300, to: 399 },
          { from: 401, to: 403 },
        ],
        'ok',
      ],
    ],
    [
      'workers of an application: its directory and variables, no port, and how they show that they are ready',
      'applications: { shop: { command: a, directory: app, environment: { A: 1, B: 2 }, workers: { one: { command: b c, environment: { B: 3 }, ready: { line: up }, replace: stop_first }, two: { command: [d], instances: per_core, ready: { file: f, interval: 2s } }, three: { command: e, ready: { command: [t, u], timeout: 9s } }, four: { command: f, ready: { line: /up } }, five: { command: g } } } }',
      ({ applications: [, ...workers], upstreams }) => [
        upstreams.length,
        workers.map(({ id, of, port, instances }) => [id, of, port, instances]),
        workers.map(({ readiness: { program, intervalMs, timeoutMs } }) => [program, intervalMs, timeoutMs]),
        [workers[0]?.command, workers[0]?.directory, workers[0]?.environment, workers[0]?.replace, workers[1]?.replace],
      ],
      [
        1,
        ['one', 'two', 'three', 'four', 'five'].map((name) => [`shop.${name}`, 'shop', null, 1]),
        [
          [{ kind: 'line', text: 'up', isPattern: false }, 1000, 5000],
          [{ kind: 'file', path: 'f' }, 2000, 5000],
          [{ kind: 'command', command: ['t', 'u'] }, 1000, 9000],
          [{ kind: 'line', text: '/up', isPattern: false }, 1000, 5000],
          [{ kind: 'after', afterMs: 1000 }, 1000, 5000],
        ],
        [['b', 'c'], '/etc/shop/app', { A: '1', B: '3' }, 'stop_first', undefined],
      ],
    ],
    [
      'readiness may be a path alone',
      'applications: { web: { command: a, readiness: /up } }',
      (c) => c.applications[0]?.readiness.path,
      '/up',
    ],
    [
      'readiness may be a connection alone',
      'applications: { a: { command: a, readiness: tcp }, b: { command: b, readiness: { tcp: true, interval: 1s } } }\nroutes: [{ to: a }, { path: /b, to: b }]',
      ({ applications }) => applications.map(({ readiness: { tcp, intervalMs } }) => [tcp, intervalMs]),
      [
        [true, 250],
        [true, 1000],
      ],
    ],
    [
      'what a readiness check sends and expects',
      'applications: { web: { command: a, readiness: { headers: { X-A: b }, expect: { status: 401, headers: { X-Up: y }, body: ok } } } }',
      ({ applications: [a] }) => [a?.readiness.headers, { ...a?.readiness, path: 0, intervalMs: 0, timeoutMs: 0 }],
      [
        [['X-A', 'b']],
        {
          ...{ path: 0, intervalMs: 0, timeoutMs: 0, passes: 3, startMs: 60_000, headers: [['X-A', 'b']] },
          ...{ expectStatus: [{ from: 401, to: 401 }], expectHeaders: [['x-up', 'y']], expectBody: 'ok' },
        },
      ],
    ],
    [
      'paths begin at the folder of the file',
      'applications: { web: { command: a, directory: app } }\nlog: { path: logs/a.log }\nadmin: { socket: a.sock }',
      (c) => [c.applications[0]?.directory, c.log.path, c.admin.socket],
      ['/etc/shop/app', '/etc/shop/logs/a.log', '/etc/shop/a.sock'],
    ],
    [
      'none is none',
      `${one}admin: { socket: none }\nlog: { path: none }\nclient: { body_max: none }`,
      (c) => [c.admin.socket, c.log.path, c.client.bodyBytesMax],
      [null, null, null],
    ],
    [
      'the admin API has TLS where the file says so',
      `${one}admin: { listen: "127.0.0.1:9901", tokens: { a: "sha256:${'0'.repeat(64)}" }, tls: { certificate_file: a.pem, key_file: a.key, version_min: "1.3" } }`,
      (c) => [c.admin.tls?.versionMin, c.listeners[0]?.tls],
      ['TLSv1.3', null],
    ],
    ['- is standard output', `${one}log: { path: "-" }`, (c) => c.log.path, '-'],
    [
      'listeners in every form',
      `${one}listeners: { a: 1, b: ":2", c: "localhost:3", d: "[::1]:4", e: { bind: 5, proxy_protocol: true }, f: "*:6", g: "0" }`,
      (c) => c.listeners.map(({ host, port, proxyProtocol }) => `${host} ${port} ${proxyProtocol}`),
      [
        '0.0.0.0 1 false',
        '0.0.0.0 2 false',
        'localhost 3 false',
        '::1 4 false',
        '0.0.0.0 5 true',
        '0.0.0.0 6 false',
        '0.0.0.0 0 false',
      ],
    ],
    [
      'HTTP/2 is offered to clients, except where the file says otherwise',
      `${one}listeners: { a: 1, b: { bind: 2 }, c: { bind: 3, http2: true }, d: { bind: 4, http2: false } }`,
      (c) => c.listeners.map(({ http2 }) => http2),
      [true, true, true, false],
    ],
    [
      'an application is asked over HTTP/2 where the file says so',
      'applications: { a: { command: a }, b: { command: b, http2: true }, c: { command: c, http2: false } }\nroutes: [{ to: a }]',
      (c) => [c.upstreams.map(({ protocol }) => protocol), c.applications.map(({ readiness }) => readiness.protocol)],
      [
        [undefined, 'http2', undefined],
        [undefined, 'http2', undefined],
      ],
    ],
    [
      'endpoints in every form',
      'upstreams: { app: [a:1, "[::1]:2", "http://b", "unix:/run/a.sock", "unix:rel.sock", Bücher.example:3] }',
      (c) =>
        c.upstreams[0]?.endpoints.map(({ address }) =>
          address.kind === 'unix' ? address.path : `${address.host} ${address.port}`,
        ),
      ['a 1', '::1 2', 'b 80', '/run/a.sock', '/etc/shop/rel.sock', 'xn--bcher-kva.example 3'],
    ],
    [
      'endpoints may have a weight and a priority',
      'upstreams: { app: ["a:1", { address: "a:2", weight: 3 }, { address: "http://a:3", priority: 1 }] }',
      (c) => c.upstreams[0]?.endpoints.map(({ weight, priority }) => [weight, priority]),
      [
        [undefined, undefined],
        [3, undefined],
        [undefined, 1],
      ],
    ],
    [
      'balance in every form',
      'upstreams: { a: { endpoints: "a:1", balance: two_choices }, b: { endpoints: "a:1", balance: round_robin }, c: { endpoints: "a:1", balance: peak_ewma }, d: { endpoints: "a:1", balance: { hash: address } }, e: { endpoints: "a:1", balance: { hash: path } }, f: { endpoints: "a:1", balance: { hash: { header: X-User } } }, g: { endpoints: "a:1", balance: { hash: { cookie: Id } } } }\napplications: { h: { command: a, balance: round_robin } }\nroutes: [{ to: a }]',
      (c) => c.upstreams.map(({ balance }) => balance),
      [
        undefined,
        { kind: 'round_robin' },
        { kind: 'peak_ewma' },
        { kind: 'hash', key: { kind: 'address' } },
        { kind: 'hash', key: { kind: 'path' } },
        { kind: 'hash', key: { kind: 'header', name: 'x-user' } },
        { kind: 'hash', key: { kind: 'cookie', name: 'Id' } },
        { kind: 'round_robin' },
      ],
    ],
    [
      'slow start',
      'upstreams: { a: { endpoints: "a:1", slow_start: 30s }, b: { endpoints: "a:1", slow_start: none }, c: "a:1" }\napplications: { d: { command: a, slow_start: 1m } }\nroutes: [{ to: a }]',
      (c) => c.upstreams.map(({ features }) => features?.['slow_start']),
      [{ rampMs: 30_000 }, undefined, undefined, { rampMs: 60_000 }],
    ],
    [
      'sticky sessions in every form',
      'upstreams: { a: { endpoints: "a:1", sticky: true }, b: { endpoints: "a:1", sticky: false }, c: { endpoints: "a:1", sticky: { name: at, lifetime: 1h, path: /shop, domain: Example.org, secure: true, http_only: false, same_site: none, draining: keep } } }\nroutes: [{ to: a }]',
      (c) => c.upstreams.map(({ features }) => features?.['sticky']),
      [
        {
          ...{ cookie: 'candor_ca978112', path: '/', domain: null, cookieLifetimeMs: null, secure: 'auto' },
          ...{ httpOnly: true, sameSite: 'lax', keepsDraining: false, key: null },
        },
        undefined,
        {
          ...{ cookie: 'at', path: '/shop', domain: 'example.org', cookieLifetimeMs: 3_600_000, secure: true },
          ...{ httpOnly: false, sameSite: 'none', keepsDraining: true, key: null },
        },
      ],
    ],
    [
      'access of the file, of a route, and none; checks of load balancers may come from anywhere',
      'trusted_peers: [10.0.0.1]\naccess: { deny: 192.0.2.0/24, user_agents: { deny: scanners } }\ncountry_file: c.mmdb\nupstreams: { a: "a:1" }\nroutes: [{ path: /a, to: a }, { path: /b, to: a, access: none }, { path: /c, to: a, access: { allow: [192.0.2.1, "2001:db8::/32"], countries: { allow: [de] }, dry_run: true } }, { path: /up, readiness: true }]',
      ({ routes }) => routes.map(({ features }) => features?.['access']),
      [
        {
          networks: {
            allow: null,
            deny: {
              shown: '192.0.2.0/24',
              count: 1,
              version: 'f2c79a5b49e5d25c',
              packed: shared(1, 0, 0xc0000200, 0xc00002ff),
            },
          },
          countries: null,
          userAgents: { allow: null, deny: ['scanners'] },
          ...{ certificates: null, isDryRun: false },
        },
        undefined,
        {
          networks: {
            allow: {
              ...{ shown: '192.0.2.1/32 2001:db8::/32', count: 2 },
              version: 'c987c2ab2602ae3c',
              packed: shared(
                1,
                1,
                0xc0000201,
                0xc0000201,
                0x20010db8,
                0,
                0,
                0,
                0x20010db8,
                ...[0xffffffff, 0xffffffff, 0xffffffff],
              ),
            },
            deny: null,
          },
          countries: { allow: ['DE'], deny: null, allowsUnknown: false, file: '/etc/shop/c.mmdb', version: '' },
          ...{ userAgents: null, certificates: null, isDryRun: true },
        },
        undefined,
      ],
    ],
    [
      'signed links of a route',
      'upstreams: { a: "a:1" }\nroutes: [{ path: /a, to: a, signed_links: { keys_file: keys } }, { to: a, signed_links: { keys_file: keys, methods: PUT, bound_to_address: true } }]',
      ({ routes }) => routes.map(({ features }) => features?.['signed_links']),
      [
        { linkKeys: [], methods: ['GET', 'HEAD'], isBoundToAddress: false },
        { linkKeys: [], methods: ['PUT'], isBoundToAddress: true },
      ],
    ],
    [
      'maintenance windows of the file, of a route, and none; checks of load balancers are not closed',
      'maintenance_windows: { schedule: "@weekly", for: 30m }\nupstreams: { a: "a:1" }\nroutes: [{ path: /a, to: a }, { path: /b, to: a, maintenance_windows: none }, { path: /c, to: a, maintenance_windows: [{ schedule: "0 3 * * *", for: 1d, time_zone: Europe/Berlin, message: Back., allow: 10.0.0.0/8 }] }, { path: /up, readiness: true }]',
      ({ routes }) => routes.map(({ features }) => features?.['maintenance_windows']),
      [
        {
          windows: [
            {
              ...{ schedule: '0 0 * * 0', timeZone: null, lengthMs: 1_800_000, allow: [] },
              message: 'We are working on this service. Please come back in a few minutes.',
            },
          ],
        },
        undefined,
        {
          windows: [
            {
              ...{ schedule: '0 3 * * *', timeZone: 'Europe/Berlin', lengthMs: 86_400_000 },
              ...{ message: 'Back.', allow: ['10.0.0.0/8'] },
            },
          ],
        },
        undefined,
      ],
    ],
    [
      'authentication of the file, of a route, and none; checks of load balancers have no credentials',
      'trusted_peers: [10.0.0.1]\nauthentication: { basic: { users_file: users }, user_header: X-User, realm: Team }\nupstreams: { a: "a:1" }\nroutes: [{ path: /a, to: a }, { path: /b, to: a, authentication: none }, { path: /c, to: a, authentication: { api_keys: { keys_file: keys, header: X-API-Key, pass_credentials: true }, groups_header: X-Groups, require: { groups: [ops], users: ci } } }, { path: /up, readiness: true }]',
      ({ routes, headersReserved }) => [...routes.map(({ features }) => features?.['authentication']), headersReserved],
      [
        {
          schemes: [{ name: 'basic', spec: { usersText: '', passesCredentials: false }, believes: 'users' }],
          ...{ realm: 'Team', require: null, userHeader: 'X-User', groupsHeader: null },
        },
        undefined,
        {
          schemes: [
            {
              name: 'api_keys',
              spec: { keysText: '', header: 'x-api-key', passesCredentials: true },
              believes: 'keys',
            },
          ],
          realm: 'Restricted',
          require: { users: ['ci'], groups: ['ops'], claims: null },
          ...{ userHeader: null, groupsHeader: 'X-Groups' },
        },
        undefined,
        ['x-groups', 'x-user'],
      ],
    ],
    [
      'the signal to drain of an upstream and of an application',
      'upstreams: { a: { endpoints: "a:1", drain_signal: { value: s } } }\napplications: { b: { command: x, drain_signal: true }, c: { command: x, drain_signal: false } }\nroutes: [{ path: /a, to: a }, { path: /b, to: b }, { to: c }]',
      (c) => c.upstreams.map(({ features }) => features?.['drain_signal']),
      [
        { header: 'x-envoy-immediate-health-check-fail', value: 's' },
        { header: 'x-envoy-immediate-health-check-fail', value: null },
        undefined,
      ],
    ],
    [
      'bounds of requests in flight, and none',
      'upstreams: { a: { endpoints: "a:1", connections: { requests_max: 40 } }, b: { endpoints: "a:1", connections: { requests_max: none }, concurrency: { max: none } } }\nroutes: [{ path: /a, to: a }, { to: b }]',
      (c) => c.upstreams.map(({ requestsMax, features }) => [requestsMax, features]),
      [
        [40, undefined],
        [undefined, undefined],
      ],
    ],
    [
      'what requests do while no endpoint is ready, in every form',
      'upstreams: { a: "a:1", b: { endpoints: "a:1", when_none_ready: { wait: 10s } }, c: { endpoints: "a:1", when_none_ready: { wait_max: 9 } }, d: { endpoints: "a:1", when_none_ready: { wait: none } } }\nroutes: [{ to: a }]',
      (c) => c.upstreams.map(({ whenNoneReady }) => whenNoneReady),
      [
        { waitMs: 5000, waitersMax: 512 },
        { waitMs: 10_000, waitersMax: 512 },
        { waitMs: 5000, waitersMax: 9 },
        undefined,
      ],
    ],
    [
      'when traffic takes endpoints out, in every form',
      'upstreams: { a: "a:1", b: { endpoints: "a:1", outlier_detection: none }, c: { endpoints: "a:1", outlier_detection: { window: 10s, requests_min: 5, failures_max: 10%, consecutive_failures: 3, server_errors: true, rate_limits: true, ejection: 1s, ejection_max: 1m, ejected_max: 100% } }, d: { endpoints: "a:1", outlier_detection: {} } }\nroutes: [{ to: a }]',
      (c) => c.upstreams.map(({ features }) => outlierDetectionOf(features)),
      [
        undefined,
        null,
        {
          ...{ windowMs: 10_000, requestsMin: 5, failureShareMax: 0.1, consecutiveFailuresMax: 3 },
          ...{
            countsServerErrors: true,
            countsRateLimits: true,
            compared: ['late'],
            firstPauseMs: 1000,
            longestPauseMs: 60_000,
          },
          ejectedShareMax: 1,
        },
        {
          ...{ windowMs: 30_000, requestsMin: 20, failureShareMax: 0.5, consecutiveFailuresMax: 10 },
          ...{
            countsServerErrors: false,
            countsRateLimits: false,
            compared: ['server_error', 'late'],
            firstPauseMs: 10_000,
            longestPauseMs: 300_000,
          },
          ejectedShareMax: 0.5,
        },
      ],
    ],
    [
      'bounds of requests in flight in every form, and priorities',
      'upstreams: { a: { endpoints: "a:1", concurrency: 40 }, b: { endpoints: "a:1", concurrency: { adaptive: true } }, c: "a:1" }\nroutes: [{ path: /x, to: a, concurrency: { max: 5, queue_max: 9, queue_timeout: 1s, queue_target: 50ms }, priority: high }, { path: /y, to: b, priority: normal }, { path: /z, to: c }]',
      (c) => [
        c.upstreams.map(({ features }) => features?.['concurrency']),
        c.routes.map(({ features }) => features?.['concurrency']),
      ],
      [
        [
          { bound: { requestsMax: 40, adaptive: false, queueMax: 128, queueMs: 2000 } },
          { bound: { requestsMax: null, adaptive: true, queueMax: 128, queueMs: 2000 } },
          undefined,
        ],
        [
          {
            bound: { requestsMax: 5, adaptive: false, queueMax: 9, queueMs: 1000, queueTargetMs: 50 },
            priority: 'high',
          },
          undefined,
          undefined,
        ],
      ],
    ],
    [
      'dependencies in every form, and who has them',
      'dependencies: { db: "postgres://ann:pw@db.example/shop", cache: { url: "redis://127.0.0.1", interval: 1s, timeout: 500ms, password_file: /a, read_only: true }, log: { url: "mysql://a@127.0.0.1", password_secret: log-pw }, old: { url: "mysql://a@127.0.0.1", password_secret: { secret: old-pw, application: b } } }\napplications: { a: { command: a, depends_on: [db, cache, db, log, old] }, b: { command: b, depends_on: cache }, c: { command: c } }\nroutes: [{ path: /b, to: b }, { path: /c, to: c }, { to: a }]',
      (c) => [c.features?.['dependencies'], c.applications.map(({ features }) => features?.['dependencies'])],
      [
        {
          dependencies: [
            {
              ...{ name: 'db', url: 'postgres://ann:pw@db.example/shop', kind: 'postgres' },
              shown: 'postgres://db.example:5432/shop',
              ...{ intervalMs: 5000, timeoutMs: 2000, passwordFile: null, passwordSecret: null, readOnly: false },
            },
            {
              ...{ name: 'cache', url: 'redis://127.0.0.1', kind: 'redis', shown: 'redis://127.0.0.1:6379' },
              ...{ intervalMs: 1000, timeoutMs: 500, passwordFile: '/a', passwordSecret: null, readOnly: true },
            },
            ...[
              { name: 'log', passwordSecret: { secret: 'log-pw', application: null } },
              { name: 'old', passwordSecret: { secret: 'old-pw', application: 'b' } },
            ].map((one) => ({
              ...{ url: 'mysql://a@127.0.0.1', kind: 'mysql', shown: 'mysql://127.0.0.1:3306' },
              ...{ intervalMs: 5000, timeoutMs: 2000, passwordFile: null, readOnly: false, ...one },
            })),
          ],
        },
        [{ names: ['db', 'cache', 'log', 'old'] }, { names: ['cache'] }, undefined],
      ],
    ],
    [
      'circuit breakers in every form',
      'upstreams: { a: { endpoints: "a:1", circuit_breaker: true }, b: { endpoints: "a:1", circuit_breaker: { open: 1s, open_max: 8s } }, c: { endpoints: "a:1", circuit_breaker: false }, d: { endpoints: "a:1", circuit_breaker: { probes: 4 } } }\nroutes: [{ to: a }]',
      (c) => c.upstreams.map(({ features }) => endpointBreakerOf(features)),
      [
        { openMs: 500, openMaxMs: null },
        { openMs: 1000, openMaxMs: 8000 },
        undefined,
        { openMs: 500, openMaxMs: null, probesMax: 4 },
      ],
    ],
    [
      'checks of another port, of response headers, and by gRPC',
      'upstreams: { a: { endpoints: "a:1", check: { port: 9 } }, b: { endpoints: "a:1", check: { path: /up, expect: { headers: { X-Ready: "yes" } } } }, c: { endpoints: "a:1", http2: true, check: { grpc: "" , host: h } } }\nroutes: [{ to: a }]',
      (c) =>
        c.upstreams.map(({ check }) => {
          const {
            intervalMs: _i,
            timeoutMs: _t,
            passes: _p,
            passesAfterRefusal: _r,
            fails: _f,
            ...rest
          } = {
            ...{ intervalMs: 0, timeoutMs: 0, passes: 0, passesAfterRefusal: 0, fails: 0 },
            ...check,
          };
          return rest;
        }),
      [
        { kind: 'tcp', port: 9 },
        { kind: 'http', path: '/up', host: null, expectHeaders: [['x-ready', 'yes']], failsAfterRefusal: 2 },
        { kind: 'grpc', service: '', host: 'h', failsAfterRefusal: 2 },
      ],
    ],
    [
      'upstreams that try endpoints whose checks fail',
      'upstreams: { a: { endpoints: "a:1", when_none_ready: { then: try, wait: none } }, b: { endpoints: "a:1", when_none_ready: { then: fail } } }\nroutes: [{ to: a }]',
      (c) => c.upstreams.map(({ triesUnhealthy, whenNoneReady }) => [triesUnhealthy, whenNoneReady?.waitMs]),
      [
        [true, undefined],
        [undefined, 5000],
      ],
    ],
    [
      'https:// means TLS',
      'upstreams: { app: ["https://a", "https://b:8443/"] }',
      (c) => [
        c.upstreams[0]?.tls,
        c.upstreams[0]?.endpoints.map(({ address }) => (address.kind === 'tcp' ? address.port : 0)),
      ],
      [{ serverName: null, verify: true, ca: null, certificate: null, key: null }, [443, 8443]],
    ],
    [
      'connections to endpoints begin with a PROXY protocol header where the file says so',
      'upstreams: { app: { endpoints: "a:1", proxy_protocol: v1 }, b: { endpoints: "b:1", proxy_protocol: v2 }, c: { endpoints: "c:1", proxy_protocol: none } }\nroutes: [{ path: /a, to: app }, { path: /b, to: b }, { path: /c, to: c }]',
      (c) => c.upstreams.map(({ proxyProtocol }) => proxyProtocol),
      ['v1', 'v2', undefined],
    ],
    [
      'tls: auto is for the hosts of the routes that no other certificate has, in both ways that need no command',
      'listeners: { http: ":80", https: { bind: ":443", tls: auto } }\nroutes: [{ host: [a.example.org, b.example.org], to: app }, { host: a.example.org, path: /x, to: app }]\nupstreams: { app: "a:1" }',
      (c) => c.listeners[1]?.tls?.automatic,
      {
        kind: 'acme',
        hosts: ['a.example.org', 'b.example.org'],
        contacts: [],
        directories: ['https://acme-v02.api.letsencrypt.org/directory'],
        roots: null,
        challenges: ['http-01', 'tls-alpn-01'],
        dnsHook: null,
        propagationMs: 120_000,
        onDemand: null,
        externalAccount: null,
      },
    ],
    [
      'the long form of tls: auto',
      'listeners: { https: { bind: ":443", tls: { auto: { contact: "mailto:ops@example.org", directory: staging, fallback: "https://ca.example.org/dir", hosts: "*.example.org", dns_hook: "set-record --zone a" } } } }\nupstreams: { app: "a:1" }',
      (c) => c.listeners[0]?.tls?.automatic,
      {
        kind: 'acme',
        hosts: ['*.example.org'],
        contacts: ['ops@example.org'],
        directories: ['https://acme-staging-v02.api.letsencrypt.org/directory', 'https://ca.example.org/dir'],
        roots: null,
        challenges: ['dns-01'],
        dnsHook: ['set-record', '--zone', 'a'],
        propagationMs: 120_000,
        onDemand: null,
        externalAccount: null,
      },
    ],
    [
      'on demand is for names below the wildcards of routes, which then need no certificate of their own',
      'listeners: { http: ":80", https: { bind: ":443", tls: { auto: { on_demand: { allow: "*.a.example.org", ask: "http://127.0.0.1:3000/ask" } } } } }\nroutes: [{ host: ["*.a.example.org", b.example.org], to: app }]\nupstreams: { app: "a:1" }',
      (c) => {
        const automatic = c.listeners[1]?.tls?.automatic;
        return automatic?.kind === 'acme' ? [automatic.hosts, automatic.onDemand] : null;
      },
      [
        ['b.example.org'],
        { routes: ['*.a.example.org'], allow: ['*.a.example.org'], ask: 'http://127.0.0.1:3000/ask' },
      ],
    ],
    [
      'on demand is for every name where a route has every host',
      'listeners: { http: ":80", https: { bind: ":443", tls: { auto: { on_demand: { allow: a.example.org } } } } }\nupstreams: { app: "a:1" }',
      (c) => {
        const automatic = c.listeners[1]?.tls?.automatic;
        return automatic?.kind === 'acme' ? [automatic.hosts, automatic.onDemand] : null;
      },
      [[], { routes: null, allow: ['a.example.org'], ask: null }],
    ],
    [
      'tls: internal is for the hosts of the routes',
      'listeners: { https: { bind: ":443", tls: internal } }\nroutes: [{ host: app.localhost, to: app }]\nupstreams: { app: "a:1" }',
      (c) => c.listeners[0]?.tls?.automatic,
      { kind: 'internal', hosts: ['app.localhost'] },
    ],
    ['tls: false is none', 'upstreams: { app: { endpoints: "a:1", tls: false } }', (c) => c.upstreams[0]?.tls, null],
    [
      'a check with a path is by HTTP',
      'upstreams: { app: { endpoints: "a:1", check: { path: "/up?deep=1", interval: 1m30s } } }',
      (c) => c.upstreams[0]?.check,
      {
        kind: 'http',
        path: '/up?deep=1',
        host: null,
        intervalMs: 90_000,
        timeoutMs: 2000,
        passes: 2,
        passesAfterRefusal: 1,
        fails: 3,
        failsAfterRefusal: 2,
      },
    ],
    [
      'a check without one is by TCP',
      'upstreams: { app: { endpoints: "a:1", check: { interval: 500ms } } }',
      (c) => c.upstreams[0]?.check,
      {
        kind: 'tcp',
        intervalMs: 500,
        timeoutMs: 2000,
        passes: 2,
        passesAfterRefusal: 1,
        fails: 3,
        failsAfterRefusal: 2,
      },
    ],
    [
      'no check is none',
      'upstreams: { app: { endpoints: "a:1", check: none } }',
      (c) => c.upstreams[0]?.check,
      { kind: 'none' },
    ],
    [
      'networks are in CIDR notation',
      `${one}trusted_peers: [127.0.0.1, 10.0.0.0/8, "::1", "2001:DB8::/32", 0.0.0.0/1]`,
      (c) => c.trustedPeers,
      ['127.0.0.1/32', '10.0.0.0/8', '::1/128', '2001:db8::/32', '0.0.0.0/1'],
    ],
    [
      'timeouts of a route come before those of the file',
      `${one}timeouts: { connect: 1s, idle: 2s, exchange: 1m }\nroutes: [{ to: app, timeouts: { idle: 3s, exchange: none } }]`,
      (c) => c.routes[0]?.timeouts,
      { dnsMs: 5000, connectMs: 1000, tlsMs: 10_000, responseHeadMs: 60_000, idleMs: 3000, exchangeMs: null },
    ],
    [
      'the buffer of a route comes before that of the file, and "none" is no buffer',
      `${one}buffer: { response: 1MiB }\nroutes: [{ to: app, path: /a, buffer: none }, { to: app, path: /b, buffer: { request: none, response: 64KiB, request_wait: 1s } }, { to: app }]`,
      (c) => c.routes.map(({ buffer }) => buffer),
      [
        { requestBytesMax: 0, requestWaitMs: 0, responseBytesMax: 0 },
        { requestBytesMax: 0, requestWaitMs: 1000, responseBytesMax: 65_536 },
        { requestBytesMax: 65_536, requestWaitMs: 50, responseBytesMax: 1_048_576 },
      ],
    ],
    [
      'the retries of a route come before those of the file, "none" is as if nothing were said, and the rest is from the file',
      `${one}retry: { statuses: [503, 429], backoff: 500ms, hedge: true }\nroutes: [{ to: app, path: /a, retry: none }, { to: app, path: /b, retry: { attempts: 4, attempt_timeout: 2s, statuses: [502], idempotency_key: true } }, { to: app, path: /c, retry: { attempt_timeout: none, attempt_headers: true, backoff_max: 2s } }]`,
      (c) => c.routes.map(({ features }) => features?.['retry']),
      [
        {
          ...{ attemptsMax: 1, statuses: [], attemptMs: null, backoffMs: 25, backoffMaxMs: 250 },
          ...{ idempotencyKey: false, attemptHeaders: false, hedge: false },
        },
        {
          ...{ attemptsMax: 4, statuses: [502], attemptMs: 2000, backoffMs: 500, backoffMaxMs: 500 },
          ...{ idempotencyKey: true, attemptHeaders: false, hedge: true },
        },
        {
          ...{ attemptsMax: null, statuses: [503, 429], attemptMs: null, backoffMs: 500, backoffMaxMs: 2000 },
          ...{ idempotencyKey: false, attemptHeaders: true, hedge: true },
        },
      ],
    ],
    [
      'without a buffer in the file, a route may still have one',
      `${one}buffer: none\nroutes: [{ to: app, path: /a, buffer: { response: 64KiB } }, { to: app }]`,
      (c) => c.routes.map(({ buffer }) => buffer.responseBytesMax),
      [65_536, 0],
    ],
    [
      'the allowance for buffers',
      `${one}client: { buffer_max: 1MiB }`,
      ({ client }) => client.bufferBytesMax,
      1_048_576,
    ],
    [
      'a tunnel may be idle for an hour, and gets no pings',
      one,
      (c) => c.routes[0]?.tunnel,
      { idleMs: 3_600_000, pingMs: null },
    ],
    [
      'settings of WebSockets of a route come before those of the file',
      `${one}websocket: { idle_timeout: 90s, ping: 30s }\nroutes: [{ to: app, path: /a, websocket: { ping: none } }, { to: app, path: /b, websocket: { idle_timeout: 2m } }, { to: app }]`,
      (c) => c.routes.map(({ tunnel }) => tunnel),
      [
        { idleMs: 90_000, pingMs: null },
        { idleMs: 120_000, pingMs: 30_000 },
        { idleMs: 90_000, pingMs: 30_000 },
      ],
    ],
    [
      'a slash at the end of a path makes no difference',
      `${one}routes: [{ to: app, path: /api/, rewrite: { path: /v1/ } }]`,
      (c) => [c.routes[0]?.match.pathPrefix, c.routes[0]?.rewrite],
      ['/api', { pathPrefix: '/v1/', host: 'client' }],
    ],
    [
      'hosts are lowercase, in ASCII, each once',
      `${one}routes: [{ to: app, host: [Example.org, example.org, "*.Bücher.example", "example.com."] }]`,
      (c) => c.routes[0]?.match.hosts,
      ['example.org', '*.xn--bcher-kva.example', 'example.com'],
    ],
    [
      'one value may stand for a list',
      `${one}routes: [{ to: app, host: a.org, methods: GET, request_headers: { remove: Cookie, add: { X: a, Y: [b, c] } } }]`,
      (c) => [c.routes[0]?.match.hosts, c.routes[0]?.match.methods, c.routes[0]?.requestHeaders],
      [
        ['a.org'],
        ['GET', 'HEAD'],
        {
          remove: ['cookie'],
          set: [],
          add: [
            ['X', 'a'],
            ['Y', 'b'],
            ['Y', 'c'],
          ],
        },
      ],
    ],
    [
      'fields match a value or presence',
      `${one}routes: [{ to: app, headers: { X-A: "1", X-B: { present: true } } }]`,
      (c) => c.routes[0]?.match.conditions,
      [
        { kind: 'header', name: 'x-a', tests: [{ kind: 'is', value: '1' }] },
        { kind: 'header', name: 'x-b', tests: [{ kind: 'present' }] },
      ],
    ],
    [
      'respond has its defaults',
      'routes: [{ respond: { body: hello } }]',
      (c) => c.routes[0]?.features,
      { respond: { status: 200, contentType: 'text/plain; charset=utf-8', body: 'hello' } },
    ],
    [
      'redirect may be a location alone',
      'routes: [{ redirect: /new }]',
      (c) => c.routes[0]?.features,
      { redirect: { status: 307, location: '/new' } },
    ],
    [
      'redirect may have a status',
      'routes: [{ redirect: { location: "https://a.org/", status: 301 } }]',
      (c) => c.routes[0]?.features,
      { redirect: { status: 301, location: 'https://a.org{path}{query}' } },
    ],
    [
      'redirect to a URL may be to its home page',
      'routes: [{ redirect: { location: "https://a.org/", keep_path: false } }]',
      (c) => c.routes[0]?.features,
      { redirect: { status: 307, location: 'https://a.org/' } },
    ],
    [
      'maintenance may be false, and readiness too: then the route does what it says besides',
      `${one}routes: [{ to: app, maintenance: false, readiness: false }]`,
      (c) => c.routes[0]?.action,
      { kind: 'upstream', upstream: 'app' },
    ],
    [
      'maintenance may be a message that begins like a switch',
      'routes: [{ maintenance: "On holiday until Monday." }]',
      (c) => c.routes[0]?.features,
      { maintenance: { message: 'On holiday until Monday.', retryAfterS: 300 } },
    ],
    [
      'maintenance may have a long message',
      `routes: [{ maintenance: "${'x'.repeat(4096)}" }]`,
      (c) => c.routes[0]?.features,
      { maintenance: { message: 'x'.repeat(4096), retryAfterS: 300 } },
    ],
    [
      'maintenance may be true',
      'routes: [{ maintenance: true }]',
      (c) => [c.routes[0]?.action, c.routes[0]?.features],
      [
        { kind: 'feature', feature: 'maintenance' },
        {
          maintenance: {
            message: 'We are working on this service. Please come back in a few minutes.',
            retryAfterS: 300,
          },
        },
      ],
    ],
    [
      'maintenance may be a message',
      'routes: [{ maintenance: Soon. }]',
      (c) => c.routes[0]?.features,
      { maintenance: { message: 'Soon.', retryAfterS: 300 } },
    ],
    [
      'names of query values are lowercase, each once',
      `${one}log: { query_allowed: [Page, page, q] }`,
      (c) => c.log.queryAllowed,
      ['page', 'q'],
    ],
    [
      'names of secret fields are lowercase, each once',
      `${one}log: { secret_headers: [X-Shop-Pass, x-shop-pass] }`,
      (c) => c.log.secretHeaders,
      ['x-shop-pass'],
    ],
    [
      'no headers are recorded, and successes briefly',
      one,
      ({ log }) => [log.recordedHeaderNames, log.fullDetail, log.format],
      [[], false, 'json'],
    ],
    [
      'names of recorded headers are lowercase, each once',
      `${one}log: { headers: [User-Agent, user-agent, X-Tenant], detail: full }`,
      ({ log }) => [log.recordedHeaderNames, log.fullDetail],
      [['user-agent', 'x-tenant'], true],
    ],
    [
      'the combined format has the two headers that belong to it',
      `${one}log: { headers: [X-Tenant, Referer], format: combined }`,
      ({ log }) => [log.recordedHeaderNames, log.format],
      [['x-tenant', 'referer', 'user-agent'], 'combined'],
    ],
    [
      'draining may take 10 s, and begins at once',
      one,
      (c) => c.drain,
      { timeoutMs: 10_000, lameDuckMs: 0, tunnels: 'wait' },
    ],
    [
      'draining may take as long as the file says, after a lame-duck time, tunnels apart',
      `${one}drain: { timeout: 1m, lame_duck: 5s, tunnels: end }`,
      (c) => c.drain,
      { timeoutMs: 60_000, lameDuckMs: 5000, tunnels: 'end' },
    ],
    [
      'as many workers as cores serve',
      one,
      (c) => c.workers,
      { count: null, memoryBytesMax: 1024 ** 3, delayMaxMs: 500 },
    ],
    ['as many workers as the file says', `${one}workers: 3`, (c) => c.workers.count, 3],
    [
      'workers may have less memory',
      `${one}workers: { memory_max: 256MiB }`,
      (c) => c.workers,
      { count: null, memoryBytesMax: 256 * 1024 ** 2, delayMaxMs: 500 },
    ],
    ['workers may be as late as they are', `${one}workers: { delay_max: none }`, (c) => c.workers.delayMaxMs, null],
    ['workers may refuse requests earlier', `${one}workers: { delay_max: 50ms }`, (c) => c.workers.delayMaxMs, 50],
    ['what outlives a process lies beside the file', one, (c) => c.stateFolder?.endsWith('/.candor'), true],
    ['nothing need outlive a process', `${one}state: none`, (c) => c.stateFolder, null],
    [
      'slow clients have limits',
      one,
      ({ client: { headRateMin, bodyRateMin, writeRateMin, rateGraceMs } }) => [
        headRateMin,
        bodyRateMin,
        writeRateMin,
        rateGraceMs,
      ],
      [200, 200, 200, 10_000],
    ],
    [
      'slow clients need not have limits',
      `${one}client: { head_rate_min: none, connections_per_address_max: none }`,
      ({ client }) => [client.headRateMin, client.connectionsPerAddressMax],
      [0, null],
    ],
    [
      'the control plane listens over TCP for whoever has a token',
      `${one}admin: { listen: "127.0.0.1:9000", tokens: { ops: "sha256:${'0a'.repeat(32)}" } }`,
      ({ admin: { listen, tokens } }) => [listen, tokens],
      [{ host: '127.0.0.1', port: 9000 }, [{ name: 'ops', hash: `sha256:${'0a'.repeat(32)}` }]],
    ],
    [
      'a token may have a role',
      `${one}admin: { listen: "127.0.0.1:9000", tokens: { watch: { hash: "sha256:${'0a'.repeat(32)}", role: read } } }`,
      ({ admin: { tokens } }) => tokens,
      [{ name: 'watch', hash: `sha256:${'0a'.repeat(32)}`, role: 'read' }],
    ],
    [
      'the log is rotated at 100 MiB, and five files are kept',
      one,
      ({ log }) => [log.rotateBytes, log.keepMax],
      [100 * 1024 ** 2, 5],
    ],
    ['rotated files of the log are compressed with zstd', one, ({ log }) => log.compression, 'zstd'],
    [
      'rotated files of the log may be compressed with gzip',
      `${one}log: { compress: gzip }`,
      ({ log }) => log.compression,
      'gzip',
    ],
    [
      'rotated files of the log may stay uncompressed',
      `${one}log: { compress: none }`,
      ({ log }) => log.compression,
      'none',
    ],
    [
      'a route may say whether the gateway is ready',
      `${one}routes: [{ path: /ready, readiness: true }, { to: app }]`,
      (c) => c.routes[0]?.action,
      { kind: 'feature', feature: 'readiness' },
    ],
    [
      'idle connections are no more than connections',
      'upstreams: { app: { endpoints: "a:1", connections: { max: 4 } } }',
      (c) => c.upstreams[0]?.idleConnectionsMax,
      4,
    ],
    [
      'connections serve as many requests as they live, unless the file says otherwise',
      'upstreams: { app: "a:1", other: { endpoints: "b:1", connections: { reuse: never } }, third: { endpoints: "c:1", connections: { reuse: after_check } } }\nroutes: [{ path: /a, to: app }, { path: /b, to: other }, { path: /c, to: third }]',
      (c) => c.upstreams.map(({ connectionReuse }) => connectionReuse),
      ['always', 'never', 'after_check'],
    ],
    [
      'ids come from what is matched',
      `${one}routes: [{ to: app, host: [a.org, b.org], path: /x, methods: [GET, HEAD], headers: { X-B: "1 2" } }, { to: app, host: "*.c.org" }, { id: mine, to: app, path: /y }, { to: app }]`,
      (c) => c.routes.map(({ id }) => id),
      ['GET,HEAD:a.org+1/x;x-b', '*.c.org/', 'mine', '/'],
    ],
    [
      'alerts may name the ids that routes are given',
      `${one}routes: [{ to: app, headers: { a: "1" } }, { to: app, headers: { a: "2" } }]\nalerts: { targets: { ops: { command: { run: /bin/true }, routes: ["/;a#2"] } } }`,
      (c) => c.alerts?.targets[0]?.routes,
      ['/;a#2'],
    ],
    [
      'ids have no credentials of a path',
      `${one}routes: [{ to: app, path: /hook/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl }, { to: app }]`,
      (c) => c.routes.map(({ id }) => id),
      ['/hook/_', '/'],
    ],
    [
      'ids are never the same',
      `${one}routes: [{ to: app, path: /a, headers: { a: "1" } }, { to: app, path: /a, headers: { a: "2" } }, { id: /a, to: app, path: /a }]`.replace(
        'id: /a',
        'id: a',
      ),
      (c) => c.routes.map(({ id }) => id),
      ['/a;a', '/a;a#2', 'a'],
    ],
    [
      'disclosure of a route comes before that of the file',
      `${one}disclosure: operator\nroutes: [{ to: app, path: /a }, { to: app, disclosure: public }]`,
      (c) => c.routes.map(({ disclosure }) => disclosure),
      ['operator', 'public'],
    ],
    [
      'anchors and merges may be used',
      'upstreams:\n  a: &base { endpoints: "a:1", attempts: 3, check: none }\n  b: { <<: *base, endpoints: "b:1" }\nroutes: [{ to: a, path: /a }, { to: b }]',
      (c) => c.upstreams.map(({ attemptsMax, check, endpoints }) => [attemptsMax, check.kind, endpoints.length]),
      [
        [3, 'none', 1],
        [3, 'none', 1],
      ],
    ],
    [
      'a byte order mark and CR LF make no difference',
      `\ufeffupstreams:\r\n  app: 127.0.0.1:3000\r\ndeployment: shop\r\n`,
      (c) => c.deployment,
      'shop',
    ],
    ['JSON is YAML', '{"upstreams": {"app": ["127.0.0.1:3000"]}, "deployment": "shop"}', (c) => c.deployment, 'shop'],
  ];
  for (const [what, text, pick, expected] of readings)
    test(what, () => assert.deepEqual(pick(configurationOf(text)), expected));
});

describe('variables', () => {
  const environment = { PORT: '3000', N: '3', NAME: 'a: b # c', EMPTY: '', YES: 'true' };
  const readings: [what: string, text: string, pick: (configuration: Configuration) => unknown, expected: unknown][] = [
    [
      'stand in the middle of text',
      'upstreams: { app: "127.0.0.1:${PORT}" }',
      (c) => c.upstreams[0]?.endpoints[0]?.address,
      { kind: 'tcp', host: '127.0.0.1', port: 3000 },
    ],
    [
      'become numbers where numbers are wanted',
      'upstreams: { app: { endpoints: "a:1", attempts: "${N}" } }',
      (c) => c.upstreams[0]?.attemptsMax,
      3,
    ],
    [
      'become true or false where that is wanted',
      `${one}listeners:\n  http: { bind: "\${PORT}", proxy_protocol: "\${YES}" }`.replace(
        '127.0.0.1:3000',
        '127.0.0.1:1',
      ),
      (c) => c.listeners[0],
      { id: 'http', host: '0.0.0.0', port: 3000, proxyProtocol: true, http2: true, tls: null },
    ],
    ['stay text where text is wanted', `${one}deployment: \${N}`, (c) => c.deployment, '3'],
    [
      'have defaults, also when empty',
      `${one}deployment: \${NOWHERE:-shop}\nmember: \${EMPTY:-one}`,
      (c) => [c.deployment, c.member],
      ['shop', 'one'],
    ],
    [
      'cannot bring YAML of their own',
      'routes: [{ respond: { body: "${NAME}" } }]',
      (c) => c.routes[0]?.features,
      { respond: { status: 200, contentType: 'text/plain; charset=utf-8', body: 'a: b # c' } },
    ],
    [
      'are left alone behind a second $',
      'routes: [{ respond: { body: "$${NAME} costs $5" } }]',
      (c) => c.routes[0]?.features?.['respond'],
      { status: 200, contentType: 'text/plain; charset=utf-8', body: '${NAME} costs $5' },
    ],
    [
      'are not looked for in keys',
      'routes: [{ request_headers: { set: { "$X": "1" } }, to: app }]\n' + one,
      (c) => c.routes[0]?.requestHeaders.set,
      [['$X', '1']],
    ],
  ];
  for (const [what, text, pick, expected] of readings)
    test(what, () => assert.deepEqual(pick(configurationOf(text, environment)), expected));
});

describe('the admin socket', () => {
  const places: [what: string, environment: Record<string, string>, socket: string][] = [
    ['stands beside the file when nothing else is known', {}, '/etc/shop/candor.sock'],
    [
      'stands in the run-time folder of the user',
      { XDG_RUNTIME_DIR: '/run/user/1000' },
      '/run/user/1000/candor/gateway.local.sock',
    ],
    [
      'stands in the folder that systemd made',
      { XDG_RUNTIME_DIR: '/run/user/0', RUNTIME_DIRECTORY: '/run/candor:/run/other' },
      '/run/candor/gateway.local.sock',
    ],
    ['goes where its path is short enough', { XDG_RUNTIME_DIR: `/run/${'x'.repeat(100)}` }, '/etc/shop/candor.sock'],
    ['never has a relative path', { XDG_RUNTIME_DIR: 'run' }, '/etc/shop/candor.sock'],
  ];
  for (const [what, environment, socket] of places)
    test(what, () => assert.equal(configurationOf(one, environment).admin.socket, socket));
});

describe('the log', () => {
  const logs = { LOGS_DIRECTORY: '/var/log/candor:/var/log/other' };
  const places: [what: string, text: string, environment: Record<string, string>, path: string | null][] = [
    ['is beside the file when nothing else is known', one, {}, '/etc/shop/candor.log'],
    ['is in the folder that systemd made', one, logs, '/var/log/candor/candor.log'],
    ['is never in a relative one', one, { LOGS_DIRECTORY: 'log' }, '/etc/shop/candor.log'],
    ['is where the file says', `${one}log: { path: a.log }`, logs, '/etc/shop/a.log'],
    ['is standard output where the file says so', `${one}log: { path: "-" }`, logs, '-'],
    ['is not kept where the file says so', `${one}log: { path: none }`, logs, null],
  ];
  for (const [what, text, environment, path] of places)
    test(what, () => assert.equal(configurationOf(text, environment).log.path, path));

  test('has its default beside what else outlives the service', () => {
    const environment = { STATE_DIRECTORY: '/var/lib/candor', ...logs };
    assert.equal(configurationOf(one, environment).stateFolder, '/var/lib/candor');
  });
});

describe('whatever the file', () => {
  const seeds = readdirSync(examples)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => readFileSync(join(examples, name), 'utf8'));
  const pieces = [
    '\t',
    '\n',
    ' ',
    ':',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '*a',
    '&a ',
    '${',
    '${X}',
    '$${',
    '!t ',
    '|',
    '>',
    '#',
    '%',
    '@',
    '\u0000',
    '\u202e',
    '🙂',
    '店',
    '<<: ',
    '---\n',
    '...\n',
    'null',
    '~',
    '? ',
    '__proto__: 1\n',
    'constructor: {}\n',
    '0x1F',
    '1e999',
    '.inf',
    '-',
    ',',
  ];

  /** A configuration, or errors which all have a place in the file. */
  function assertAnswered(text: string): void {
    const parsing = parse(text, { X: 'x' });
    const errors = parsing.ok ? parsing.warnings : parsing.errors;
    if (!parsing.ok) assert.ok(errors.some(({ severity }) => severity === 'error'));
    const lines = parsing.maskedText().split('\n');
    for (const { line, column, span, message, path } of errors) {
      if (line === 0) {
        assert.equal(parsing.maskedText(), '');
        continue;
      }
      assert.ok(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}: ${message}`);
      const width = [...lines[line - 1]!].length;
      assert.ok(column >= 1 && column <= width + 1 && span >= 1, `column ${column} of ${width}: ${message} ${path}`);
      assert.doesNotMatch(message, /undefined|NaN|\[object|Invalid input/);
    }
    renderConfigurationErrors(errors, text, { colour: true, width: 80 });
  }

  test('random changes of a good file give a configuration or errors with a place', () => {
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      drop: fc.nat(8),
      piece: fc.constantFrom('', ...pieces),
    });
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 4 }), (seed, edits) => {
        let text = seed;
        for (const { at, drop, piece } of edits) {
          const from = Math.floor(at * text.length);
          text = text.slice(0, from) + piece + text.slice(from + drop);
        }
        assertAnswered(text);
      }),
      { numRuns: 400 },
    );
  });

  test('values of every type in every place give a configuration or errors with a place', () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        fc.constantFrom<unknown>(
          1,
          0,
          -1,
          1.5,
          true,
          false,
          null,
          '',
          'none',
          'x',
          '5s',
          '/a',
          'a:1',
          '10.0.0.0/8',
          '*',
          '${X}',
        ),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom('app', 'to', 'path', 'endpoints', 'check', 'tls', 'command', 'set', 'bind', 'status', 'x'),
          tie('value'),
          { maxKeys: 3 },
        ),
      ),
    }));
    const keys = [
      'deployment',
      'listeners',
      'trusted_peers',
      'client',
      'timeouts',
      'upstreams',
      'applications',
      'routes',
      'error_pages',
      'admin',
      'log',
    ];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 5 }), (file) =>
        assertAnswered(JSON.stringify(file, null, 1)),
      ),
      { numRuns: 400 },
    );
  });

  test('text of any kind gives a configuration or errors with a place', () => {
    fc.assert(
      fc.property(unicodeText({ maxLength: 60 }), (text) => assertAnswered(text)),
      { numRuns: 300 },
    );
  });

  test('no file takes long to be complained of', () => {
    const long = 'x'.repeat(200_000);
    const texts = [
      `${'#'.repeat(500)}\n`.repeat(50) + one,
      `a: [${'b, '.repeat(20_000)}]`,
      Array.from({ length: 5000 }, (_, number) => `key${number}:`).join('\n'),
      `{ ${Array.from({ length: 2500 }, (_, number) => `k${number}: ''`).join(', ')} }`,
      `deployment: ${'-'.repeat(200_000)}x`,
      `timeouts: { connect: ${'9'.repeat(200_000)}x, idle: "${'1m'.repeat(50_000)}" }`,
      `upstreams: { a: "${long}", b: "http://${long}", c: "${':'.repeat(100_000)}" }`,
      `routes: [{ path: "${'/*'.repeat(50_000)}x", host: "${'a.'.repeat(100_000)}", to: "${long}" }]`,
      `deployment: "${'${'.repeat(50_000)}"`,
      `${'店'.repeat(50_000)}: "\t${'\u0301'.repeat(50_000)}`,
    ];
    const began = process.threadCpuUsage();
    for (const text of sampled(texts, 5, 3)) assertAnswered(text);
    const { user, system } = process.threadCpuUsage(began);
    // Some 2 s of a processor's for all; a pattern or loop that grows with the square needs minutes.
    assert.ok((user + system) / 1e6 < 10, `${(user + system) / 1e6} s`);
  });

  test('a deeply nested file is refused', () => {
    for (const text of [
      '['.repeat(50_000),
      '{a: '.repeat(4000),
      `a:\n${Array.from({ length: 200 }, (_, depth) => `${' '.repeat(depth + 1)}b:\n`).join('')}`,
    ])
      assertAnswered(text);
  });
});

test('a command with ${PORT}, which is not set, is told how the port of the application is written', () => {
  const parsing = parse('applications: { a: { command: "vite --port ${PORT}", environment: { P: "${PORT}" } } }');
  assert.ok(!parsing.ok);
  assert.deepEqual(
    parsing.errors.map(({ suggestion }) => suggestion),
    ['write {port} for the port of the application', 'write {port} for the port of the application'],
  );
});

test('every example loads without complaint', () => {
  for (const name of readdirSync(examples).filter((one) => one.endsWith('.yaml'))) {
    const text = readFileSync(join(examples, name), 'utf8');
    const parsing = parse(text);
    const errors = parsing.ok ? parsing.warnings : parsing.errors;
    assert.equal(renderConfigurationErrors(errors, text, { colour: false, width: 80 }), '', name);
  }
});

test('routes with equal settings share them, and others do not', () => {
  const text = `upstreams: { app: "127.0.0.1:3000" }
timeouts: { connect: 2s }
routes:
  - { path: /a, to: app }
  - { path: /b, to: app }
  - { path: /c, to: app, timeouts: { connect: 3s }, request_headers: { remove: [x-a] } }
`;
  const context = { file: 'candor.yaml', directory: '/', environment: {}, hostname: 'h' };
  const parsed = parseConfiguration(text, context);
  assert.ok(parsed.ok);
  const [a, b, c] = parsed.configuration.routes;
  for (const key of ['timeouts', 'rewrite', 'requestHeaders', 'responseHeaders', 'errorPages'] as const)
    assert.equal(a?.[key], b?.[key], key);
  assert.deepEqual([a?.timeouts.connectMs, c?.timeouts.connectMs], [2000, 3000]);
  assert.deepEqual([a?.requestHeaders.remove, c?.requestHeaders.remove], [[], ['x-a']]);
});
