// Starts processes: OpenSSL makes the certificates and is the client.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import { once } from 'node:events';
import { systemClock } from '../../src/system/system.ts';
import { certificateAuthority } from '../../src/testing/testing.ts';
import { startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { type OpensslSession, runOpenssl, withOpenssl } from './openssl-client.ts';

// One host with a certificate for clients of today and one for older ones, each with an intermediate certificate of its own.

describe('a host with an ECDSA and an RSA certificate', withOpenssl, () => {
  let folder: string;
  let edge: YamlGateway;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'candor-two-keys-'));
    const authority = certificateAuthority(systemClock.wallTime(), 'Two Keys');
    const ecdsa = authority.intermediate('Below').issue({ names: ['both.test'] });
    const rsa = rsaChain(folder);
    writeFileSync(join(folder, 'roots.pem'), authority.certificate + rsa.root);
    const entry = (name: string): string => `{ certificate_file: ${name}.pem, key_file: ${name}.key }`;
    edge = await startFromYaml(
      `
listeners:
  https: { bind: "127.0.0.1:0", tls: { certificates: [${entry('rsa')}, ${entry('ecdsa')}] } }
routes: [{ path: /, respond: { body: here } }]
`,
      {
        files: {
          ...{ 'ecdsa.pem': ecdsa.certificate, 'ecdsa.key': ecdsa.key },
          ...{ 'rsa.pem': rsa.certificate, 'rsa.key': rsa.key },
        },
      },
    );
  });
  after(async () => {
    await edge?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function ask(host: string, ...args: readonly string[]): Promise<OpensslSession> {
    const trusted = ['-servername', host, '-CAfile', join(folder, 'roots.pem'), '-verify_return_error'];
    const request = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    return runOpenssl(edge.address('https'), [...trusted, ...args], request);
  }

  const clients: readonly (readonly [name: string, args: readonly string[], kind: string])[] = [
    ['with suites for RSA alone', ['-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'], 'RSA'],
    ['with suites for ECDSA alone', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256'], 'ecdsa'],
    ['that checks RSA signatures alone', ['-tls1_3', '-sigalgs', 'rsa_pss_rsae_sha256:RSA+SHA256'], 'RSA'],
    ['that checks ECDSA signatures alone', ['-tls1_3', '-sigalgs', 'ECDSA+SHA256'], 'ecdsa'],
    ['that prefers ECDSA', ['-tls1_3'], 'ecdsa'],
  ];
  for (const [name, args, kind] of clients)
    test(`serves a client ${name} by ${kind}, with the chain of that certificate`, async () => {
      const session = await ask('both.test', ...args);
      assert.equal(session.status, 200, session.text);
      assert.match(session.text, /Verify return code: 0 \(ok\)/);
      assert.match(session.text, new RegExp(`Peer signature type: .*${kind}|Peer signature type: ${kind}`, 'i'));
    });

  test('serves names that one of the certificates has with that one', async () => {
    const session = await ask('rsa.test', '-tls1_3');
    assert.equal(session.status, 200, session.text);
    const refused = await ask('rsa.test', '-tls1_3', '-sigalgs', 'ECDSA+SHA256');
    assert.deepEqual([refused.status, refused.alert], [null, 40], refused.text);
  });

  test('resumes sessions of both kinds', async () => {
    for (const [index, args] of [clients[0]?.[1] ?? [], clients[3]?.[1] ?? []].entries()) {
      const file = join(folder, `session-${index}`);
      assert.equal((await ask('both.test', ...args, '-sess_out', file)).isResumed, false);
      const again = await ask('both.test', ...args, '-sess_in', file);
      assert.deepEqual([again.status, again.isResumed], [200, true], again.text);
    }
  });

  test('shows clients that name no host one of its certificates', async () => {
    const socket = connect({ ...edge.address('https'), rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const shown = new X509Certificate(socket.getPeerCertificate().raw);
    assert.match(shown.subjectAltName ?? '', /both\.test/);
    socket.destroy();
  });
});

/** A root, an authority below it, and a certificate for both.test and rsa.test, all with RSA keys. */
function rsaChain(folder: string): { readonly certificate: string; readonly key: string; readonly root: string } {
  const run = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const ca = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'];
  const request = (name: string, subject: string, more: readonly string[]): void =>
    run('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', subject, ...more, ...files(name));
  const files = (name: string): string[] => ['-keyout', `${name}.key`, '-out', `${name}.pem`];
  request('root', '/CN=RSA Root', ca);
  request('below', '/CN=RSA Below', [...ca, '-CA', 'root.pem', '-CAkey', 'root.key']);
  const names = ['-addext', 'subjectAltName=DNS:both.test,DNS:rsa.test', '-addext', 'basicConstraints=CA:FALSE'];
  request('leaf', '/CN=both.test', [...names, '-CA', 'below.pem', '-CAkey', 'below.key']);
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  return { certificate: read('leaf.pem') + read('below.pem'), key: read('leaf.key'), root: read('root.pem') };
}
