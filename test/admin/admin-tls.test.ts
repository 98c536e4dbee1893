// Starts processes: curl and commands of Candor are the clients.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { findPeer } from '../../scripts/peers.ts';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { hashOfToken } from '../../src/admin/token.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { thisHost } from '../../src/config/host.ts';
import type { AdminSpec } from '../../src/core/configuration.ts';
import { systemClock } from '../../src/system/system.ts';
import { certificateAuthority, type IssuedCertificate, selfSignedCertificate } from '../../src/testing/certificates.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { freePort } from '../free-port.ts';

// The admin API over TLS: its certificate and settings come from files, as those of listeners do.

const token = 'candor_mine';
const authority = certificateAuthority(systemClock.wallTime());
const first = authority.issue({ names: ['gw.test', '127.0.0.1'] });
const second = authority.issue({ names: ['gw.test', '127.0.0.1', 'second.test'] });
const folder = mkdtempSync(join(tmpdir(), 'candor-admin-tls-'));
writeFileSync(join(folder, 'ca.pem'), authority.certificate);
after(() => rmSync(folder, { recursive: true, force: true }));

let gateway: FakeGateway;
let admin: AdminServer;
let port: number;

function write({ certificate, key }: IssuedCertificate): void {
  writeFileSync(join(folder, 'admin.pem'), certificate);
  writeFileSync(join(folder, 'admin.key'), key);
}

/** The `admin` section of a configuration file, as a reload reads it. */
async function specOf(tls: string | null): Promise<AdminSpec> {
  const written = tls === null ? '' : `, tls: { certificate_file: admin.pem, key_file: admin.key${tls} }`;
  const path = join(folder, 'candor.yaml');
  writeFileSync(
    path,
    `upstreams: { app: "127.0.0.1:3000" }\nadmin: { socket: none, listen: "127.0.0.1:${port}", tokens: { mine: "${hashOfToken(token)}" }${written} }\n`,
  );
  const loading = await loadConfiguration(path, {}, thisHost());
  assert.ok(loading.ok, JSON.stringify(loading));
  return loading.configuration.admin;
}

async function reload(tls: string | null): Promise<string | null> {
  const problem = await admin.prepare(await specOf(tls));
  admin.activate();
  return problem;
}

beforeEach(async () => {
  port = await freePort();
  write(first);
  gateway = new FakeGateway();
  admin = await startAdminServer({ gateway, spec: await specOf(''), clock: systemClock });
});
afterEach(() => admin.close());

interface Ran {
  readonly exit: number;
  readonly text: string;
}

function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ exit: error === null ? 0 : Number(error.code ?? 1), text: `${stdout}${stderr}` });
    });
    child.stdin?.end();
  });
}

function handshake(...args: readonly string[]): Promise<Ran> {
  return run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', join(folder, 'ca.pem'), ...args]);
}

/** The names of the certificate that the admin API shows now. */
async function namesShown(): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port, ca: authority.certificate });
  await once(socket, 'secureConnect');
  const names = socket.getPeerCertificate().subjectaltname ?? '';
  socket.destroy();
  return names;
}

describe('the admin API over TLS', () => {
  const curl = findPeer('curl');
  test('answers curl', { skip: 'missing' in curl ? curl.missing : false }, async () => {
    assert.ok('path' in curl);
    const args = ['-sS', '-H', `Authorization: Bearer ${token}`, '--cacert', join(folder, 'ca.pem')];
    const { exit, text } = await run(curl.path, [...args, `https://127.0.0.1:${port}/v1/status`], curl.env);
    assert.equal(exit, 0, text);
    assert.ok('deployment' in (JSON.parse(text) as object));
    const inClear = await run(curl.path, [...args, `http://127.0.0.1:${port}/v1/status`], curl.env);
    assert.notEqual(inClear.exit, 0);
    assert.doesNotMatch(inClear.text, /deployment/);
  });

  for (const [settings, accepted, refused] of [
    ['', ['-tls1_2', '-tls1_3'], ['-tls1_1']],
    [', version_min: "1.3"', ['-tls1_3'], ['-tls1_2']],
    [', profile: modern', ['-tls1_3'], ['-tls1_2']],
    ['', ['-cipher ECDHE-ECDSA-AES128-GCM-SHA256 -tls1_2'], ['-cipher ECDHE-ECDSA-AES128-SHA -tls1_2']],
  ] as const)
    test(`accepts ${accepted.join(' and ')}, and not ${refused.join()}, with${settings || 'out settings'}`, async () => {
      assert.equal(await reload(settings), null);
      for (const version of accepted) assert.match((await handshake(...version.split(' '))).text, /Verification: OK/);
      for (const version of refused) {
        const args = [...version.split(' '), ...(version === '-tls1_1' ? ['-cipher', 'ALL:@SECLEVEL=0'] : [])];
        assert.match((await handshake(...args)).text, /alert (?:protocol version|handshake failure)/);
      }
    });

  test('shows a new certificate after a reload; open connections go on', async () => {
    const kept = connectTls({ host: '127.0.0.1', port, ca: authority.certificate });
    await once(kept, 'secureConnect');
    assert.doesNotMatch(await namesShown(), /second\.test/);
    write(second);
    assert.equal(await reload(''), null);
    assert.match(await namesShown(), /second\.test/);
    kept.write(`GET /v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    const [bytes] = (await once(kept, 'data')) as [Buffer];
    assert.match(bytes.toString('latin1'), /^HTTP\/1\.1 200 /);
    kept.destroy();
  });

  test('keeps its certificate where OpenSSL does not accept the new one', async () => {
    const spec = await specOf('');
    assert.ok(spec.tls !== undefined);
    const certificate = { ...spec.tls.certificate, key: second.key };
    const problem = await admin.prepare({ ...spec, tls: { ...spec.tls, certificate } });
    assert.match(
      problem ?? '',
      /^The admin API cannot use its certificate: OpenSSL says ERR_OSSL_X509_KEY_VALUES_MISMATCH\.$/,
    );
    assert.match(await namesShown(), /gw\.test/);
  });

  test('begins and ends TLS at the same address by reloads', async () => {
    const headers = { Authorization: `Bearer ${token}` };
    const inClear = async (): Promise<number> =>
      (await fetch(`http://127.0.0.1:${port}/v1/status`, { headers })).status;
    assert.equal(await reload(null), null);
    assert.equal(await inClear(), 200);
    assert.equal(await reload(''), null);
    assert.match(await namesShown(), /gw\.test/);
    await assert.rejects(inClear());
  });

  test('is reached although many connections begin no handshake, and closes them when it ends', async () => {
    const silent: Socket[] = [];
    for (let count = 0; count < 80; count++) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      await once(socket, 'connect');
      silent.push(socket);
    }
    const person = new FakeProcessContext(folder, { env: { CANDOR_TOKEN: token } });
    assert.equal(
      await person.candor('status', '--admin', `https://127.0.0.1:${port}`, '--ca-file', 'ca.pem'),
      0,
      person.stderr.text,
    );
    const remaining = silent.filter(({ closed }) => !closed);
    assert.ok(remaining.length <= 64);
    const closing = Promise.all(remaining.map((socket) => once(socket.resume(), 'close')));
    await admin.close();
    await closing;
  });
});

describe('a client command over TLS', () => {
  const person = (): FakeProcessContext => new FakeProcessContext(folder, { env: { CANDOR_TOKEN: token } });

  test('trusts the authority of --ca-file', async () => {
    const asking = person();
    assert.equal(
      await asking.candor('reload', '--admin', `https://127.0.0.1:${port}`, '--ca-file', 'ca.pem'),
      0,
      asking.stderr.text,
    );
    assert.deepEqual(gateway.calls, ['reload admin:token:mine']);
  });

  test('trusts the self-signed certificate that its reload has installed, and says that the next one will not', async () => {
    const [old, renewed] = [1, 2].map(() =>
      selfSignedCertificate(systemClock.wallTime(), { names: ['gw.test', '127.0.0.1'] }),
    );
    assert.ok(old !== undefined && renewed !== undefined);
    write(old);
    assert.equal(await reload(''), null);
    writeFileSync(join(folder, 'old.pem'), old.certificate);
    gateway.onReload = () => reload('');
    gateway.statusNow = { ...gateway.statusNow, startedAt: new Date(systemClock.wallTime()).toISOString() };
    const args = ['--admin', `https://127.0.0.1:${port}`, '--ca-file', 'old.pem'];
    const before = person();
    assert.equal(await before.candor('reload', ...args), 0, before.stderr.text);
    assert.equal(before.stderr.text, '');
    write(renewed);
    const asking = person();
    assert.equal(await asking.candor('reload', ...args), 0, asking.stderr.text);
    assert.match(asking.stderr.text.replace(/\s+/g, ' '), /certificate now that the file of --ca-file does not have/);
    const later = person();
    assert.equal(await later.candor('status', ...args), 8);
    writeFileSync(join(folder, 'old.pem'), renewed.certificate);
    assert.equal(await later.candor('status', ...args), 0, later.stderr.text);
    assert.match(later.stdout.text, /ADMIN\n {2}✔ {2}https:\/\/127\.0\.0\.1:\d+\n {5}✔ {2}gw\.test .* self-signed\n/);
  });

  test('says what to do where the certificate is not trusted, and sends no token', async () => {
    const asking = person();
    assert.equal(await asking.candor('reload', '--admin', `https://127.0.0.1:${port}`), 8);
    assert.match(asking.stderr.text.replace(/\s+/g, ' '), /is not trusted \(UNABLE_TO_[A-Z_]+\)\. Name .* --ca-file/);
    assert.deepEqual(gateway.calls, []);
  });

  test('trusts the certificate of the configuration that it is told of, and none beside it', async () => {
    gateway.statusNow = { ...gateway.statusNow, source: join(folder, 'candor.yaml') };
    const asking = person();
    assert.equal(await asking.candor('reload', '-c', 'candor.yaml'), 0, asking.stderr.text);
    // The files have been renewed, and the gateway has not read them.
    write(second);
    const later = person();
    assert.equal(await later.candor('reload', '-c', 'candor.yaml'), 8);
    assert.match(later.stderr.text, /is not trusted/);
    // Who trusts the authority may make the gateway read them.
    assert.equal(await later.candor('reload', '-c', 'candor.yaml', '--ca-file', 'ca.pem'), 0, later.stderr.text);
    const other = certificateAuthority(systemClock.wallTime()).issue({ names: ['gw.test'] });
    write(other);
    assert.equal(await later.candor('reload', '-c', 'candor.yaml'), 8);
  });
});
