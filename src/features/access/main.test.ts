import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { MainFeaturePorts, MainPart } from '../main-feature.ts';
import { contentHash } from './country-database.ts';
import { access } from './main.ts';
import type { AccessSpec, AccessStatus } from './settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'candor-access-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'countries.mmdb');

function specOf(content: string): AccessSpec {
  const version = contentHash(Buffer.from(content));
  const countries = { allow: ['DE'], deny: null, allowsUnknown: false, file, version };
  return { networks: null, countries, userAgents: null, certificates: null, isDryRun: false };
}

function started(): MainPart<AccessSpec> {
  return access.start?.({} as MainFeaturePorts) as MainPart<AccessSpec>;
}

const scope = { kind: 'route', id: '/a' } as const;

describe('the part of access in the main thread', () => {
  test('reads the file of countries once for each content, and goes on without the file', () => {
    writeFileSync(file, 'one');
    const part = started();
    const first = part.forWorkers?.(specOf('one'));
    part.use([{ scope: scope as never, spec: specOf('one') }]);
    writeFileSync(file, 'other');
    assert.equal(part.forWorkers?.(specOf('two')).countries?.database, undefined, 'it is not what was checked');
    rmSync(file);
    assert.equal(Buffer.from(first?.countries?.database as SharedArrayBuffer).toString(), 'one');
    assert.equal(part.forWorkers?.(specOf('one')).countries?.database, first?.countries?.database);
    assert.equal(part.forWorkers?.(specOf('two')).countries?.database, undefined, 'workers reject it');
  });

  test('adds up what workers have refused, also one that is gone, and forgets routes that are gone', () => {
    const part = started();
    const scopes = [{ scope: scope as never, spec: specOf('one') }];
    part.use(scopes);
    part.onReports?.({ 'route /a': { counts: { deny: 2 } } }, 1);
    part.onReports?.({ 'route /a': { counts: { deny: 3, allow: 9 } } }, 2);
    part.onReports?.({ 'route /a': { counts: { deny: 4 } } }, 1);
    part.onWorkerGone?.(2);
    part.onReports?.({ 'route /a': { counts: { deny: 1 } } }, 3);
    const refused = (): unknown => (part.status?.() as AccessStatus | undefined)?.access[0]?.refused;
    assert.deepEqual(refused(), [
      { rule: 'allow', count: 9 },
      { rule: 'deny', count: 8 },
    ]);
    part.use([]);
    part.use(scopes);
    assert.deepEqual(refused(), []);
  });
});
