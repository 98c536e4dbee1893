import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ShownChallenge } from '../core/managed-tls.ts';
import { CertificateStore } from './certificate-store.ts';
import { SharedChallenges } from './acme-supply.ts';
import { challengeCertificate } from './x509-certificate.ts';

const since = '2026-01-02T03:04:05.000Z';
const http: ShownChallenge = { kind: 'http-01', domain: 'a.test', token: 'token', keyAuthorization: 'token.key' };
const alpn: ShownChallenge = {
  kind: 'tls-alpn-01',
  domain: 'a.test',
  ...challengeCertificate('a.test', 'token.key', Date.UTC(2026, 0, 2)),
};

class Process {
  readonly shown: ShownChallenge[] = [];
  readonly store: CertificateStore;
  readonly challenges: SharedChallenges;
  changes = 0;

  constructor(context: TestContext, folder: string) {
    this.store = new CertificateStore(folder);
    const display = {
      show: async (one: ShownChallenge) => void this.shown.push(one),
      hide: async (one: ShownChallenge) => void this.shown.splice(this.shown.indexOf(one), 1),
    };
    this.challenges = new SharedChallenges(this.store, display, () => this.changes++);
    context.after(() => this.challenges.close());
  }

  async until(met: () => boolean): Promise<void> {
    const end = performance.now() + 10_000;
    while (!met()) {
      assert.ok(performance.now() < end, JSON.stringify(this.shown));
      await nextTurn();
    }
  }
}

function folderFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'candor-challenges-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'certificates');
}

function ownerIn(context: TestContext, folder: string): Process {
  const owner = new Process(context, folder);
  assert.equal(owner.store.tryToOwn(since), true);
  owner.challenges.follow();
  return owner;
}

for (const challenge of [http, alpn])
  test(`a ${challenge.kind} challenge of the owner is shown by the other processes until it is over`, async (t) => {
    const folder = folderFor(t);
    const owner = ownerIn(t, folder);
    const before = new Process(t, folder);
    before.challenges.follow();
    await owner.challenges.present(challenge);
    assert.deepEqual(owner.shown, [challenge]);
    await before.until(() => before.shown.length > 0);
    const later = new Process(t, folder);
    later.challenges.follow();
    for (const { shown } of [before, later]) assert.deepEqual(shown, [challenge]);
    const [file = ''] = readdirSync(folder).filter((name) => name.startsWith('challenge-'));
    assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600);
    await owner.challenges.cleanUp(challenge);
    await later.until(() => before.shown.length === 0 && later.shown.length === 0);
    assert.deepEqual(owner.shown, []);
  });

test('a challenge that an owner has left behind is removed with the next one', async (t) => {
  const folder = folderFor(t);
  const gone = ownerIn(t, folder);
  await gone.challenges.present(http);
  gone.challenges.close();
  gone.store.release();
  const owner = ownerIn(t, folder);
  assert.deepEqual(owner.shown, [http]);
  await owner.challenges.present(alpn);
  assert.deepEqual(owner.store.readChallenges(), [alpn]);
  await owner.until(() => owner.shown.length === 1);
  assert.deepEqual(owner.shown, [alpn]);
});

test('processes are told that the owner has released the folder, and of no files that are not theirs', async (t) => {
  const folder = folderFor(t);
  const owner = ownerIn(t, folder);
  const other = new Process(t, folder);
  other.challenges.follow();
  writeFileSync(join(folder, 'notes.txt'), 'nothing');
  owner.store.release();
  await other.until(() => other.changes > 0);
  assert.equal(other.store.tryToOwn(since), true);
});

test('damaged challenges, and a folder that does not exist, are left out', (t) => {
  const folder = folderFor(t);
  const without = new Process(t, folder);
  without.challenges.follow();
  const owner = ownerIn(t, folder);
  for (const text of ['{', '{"kind":"http-01"}', JSON.stringify({ ...alpn, key: http.keyAuthorization })])
    writeFileSync(join(folder, `challenge-${text.length}.json`), text, { mode: 0o600 });
  owner.challenges.follow();
  assert.deepEqual([owner.shown, without.shown], [[], []]);
});
