import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../system/system.ts';
import { gatewayOfUnchanged } from './gateway-lookup.ts';
import type { ProcessContext } from './process-context.ts';

const cases: readonly [what: string, startedMs: number, found: boolean][] = [
  ['a gateway that was started after the last change of a file is found without the file', 60_000, true],
  ['a file that has changed since is read', -60_000, false],
  ['a file that was written just before the start is read, since it may have changed just after', 500, false],
];

for (const [what, startedMs, found] of cases) {
  test(what, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'candor-unchanged-'));
    const source = join(directory, 'candor.yaml');
    writeFileSync(source, 'not: a configuration');
    const status = JSON.stringify({
      ...{ deployment: 'd', member: 'm', version: '0', epoch: 'e', content_hash: 'h', state: 'serving' },
      ...{ pid: 1, uptime_s: 1, revision: 1, listeners: [], upstreams: [], applications: [], workers: [] },
      ...{ source, started_at: new Date(systemClock.wallTime() + startedMs).toISOString() },
    });
    const path = join(directory, 'candor.sock');
    const server = createServer((socket) => {
      socket.once('data', () =>
        socket.end(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${status.length}\r\nconnection: close\r\n\r\n${status}`,
        ),
      );
    }).listen(path);
    try {
      await once(server, 'listening');
      const context = { directory, env: { TMPDIR: directory }, clock: systemClock } as unknown as ProcessContext;
      const target = await gatewayOfUnchanged('candor.yaml', context);
      assert.deepEqual(target, found ? { kind: 'socket', path } : null);
    } finally {
      server.close();
      rmSync(directory, { recursive: true, force: true });
    }
  });
}
