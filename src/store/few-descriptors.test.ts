// Starts processes: the limit of descriptors is one of a process.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { storeFaultStep } from '../core/store-fault.ts';
import type { FromStore } from '../core/store-messages.ts';

const program = fileURLToPath(new URL('few-descriptors.test-support.ts', import.meta.url));

test('a store that may open no file names the descriptors, and not the disk, however many files it could still open', {
  skip: process.platform !== 'linux',
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'candor-descriptors-'));
  try {
    const script = `ulimit -n 100 && exec '${process.execPath}' '${program}' '${folder}'`;
    const { stdout, stderr, status } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const runs = JSON.parse(stdout) as { free: number | null; said: FromStore[] }[];
    const found = runs.map(({ said }) => said.find(({ kind }) => kind === 'searched'));
    const reasons = runs.map(({ said }) => said.flatMap((one) => (one.kind === 'event' ? [one.event] : [])));
    for (const [number, { free }] of runs.entries()) {
      const searched = found[number];
      assert.ok(searched?.kind === 'searched');
      if (free !== null && free < 3) {
        assert.ok(searched.result.kind === 'unavailable', `${free}`);
        assert.match(searched.result.problem, /may open no further file, because too many are open \(ulimit -n\)/);
        assert.deepEqual(
          reasons[number]?.map(({ evidence }) => evidence),
          [{ path: folder, fault: 'descriptors_exhausted', limit: null, needed: null }],
        );
        assert.match(reasons[number]?.[0]?.reason ?? '', /ulimit -n/);
      } else assert.equal(searched.result.kind, 'page', `${free}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const facts = { path: '/s', fault: 'descriptors_exhausted', limit: null, needed: null } as const;
  assert.match(storeFaultStep(facts), /^Raise LimitNOFILE= in the unit of the gateway \(`ulimit -n` in the shell/);
});
