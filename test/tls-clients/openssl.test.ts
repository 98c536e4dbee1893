import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { HandshakeFailureReason } from '../../src/core/tls-server.ts';
import { until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { ok, RawOrigin, valuesOf } from '../gateway/raw-origin.ts';
import { type OpensslSession, runOpenssl, sessionOf, startOpenssl, withOpenssl } from './openssl-client.ts';
import { authority, clientAuthority, startTlsEdge } from './tls-edge.ts';

// `openssl s_client` with every setting of a session that it has, against the listeners that a configuration can have.

const stranger = authority.issue({ names: ['stranger'], client: true });
const client = clientAuthority.issue({ names: ['client.test'], client: true });

/** Listeners by their further settings of TLS. */
const listeners = {
  https: '',
  modern: 'profile: modern',
  first: 'unknown_names: first',
  required: 'client_certificates: { ca_file: clients.pem }',
  optional: 'client_certificates: { ca_file: clients.pem, required: false }',
} as const;

type Listener = keyof typeof listeners;

let origin: RawOrigin;
let edge: YamlGateway;
let folder: string;

interface Asked {
  readonly args?: readonly string[];
  readonly listener?: Listener;
  /** For SNI and the Host header; null: the client names no host in its handshake. */
  readonly host?: string | null;
  /** The authority that the client trusts. */
  readonly trusts?: 'authority.pem' | 'clients.pem';
  /** The certificate that the client shows. */
  readonly shows?: 'client' | 'stranger';
}

/** One request in a session. */
function ask(asked: Asked): Promise<OpensslSession> {
  const { args = [], listener = 'https', host = 'edge.test', trusts = 'authority.pem', shows } = asked;
  const name = host === null ? ['-noservername'] : ['-servername', host];
  const trusted = ['-CAfile', join(folder, trusts), '-verify_return_error'];
  const shown =
    shows === undefined ? [] : ['-cert', join(folder, `${shows}.pem`), '-key', join(folder, `${shows}.key`)];
  const request = `GET / HTTP/1.1\r\nHost: ${host ?? 'edge.test'}\r\nConnection: close\r\n\r\n`;
  return runOpenssl(edge.address(listener), [...name, ...trusted, ...shown, ...args], request);
}

function failuresOf(listener: Listener, reason: HandshakeFailureReason): number {
  const { failedHandshakes } = edge.gateway.counts();
  return failedHandshakes.find((one) => one.listener === listener && one.reason === reason)?.count ?? 0;
}

describe('openssl s_client', withOpenssl, () => {
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'candor-openssl-'));
    const files = {
      'authority.pem': authority.certificate,
      'clients.pem': clientAuthority.certificate,
      'client.pem': client.certificate,
      'client.key': client.key,
      'stranger.pem': stranger.certificate,
      'stranger.key': stranger.key,
      'early.txt': 'GET /early HTTP/1.1\r\nHost: edge.test\r\n\r\n',
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    origin = await RawOrigin.start(() => ok('from the application'));
    edge = await startTlsEdge({ host: '127.0.0.1', port: origin.port }, listeners);
  });
  after(async () => {
    await edge?.stop();
    await origin?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const chacha12 = 'ECDHE-ECDSA-CHACHA20-POLY1305';
  const chacha13 = 'TLS_CHACHA20_POLY1305_SHA256';

  type Expected = Partial<Pick<OpensslSession, 'version' | 'cipher' | 'alpn' | 'subject' | 'group'>>;

  const served: readonly (readonly [name: string, asked: Asked, expected: Expected])[] = [
    ['without any setting', {}, { version: 'TLSv1.3', subject: 'edge.test', alpn: null }],
    ['with TLS 1.3 alone', { args: ['-tls1_3'] }, { version: 'TLSv1.3' }],
    ['with TLS 1.2 alone', { args: ['-tls1_2'] }, { version: 'TLSv1.2' }],
    ['with TLS 1.3 at a modern listener', { args: ['-tls1_3'], listener: 'modern' }, { version: 'TLSv1.3' }],
    ...['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'].map(
      (cipher) => [`with ${cipher}`, { args: ['-tls1_3', '-ciphersuites', cipher] }, { cipher }] as const,
    ),
    ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'].map(
      (cipher) => [`with ${cipher}`, { args: ['-tls1_2', '-cipher', cipher] }, { cipher }] as const,
    ),
    ...(
      [
        ['-tls1_3', '-ciphersuites', 'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256'],
        ['-tls1_3', '-ciphersuites', `${chacha13}:TLS_AES_128_GCM_SHA256`, chacha13],
        ['-tls1_3', '-ciphersuites', `TLS_AES_256_GCM_SHA384:${chacha13}`, 'TLS_AES_256_GCM_SHA384'],
        [
          '-tls1_2',
          '-cipher',
          'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256',
          'ECDHE-ECDSA-AES128-GCM-SHA256',
        ],
        ['-tls1_2', '-cipher', `${chacha12}:ECDHE-ECDSA-AES128-GCM-SHA256`, chacha12],
      ] as const
    ).map(
      ([version, option, offered, cipher]) =>
        [`with ${cipher}, of ${offered}`, { args: [version, option, offered] }, { cipher }] as const,
    ),
    ...(
      [
        ['-tls1_3', 'X25519', 'X25519'],
        ['-tls1_3', 'P-256', 'prime256v1'],
        ['-tls1_3', 'P-384', 'secp384r1'],
        // RFC 8422 §5.1: until TLS 1.2 the list has the curve of the certificate too, which is P-256.
        ['-tls1_2', 'X25519:P-256', 'X25519'],
        ['-tls1_2', 'P-256', 'prime256v1'],
        // The listener chooses.
        ['-tls1_2', 'P-384:P-256', 'prime256v1'],
      ] as const
    ).map(
      ([version, groups, group]) =>
        [`with the groups ${groups} and ${version}`, { args: [version, '-groups', groups] }, { group }] as const,
    ),
    // The client guesses a group that the server likes less than another one that both have: HelloRetryRequest.
    [
      'after its ClientHello had to be repeated',
      { args: ['-tls1_3', '-groups', 'P-384:X25519'] },
      { version: 'TLSv1.3', group: 'X25519' },
    ],
    ['for a name in capitals', { host: 'EDGE.test' }, { subject: 'edge.test' }],
    ['for a name below the wildcard', { host: 'shop.wild.test' }, { subject: 'edge.test' }],
    ['for the other host', { host: 'other.test' }, { subject: 'other.test' }],
    ['for no host', { host: null }, { subject: 'edge.test' }],
    [
      'for an unknown host where the first certificate stands in',
      { host: 'unknown.test', listener: 'first' },
      { subject: 'edge.test' },
    ],
    ['with http/1.1 by ALPN', { args: ['-alpn', 'http/1.1'] }, { alpn: 'http/1.1' }],
    ['with http/1.0 by ALPN', { args: ['-alpn', 'http/1.0'] }, { alpn: 'http/1.0' }],
    ['with unknown protocols beside http/1.1', { args: ['-alpn', 'smtp,h9,http/1.1'] }, { alpn: 'http/1.1' }],
    ['with records of 512 bytes at most', { args: ['-maxfraglen', '512'] }, { version: 'TLSv1.3' }],
    ['with a certificate where one is required', { shows: 'client', listener: 'required' }, {}],
    ['with a certificate where one is possible', { shows: 'client', listener: 'optional' }, {}],
    ['without a certificate where one is possible', { listener: 'optional' }, {}],
  ];
  for (const [name, asked, expected] of served)
    test(`is served ${name}`, async () => {
      const session = await ask(asked);
      assert.equal(session.status, 200, session.text);
      const seen = Object.fromEntries(Object.keys(expected).map((key) => [key, session[key as keyof Expected]]));
      assert.deepEqual(seen, expected, session.text);
      assert.match(session.text, /Verif(?:y return code: 0 \(ok\)|ication: OK)/);
      // OpenSSL's words for a FIN without close_notify before it.
      assert.doesNotMatch(session.text, /unexpected eof/i);
    });

  interface Refusal {
    readonly reason: HandshakeFailureReason;
    /** Absent where no alert is promised. */
    readonly alert?: number;
    /** The session is complete, and the request is answered with it. */
    readonly status?: number;
  }

  const old = ['-cipher', 'DEFAULT:@SECLEVEL=0'];
  const refused: readonly (readonly [name: string, asked: Asked, refusal: Refusal])[] = [
    ['with TLS 1.1 alone', { args: ['-tls1_1', ...old] }, { reason: 'no_shared_version', alert: 70 }],
    ['with TLS 1.0 alone', { args: ['-tls1', ...old] }, { reason: 'no_shared_version', alert: 70 }],
    [
      'with TLS 1.2 alone at a modern listener',
      { args: ['-tls1_2'], listener: 'modern' },
      { reason: 'no_shared_version', alert: 70 },
    ],
    ...['ECDHE-ECDSA-AES128-SHA', 'AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'].map(
      (cipher) =>
        [
          `with ${cipher} alone`,
          { args: ['-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`] },
          { reason: 'no_shared_cipher', alert: 40 },
        ] as const,
    ),
    [
      'with a suite of TLS 1.3 for small devices alone',
      { args: ['-tls1_3', '-ciphersuites', 'TLS_AES_128_CCM_SHA256'] },
      { reason: 'no_shared_cipher', alert: 40 },
    ],
    ['for an unknown host', { host: 'unknown.test' }, { reason: 'unknown_name', alert: 112 }],
    ['for a host two levels below the wildcard', { host: 'a.b.wild.test' }, { reason: 'unknown_name', alert: 112 }],
    ['for the parent of the wildcard', { host: 'wild.test' }, { reason: 'unknown_name', alert: 112 }],
    ['with unknown protocols alone', { args: ['-alpn', 'smtp,h9'] }, { reason: 'no_shared_protocol', alert: 120 }],
    [
      'without a certificate where one is required, by TLS 1.3',
      { args: ['-tls1_3'], listener: 'required' },
      { reason: 'client_certificate_missing', alert: 116 },
    ],
    [
      'without a certificate where one is required, by TLS 1.2',
      { args: ['-tls1_2'], listener: 'required' },
      { reason: 'client_certificate_missing', alert: 40 },
    ],
    ...(['required', 'optional'] as const).map(
      (listener) =>
        [
          `with a certificate of another authority where one is ${listener}`,
          { shows: 'stranger', listener },
          { reason: 'client_certificate_invalid', status: 403 },
        ] as const,
    ),
    ['because it trusts another authority', { trusts: 'clients.pem' }, { reason: 'certificate_refused' }],
  ];
  for (const [name, asked, { reason, alert, status = null }] of refused)
    test(`is not served ${name}, and the reason is counted: ${reason}`, async () => {
      const { listener = 'https' } = asked;
      const [before, requests] = [failuresOf(listener, reason), origin.requests.length];
      const session = await ask(asked);
      assert.deepEqual([session.status, origin.requests.length], [status, requests], session.text);
      if (alert !== undefined) assert.equal(session.alert, alert, session.text);
      await until('it is counted', () => failuresOf(listener, reason) === before + 1);
    });

  test('has its verified certificate passed on, and nothing that it says of one', async () => {
    await ask({ shows: 'client', listener: 'optional' });
    assert.deepEqual(valuesOf(origin.last, 'x-client-cert-subject'), ['CN=client.test']);
    await ask({ listener: 'optional' });
    assert.deepEqual(valuesOf(origin.last, 'x-client-cert-subject'), []);
  });

  for (const version of ['-tls1_2', '-tls1_3'] as const) {
    test(`resumes its session with ${version}, at its host alone`, async () => {
      const file = join(folder, `session${version}`);
      const first = await ask({ args: [version, '-sess_out', file] });
      assert.deepEqual([first.status, first.isResumed], [200, false], first.text);
      const again = await ask({ args: [version, '-sess_in', file] });
      assert.deepEqual([again.status, again.isResumed], [200, true], again.text);
      const elsewhere = await ask({ args: [version, '-sess_in', file], host: 'other.test' });
      assert.deepEqual([elsewhere.isResumed, elsewhere.subject], [false, 'other.test'], elsewhere.text);
      const stricter = await ask({ args: [version, '-sess_in', file], listener: 'required' });
      assert.deepEqual([stricter.isResumed, stricter.status], [false, null], stricter.text);
    });
  }

  test('gets a new ticket with each resumed session of TLS 1.3, so that using each once resumes all', async () => {
    const file = (index: number): string => join(folder, `session-once-${index}`);
    const visits = [await ask({ args: ['-tls1_3', '-sess_out', file(0)] })];
    for (let index = 0; index < 4; index++)
      visits.push(await ask({ args: ['-tls1_3', '-sess_in', file(index), '-sess_out', file(index + 1)] }));
    assert.deepEqual(
      visits.map(({ isResumed }) => isResumed),
      [false, true, true, true, true],
      visits.map(({ text }) => text).join('\n'),
    );
  });

  test('sends no early data: no ticket allows it', async () => {
    const file = join(folder, 'session-early');
    const first = await ask({ args: ['-tls1_3', '-sess_out', file] });
    assert.doesNotMatch(first.text, /Max Early Data: [1-9]/);
    const requests = origin.requests.length;
    const early = await ask({ args: ['-tls1_3', '-sess_in', file, '-early_data', join(folder, 'early.txt')] });
    assert.match(early.text, /Early data was (?:not sent|rejected)/);
    assert.deepEqual([early.status, early.isResumed], [200, true], early.text);
    assert.deepEqual(
      origin.requests.slice(requests).map(({ line }) => line),
      ['GET / HTTP/1.1'],
    );
  });

  test('may change its keys within a session of TLS 1.3, and have the server change its own', async () => {
    const args = ['-tls1_3', '-servername', 'edge.test', '-CAfile', join(folder, 'authority.pem')];
    const { child, output } = startOpenssl(edge.address('https'), args);
    const answers = (): number => output().split('HTTP/1.1 200').length - 1;
    try {
      await until('the session begins', () => /^ *Verify return code: 0/m.test(output()));
      for (let count = 1; count <= 3; count++) {
        child.stdin.write('K\n');
        await until('the keys are changed', () => output().split('KEYUPDATE').length > count);
        child.stdin.write('GET / HTTP/1.1\r\nHost: edge.test\r\n\r\n');
        await until('the request is answered', () => answers() === count);
      }
    } finally {
      child.kill();
    }
  });

  test('cannot renegotiate', async () => {
    const args = ['-tls1_2', '-servername', 'edge.test', '-CAfile', join(folder, 'authority.pem')];
    const { child, output } = startOpenssl(edge.address('https'), args);
    let isOver = false;
    child.on('close', () => void (isOver = true));
    try {
      await until('the session begins', () => /^ +Verify return code: 0/m.test(output()) || isOver);
      assert.equal(sessionOf(output(), null).version, 'TLSv1.2', output());
      child.stdin.write('R\n');
      // A renegotiation that succeeds verifies the certificate again.
      const afterwards = (): string => output().split('RENEGOTIATING')[1] ?? '';
      await until('it is decided', () => isOver || /verify return:1/.test(afterwards()));
      assert.doesNotMatch(afterwards(), /verify return:1/, 'the renegotiation is refused');
    } finally {
      child.kill();
    }
  });
});
