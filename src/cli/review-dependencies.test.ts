import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Configuration } from '../core/configuration.ts';
import { SecretStore } from '../deploy/secret-store.ts';
import type { DependencySpec } from '../features/dependencies/settings.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { ProcessContext } from './process-context.ts';
import { reviewDependencies } from './review-dependencies.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'review-deps-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const context = { clock: new SimulatedClock(), env: {} } as unknown as ProcessContext;

function warnings(spec: Partial<DependencySpec>, stateFolder: string | null = folder): readonly string[] {
  const database = { name: 'database', passwordFile: null, passwordSecret: null, ...spec };
  const configuration = {
    stateFolder,
    features: { dependencies: { dependencies: [database] } },
    applications: [{ id: 'blog' }, { id: 'shop', features: { dependencies: { names: ['database'] } } }],
  } as unknown as Configuration;
  return reviewDependencies(configuration, context).map(({ message, suggestion }) => `${message}: ${suggestion}`);
}

function set(application: string | null, name: string): void {
  const parts = { folder, random: new SeededRandom(1), wallTime: () => 0, credentials: undefined };
  const opened = SecretStore.open(parts);
  assert.ok(opened.ok && opened.value.set(application, new Map([[name, 'hunter2']]), 'test').ok);
}

const secret = (name: string, application: string | null = null) => ({ passwordSecret: { secret: name, application } });

describe('passwords of dependencies are looked for on this machine', () => {
  test('in a file', () => {
    const passwordFile = join(folder, 'password');
    assert.deepEqual(warnings({ passwordFile }), [
      `dependencies: the password file ${passwordFile} of database does not exist, and the check goes no further than the login: make it, or correct its path`,
    ]);
    writeFileSync(passwordFile, 'hunter2');
    assert.deepEqual(warnings({ passwordFile }), []);
  });

  test('in the store of secrets, of the application that depends on it, another one, or all', () => {
    const missing = (application: string): string =>
      `dependencies: the secret db-password with the password of database has no value, and the check goes no further than the login: \`candor secret set db-password --application ${application}\``;
    assert.deepEqual(warnings(secret('db-password')), [missing('shop')]);
    set('shop', 'db-password');
    assert.deepEqual(warnings(secret('db-password')), []);
    assert.deepEqual(warnings(secret('db-password', 'blog')), [missing('blog')]);
    set(null, 'db-password');
    assert.deepEqual(warnings(secret('db-password', 'blog')), []);
  });

  test('and without a state folder no secret is kept', () => {
    assert.deepEqual(warnings(secret('db-password'), null), [
      'dependencies: `state: none` leaves no folder in which the secret db-password is kept: remove it',
    ]);
  });
});
