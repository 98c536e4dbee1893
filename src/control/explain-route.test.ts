import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { loadPatterns } from '../core/pattern.ts';
import type { RequestCondition } from '../core/request-condition.ts';
import type { RouteMatch, RouteSpec } from '../core/route-spec.ts';
import { parseConfiguration } from '../config/parse.ts';
import type { UpstreamSpec } from '../core/upstream-spec.ts';
import { featuresOfFile } from '../features/keys.ts';
import { explainRoute } from './explain-route.ts';
import type { RouteQuestion } from './route-question.ts';

function route(id: string, match: Partial<RouteMatch>, upstream: string | null = 'app'): RouteSpec {
  const action = upstream === null ? { kind: 'feature', feature: 'respond' } : { kind: 'upstream', upstream };
  const whole = { hosts: [], pathPrefix: '/', methods: [], ...match };
  const limits = { buffer: { requestBytesMax: 1024, responseBytesMax: 2048 }, tunnel: { idleMs: 1, pingMs: null } };
  const timeouts = { responseHeadMs: 60_000 };
  const rewrite = { pathPrefix: null, host: 'client' };
  const requestHeaders = { remove: ['cookie'], set: [['X-Edge', 'secret']], add: [] };
  const responseHeaders = { remove: [], set: [], add: [['Vary', 'a']], ifAbsent: [['X-Frame-Options', 'DENY']] };
  const common = { rewrite, timeouts, commitDelayMs: 50, requestHeaders, responseHeaders, ...limits };
  return { id, match: whole, action, ...common } as unknown as RouteSpec;
}

const endpoints = [
  { address: { kind: 'tcp', host: '10.0.0.1', port: 80 }, weight: 0 },
  { address: { kind: 'tcp', host: '10.0.0.2', port: 80 } },
];

function upstream(id: string): UpstreamSpec {
  return { id, attemptsMax: 2, connectionsMax: 100, queueMax: 64, queueMs: 1000, endpoints } as unknown as UpstreamSpec;
}

const isBeta: RequestCondition = { kind: 'header', name: 'x-beta', tests: [{ kind: 'is', value: '1' }] };

const routes = [
  route('admin', { hosts: ['admin.example.org'], pathPrefix: '/' }),
  route('writes', { pathPrefix: '/api', methods: ['POST', 'PUT'] }, 'writer'),
  route('beta', { pathPrefix: '/api', conditions: [isBeta] }, 'beta'),
  route('api', { hosts: ['*.example.org', 'example.org'], pathPrefix: '/api' }, 'api'),
  route('health', { pathPrefix: '/up' }, null),
];

const upstreams = ['app', 'writer', 'beta', 'api'].map(upstream);

const ask = (method: string, authority: string, target: string, headers: [string, string][] = []): RouteQuestion => ({
  method,
  authority,
  target,
  headers: new Map(headers),
  client: { address: '', listener: '', scheme: 'http' },
});

describe('the route of a request', () => {
  const cases: readonly [question: RouteQuestion, route: string | null, upstream: string | null][] = [
    [ask('GET', 'example.org', '/api/users?x=1'), 'api', 'api'],
    [ask('GET', 'www.example.org:8080', '/api'), 'api', 'api'],
    [ask('POST', 'example.org', '/api/users'), 'writes', 'writer'],
    [ask('GET', 'example.org', '/api', [['x-beta', '1']]), 'beta', 'beta'],
    [ask('GET', 'admin.example.org', '/api'), 'admin', 'app'],
    [ask('GET', 'example.org', '/x/../%61pi'), 'api', 'api'],
    [ask('GET', 'example.org', '/apiary'), null, null],
    [ask('GET', 'elsewhere', '/api'), null, null],
    [ask('GET', 'elsewhere', '/up'), 'health', null],
  ];
  for (const [question, id, upstream] of cases) {
    test(`${question.method} ${question.authority}${question.target} is ${id}`, () => {
      const explained = explainRoute(question, { routes, upstreams });
      assert.deepEqual([explained.route, explained.upstream], [id, upstream]);
      assert.equal(explained.candidates.at(-1)?.matches, id !== null);
    });
  }

  test('divides its requests between upstreams, with what keeps a client at one', () => {
    const shares = [
      { upstream: 'app', weight: 2 },
      { upstream: 'beta', weight: 1 },
    ];
    for (const [by, key] of [
      [null, ''],
      [{ kind: 'address' }, ', by address'],
      [{ kind: 'cookie', name: 'id' }, ', by the cookie id'],
    ] as const) {
      const action = { kind: 'upstream', upstream: 'app', split: { shares, by } } as unknown as RouteSpec['action'];
      const divided = { ...route('shop', {}), action };
      const overlay = [
        { id: 'pause:upstream:beta', kind: 'pause', target: 'beta', reason: 'beta is paused' },
        { id: 'pause:upstream:api', kind: 'pause', target: 'api', reason: 'api is paused' },
      ];
      const explained = explainRoute(ask('GET', 'example.org', '/'), { routes: [divided], upstreams }, overlay);
      assert.match(
        explained.reason,
        new RegExp(`; its requests are divided between app \\(66\\.7 %\\) and beta \\(33\\.3 %\\)${key}\\.$`),
      );
      assert.deepEqual([explained.upstream, explained.overlay], ['app', ['beta is paused']]);
    }
  });

  test('comes with why those before it do not match', () => {
    const { candidates, reason } = explainRoute(ask('GET', 'example.org', '/api', [['x-beta', '2']]), {
      routes,
      upstreams,
    });
    assert.deepEqual(candidates, [
      { route: 'admin', matches: false, reason: 'the host example.org is not admin.example.org' },
      { route: 'writes', matches: false, reason: 'the method GET is not POST or PUT' },
      { route: 'beta', matches: false, reason: 'the header x-beta has another value than that of the route' },
      {
        route: 'api',
        matches: true,
        reason: 'the host is *.example.org or example.org, the path begins with /api, any method',
      },
    ]);
    assert.equal(reason, 'api is the first route that matches; its requests go to upstream api.');
  });

  test('has the settings in effect, those of the upstream too', () => {
    const question = ask('GET', 'example.org', '/api');
    const { retry, limits } = explainRoute(question, { routes, upstreams });
    assert.deepEqual(retry, { attemptsMax: 2 });
    assert.equal(limits?.['endpointConnectionsMax'], 100);
    assert.equal(limits?.['endpointsWithoutWeight'], '10.0.0.1:80');
    const set = { attemptsMax: 4, statuses: [502, 503], hedge: false };
    const replaced = { statuses: ['404', '5xx'] };
    const own = { ...routes[3], features: { retry: set, replace_errors: replaced } } as unknown as RouteSpec;
    const ofOwn = explainRoute(question, { routes: [own], upstreams });
    assert.deepEqual(ofOwn.retry, { attemptsMax: 4, statuses: '502, 503', hedge: false });
    assert.equal(ofOwn.limits?.['errorsReplaced'], '404 5xx');
    assert.equal(explainRoute(ask('GET', 'a', '/up'), { routes, upstreams }).retry, null);
  });

  test('names the headers that the route changes, without their values', () => {
    const { headers } = explainRoute(ask('GET', 'example.org', '/api'), { routes, upstreams });
    assert.deepEqual(headers, {
      requestSet: 'X-Edge',
      requestRemoved: 'cookie',
      responseAdded: 'Vary',
      responseDefault: 'X-Frame-Options',
    });
  });

  test('has what operators have changed for it, and nothing else', () => {
    const entry = (id: string, kind: string, target: string | null) => ({ id, kind, target, reason: id });
    const entries = [
      entry('maintenance', 'maintenance', null),
      entry('maintenance:beta', 'maintenance', 'beta'),
      entry('pause:route:api', 'pause', 'api'),
      entry('pause:upstream:app', 'pause', 'app'),
      entry('drain:api/10.0.0.1:3000', 'drain', 'api/10.0.0.1:3000'),
      entry('weight:apiary/10.0.0.1:3000', 'weight', 'apiary/10.0.0.1:3000'),
    ];
    const { overlay } = explainRoute(ask('GET', 'example.org', '/api'), { routes, upstreams }, entries);
    assert.deepEqual(overlay, ['maintenance', 'pause:route:api', 'drain:api/10.0.0.1:3000']);
  });

  test('says for which methods there is a route where the method alone does not match', () => {
    const read = route('read', { hosts: ['a'], pathPrefix: '/read', methods: ['GET', 'HEAD'] });
    const report = route('report', { pathPrefix: '/read/x', methods: ['REPORT', 'GET'] });
    const beta = route('beta', { pathPrefix: '/read', methods: ['PUT'], conditions: [isBeta] });
    const ofMethods = { routes: [read, report, beta], upstreams };
    assert.match(
      explainRoute(ask('POST', 'a', '/read/x'), ofMethods).reason,
      /method POST.*404\..* a route for GET, HEAD or REPORT\.$/,
    );
    assert.equal(
      explainRoute(ask('POST', 'b', '/read'), ofMethods).reason,
      'No route matches: the gateway answers 404.',
    );
  });

  test('says that none matches, and of thousands shows the last 200', () => {
    const many = Array.from({ length: 1000 }, (_, index) => route(`r${index}`, { pathPrefix: `/r${index}` }));
    const explained = explainRoute(ask('GET', 'a', '/'), { routes: many, upstreams });
    assert.deepEqual([explained.route, explained.candidates.length], [null, 200]);
    assert.match(explained.reason, /404/);
  });
});

describe('what a route answers by itself', () => {
  const written: Readonly<Record<string, readonly [yaml: string, answer: object]>> = {
    files: [
      'files: { root: ./public, cache: { "*.js": 1h } }',
      { files: '/etc/public', index: 'index.html', cache: '*.js: public, max-age=3600' },
    ],
    redirect: ['redirect: "https://{host}/new"', { status: 307, location: 'https://a/new' }],
    respond: [
      'respond: { status: 418, body: Tee ☕ }',
      { status: 418, contentType: 'text/plain; charset=utf-8', bodyBytes: 7 },
    ],
    maintenance: ['maintenance: Back soon', { status: 503, message: 'Back soon', retryAfterMs: 300_000 }],
    readiness: ['readiness: true', { status: '200, or 503 once the gateway drains' }],
  };
  for (const { name, isAction } of featuresOfFile)
    if (isAction === true)
      test(name, () => {
        const [yaml, answer] = written[name] ?? ['', {}];
        const context = { file: 'candor.yaml', directory: '/etc', environment: {}, hostname: 'gw' };
        const read = parseConfiguration(`routes: [{ path: /, ${yaml} }]`, context);
        assert.ok(read.ok, 'the file has no error');
        const explained = explainRoute(ask('GET', 'a', '/'), read.configuration);
        assert.deepEqual([explained.action, explained.answer], [name, answer]);
      });
  test('has the folders of files that an upstream may name', () => {
    const context = { file: 'candor.yaml', directory: '/etc', environment: {}, hostname: 'gw' };
    const text = 'upstreams: { app: "a:1" }\nroutes: [{ to: app, send_files: { /p: ./protected, /q/: /srv } }]';
    const read = parseConfiguration(text, context);
    assert.ok(read.ok, 'the file has no error');
    const { action, answer } = explainRoute(ask('GET', 'a', '/'), read.configuration);
    assert.deepEqual([action, answer], ['upstream', { sendFiles: '/p/: /etc/protected; /q/: /srv' }]);
  });

  test('is nothing where an upstream answers', () => {
    assert.equal(explainRoute(ask('GET', 'example.org', '/api'), { routes, upstreams }).answer, null);
  });
});

describe('what a route makes of a request', () => {
  before(loadPatterns);

  for (const [yaml, target, expected] of [
    ['{ path: /api, to: app, rewrite: { path: / } }', '/api/x?y', { target: '/x?y', urls: 'addresses of endpoints' }],
    [
      '{ path: "~ ^/u/(?P<id>.*)$", to: app, rewrite: { path: "/user/{capture.id}", query: { set: { api_key: hush } } } }',
      '/u/1?y',
      { target: '/user/1?y&api_key=***', urls: 'addresses of endpoints' },
    ],
    ['{ to: app, rewrite: { host: app.internal }, response_urls: false }', '/', { host: 'app.internal' }],
    [
      '{ to: app, response_cookies: { secure: true } }',
      '/',
      { cookiePath: 'keep', cookieDomain: 'keep', cookieSecure: true },
    ],
    [
      '{ to: app, rewrite: { query: { remove: "utm_*", set: { lang: de, from: "{host}" }, add: { token: hush } } } }',
      '/x?utm_a=1&lang=fr',
      { target: '/x?lang=de&from=a&token=***' },
    ],
    [
      '{ path: /t, to: app, rewrite: { path: "/in/{header.X}" } }',
      '/t/..%2Fx',
      { target: '/in/%252E%252E%2Fa/%252E%252E%2Fx', urls: 'addresses of endpoints' },
    ],
    [
      '{ path: "*.php", to: app, rewrite: { path: "/index.php{path}" } }',
      '/a//b.php?x',
      { target: '/index.php/a/b.php?x', urls: 'addresses of endpoints' },
    ],
    ['{ to: app, rewrite: { path: "/{method}{path}" } }', '*', { target: '*', urls: 'addresses of endpoints' }],
    ['{ to: app }', '/', {}],
    ['{ redirect: /x }', '/', null],
  ] as const)
    test(`of ${target} by ${yaml}`, () => {
      const context = { file: 'candor.yaml', directory: '/etc', environment: {}, hostname: 'gw' };
      const read = parseConfiguration(`upstreams: { app: "127.0.0.1:3000" }\nroutes: [${yaml}]`, context);
      assert.ok(read.ok, 'the file has no error');
      const question = ask('GET', 'a', target, [['x', '../a']]);
      assert.deepEqual(explainRoute(question, read.configuration).rewrite, expected);
    });
});

describe('where a redirect leads', () => {
  before(loadPatterns);

  const map = '/old /new\n/old?page=2 https://{host}/second 308\n';
  const answerOf = (yaml: string, target: string) => {
    const context = {
      ...{ file: 'candor.yaml', directory: '/etc', environment: {}, hostname: 'gw' },
      readings: new Map([['/etc/map.txt', { ok: true as const, text: map, isOpen: false }]]),
    };
    const read = parseConfiguration(`upstreams: { app: "127.0.0.1:3000" }\nroutes: [${yaml}]`, context);
    assert.ok(read.ok, 'the file has no error');
    const { action, answer } = explainRoute(ask('GET', 'a', target), read.configuration);
    return [action, answer];
  };
  const ofMap = { map: 'map.txt', redirects: 2 };

  for (const [yaml, target, action, answer] of [
    [
      'path: "~ ^/u/(?P<id>.*)$", redirect: "/user/{capture.id}{query}"',
      '/u//1?y',
      'redirect',
      { status: 307, location: '/user/1?y' },
    ],
    ['redirect: { map: map.txt, status: 301 }', '/old?page=1', 'redirect', { status: 301, location: '/new', ...ofMap }],
    ['redirect: { map: map.txt }', '/old?page=2', 'redirect', { status: 308, location: 'https://a/second', ...ofMap }],
    ['redirect: { map: map.txt }', '/none', 'redirect', { ...ofMap, inMap: false }],
    ['redirect: { map: map.txt, location: /rest }', '/none', 'redirect', { status: 307, location: '/rest', ...ofMap }],
    ['to: app, redirect: { map: map.txt }', '/o%6cd', 'upstream', { status: 307, location: '/new', ...ofMap }],
    ['to: app, redirect: { map: map.txt }', '/none', 'upstream', { ...ofMap, inMap: false }],
  ] as const)
    test(`of ${target} by ${yaml}`, () => assert.deepEqual(answerOf(`{ host: a, ${yaml} }`, target), [action, answer]));
});
