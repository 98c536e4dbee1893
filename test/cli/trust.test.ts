import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';

describe('candor trust', () => {
  let folder: string;
  let context: FakeProcessContext;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'candor-trust-'));
    const of = (tls: string): string =>
      `listeners: { https: { bind: ":8443"${tls} } }\nroutes: [{ host: app.localhost, respond: { status: 204 } }]\n`;
    writeFileSync(join(folder, 'candor.yaml'), of(', tls: internal'));
    writeFileSync(join(folder, 'plain.yaml'), of(''));
    context = new FakeProcessContext(folder);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('says that no listener has a local CA', async () => {
    assert.equal(await context.candor('trust', '-c', 'plain.yaml'), 2);
    assert.match(context.stderr.text, /No listener of plain\.yaml has tls: internal/);
  });

  test('says that the gateway makes it at its start', async () => {
    assert.equal(await context.candor('trust'), 9);
    assert.match(context.stderr.text, /the gateway makes it\swhen it starts/);
  });

  test('prints the commands that trust it, for people and for programs', async () => {
    mkdirSync(join(folder, '.candor', 'certificates'), { recursive: true });
    const path = join(folder, '.candor', 'certificates', 'local-ca.pem');
    writeFileSync(path, certificateAuthority(Date.UTC(2026, 10, 22)).certificate);
    assert.equal(await context.candor('trust'), 0);
    assert.match(context.stdout.text, new RegExp(`curl --cacert ${path} https://app.localhost:8443/`));
    assert.match(context.stdout.text, /update-ca-certificates/);
    assert.match(context.stdout.text, /libnss3-tools/);
    assert.match(
      context.stdout.text,
      new RegExp(`certutil -d "sql:\\$HOME/\\.pki/nssdb" -A -t C,, -n candor-local-ca -i ${path}\n`),
    );
    assert.match(context.stdout.text, /"\$HOME"\/\.mozilla\/firefox\/\*\/cert9\.db/);
    context.stdout.text = '';
    assert.equal(await context.candor('trust', '--json'), 0);
    const { fingerprint, ...rest } = JSON.parse(context.stdout.text) as Record<string, unknown>;
    assert.match(String(fingerprint), /^([\dA-F]{2}:){31}[\dA-F]{2}$/);
    const facts = { path, hosts: ['app.localhost'], not_after: '2027-11-22T00:00:00.000Z' };
    assert.deepEqual(rest, { ...facts, made_for: null, is_replaced: false });
  });

  test('says that another user may not read it, and not that there is none', {
    skip: process.geteuid?.() !== 0,
  }, async () => {
    const certificates = join(folder, '.candor', 'certificates');
    chmodSync(folder, 0o755);
    chmodSync(certificates, 0o700);
    context.stderr.text = '';
    process.seteuid?.(65534);
    const code = await context.candor('trust').finally(() => process.seteuid?.(0));
    assert.equal(code, 1);
    assert.match(
      context.stderr.text.replace(/\s+/g, ' '),
      /local-ca\.pem may not be read by this user: run candor trust as root/,
    );
  });

  test('says which hosts the certificate of the CA is for, and that another will be made, where the hosts have been edited', async () => {
    const state = join(folder, '.candor', 'certificates', 'local-ca.json');
    writeFileSync(state, JSON.stringify({ hosts: ['old.localhost', 'app.localhost'] }));
    context.stdout.text = '';
    assert.equal(await context.candor('trust'), 0);
    assert.match(context.stdout.text, /^The certificate of the local CA, valid/, 'a host less needs no other CA');
    assert.match(context.stdout.text, /Clients accept it for old\.localhost, app\.localhost alone/);
    writeFileSync(state, JSON.stringify({ hosts: ['other.localhost'] }));
    context.stdout.text = '';
    assert.equal(await context.candor('trust'), 0);
    assert.match(
      context.stdout.text,
      /^The certificate of the local CA, valid/,
      'it is for all names below .localhost',
    );
    writeFileSync(state, JSON.stringify({ hosts: ['old.internal'] }));
    context.stdout.text = '';
    assert.equal(await context.candor('trust'), 0);
    const text = context.stdout.text.replace(/\s+/g, ' ');
    assert.match(text, /This CA is for old\.internal alone, and candor\.yaml has app\.localhost besides/);
    assert.match(
      text,
      /with the same key for all of them\. Clients that trust this one go on accepting old\.internal, and refuse app\.localhost until/,
    );
    assert.match(text, /The certificate of the local CA that is in use now, valid until/);
    context.stdout.text = '';
    assert.equal(await context.candor('trust', '--json'), 0);
    const { made_for, is_replaced } = JSON.parse(context.stdout.text) as Record<string, unknown>;
    assert.deepEqual([made_for, is_replaced], [['old.internal'], true]);
  });
});
