// Starts processes: a handoff is one between processes.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { eventOfJson } from '../../src/core/event-json.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { readProcess } from '../../src/deploy/process-identity.ts';
import { candorProgram } from '../program.ts';

// The steps of `systemctl restart` for `candor up --handover`: SIGTERM, its end, and the same command again.

const linuxOnly = process.platform === 'linux' ? {} : { skip: 'only Linux tells two processes of one number apart' };

const application = join(repositoryRoot, 'test', 'gateway', 'fixtures', 'lasting-application.mjs');

const yaml = (state = 'state') => `listeners: { http: "127.0.0.1:0" }
admin: { socket: none }
log: { path: none }
state: ${state}
workers: { count: 1 }
applications:
  shop:
    command: ["${process.execPath}", "${application}"]
    readiness: { path: /healthz, interval: 50ms, timeout: 10s, passes: 2 }
`;

interface ToldEvent {
  readonly kind: string;
  readonly reason: string;
  readonly evidence: { readonly pid?: number; readonly address?: string };
}

/** A process of `candor up`, with its output. */
class Up {
  readonly child: ChildProcess;
  readonly told: ToldEvent[] = [];
  ended: number | null = null;

  constructor(folder: string, ...flags: readonly string[]) {
    const command = [candorProgram, 'up', '-c', 'candor.yaml', ...flags];
    this.child = spawn(process.execPath, command, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    this.child.once('close', (code) => {
      this.ended = code ?? -1;
    });
    assert.ok(this.child.stderr !== null);
    createInterface({ input: this.child.stderr }).on('line', (line) => {
      this.told.push(eventOfJson(JSON.parse(line)) as unknown as ToldEvent);
    });
  }

  async heard(kind: string): Promise<ToldEvent> {
    await until(`the event ${kind}`, () => this.told.some((one) => one.kind === kind));
    return this.told.find((one) => one.kind === kind) ?? assert.fail();
  }

  /** The pid of the application, which sends it in its response. */
  async get(): Promise<number> {
    const { evidence } = await this.heard('listener_opened');
    return Number(await (await fetch(`http://${evidence.address}/`)).text());
  }

  async end(signal: 'SIGTERM' | 'SIGINT'): Promise<void> {
    this.child.kill(signal);
    await until('it has ended', () => this.ended !== null);
    assert.equal(this.ended, 0);
  }
}

async function until(what: string, seen: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 30_000;
  while (!seen()) {
    assert.ok(performance.now() < giveUpAt, what);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

const isRunning = (pid: number): boolean => (readProcess(pid)?.state ?? 'Z') !== 'Z';

function folderWith(context: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'candor-handover-'));
  writeFileSync(join(folder, 'candor.yaml'), text);
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('candor up --handover: SIGTERM and a new start keep the application, Ctrl-C ends it', linuxOnly, async (t) => {
  const folder = folderWith(t, yaml());
  const first = new Up(folder, '--handover', '60s');
  t.after(() => first.child.kill('SIGKILL'));
  const { pid = 0 } = (await first.heard('instance_started')).evidence;
  t.after(() => isRunning(pid) && process.kill(pid, 'SIGKILL'));
  await first.heard('instance_ready');
  assert.equal(await first.get(), pid);
  await first.end('SIGTERM');
  assert.ok(isRunning(pid));
  const second = new Up(folder, '--handover', '60s');
  t.after(() => second.child.kill('SIGKILL'));
  assert.equal((await second.heard('instance_adopted')).evidence.pid, pid);
  assert.equal(await second.get(), pid);
  await second.end('SIGINT');
  assert.ok(!isRunning(pid));
});

test('--handover without a state folder is refused', async (t) => {
  const up = new Up(folderWith(t, yaml('none')), '--handover', '60s');
  t.after(() => up.child.kill('SIGKILL'));
  await until('it has ended', () => up.ended !== null);
  assert.equal(up.ended, 2);
  const { reason } = await up.heard('command_failed');
  assert.match(reason, /--handover needs a state folder, and the configuration says `state: none`/);
});
