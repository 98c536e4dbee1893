import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type CanarySpec, canaryMatch } from './canary-match.ts';

interface SentRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly from?: string;
}

const request = ({ headers = {}, from = '192.0.2.1' }: SentRequest) => ({
  clientAddress: from,
  header: (name: string): string | null => headers[name] ?? null,
  eachHeader: (name: string, visit: (value: string) => void): void => {
    if (headers[name] !== undefined) visit(headers[name]);
  },
});

const none: CanarySpec = { headers: [], cookies: [], clients: [] };
const byHeader = { ...none, headers: [{ name: 'x-canary', value: '1' }] };
const byAnyHeader = { ...none, headers: [{ name: 'x-canary', value: null }] };
const byCookie = { ...none, cookies: [{ name: 'canary', value: 'yes' }] };
const byAnyCookie = { ...none, cookies: [{ name: 'canary', value: null }] };
const byClient = { ...none, clients: ['10.0.0.0/8', 'fd00::/8', '192.0.2.7/32'] };

const cases: readonly (readonly [what: string, CanarySpec, SentRequest, boolean])[] = [
  ['nothing', none, { headers: { 'x-canary': '1', cookie: 'canary=yes' } }, false],
  ['a header', byHeader, { headers: { 'x-canary': '1' } }, true],
  ['a header with another value', byHeader, { headers: { 'x-canary': '10' } }, false],
  ['a header that is missing', byHeader, {}, false],
  ['a header with any value', byAnyHeader, { headers: { 'x-canary': '' } }, true],
  ['any value of a header that is missing', byAnyHeader, {}, false],
  ['a cookie among others', byCookie, { headers: { cookie: 'a=b; canary=yes; c=d' } }, true],
  ['a cookie with another value', byCookie, { headers: { cookie: 'canary=yes2' } }, false],
  ['a cookie of a longer name', byCookie, { headers: { cookie: 'my-canary=yes' } }, false],
  ['a cookie with any value', byAnyCookie, { headers: { cookie: 'canary=' } }, true],
  ['a client of a network', byClient, { from: '10.255.0.3' }, true],
  ['a client of another network', byClient, { from: '11.0.0.3' }, false],
  ['one client', byClient, { from: '192.0.2.7' }, true],
  ['a client with IPv6', byClient, { from: 'fd12::1' }, true],
  ['a client without an address', byClient, { from: '' }, false],
  ['one of several', { ...byCookie, ...byHeader, cookies: byCookie.cookies }, { headers: { 'x-canary': '1' } }, true],
  ['the other of several', { ...byClient, headers: byHeader.headers }, { from: '10.0.0.1' }, true],
];

describe('a canary gets requests by', () => {
  for (const [what, spec, sent, expected] of cases)
    test(what, () => assert.equal(canaryMatch(spec)(request(sent)), expected));
});
