import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixFor, fixForOthers, type OwnFinding } from './challenge-fix.ts';

type Row = readonly [problem: string | null, own: number | null, sight: OwnFinding, fix: RegExp];

// What the CA said, where the gateway listens (the CA looks at port 80), what this machine sees.
const rows: readonly Row[] = [
  ['dns', 80, 'no_name', /^add an A or AAAA record for a\.test$/],
  ['dns', 80, 'ours', /at the name servers that the Internet asks: this machine has the address from others$/],
  ['dns', 80, 'foreign', /at the name servers that the Internet asks/],
  ['connection', 80, 'silent', /^let the gateway have port 80, and let the firewall let connections through/],
  ['connection', null, 'silent', /^let the gateway have port 80, and let the firewall/],
  ['connection', 8080, 'silent', /^forward port 80 of that address to port 8080 of the gateway, and let the firewall/],
  [
    'connection',
    80,
    'silent',
    /; if the address is not that of this gateway, correct the A or AAAA record of a\.test$/,
  ],
  ['connection', 80, 'no_name', /^add an A or AAAA record for a\.test/],
  ['connection', 80, 'no_resolution', /^let the name servers of a\.test answer/],
  ['dns', 80, 'no_resolution', /^let the name servers of a\.test answer/],
  [
    'connection',
    80,
    'ours',
    /look at the firewall, and whether every address of a\.test that public name servers give/,
  ],
  ['unauthorized', 80, 'ours', /every address of a\.test that public name servers give \(AAAA as well\) leads here/],
  ['unauthorized', 80, 'foreign', /^let a\.test resolve to this gateway, and let the gateway have port 80 or receive/],
  ['unauthorized', 8080, 'foreign', /and forward port 80 of that address to port 8080 of the gateway or receive/],
  ['unauthorized', 80, 'silent', /^the CA reaches another server than this machine does/],
  ['incorrectResponse', 80, 'no_name', /^add an A or AAAA record for a\.test/],
  ['unauthorized', 80, 'redirected', /without a redirect$/],
  [null, 80, 'silent', /^the CA reaches another server/],
];

for (const [problem, own, sight, fix] of rows)
  test(`a CA that says ${problem}, where this machine sees ${sight} and listens on ${own}: ${fix.source}`, () =>
    assert.match(fixFor('a.test', { asked: 80, own }, sight, problem), fix));

test('on port 443 another server has to pass connections on, as it cannot show the certificate', () =>
  assert.match(fixFor('a.test', { asked: 443, own: 443 }, 'foreign', 'unauthorized'), /pass TLS connections on/));

test('addresses that lead elsewhere are named with their kind of record', () => {
  assert.equal(fixForOthers('a.test', ['::1']), 'let the AAAA record ::1 of a.test lead to this gateway, or remove it');
  assert.match(
    fixForOthers('a.test', ['::1', '192.0.2.1']),
    /^let the AAAA record ::1 and the A record 192\.0\.2\.1 of a\.test/,
  );
});
