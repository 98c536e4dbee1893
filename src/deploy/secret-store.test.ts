// Starts processes: one that is killed while it writes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { SeededRandom } from '../testing/seeded-random.ts';
import { secretKeyPath } from './secret-keys.ts';
import type { SecretRefusal } from './secret-refusal.ts';
import { secretsPath } from './secret-file.ts';
import { SecretStore, type SecretStoreParts } from './secret-store.ts';
import { secretLimits } from './secret-values.ts';

const asRoot = process.getuid?.() === 0 ? {} : { skip: 'only root makes files of others' };
const value = 'postgres://anna:Kn4rv-hunter2@db/shop';
const noon = Date.UTC(2026, 0, 2, 12);
const random = new SeededRandom(7);

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'candor-secrets-')), 'state');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

const parts = (given: Partial<SecretStoreParts> = {}): SecretStoreParts => ({
  ...{ folder, random, wallTime: () => noon, credentials: undefined, ...given },
});

function open(given: Partial<SecretStoreParts> = {}): SecretStore {
  const opened = SecretStore.open(parts(given));
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value;
}

function set(application: string | null, values: Readonly<Record<string, string>>, store = open()): SecretStore {
  const done = store.set(application, new Map(Object.entries(values)), 'admin:socket');
  assert.ok(done.ok, JSON.stringify(done));
  return done.value.store;
}

function valueOf(store: SecretStore, application: string, name: string): string | null {
  const found = store.valueFor(application, name);
  assert.ok(found.ok, JSON.stringify(found));
  return found.value?.value ?? null;
}

function refusalOf(result: { readonly ok: boolean; readonly failure?: SecretRefusal }): SecretRefusal {
  assert.equal(result.ok, false);
  const { failure } = result;
  assert.ok(failure !== undefined);
  assert.doesNotMatch(JSON.stringify(failure), /Kn4rv/);
  return failure;
}

const refusedAtOpening = (given: Partial<SecretStoreParts> = {}): SecretRefusal =>
  refusalOf(SecretStore.open(parts(given)) as never);

describe('what is kept', () => {
  test('is read by the next process, and says who has changed it when', () => {
    set('shop', { DATABASE_URL: value });
    assert.equal(valueOf(open(), 'shop', 'DATABASE_URL'), value);
    assert.deepEqual(open().secrets, [
      {
        ...{ application: 'shop', name: 'DATABASE_URL', version: 1 },
        ...{ changedAt: '2026-01-02T12:00:00.000Z', changedBy: 'admin:socket' },
      },
    ]);
  });

  test('is of one application, or of all, and its own comes first', () => {
    set('shop', { KEY: 'of the shop' }, set(null, { KEY: 'of all' }));
    assert.deepEqual(
      ['shop', 'site', 'other'].map((one) => valueOf(open(), one, 'KEY')),
      ['of the shop', 'of all', 'of all'],
    );
    assert.equal(valueOf(open(), 'shop', 'OTHER'), null);
  });

  test('has no value in clear text in any file, and is for its user alone', () => {
    set('shop', { DATABASE_URL: value, OTHER: value });
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      assert.doesNotMatch(readFileSync(path, 'latin1'), /Kn4rv|hunter2/);
      assert.equal(statSync(path).mode & 0o077, 0, name);
    }
    assert.equal(statSync(folder).mode & 0o077, 0);
  });

  test('looks different each time, so that nobody sees which are the same', () => {
    set(null, { A: value, B: value });
    const secrets = JSON.parse(readFileSync(secretsPath(folder), 'utf8')).secrets as {
      nonce: string;
      sealed: string;
    }[];
    assert.equal(new Set(secrets.map(({ nonce }) => nonce)).size, 2);
    assert.equal(new Set(secrets.map(({ sealed }) => sealed)).size, 2);
    assert.ok(secrets.every(({ nonce }) => Buffer.from(nonce, 'base64').length === 12));
  });

  test('has a new version only where the value is another one', () => {
    const store = set(null, { A: 'one', B: 'two' });
    const done = store.set(
      null,
      new Map([
        ['A', 'one'],
        ['B', 'three'],
        ['C', 'four'],
      ]),
      'admin:socket',
    );
    assert.ok(done.ok);
    assert.deepEqual(done.value.changes, { revision: 2, added: ['C'], changed: ['B'], unchanged: ['A'] });
    assert.deepEqual(
      ['A', 'B', 'C'].map((name) => done.value.store.versionFor('shop', name)),
      [1, 2, 2],
    );
    assert.equal(set(null, { A: 'one' }).revision, 2);
  });

  test('is removed where it is, and only there', () => {
    const store = set(null, { A: 'one' });
    const refusal = refusalOf(store.remove('shop', 'A') as never);
    assert.match(refusal.reason, /no secret A of the application shop/);
    assert.match(refusal.step, /There is one of all applications/);
    const removed = store.remove(null, 'A');
    assert.ok(removed.ok);
    assert.deepEqual(open().secrets, []);
  });

  test('an instance of a store that was changed still has what it had', () => {
    const before = set(null, { A: 'one' });
    set(null, { A: 'two' }, before);
    assert.equal(valueOf(before, 'shop', 'A'), 'one');
    assert.equal(valueOf(open(), 'shop', 'A'), 'two');
  });
});

const wrong: readonly (readonly [what: string, name: string, value: string, says: RegExp])[] = [
  ['an empty value', 'A', '', /is empty/],
  ['a zero byte', 'A', 'Kn4rv\0', /zero byte/],
  ['bytes that are no text', 'A', Buffer.from([0x4b, 0xff]).toString('utf8'), /no UTF-8/],
  ['a value that is too long', 'A', 'x'.repeat(secretLimits.valueBytes + 1), /65537 bytes/],
  ['a name with a space', 'A B', 'x', /is none/],
  ['a name with =', 'A=Kn4', 'x', /is none/],
  ['a name that leads out of a folder', '../a', 'x', /is none/],
  ['an empty name', '', 'x', /is none/],
  ['a name that objects of JavaScript do not take', '__proto__', 'x', /is none/],
  ['a name that is too long', 'A'.repeat(129), 'x', /is none/],
];

describe('what cannot be kept is refused, and nothing is changed', () => {
  for (const [what, name, given, says] of wrong)
    test(what, () => {
      const done = open().set(
        null,
        new Map([
          ['GOOD', 'x'],
          [name, given],
        ]),
        'admin:socket',
      );
      const refusal = refusalOf(done as never);
      assert.equal(refusal.kind, 'invalid');
      assert.match(refusal.reason, says);
      assert.deepEqual(open().secrets, []);
    });

  for (const application of ['', '../shop', '__proto__', 'a b', 'a'.repeat(64)])
    test(`a secret of an application that no configuration can name: ${application.slice(0, 12)}`, () => {
      assert.equal(refusalOf(open().set(application, new Map([['A', 'x']]), 'admin:socket') as never).kind, 'invalid');
      assert.deepEqual(open().secrets, []);
    });

  test('more secrets than there may be', () => {
    const names = Array.from({ length: secretLimits.count + 1 }, (_, at): [string, string] => [`N${at}`, 'x']);
    assert.match(refusalOf(open().set(null, new Map(names), 'a') as never).reason, /1001 secrets/);
  });
});

/** What else may lie in place of the file, and how it is called. */
const damages: readonly (readonly [what: string, change: (file: any) => unknown, says: RegExp])[] = [
  ['another value', (file) => (file.secrets[0].sealed = flipped(file.secrets[0].sealed)), /seal is broken/],
  ['another nonce', (file) => (file.secrets[0].nonce = flipped(file.secrets[0].nonce)), /seal is broken/],
  ['another name', (file) => (file.secrets[0].name = 'OTHER'), /seal is broken/],
  ['another application', (file) => (file.secrets[0].application = 'site'), /seal is broken/],
  ['another author', (file) => (file.secrets[0].changedBy = 'admin:token:anna'), /seal is broken/],
  ['two values that were swapped', (file) => swap(file.secrets), /seal is broken/],
  ['a secret that was taken out', (file) => file.secrets.pop(), /seal is broken/],
  ['no seal', (file) => delete file.seal, /fields are missing/],
  ['another seal', (file) => (file.seal = 'x'), /seal is broken/],
  ['a later version', (file) => (file.v = 2), /another version of Candor/],
  ['no secrets', (file) => delete file.secrets, /fields are missing/],
];

function flipped(text: string): string {
  const bytes = Buffer.from(text, 'base64');
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return bytes.toString('base64');
}

function swap(secrets: any[]): void {
  for (const field of ['sealed', 'nonce'])
    [secrets[0][field], secrets[1][field]] = [secrets[1][field], secrets[0][field]];
}

describe('a file that is not what was written is a failure with a name, and never a wrong value', () => {
  for (const [what, change, says] of damages)
    test(what, () => {
      set('shop', { A: value, B: 'Kn4rv-other' });
      const file = JSON.parse(readFileSync(secretsPath(folder), 'utf8'));
      change(file);
      writeFileSync(secretsPath(folder), JSON.stringify(file));
      const refusal = refusedAtOpening();
      assert.equal(refusal.kind, 'damaged');
      assert.match(refusal.reason, says);
      assert.match(refusal.step, /set the secrets again/);
    });

  test('a file that is cut anywhere', () => {
    set('shop', { A: value });
    const text = readFileSync(secretsPath(folder), 'utf8');
    for (let length = 0; length < text.length - 2; length += 7) {
      writeFileSync(secretsPath(folder), text.slice(0, length));
      assert.equal(refusedAtOpening().kind, 'damaged', `${length} bytes`);
    }
  });

  test('a secret whose seal of the whole file was computed with the right key, but whose own was not', () => {
    // Of an earlier revision, say, by somebody who has the file alone.
    const store = set('shop', { A: value });
    const file = JSON.parse(readFileSync(secretsPath(folder), 'utf8'));
    const other = join(folder, '..', 'other');
    cpSync(folder, other, { recursive: true });
    set('shop', { A: 'Kn4rv-second' }, store);
    const mixed = JSON.parse(readFileSync(secretsPath(folder), 'utf8'));
    mixed.secrets = file.secrets;
    writeFileSync(secretsPath(folder), JSON.stringify(mixed));
    assert.equal(refusedAtOpening().kind, 'damaged');
  });
});

describe('the key', () => {
  test('that is missing is named by its id, and nothing is made in its place', () => {
    const id = set(null, { A: value }).keyId ?? '';
    rmSync(secretKeyPath(folder));
    const refusal = refusedAtOpening();
    assert.equal(refusal.kind, 'key');
    assert.ok(refusal.reason.includes(`the key ${id}`), refusal.reason);
    assert.match(refusal.reason, /secrets-key is missing/);
    assert.ok(!readdirSync(folder).includes('secrets-key'));
  });

  test('that is another one: both ids are said', () => {
    const id = set(null, { A: value }).keyId ?? '';
    writeFileSync(secretKeyPath(folder), `${Buffer.alloc(32, 1).toString('base64')}\n`);
    const { kind, reason } = refusedAtOpening();
    assert.equal(kind, 'key');
    assert.match(reason, new RegExp(`with the key ${id}; the key that is there is [\\da-f]{12}\\.`));
  });

  for (const [what, text] of [
    ['nothing', ''],
    ['a word', 'Kn4rv-password\n'],
    ['a key that is too short', `${Buffer.alloc(16, 1).toString('hex')}\n`],
  ] as const)
    test(`that is ${what} is refused without repeating it`, () => {
      set(null, { A: value });
      writeFileSync(secretKeyPath(folder), text);
      const { kind, reason } = refusedAtOpening();
      assert.equal(kind, 'key');
      assert.match(reason, /has no key/);
    });

  for (const mode of [0o640, 0o604, 0o660, 0o644])
    test(`that others may read or change is refused: ${mode.toString(8)}`, () => {
      set(null, { A: value });
      chmodSync(secretKeyPath(folder), mode);
      const { kind, reason, step } = refusedAtOpening();
      assert.equal(kind, 'unsafe');
      assert.match(reason, new RegExp(`mode 0${mode.toString(8)}`));
      assert.match(step, /chmod 600/);
    });

  test('of another user is refused', asRoot, () => {
    set(null, { A: value });
    chownSync(secretKeyPath(folder), 12_345, 12_345);
    assert.match(refusedAtOpening().reason, /belongs to another user/);
  });

  test('is rotated: all secrets are read with the new one, and none with the old one', () => {
    const before = set('shop', { B: 'two' }, set(null, { A: value }));
    const oldKey = readFileSync(secretKeyPath(folder));
    const rotated = before.rotateKey();
    assert.ok(rotated.ok);
    assert.notEqual(rotated.value.to, before.keyId);
    assert.equal(rotated.value.from, before.keyId);
    assert.deepEqual([valueOf(open(), 'x', 'A'), valueOf(open(), 'shop', 'B')], [value, 'two']);
    assert.deepEqual(open().secrets, before.secrets, 'no instance is replaced for it');
    writeFileSync(secretKeyPath(folder), oldKey);
    assert.equal(refusedAtOpening().kind, 'key');
  });

  test('is kept as often as its rotation fails, and keys of failed rotations are not', () => {
    set('shop', { db: value });
    const blocked = join(`${secretsPath(folder)}.new`, 'x');
    mkdirSync(blocked, { recursive: true });
    for (let n = 0; n < 120; n++) assert.equal(open().rotateKey().ok, false);
    assert.equal(valueOf(open(), 'shop', 'db'), value);
    assert.equal(readFileSync(secretKeyPath(folder), 'utf8').trim().split('\n').length, 2);
    rmSync(`${secretsPath(folder)}.new`, { recursive: true });
    assert.ok(open().rotateKey().ok);
    assert.equal(valueOf(open(), 'shop', 'db'), value);
  });

  test('is not rotated where there is none', () => {
    assert.match(refusalOf(open().rotateKey() as never).reason, /no key yet/);
  });

  test('comes from the service manager, and then none is written', () => {
    const credentials = join(folder, '..', 'credentials');
    mkdirSync(credentials);
    const given = Buffer.alloc(32, 5).toString('hex');
    writeFileSync(join(credentials, 'candor-secrets-key'), `${given}\n`, { mode: 0o400 });
    const store = set(null, { A: value }, open({ credentials }));
    assert.deepEqual(readdirSync(folder).sort(), ['.gitignore', 'secrets.json']);
    assert.equal(valueOf(open({ credentials }), 'x', 'A'), value);
    assert.equal(refusedAtOpening().kind, 'key');
    assert.match(refusalOf(store.rotateKey() as never).reason, /encrypted already/);
  });

  test('moves to the service manager by a rotation, and is removed from the state folder', () => {
    const credentials = join(folder, '..', 'credentials');
    set(null, { A: value });
    mkdirSync(credentials);
    writeFileSync(join(credentials, 'candor-secrets-key'), Buffer.alloc(32, 5).toString('base64'), { mode: 0o440 });
    const rotated = open({ credentials }).rotateKey();
    assert.ok(rotated.ok);
    assert.ok(!readdirSync(folder).includes('secrets-key'));
    assert.equal(valueOf(open({ credentials }), 'x', 'A'), value);
  });
});

test('a process that is killed at any moment of writes and rotations leaves secrets that are whole', async () => {
  const script = `
    import { SecretStore } from ${JSON.stringify(import.meta.resolve('./secret-store.ts'))};
    import { systemRandom } from ${JSON.stringify(import.meta.resolve('../system/system.ts'))};
    const parts = { folder: process.argv[1], random: systemRandom, wallTime: () => 0, credentials: undefined };
    let opened = SecretStore.open(parts);
    if (!opened.ok) throw new Error(JSON.stringify(opened));
    let store = opened.value;
    for (let n = store.revision; ; n++) {
      const done = store.set(null, new Map([['A', 'a' + n], ['B', 'b' + n]]), 'x');
      store = done.value.store;
      if (n % 3 === 0) store = store.rotateKey().value.store;
      if (n % 5 === 0) process.stdout.write('.');
    }`;
  let revision = 0;
  for (const delayMs of [0, 3, 7, 1, 12, 5, 2, 9]) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    // Another moment of its loop each time; which one does not matter.
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = open();
    assert.ok(store.revision > revision);
    revision = store.revision;
    const [a, b] = [valueOf(store, 'x', 'A'), valueOf(store, 'x', 'B')];
    assert.equal(a?.slice(1), b?.slice(1), 'both are of one write');
  }
});
