// Starts processes: OpenSSL makes the certificates and is the client.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { type OpensslSession, runOpenssl, withOpenssl } from './openssl-client.ts';

// A certificate with an RSA key, as most servers have one; the other tests have ECDSA keys, which Node makes itself.

describe('a listener with an RSA certificate', withOpenssl, () => {
  let folder: string;
  let edge: YamlGateway;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'candor-rsa-'));
    const [key, certificate] = ['rsa.key', 'rsa.pem'].map((name) => join(folder, name)) as [string, string];
    const named = ['-subj', '/CN=rsa.test', '-addext', 'subjectAltName=DNS:rsa.test', '-days', '30'];
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, ...named];
    execFileSync('openssl', args, { stdio: 'ignore' });
    edge = await startFromYaml(
      `
listeners:
  https: { bind: "127.0.0.1:0", tls: { certificates: [{ certificate_file: rsa.pem, key_file: rsa.key }] } }
routes: [{ path: /, respond: { body: here } }]
`,
      { files: { 'rsa.pem': readFileSync(certificate, 'utf8'), 'rsa.key': readFileSync(key, 'utf8') } },
    );
  });
  after(async () => {
    await edge?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function ask(args: readonly string[]): Promise<OpensslSession> {
    const trusted = ['-servername', 'rsa.test', '-CAfile', join(folder, 'rsa.pem'), '-verify_return_error'];
    return runOpenssl(
      edge.address('https'),
      [...trusted, ...args],
      'GET / HTTP/1.1\r\nHost: rsa.test\r\nConnection: close\r\n\r\n',
    );
  }

  const ciphers = ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-RSA-CHACHA20-POLY1305'];
  for (const cipher of ciphers)
    test(`serves ${cipher}`, async () => {
      const session = await ask(['-tls1_2', '-cipher', cipher]);
      assert.deepEqual([session.status, session.cipher], [200, cipher], session.text);
    });

  for (const algorithm of ['rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha512'])
    test(`signs by ${algorithm} in TLS 1.3`, async () => {
      const session = await ask(['-tls1_3', '-sigalgs', `${algorithm}:RSA+SHA256`]);
      assert.deepEqual([session.status, session.version], [200, 'TLSv1.3'], session.text);
    });

  test('resumes its sessions', async () => {
    const file = join(folder, 'session');
    assert.equal((await ask(['-sess_out', file])).isResumed, false);
    const again = await ask(['-sess_in', file]);
    assert.deepEqual([again.status, again.isResumed], [200, true], again.text);
  });

  test('refuses clients that have suites for ECDSA alone, and those that do not accept RSA keys', async () => {
    const refused = [
      ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
      ['-tls1_3', '-sigalgs', 'ECDSA+SHA256'],
    ];
    for (const args of refused) {
      const { status, alert, text } = await ask(args);
      assert.deepEqual([status, alert], [null, 40], text);
    }
    const counted = (): number =>
      edge.gateway.counts().failedHandshakes.find(({ reason }) => reason === 'no_shared_cipher')?.count ?? 0;
    await until('both are counted', () => counted() === refused.length);
  });
});
