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

export const urlFieldCases: readonly Case[] = rows.map(({ name, routes = [], trusted = false, fields, sent }) => ({
  name: `the URLs in Destination and If ${name}`,
  options: { routes, trusted },
  run(world): void {
    world.endpoint('a').onRequest = (request) => request.answer(201);
    world.request({ method: 'MOVE', target: '/dav/a', fields });
    world.pass(10);
    const [arrived] = world.endpoint('a').arrived;
    for (const [field, value] of Object.entries(sent)) assert.equal(arrived?.field(field), value, field);
  },
}));
