// Starts processes: a second program writes to the same folder.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { certificateAuthority } from '../testing/certificates.ts';
import { CertificateStore } from './certificate-store.ts';

const since = '2026-01-02T03:04:05.000Z';
const directoryUrl = 'https://ca.test/directory';
const { certificate: chain, key } = certificateAuthority(Date.UTC(2026, 0, 1)).issue({ names: ['a.test', 'b.test'] });

function folderFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'candor-store-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'certificates');
}

function digestOfNames(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32);
}

function ownedStore(folder: string): CertificateStore {
  const store = new CertificateStore(folder);
  assert.equal(store.tryToOwn(since), true);
  return store;
}

test('what was written is found by its names in any order and case, by any process, in files that only we can read', (t) => {
  const folder = folderFor(t);
  const store = ownedStore(folder);
  assert.equal(store.writeCertificate({ names: ['B.test', 'a.test'], directoryUrl, chain, key }), null);
  const account = store.account(directoryUrl);
  assert.ok('key' in account && account.url === null);
  assert.equal(store.writeAccount(directoryUrl, { ...account, url: 'https://ca.test/1' }), null);
  const reader = new CertificateStore(folder);
  assert.deepEqual(reader.readCertificate(['a.TEST', 'b.test'])?.names, ['a.test', 'b.test']);
  assert.equal(reader.readCertificate(['a.test']), null);
  assert.equal(reader.readAll().length, 1);
  assert.deepEqual(reader.account(directoryUrl), { key: account.key, url: 'https://ca.test/1' });
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name);
});

test('who does not own the folder writes nothing', (t) => {
  const folder = folderFor(t);
  const owner = ownedStore(folder);
  const other = new CertificateStore(folder);
  assert.equal(other.tryToOwn(since), false);
  assert.match(other.writeCertificate({ names: ['a.test'], directoryUrl, chain, key })?.why ?? '', /another process/);
  assert.ok('why' in other.account(directoryUrl));
  owner.release();
  assert.equal(other.tryToOwn(since), true);
  assert.equal(owner.isOwner, false);
});

test('a killed process owns nothing', async (t) => {
  const folder = folderFor(t);
  const module = new URL('./certificate-store.ts', import.meta.url).href;
  const script = `import { CertificateStore } from '${module}';
    new CertificateStore(${JSON.stringify(folder)}).tryToOwn('${since}'); console.log('owned'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const store = new CertificateStore(folder);
  assert.equal(store.tryToOwn(since), false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(store.tryToOwn(since), true);
});

test('a file that is damaged, or whose key belongs to another certificate, is none', (t) => {
  const folder = folderFor(t);
  const store = ownedStore(folder);
  const other = certificateAuthority(Date.UTC(2026, 0, 1)).issue({ names: ['a.test'] });
  assert.equal(store.writeCertificate({ names: ['a.test'], directoryUrl, chain, key: other.key }), null);
  assert.equal(store.readCertificate(['a.test']), null);
  const account = store.account(directoryUrl);
  for (const name of readdirSync(folder)) if (name.endsWith('.json')) writeFileSync(join(folder, name), '{"key": "x"}');
  assert.equal(store.readAll().length, 0);
  const next = store.account(directoryUrl);
  assert.ok('key' in account && 'key' in next && next.key !== account.key);
});

test('a file with the content of another one is none', (t) => {
  const folder = folderFor(t);
  const store = ownedStore(folder);
  assert.equal(store.writeCertificate({ names: ['a.test'], directoryUrl, chain, key }), null);
  const [file = ''] = readdirSync(folder).filter((name) => name.startsWith('certificate-'));
  assert.equal(store.writeCertificate({ names: ['b.test'], directoryUrl, chain, key }), null);
  copyFileSync(join(folder, file), join(folder, `certificate-${digestOfNames('b.test')}.json`));
  assert.equal(store.readCertificate(['b.test']), null);
});

test('a file where the folder should be is a problem, and not an owner', (t) => {
  const folder = folderFor(t);
  writeFileSync(folder, '');
  const owned = new CertificateStore(folder).tryToOwn(since);
  assert.ok(typeof owned === 'object');
});

test('each external account has an account of its own, and none of them is that without one', (t) => {
  const folder = folderFor(t);
  const store = ownedStore(folder);
  const accounts = [null, 'kid-1', 'kid-2'].map((keyId) => {
    const account = store.account(directoryUrl, keyId);
    assert.ok('key' in account);
    const written = { key: account.key, url: `https://ca.test/${keyId}` };
    assert.equal(store.writeAccount(directoryUrl, written, keyId), null);
    return written;
  });
  assert.equal(new Set(accounts.map((account) => account.key)).size, 3);
  const reader = new CertificateStore(folder);
  assert.deepEqual(
    [null, 'kid-1', 'kid-2'].map((keyId) => reader.account(directoryUrl, keyId)),
    accounts,
  );
});

test('a certificate is removed by the owner alone', (t) => {
  const folder = folderFor(t);
  const owner = ownedStore(folder);
  assert.equal(owner.writeCertificate({ names: ['a.test', 'b.test'], directoryUrl, chain, key }), null);
  new CertificateStore(folder).removeCertificate(['a.test', 'b.test']);
  assert.equal(owner.readAll().length, 1);
  owner.removeCertificate(['B.test', 'a.test']);
  assert.equal(owner.readAll().length, 0);
  owner.removeCertificate(['a.test']);
});
