// Starts processes: the comparison of clients replaces the timers of the process in which it runs.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { text } from 'node:stream/consumers';
import type { ClientRow } from '../../bench/clients/measure-clients.ts';
import { repositoryRoot } from '../../scripts/repository.ts';

const program = join(repositoryRoot, 'bench', 'clients', 'run.ts');

describe('npm run bench:clients', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'candor-clients-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function measured(name: string, ...words: string[]): Promise<readonly ClientRow[]> {
    const results = join(folder, name);
    const all = [program, '--json', '--clients', '6', '--results', results, ...words];
    const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'ignore'] });
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    assert.equal(code, 0);
    return JSON.parse(said) as ClientRow[];
  }

  test('a client that retries on a guess doubles POSTs, candor-client does not, and figures are the same each time', async () => {
    const words = ['--only', 'reset', '--kinds', 'candor,cockatiel'];
    const rows = await measured('first.json', ...words);
    const doubled = rows.map(({ kind, configuration, doubled }) => [kind, configuration, doubled > 0]);
    assert.deepEqual(doubled, [
      ['candor-client', 'documented', false],
      ['candor-client', 'configured', false],
      ['candor-client, openMs 5000', 'documented', false],
      ['cockatiel', 'documented', true],
      ['cockatiel', 'configured', true],
    ]);
    assert.deepEqual(await measured('second.json', ...words), rows);
  });
});
