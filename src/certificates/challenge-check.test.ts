import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../system/system.ts';
import { OwnChallengeCheck, fixFor, fixForOthers, type OwnFinding, probeTlsAlpn } from './challenge-check.ts';
import { prepareChallenge } from './challenges.ts';
import { HttpsTransport } from './https-transport.ts';
import type { AddressAnswer } from './name-queries.ts';
import { createServer as createTlsServer } from 'node:tls';

const challenge = prepareChallenge('http-01', 's13.test', 'token', 'token.thumbprint', Date.now());

/** What is seen if the gateway answers at 127.0.0.1 alone, and the name has these addresses. */
async function seenAt(context: TestContext, addresses: AddressAnswer, body = 'token.thumbprint', type = 'connection') {
  const hosts: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    hosts.push(request.headers.host);
    response.end(body);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ports = { asked: port, own: port };
  const check = new OwnChallengeCheck(new HttpsTransport(), systemClock, { http: ports, tls: ports }, () =>
    Promise.resolve(addresses),
  );
  const finding = await check.explain(challenge, type);
  assert.ok(finding !== null);
  assert.ok(hosts.every((host) => host === `s13.test:${port}`));
  return { seen: finding.seen.replaceAll(String(port), 'PORT'), fix: finding.fix };
}

test('an address that refuses is named, although another one answers', async (t) => {
  const { seen, fix } = await seenAt(t, ['::1', '127.0.0.1']);
  assert.match(seen, /port PORT of s13\.test at ::1 [^,]*, at 127\.0\.0\.1 answers as it should$/);
  assert.equal(fix, 'let the AAAA record ::1 of s13.test lead to this gateway, or remove it');
});

test('addresses that are all ours answer as they should', async (t) => {
  const { seen } = await seenAt(t, ['127.0.0.1']);
  assert.match(seen, /port PORT of s13\.test \(127\.0\.0\.1\) answers as it should$/);
});

test('another server at one address and nothing at another are both said', async (t) => {
  const { seen } = await seenAt(t, ['127.0.0.1', '127.0.0.2'], 'hello');
  assert.match(seen, /at 127\.0\.0\.1 is answered by .*, at 127\.0\.0\.2 refuses connections$/);
});

test('an address that refuses may be the wrong one', async (t) => {
  const { seen, fix } = await seenAt(t, ['127.0.0.2']);
  assert.match(seen, /\(127\.0\.0\.2\) refuses connections$/);
  assert.match(fix, /if the address is not that of this gateway, correct the A or AAAA record of s13\.test$/);
});

test('a name that does not exist lacks its record, and name servers that do not answer are no closed port', async (t) => {
  const unknown = await seenAt(t, 'ENOTFOUND');
  assert.equal(unknown.seen, 'seen from this machine, the name s13.test does not resolve');
  assert.match(unknown.fix, /^add an A or AAAA record for s13\.test/);
  const silent = await seenAt(t, 'EAI_AGAIN');
  assert.match(silent.seen, /the name s13\.test cannot be resolved, as name servers do not answer \(EAI_AGAIN\)$/);
  assert.match(silent.fix, /^let the name servers of s13\.test answer/);
});

type Row = readonly [problem: string | null, own: number | null, sight: OwnFinding, fix: RegExp];

// What the CA said, where the gateway listens (the CA looks at port 80), what this machine sees.
const fixes: readonly Row[] = [
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

for (const [problem, own, sight, fix] of fixes)
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

function challengeOf(token: string) {
  const prepared = prepareChallenge('tls-alpn-01', 'localhost', token, `${token}.thumbprint`, Date.now());
  assert.ok(prepared.kind === 'tls-alpn-01');
  return prepared;
}

const ours = challengeOf('ours');
const other = challengeOf('other');

async function portOf(context: TestContext, server: Server): Promise<number> {
  await once(server.listen(0), 'listening');
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

const never = new AbortController().signal;
const probeRows = [
  ['ours', ours, ['acme-tls/1'], 'ours', /^answers as it should$/],
  ['another certificate', other, ['acme-tls/1'], 'foreign', /^shows another certificate than ours/],
  ['no ALPN', ours, [], 'foreign', /^shows another certificate/],
  ['http/1.1 alone', ours, ['http/1.1'], 'foreign', /^does not speak acme-tls\/1 \(ERR_SSL_/],
] as const;

for (const [what, shown, protocols, kind, text] of probeRows)
  test(`a server with ${what} on the CA's port is known`, async (t) => {
    const { certificate: cert, key } = shown;
    const server = createTlsServer({ cert, key, ...(protocols.length > 0 && { ALPNProtocols: [...protocols] }) });
    const sight = await probeTlsAlpn(ours, await portOf(t, server), never);
    assert.equal(sight.kind, kind, sight.text);
    assert.match(sight.text, text);
  });

test('a port that nobody has, and one that says nothing, are silent', async (t) => {
  const closing = createTcpServer();
  await once(closing.listen(0), 'listening');
  const { port } = closing.address() as AddressInfo;
  await once(closing.close(), 'close');
  assert.deepEqual(await probeTlsAlpn(ours, port, never), { kind: 'silent', text: 'refuses connections' });
  const abort = new AbortController();
  const mute = createTcpServer((socket) => {
    t.after(() => socket.destroy());
    abort.abort();
  });
  const sight = await probeTlsAlpn(ours, await portOf(t, mute), abort.signal);
  assert.deepEqual(sight, { kind: 'silent', text: 'does not answer (timeout)' });
});
