// Starts processes: the package is built as for a release, and a program imports it by its name.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';

const kit = join(repositoryRoot, 'packages/kit');
const { exports } = JSON.parse(readFileSync(join(kit, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
};

/** What the entries share must exist once: a request of one is seen by the other. */
const program = `
import { createRequire } from 'node:module';
import { currentRequest, logFields } from 'candor-kit';
import { serve } from 'candor-kit/express';
const kit = await serve((request, response) => response.end(JSON.stringify([logFields(), currentRequest().remainingMs()])), {
  ...{ port: 0, host: '127.0.0.1', exit: false, log: () => {}, drain: { noticeMs: 0, idleMs: 0 } },
});
const page = await fetch(kit.url, { headers: { 'X-Request-Id': 'id-1' } });
console.log(await page.text(), typeof createRequire(import.meta.url)('candor-kit').serve, await kit.drain());
`;

test('the package of the kit has each export, its types, and one state for all', { timeout: 60_000 }, (context) => {
  const build = join(repositoryRoot, 'scripts/build-package.ts');
  const built = spawnSync(process.execPath, [build, 'kit'], { encoding: 'utf8' });
  assert.equal(built.status, 0, built.stdout + built.stderr);
  for (const entry of Object.values(exports))
    if (typeof entry !== 'string')
      for (const file of [entry.types, entry.default]) assert.ok(existsSync(join(kit, file)), file);

  const folder = mkdtempSync(join(tmpdir(), 'candor-kit-package-'));
  context.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(kit, join(folder, 'node_modules/candor-kit'));
  writeFileSync(join(folder, 'program.mjs'), program);
  const { stdout, stderr } = spawnSync(process.execPath, ['program.mjs'], { cwd: folder, encoding: 'utf8' });
  assert.equal(stdout, '[{"request_id":"id-1"},null] function 0\n', stderr);
});
