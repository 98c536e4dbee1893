import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { SeededRandom } from '../../../testing/seeded-random.ts';
import { oidcForWorkers } from './main.ts';
import { loginKeyFile, type OidcSpec } from './settings.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-login-key-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const sent = (seed: string, stateFolder: string | null, key: string | null = null): OidcSpec =>
  oidcForWorkers({ random: new SeededRandom(seed), stateFolder })({ key } as OidcSpec) as OidcSpec;

describe('the key of logins', () => {
  it('is the same for each process with the same state folder, and for others another one', () => {
    const { key } = sent('first', folder);
    assert.match(key ?? '', /^[\w-]{43}$/);
    assert.deepEqual(readdirSync(folder), [loginKeyFile]);
    assert.equal(sent('second', folder).key, key);
    assert.notEqual(sent('second', null).key, key);
  });

  it('is that of the configuration where it has one, and then none is made', () => {
    assert.equal(sent('a', folder, 'own').key, 'own');
    assert.deepEqual(readdirSync(folder), []);
  });

  it('goes to workers with the memory in which they see who refreshes a session, one for all', () => {
    const give = oidcForWorkers({ random: new SeededRandom('a'), stateFolder: null });
    const [one, other] = [give({ key: null }), give({ key: 'own' })] as [OidcSpec, OidcSpec];
    assert.ok(one.refreshes instanceof SharedArrayBuffer && one.refreshes === other.refreshes);
    assert.equal((give({ key: null }) as OidcSpec).key, one.key);
  });
});
