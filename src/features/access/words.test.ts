import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordsOfFeatures } from '../words.ts';
import type { FlatSettings } from '../feature-words.ts';
import type { AccessSpec } from './settings.ts';

const packed = new SharedArrayBuffer(8);
const access: AccessSpec = {
  networks: { allow: { shown: '10.0.0.0/8 office.txt (3)', count: 4, packed, version: '' }, deny: null },
  countries: { allow: ['DE', 'AT'], deny: null, allowsUnknown: true, file: '/c.mmdb', version: '' },
  userAgents: { allow: null, deny: ['scanners'] },
  certificates: { allow: [{ subject: 'CN=ada*', issuer: 'CN=CA' }], deny: null },
  isDryRun: true,
};
const links = { linkKeys: ['secret-key'], methods: ['GET'], isBoundToAddress: true };

function shown(features: Record<string, object>): FlatSettings {
  const asked = {} as never;
  return Object.assign({}, ...wordsOfFeatures.map(({ settings }) => settings?.(features, null, asked).access));
}

test('candor route shows who may ask a route, and nothing of the keys of its links', () => {
  assert.deepEqual(shown({ access, signed_links: links }), {
    allow: '10.0.0.0/8 office.txt (3)',
    countriesAllowed: 'DE AT',
    unknownCountries: 'allow',
    userAgentsDenied: 'scanners',
    certificatesAllowed: 'subject CN=ada*, issuer CN=CA',
    dryRun: true,
    signedLinks: '1 key',
    linkMethods: 'GET',
    boundToAddress: true,
  });
});
