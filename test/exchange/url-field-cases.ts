import assert from 'node:assert/strict';
import type { Case } from './cases.ts';

const own = (path: string): string => `http://example.org${path}`;
const match = { hosts: [], pathPrefix: '/dav', methods: [], fields: [] };
const toRoot = [{ match, rewrite: { pathPrefix: '/', host: 'app.internal' } }];
const asItIs = [{ match }];

interface Row {
  readonly name: string;
  readonly routes: NonNullable<Case['options']>['routes'];
  readonly trusted?: boolean;
  readonly fields: Readonly<Record<string, string>>;
  readonly sent: Readonly<Record<string, string | null>>;
}

const rows: readonly Row[] = [
  {
    name: 'get the host and the path that the request itself gets',
    routes: toRoot,
    fields: { Destination: own('/dav/b'), If: `<${own('/dav/a')}> (["x"])` },
    sent: { destination: 'http://app.internal/b', if: '<http://app.internal/a> (["x"])' },
  },
  {
    name: 'are known by the host that a trusted peer was asked for',
    routes: asItIs,
    trusted: true,
    fields: { 'X-Forwarded-Host': 'Shop.example', Destination: 'http://shop.example/dav/b' },
    sent: { destination: own('/dav/b') },
  },
  {
    name: 'are not known by the host that another client names',
    routes: toRoot,
    fields: { 'X-Forwarded-Host': 'shop.example', Destination: 'http://shop.example/dav/b' },
    sent: { destination: 'http://shop.example/dav/b' },
  },
  {
    name: 'lose a Destination that this route does not serve: the endpoint would take it for another',
    routes: toRoot,
    fields: { Destination: own('/other/b'), If: '</other/b> (["x"])' },
    sent: { destination: null, if: '</other/b> (["x"])' },
  },
  {
    name: 'find the path of a Destination behind dot segments and escapes, as that of the request',
    routes: toRoot,
    fields: { Destination: own('/other/../%64av/b') },
    sent: { destination: 'http://app.internal/b' },
  },
  {
    name: 'are not translated twice where the route sets them',
    routes: [{ ...toRoot[0], requestFields: { remove: [], set: [['Destination', '/set'] as const], add: [] } }],
    fields: { Destination: own('/dav/b') },
    sent: { destination: '/set' },
  },
  {
    name: 'are these two alone: Referer and Origin tell what the client sees',
    routes: toRoot,
    fields: { Destination: own('/dav/b'), Referer: own('/dav/'), Origin: own('') },
    sent: { destination: 'http://app.internal/b', referer: own('/dav/'), origin: own('') },
  },
];

const edits = (changes: object): NonNullable<Row['routes']> => [
  { ...toRoot[0], requestFields: { remove: [], set: [], add: [], ...changes } },
];

/** What the endpoint is told of the URL that the client sees. */
const told: readonly Row[] = [
  {
    name: 'the prefix that the route removes, and the port',
    routes: toRoot,
    fields: { 'X-Forwarded-Prefix': '/forged', 'X-Forwarded-Port': '1' },
    sent: { 'x-forwarded-prefix': '/dav', 'x-forwarded-port': '80', 'x-forwarded-host': 'example.org' },
  },
  {
    name: 'the prefix that the route removes, behind that of a trusted peer, and the port that the peer names',
    routes: toRoot,
    trusted: true,
    fields: { 'X-Forwarded-Prefix': '/outer', 'X-Forwarded-Port': '8443' },
    sent: { 'x-forwarded-prefix': '/outer/dav', 'x-forwarded-port': '8443' },
  },
  {
    name: 'no prefix where none is removed, but that of a trusted peer',
    routes: asItIs,
    trusted: true,
    fields: { 'X-Forwarded-Prefix': '/outer' },
    sent: { 'x-forwarded-prefix': '/outer' },
  },
  {
    name: 'no prefix of another client where none is removed',
    routes: asItIs,
    fields: { 'X-Forwarded-Prefix': '/forged' },
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
    fields: {},
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

export const urlFieldCases: readonly Case[] = named.map(({ name, routes = [], trusted = false, fields, sent }) => ({
  name,
  options: { routes, trusted },
  run(world): void {
    world.endpoint('a').onRequest = (request) => request.answer(201);
    world.request({ method: 'MOVE', target: '/dav/a', fields });
    world.pass(10);
    const [arrived] = world.endpoint('a').arrived;
    for (const [field, value] of Object.entries(sent)) assert.equal(arrived?.field(field), value, field);
  },
}));
