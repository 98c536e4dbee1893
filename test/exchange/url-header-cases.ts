import assert from 'node:assert/strict';
import type { Case } from './cases.ts';

const own = (path: string): string => `http://example.org${path}`;
const match = { hosts: [], pathPrefix: '/dav', methods: [] };
const toRoot = [{ match, rewrite: { pathPrefix: '/', host: 'app.internal' } }];
const asItIs = [{ match }];

interface Row {
  readonly name: string;
  readonly routes: NonNullable<Case['options']>['routes'];
  readonly trusted?: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly sent: Readonly<Record<string, string | null>>;
}

const rows: readonly Row[] = [
  {
    name: 'get the host and the path that the request itself gets',
    routes: toRoot,
    headers: { Destination: own('/dav/b'), If: `<${own('/dav/a')}> (["x"])` },
    sent: { destination: 'http://app.internal/b', if: '<http://app.internal/a> (["x"])' },
  },
  {
    name: 'are known by the host that a trusted peer was asked for',
    routes: asItIs,
    trusted: true,
    headers: { 'X-Forwarded-Host': 'Shop.example', Destination: 'http://shop.example/dav/b' },
    sent: { destination: own('/dav/b') },
  },
  {
    name: 'of another origin go on where the route takes every path as it comes',
    routes: [{ match: { ...match, pathPrefix: '/' } }],
    headers: { Destination: 'http://other.example/b', If: '<http://other.example/a> (["x"])' },
    sent: { destination: 'http://other.example/b', if: '<http://other.example/a> (["x"])' },
  },
  {
    name: 'begin with one slash, whatever stands behind the prefix',
    routes: toRoot,
    headers: { Destination: '/dav//evil/x', If: '</dav///evil/x> (["x"])' },
    sent: { destination: '/evil/x', if: '</evil/x> (["x"])' },
  },
  {
    name: 'may have encoded slashes that lead nowhere else',
    routes: toRoot,
    headers: { Destination: '/dav/a%2fb/..c%2f.d' },
    sent: { destination: '/a%2fb/..c%2f.d' },
  },
  {
    name: 'find the path of a Destination behind dot segments and escapes, as that of the request',
    routes: toRoot,
    headers: { Destination: own('/other/../%64av/b') },
    sent: { destination: 'http://app.internal/b' },
  },
  {
    name: 'are not translated twice where the route sets them',
    routes: [{ ...toRoot[0], requestHeaders: { remove: [], set: [['Destination', '/set'] as const], add: [] } }],
    headers: { Destination: own('/dav/b') },
    sent: { destination: '/set' },
  },
  {
    name: 'are these two alone: Referer and Origin tell what the client sees',
    routes: toRoot,
    headers: { Destination: own('/dav/b'), Referer: own('/dav/'), Origin: own('') },
    sent: { destination: 'http://app.internal/b', referer: own('/dav/'), origin: own('') },
  },
];

const edits = (changes: object): NonNullable<Row['routes']> => [
  { ...toRoot[0], requestHeaders: { remove: [], set: [], add: [], ...changes } },
];

/** What the endpoint is told of the URL that the client sees. */
const told: readonly Row[] = [
  {
    name: 'the prefix that the route removes, and the port',
    routes: toRoot,
    headers: { 'X-Forwarded-Prefix': '/forged', 'X-Forwarded-Port': '1' },
    sent: { 'x-forwarded-prefix': '/dav', 'x-forwarded-port': '80', 'x-forwarded-host': 'example.org' },
  },
  {
    name: 'the prefix that the route removes, behind that of a trusted peer, and the port that the peer names',
    routes: toRoot,
    trusted: true,
    headers: { 'X-Forwarded-Prefix': '/outer', 'X-Forwarded-Port': '8443' },
    sent: { 'x-forwarded-prefix': '/outer/dav', 'x-forwarded-port': '8443' },
  },
  {
    name: 'no prefix where none is removed, but that of a trusted peer',
    routes: asItIs,
    trusted: true,
    headers: { 'X-Forwarded-Prefix': '/outer' },
    sent: { 'x-forwarded-prefix': '/outer' },
  },
  {
    name: 'no prefix of another client where none is removed',
    routes: asItIs,
    headers: { 'X-Forwarded-Prefix': '/forged' },
    sent: { 'x-forwarded-prefix': null },
  },
  {
    name: 'what the route sets in place of what the gateway would write, and nothing of what it removes',
    routes: edits({
      remove: ['X-Forwarded-For', 'x-request-id'],
      set: [
        ['X-Forwarded-Proto', 'https'],
        ['X-Forwarded-Port', '8443'],
        ['X-Forwarded-Prefix', '/files'],
      ],
    }),
    headers: {},
    sent: {
      'x-forwarded-for': null,
      'x-request-id': null,
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '8443',
      'x-forwarded-prefix': '/files',
      'x-forwarded-host': 'example.org',
    },
  },
];

const named = [
  ...rows.map((row) => ({ ...row, name: `the URLs in Destination and If ${row.name}` })),
  ...told.map((row) => ({ ...row, name: `an endpoint is told ${row.name}` })),
];

const toFiles = [{ match, rewrite: { pathPrefix: '/files', host: 'client' } }];
const escapes = [
  ...[
    'http://evil.example/dav/b',
    'http://u:p@example.org/dav/b',
    'http:///dav/b',
    'http:/dav/b',
    'HTTP:/dav/b',
    '//evil/dav/b',
  ],
  ...[
    'http://example.org:81/dav/b',
    'http://127.0.0.1/dav/b',
    'http://example.org\t/dav/b',
    'https://example.org/dav/b',
    'dav/b',
  ],
  ...[
    '/dav/..%2fprivate/b',
    '/dav/%2e%2e%2Fprivate/b',
    '/dav/a%2f..%2f..%2fprivate',
    '/dav/..;/private',
    '/dav/..%5cprivate',
    '/dav/../private',
  ],
  ...['/dav/a/..%2f..%2fdav/b', '/private/b', own('/private/b'), '/dav/b, /private/b'],
];

const namesUrl: readonly ((url: string) => Readonly<Record<string, string>>)[] = [
  (url) => ({ Destination: url }),
  (url) => ({ If: `<${url}> (["x"])` }),
  (url) => ({ If: `</dav/a> (["x"]) <${url}> (Not ["x"])` }),
];

/** On routes that confine an application to a path of its own. */
const refused: readonly Case[] = [toRoot, toFiles, asItIs].flatMap((routes, nth) =>
  namesUrl.map((headersOf) => ({
    name: `a request is refused whose URL leads an application out of the route's path (${nth}): ${JSON.stringify(headersOf('…'))}`,
    options: { routes },
    run(world): void {
      for (const url of escapes) {
        const headers = { ...headersOf(url), 'X-Forwarded-Host': 'evil.example' };
        const client = world.request({ method: 'MOVE', target: '/dav/a', headers });
        world.pass(10);
        assert.equal(client.status, 400, url);
        const { cause, evidence } = world.records.at(-1)?.failure ?? {};
        assert.deepEqual([cause, (evidence as { rule?: string }).rule], ['request_refused', 'webdav-url'], url);
      }
      assert.deepEqual(world.endpoint('a').arrived, []);
    },
  })),
);

const translated: readonly Case[] = named.map(({ name, routes = [], trusted = false, headers, sent }) => ({
  name,
  options: { routes, trusted },
  run(world): void {
    world.endpoint('a').onRequest = (request) => request.answer(201);
    world.request({ method: 'MOVE', target: '/dav/a', headers });
    world.pass(10);
    const [arrived] = world.endpoint('a').arrived;
    for (const [header, value] of Object.entries(sent)) assert.equal(arrived?.header(header), value, header);
  },
}));

export const urlHeaderCases: readonly Case[] = [...refused, ...translated];
