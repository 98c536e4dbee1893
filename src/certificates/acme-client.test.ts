import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Result } from '#failures/result.ts';
import { AcmeClient, type CertificateOrder, type IssuedChain } from './acme-client.ts';
import { type AcmeFailure, retryAfterMsOf } from './acme-failure.ts';
import { readProblem } from './acme-documents.ts';
import { readCertificate } from './certificate-facts.ts';
import { generateAccountKey } from './jws.ts';
import {
  NotingResponder,
  pass,
  problem,
  type SimulatedAuthority,
  simulatedWorld,
} from './simulated-authority.test-support.ts';

const minuteMs = 60_000;

interface Trial {
  readonly issued: Result<IssuedChain, AcmeFailure>;
  readonly responder: NotingResponder;
  readonly authority: SimulatedAuthority;
}

/** One order, to its end. */
async function tryToIssue(
  prepare: (authority: SimulatedAuthority, responder: NotingResponder) => void = () => {},
  order: Partial<CertificateOrder> = {},
): Promise<Trial> {
  const { clock, random, authority } = simulatedWorld();
  const responder = new NotingResponder();
  prepare(authority, responder);
  const settings = { directoryUrl: authority.directoryUrl, contacts: ['ops@a.test'], externalAccount: null };
  const client = new AcmeClient({ transport: authority, clock, random }, settings, {
    key: generateAccountKey(),
    url: null,
  });
  const issuing = client.issue({ names: ['a.test'], responder, check: null, replaces: null, onStep() {}, ...order });
  const timersAtEnd = issuing.then(() => clock.timersLive);
  await pass(clock, 10 * minuteMs);
  const issued = await issuing;
  assert.equal(await timersAtEnd, 0, 'no timer is left');
  assert.deepEqual(responder.cleaned, responder.presented, 'every challenge is cleaned up');
  return { issued, responder, authority };
}

async function failureAfter(
  prepare: (authority: SimulatedAuthority, responder: NotingResponder) => void,
): Promise<AcmeFailure> {
  const { issued } = await tryToIssue(prepare);
  assert.ok(!issued.ok);
  assert.ok(issued.failure.sentence.length > 10 && issued.failure.fix.length > 5);
  return issued.failure;
}

test('a CA issues for the names of the order, and its challenge is answered with our key', async () => {
  const { issued, responder } = await tryToIssue();
  assert.ok(issued.ok, JSON.stringify(issued));
  assert.deepEqual(readCertificate(issued.value.chain, issued.value.key)?.names, ['a.test']);
  const [challenge] = responder.presented;
  assert.ok(challenge?.kind === 'http-01');
  assert.match(challenge.keyAuthorization, /^token\.[\w-]{43}$/);
});

test('a rejected nonce is replaced by that of the rejection', async () => {
  let rejections = 5;
  const { issued, authority } = await tryToIssue((authority) => {
    authority.fault = (path) => (path === 'newOrder' && rejections-- > 0 ? problem('badNonce') : null);
  });
  assert.ok(issued.ok, JSON.stringify(issued));
  assert.deepEqual([authority.count('newOrder'), authority.count('newNonce')], [6, 1]);
});

const down = { failure: { reason: 'refused', code: 'ECONNREFUSED' } } as const;
type Row = readonly [
  what: string,
  path: string,
  fault: ReturnType<SimulatedAuthority['fault']>,
  kind: string,
  text: RegExp,
];

const rows: readonly Row[] = [
  ['rejects every nonce', 'newOrder', problem('badNonce'), 'bad_nonce', /every nonce/],
  ['limits the rate', 'newOrder', problem('rateLimited', 429), 'rate_limited', /it is rateLimited/],
  ['limits the rate without a word', 'newOrder', { status: 429 }, 'rate_limited', /status 429/],
  ['refuses connections', 'directory', down, 'unreachable', /ca\.test refused the connection \(ECONNREFUSED\)/],
  ['goes down in the middle', 'finalize', down, 'unreachable', /refused/],
  ['hangs', 'directory', 'hang', 'timeout', /did not answer in time/],
  ['hangs in the middle', 'challenge', 'hang', 'timeout', /did not answer in time/],
  ['sends no JSON', 'directory', { body: '<html>' }, 'malformed', /no directory/],
  ['sends another document', 'newOrder', { body: '[]' }, 'malformed', /no order/],
  ['sends an authorization without a status', 'authorization', { body: '{}' }, 'malformed', /no authorization/],
  ['gives no nonce', 'newNonce', { headers: { 'replay-nonce': '' } }, 'malformed', /no nonce/],
  ['gives no account', 'newAccount', { body: '{}' }, 'malformed', /no URL of the account/],
  ['sends something else than a certificate', 'certificate', { body: 'hello' }, 'malformed', /no certificate/],
  ['fails by itself', 'newOrder', { status: 503, body: '<html>' }, 'server_error', /status 503/],
  ['is hidden by a proxy', 'newOrder', { status: 403, body: '<html>' }, 'malformed', /status 403/],
  ['does not like the contact', 'newAccount', problem('invalidContact'), 'account', /it is invalidContact/],
  ['does not issue for the name', 'newOrder', problem('rejectedIdentifier'), 'name_rejected', /rejectedIdentifier/],
  ['is forbidden by CAA', 'finalize', problem('caa', 403), 'caa', /CAA/],
  [
    'has a certificate that is not valid by our clock',
    'directory',
    { failure: { reason: 'certificate_time', code: 'CERT_NOT_YET_VALID' } },
    'clock',
    /clock/,
  ],
];

for (const [what, path, fault, kind, text] of rows) {
  test(`a CA that ${what} is a failure with its reason`, async () => {
    const failure = await failureAfter((authority) => {
      authority.fault = (at) => (at === path ? fault : null);
    });
    assert.equal(failure.kind, kind);
    assert.match(failure.sentence, text);
  });
}

test('the time that a CA asks to wait is known', async () => {
  const limited = problem('rateLimited', 429, { 'retry-after': '7200' });
  const failure = await failureAfter((authority) => {
    authority.fault = (path) => (path === 'newOrder' ? limited : null);
  });
  assert.equal(failure.retryAfterMs, 7_200_000);
  assert.match(failure.fix, /2 h|120 min/);
  const now = Date.UTC(2026, 0, 1);
  const values = ['30', 'Thu, 01 Jan 2026 00:01:00 GMT', 'Wed, 31 Dec 2025 00:00:00 GMT', 'soon', undefined];
  assert.deepEqual(
    values.map((value) => retryAfterMsOf(value, now)),
    [30_000, 60_000, 0, null, null],
  );
});

test('an order that becomes invalid gives the reason of the CA', async () => {
  const failure = await failureAfter((authority) => (authority.orderStatusAtEnd = 'invalid'));
  assert.equal(failure.kind, 'order_invalid');
  assert.match(failure.sentence, /the database is gone/);
});

test('an order that is never finished ends after minutes', async () => {
  const failure = await failureAfter((authority) => (authority.orderStatusAtEnd = 'processing'));
  assert.equal(failure.kind, 'timeout');
});

test('a challenge that the CA does not accept gives its reason and the name', async () => {
  const failure = await failureAfter((authority) => (authority.authorizationStatusAtEnd = 'invalid'));
  assert.deepEqual([failure.kind, failure.name, failure.problemType], ['challenge_failed', 'a.test', 'connection']);
  assert.match(failure.sentence, /http-01 challenge of a\.test: Connection refused/);
});

test("what our own look at the challenge finds is said after the CA's words", async () => {
  const check = { explain: async () => ({ seen: 'seen from here, port 80 is answered by nginx', fix: 'stop it' }) };
  const { issued } = await tryToIssue((authority) => (authority.authorizationStatusAtEnd = 'invalid'), { check });
  assert.ok(!issued.ok);
  const { sentence, seen, fix, detail } = issued.failure;
  assert.deepEqual(
    [sentence, seen, fix, detail],
    [
      'the CA did not accept the http-01 challenge of a.test: Connection refused; seen from here, port 80 is answered by nginx',
      'seen from here, port 80 is answered by nginx',
      'stop it',
      'Connection refused',
    ],
  );
});

test('what was seen of a DNS record while it was shown is said, with what to do about records', async () => {
  const failure = await failureAfter((authority, responder) => {
    authority.kinds = ['dns-01'];
    authority.authorizationStatusAtEnd = 'invalid';
    responder.kinds = ['dns-01'];
    responder.seen = 'seen from this machine, ns2.test had none';
  });
  assert.match(failure.sentence, /dns-01 challenge of a\.test: Connection refused; seen from this machine, ns2\.test/);
  assert.match(failure.fix, /"dns_hook" sets the TXT record .* longer "propagation_timeout"$/);
});

test('the second kind of challenge is shown where the CA does not offer the first', async () => {
  const { issued, responder } = await tryToIssue((authority) => (authority.kinds = ['dns-01', 'tls-alpn-01']));
  assert.ok(issued.ok);
  assert.deepEqual(
    responder.presented.map(({ kind }) => kind),
    ['tls-alpn-01'],
  );
});

test('a name that needs a challenge which we cannot show is a failure that says so', async () => {
  const failure = await failureAfter((authority) => (authority.kinds = ['dns-01']));
  assert.equal(failure.kind, 'no_challenge');
  assert.match(failure.sentence, /offers dns-01 .* we can show http-01, tls-alpn-01/);
});

test('a challenge that cannot be shown is not given to the CA', async () => {
  const { issued, authority } = await tryToIssue(
    (_authority, responder) => (responder.problem = 'exit code 1: no zone'),
  );
  assert.ok(!issued.ok);
  assert.equal(issued.failure.kind, 'not_presented');
  assert.match(issued.failure.sentence, /exit code 1: no zone/);
  assert.equal(authority.count('challenge'), 0);
});

test('a certificate for other names is not taken', async () => {
  const failure = await failureAfter((authority) => (authority.issuedNames = ['b.test']));
  assert.equal(failure.kind, 'wrong_certificate');
});

for (const days of [-2, 2, 400]) {
  test(`with a clock that is ${days} days behind nothing is ordered`, async () => {
    const { issued, authority } = await tryToIssue((authority) => (authority.clockDifferenceMs = days * 86_400_000));
    assert.ok(!issued.ok);
    assert.equal(issued.failure.kind, 'clock');
    assert.match(issued.failure.sentence, days > 0 ? /behind/ : /ahead/);
    assert.equal(authority.count('newOrder'), 0);
  });
}

test('the certificate that is replaced is named to CAs with renewal information, and left out where one refuses it', async () => {
  let refusals = 1;
  const { issued, authority } = await tryToIssue(
    (authority) => {
      authority.window = { start: 1, end: 2 };
      authority.fault = (path) => (path === 'newOrder' && refusals-- > 0 ? problem('alreadyReplaced', 409) : null);
    },
    { replaces: 'aYhb.AIdl' },
  );
  assert.ok(issued.ok);
  const orders = authority.payloads.filter((payload) => 'identifiers' in (payload as object));
  assert.deepEqual(orders, [{ identifiers: [{ type: 'dns', value: 'a.test' }] }]);
  const named = await tryToIssue((authority) => (authority.window = { start: 1, end: 2 }), { replaces: 'aYhb.AIdl' });
  assert.ok(named.authority.payloads.some((payload) => (payload as { replaces?: string }).replaces === 'aYhb.AIdl'));
});

test('what a CA writes is shown without secrets', () => {
  const detail = 'see token=c4nary at https://u:c4nary@ca.example/?key=c4nary';
  assert.equal(readProblem({ detail })?.detail, 'see token=… at https://…@ca.example/?key=…');
});
