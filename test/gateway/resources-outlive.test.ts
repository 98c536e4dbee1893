// Only `npm run test:complete` runs this file: it starts two gateways in processes of their own for each test. `npm test` has the removal of
// groups in `src/features/resources/main-groups.test.ts`.
// Starts processes: gateways are killed, and hand isolated programs to each other.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { identityOf } from '../../src/deploy/process-identity.ts';
import { SystemMachine } from '../../src/features/resources/machine.ts';
import { GatewayProcess } from './gateway-process.ts';
import { until } from './start-from-yaml.ts';

const machine = new SystemMachine();
const bases = Object.values(machine.groups());
const groupsWhy = bases.flatMap((base) => ('why' in base ? base.why : []))[0];
const python = '/usr/bin/python3';
const needsPython = existsSync(python) ? undefined : `${python} is missing`;
const needsRoot = machine.isRoot ? undefined : 'only root may start programs as another user';
const needsSandbox = machine.sandboxProblem() ?? undefined;

const program = `
import http.server, os
http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), http.server.SimpleHTTPRequestHandler).serve_forever()
`;

/** Folders of control groups that a gateway has made. */
async function groupFolders(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const top of new Set(bases.flatMap((base) => ('why' in base ? [] : base.folder))))
    for (const name of await readdir(top)) if (name.startsWith('candor-')) found.push(join(top, name));
  return found;
}

describe('groups outlive a gateway only with their programs', { skip: needsPython ?? groupsWhy ?? false }, () => {
  const made: string[] = [];
  after(async () => {
    for (const folder of made) await rm(folder, { recursive: true, force: true });
  });

  async function configured(settings: string): Promise<string> {
    const folder = await mkdtemp(join('/var/tmp', 'candor-resources-'));
    made.push(folder);
    await writeFile(join(folder, 'server.py'), program);
    const path = join(folder, 'candor.yaml');
    await writeFile(
      path,
      `listeners: { http: "127.0.0.1:0" }
admin: { socket: none }
log: { path: none }
state: state
workers: 1
applications:
  shop:
    command: [${python}, server.py]
    readiness: { path: /, interval: 50ms, passes: 1 }
    ${settings}
routes: [{ to: shop }]
`,
    );
    return path;
  }

  async function readyInstance(gateway: GatewayProcess): Promise<{ readonly id: string; readonly pid: number }> {
    let found: { id: string; pid: number } | null = null;
    await until(
      'an instance is ready',
      async () => {
        const { applications } = await gateway.status();
        const { id = '', pid = null } = applications[0]?.instances.find(({ phase }) => phase === 'ready') ?? {};
        found = pid === null ? null : { id, pid };
        return found !== null;
      },
      30_000,
    );
    return found ?? assert.fail('none is ready');
  }

  const groupsNow = async (pid: number): Promise<readonly string[]> =>
    (await readFile(`/proc/${pid}/cgroup`, 'utf8')).split('\n').filter((line) => line.includes('/candor-'));

  test('the gateway is killed: nothing of its groups is left after the next start but those of what runs', async () => {
    const before = new Set(await groupFolders());
    const path = await configured('limits: { memory: 128MiB, processes: 64 }');
    const first = new GatewayProcess();
    await first.start(path);
    const { pid } = await readyInstance(first);
    assert.ok((await groupsNow(pid)).length > 0);
    first.kill();
    await until('the watchdog has ended the program', () => identityOf(pid) === null, 30_000);
    const next = new GatewayProcess();
    await next.start(path);
    await readyInstance(next);
    for (const folder of (await groupFolders()).filter((one) => !before.has(one))) {
      const names = (await readdir(join(folder, 'app-shop'))).filter((name) => name.startsWith('shop-'));
      assert.equal(names.length, 1, names.join(' '));
    }
    await next.stop();
    assert.deepEqual(
      (await groupFolders()).filter((one) => !before.has(one)),
      [],
    );
  });

  test('a program that the next gateway takes over keeps its groups, and they are removed with it', async () => {
    const before = new Set(await groupFolders());
    const path = await configured('limits: { memory: 128MiB, processes: 64 }');
    const first = new GatewayProcess();
    await first.start(path);
    const { pid } = await readyInstance(first);
    const groups = await groupsNow(pid);
    await first.stop(60_000);
    const next = new GatewayProcess();
    await next.start(path);
    assert.equal((await readyInstance(next)).pid, pid);
    assert.deepEqual(await groupsNow(pid), groups);
    await next.stop();
    assert.equal(identityOf(pid), null);
    assert.deepEqual(
      (await groupFolders()).filter((one) => !before.has(one)),
      [],
    );
  });

  test('an isolated program outlives its gateway too', { skip: needsRoot ?? needsSandbox ?? false }, async () => {
    const path = await configured('isolation: strict');
    const first = new GatewayProcess();
    await first.start(path);
    const { pid } = await readyInstance(first);
    await first.stop(60_000);
    const next = new GatewayProcess();
    await next.start(path);
    assert.equal((await readyInstance(next)).pid, pid);
    await next.get('/');
    await next.stop();
    assert.equal(identityOf(pid), null);
  });
});
