import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RawResponse } from '../../src/testing/testing.ts';
import { Browser, withBrowser } from '../browser.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { requestText, startFromYaml, type YamlGateway } from './start-from-yaml.ts';

// What pages of other origins may read: the protocol of Fetch §3.2, and a real browser.

let origin: RawOrigin;
let edge: YamlGateway;

const yaml = (page: string): string => `
upstreams: { app: "${origin.address}" }
cors: { origins: "*" }
routes:
  - { path: /page, cors: none, respond: { content_type: text/html, body: "<title>page</title>" } }
  - path: /some
    to: app
    cors:
      origins: [https://app.example.org, "https://*.example.com", "${page}"]
      methods: [GET, PUT]
      headers: [X-Token, Content-Type]
      expose: X-Request-Id
      credentials: true
      max_age: 1h
  - { path: /varied, to: app, cors: { origins: "${page}" }, response_headers: { add: { Vary: [origin, Cookie] } } }
  - { path: /any, to: app, cors: { origins: "*", methods: "*", headers: "*" } }
  - { path: /closed, maintenance: true, cors: { origins: "${page}" } }
  - { path: /moved, redirect: /some }
`;

before(async () => {
  origin = await RawOrigin.start();
  edge = await startFromYaml(yaml('https://page.test'));
});
after(() => edge.stop());
after(() => origin.close());

const own = 'https://app.example.org';

/** The lines of CORS, in small letters and sorted. */
function linesOf({ headers }: RawResponse): readonly string[] {
  return headers
    .filter(([name]) => /^(?:access-control-|vary$)/i.test(name))
    .map(([name, value]) => `${name.toLowerCase().replace('access-control-', '')}: ${value}`)
    .toSorted();
}

const granted = ['allow-credentials: true', `allow-origin: ${own}`];
const preflight = (method: string, from = own): string[] => [
  `Origin: ${from}`,
  `Access-Control-Request-Method: ${method}`,
];
const allowed = ['allow-headers: X-Token, Content-Type', 'allow-methods: GET, PUT'];

type Case = readonly [
  what: string,
  method: string,
  path: string,
  headers: readonly string[],
  status: number,
  lines: readonly string[],
];

const cases: readonly Case[] = [
  [
    'a page of an origin that is named',
    'GET',
    '/some',
    [`Origin: ${own}`],
    200,
    [...granted, 'expose-headers: X-Request-Id', 'vary: Origin'],
  ],
  [
    'a page below a host',
    'GET',
    '/some',
    ['Origin: https://a.b.example.com'],
    200,
    [
      'allow-credentials: true',
      'allow-origin: https://a.b.example.com',
      'expose-headers: X-Request-Id',
      'vary: Origin',
    ],
  ],
  ['a page of another origin', 'GET', '/some', ['Origin: https://evil.test'], 200, ['vary: Origin']],
  ['a sandboxed page', 'GET', '/some', ['Origin: null'], 200, ['vary: Origin']],
  ['no page', 'GET', '/some', [], 200, ['vary: Origin']],
  ['two origins', 'GET', '/some', [`Origin: ${own}`, `Origin: ${own}`], 200, ['vary: Origin']],
  [
    'a page that asks first',
    'OPTIONS',
    '/some',
    preflight('PUT'),
    204,
    [...allowed, ...granted, 'max-age: 3600', 'vary: Origin'],
  ],
  [
    'a page of another origin that asks first',
    'OPTIONS',
    '/some',
    preflight('PUT', 'https://evil.test'),
    204,
    ['vary: Origin'],
  ],
  [
    'OPTIONS that asks for nothing',
    'OPTIONS',
    '/some',
    [`Origin: ${own}`],
    200,
    [...granted, 'expose-headers: X-Request-Id', 'vary: Origin'],
  ],
  ['OPTIONS of no page', 'OPTIONS', '/some', ['Access-Control-Request-Method: PUT'], 200, ['vary: Origin']],
  [
    'a route that says of itself that answers vary',
    'GET',
    '/varied',
    ['Origin: https://evil.test'],
    200,
    ['vary: Cookie', 'vary: Origin'],
  ],
  ['any page', 'GET', '/any', ['Origin: https://who.test'], 200, ['allow-origin: *']],
  [
    'any page that asks for anything',
    'OPTIONS',
    '/any',
    [...preflight('PATCH', 'https://who.test'), 'Access-Control-Request-Headers: x-a,authorization'],
    204,
    [
      'allow-headers: x-a, authorization',
      'allow-methods: PATCH',
      'allow-origin: *',
      'max-age: 600',
      'vary: Access-Control-Request-Headers',
      'vary: Access-Control-Request-Method',
    ],
  ],
  [
    'any page that asks for what is no name',
    'OPTIONS',
    '/any',
    [...preflight('PATCH', 'https://who.test'), 'Access-Control-Request-Headers: x-a;b'],
    204,
    [
      'allow-methods: PATCH',
      'allow-origin: *',
      'max-age: 600',
      'vary: Access-Control-Request-Headers',
      'vary: Access-Control-Request-Method',
    ],
  ],
  ['a redirect, with what the file says', 'GET', '/moved', ['Origin: https://who.test'], 307, ['allow-origin: *']],
  [
    'a failure of the gateway',
    'GET',
    '/some/broken',
    [`Origin: ${own}`],
    502,
    [...granted, 'expose-headers: X-Request-Id', 'vary: Accept', 'vary: Origin'],
  ],
  [
    'a page that asks first of a route that is closed',
    'OPTIONS',
    '/closed',
    preflight('GET', 'https://page.test'),
    204,
    ['allow-methods: GET, HEAD, POST', 'allow-origin: https://page.test', 'max-age: 600', 'vary: Origin'],
  ],
  [
    'a route that is closed',
    'GET',
    '/closed',
    ['Origin: https://page.test'],
    503,
    ['allow-origin: https://page.test', 'vary: Accept', 'vary: Origin'],
  ],
  ['a route without it', 'GET', '/page', [`Origin: ${own}`], 200, []],
];

describe('the headers of CORS', () => {
  for (const [what, method, path, headers, status, lines] of cases)
    test(`for ${what}`, async () => {
      // What the application says of it is replaced.
      origin.answer = ({ line }) =>
        line.includes('/broken')
          ? 'SSH-2.0-OpenSSH\r\n'
          : ok('ok', ['Access-Control-Allow-Origin: https://app.test', 'Access-Control-Max-Age: 7']);
      const response = await edge.send(requestText(method, path, headers));
      assert.deepEqual([response.status, linesOf(response)], [status, [...lines].toSorted()]);
    });
});

test('a browser reads what it may, and the failures of the gateway too', withBrowser, async () => {
  const { port } = edge.address();
  const page = `http://127.0.0.1:${port}`;
  assert.ok((await edge.reload(yaml(page))).ok);
  origin.answer = ({ line }) => (line.includes('/broken') ? 'SSH-2.0-OpenSSH\r\n' : ok(line.split(' ')[0] ?? ''));
  const folder = await mkdtemp(join(tmpdir(), 'candor-cors-'));
  const browser = await Browser.open(`${page}/page`, folder);
  try {
    const ask = (path: string, options = '{}'): Promise<string> =>
      browser.run<string>(
        `fetch('http://localhost:${port}${path}', ${options}).then(async (r) => r.status + ' ' + r.headers.has('x-request-id') + ' ' + (r.ok ? await r.text() : ''), (e) => e.name)`,
      );
    assert.equal(await ask('/some', '{ credentials: "include" }'), '200 true GET');
    assert.equal(await ask('/some', '{ method: "PUT", headers: { "X-Token": "a" } }'), '200 true PUT');
    assert.equal(await ask('/some', '{ method: "DELETE" }'), 'TypeError');
    assert.equal(await ask('/some', '{ headers: { "X-Other": "a" } }'), 'TypeError');
    assert.equal(await ask('/any', '{ method: "PATCH", headers: { Authorization: "a" } }'), '200 false PATCH');
    assert.equal(await ask('/some/broken'), '502 true ');
    assert.equal(await ask('/page'), 'TypeError');
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  }
});
