import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { frameOf } from '../../src/cli/screen.ts';
import { plain } from '../../src/cli/style.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';

let folder: string;
let admin: AdminServer | null;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'candor-watch-'));
  admin = await startAdminServer({
    gateway: new FakeGateway(),
    spec: socketAlone(join(folder, 'a.sock')),
    clock: systemClock,
  });
});

afterEach(async () => {
  await admin?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Waits for a condition; the test's own time limit bounds it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(20);
}

const watch = (context: FakeProcessContext, ...flags: string[]): Promise<number> =>
  context.candor('status', '--watch', '--socket', join(folder, 'a.sock'), ...flags);

describe('candor status --watch', { timeout: 60_000 }, () => {
  test('shows the status in place on a terminal until Ctrl-C, then restores the screen and prints the last status', async () => {
    const context = new FakeProcessContext(folder, { terminal: true, env: { NO_COLOR: '1' } });
    const ended = watch(context);
    await until(() => context.stdout.text.split('\u001b[H').length > 2);
    context.signal('SIGINT');
    assert.equal(await ended, 0);
    const { text } = context.stdout;
    assert.ok(text.startsWith('\u001b[?1049h\u001b[?25l\u001b[Hshop degraded'), text.slice(0, 60));
    assert.match(text.slice(text.indexOf('\u001b[?1049l')), /^\S+shop degraded, up[^]*1243 requests\/s/);
  });

  test('with --json prints a line each time, and keeps asking if the gateway goes away', async () => {
    const context = new FakeProcessContext(folder);
    const ended = watch(context, '--json');
    await until(() => context.stdout.text.split('\n').length > 2);
    await admin?.close();
    admin = null;
    await until(() => context.stdout.text.includes('"unreachable"'));
    context.signal('SIGTERM');
    assert.equal(await ended, 0);
    const lines = context.stdout.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(lines[0].last_minute.requests, 71_240);
    assert.match(lines.at(-1).unreachable, /No gateway answers/);
  });

  test('ends with 8 if no gateway answers the first request, and does not touch the terminal', async () => {
    const context = new FakeProcessContext(folder, { terminal: true });
    assert.equal(await context.candor('status', '--watch', '--socket', join(folder, 'none.sock')), 8);
    assert.equal(context.stdout.text, '');
  });

  test('prints no more lines than the terminal has, and says how many it omits', () => {
    const text = Array.from({ length: 100 }, (_, at) => `line ${at}`).join('\n');
    const frame = frameOf(text, 24, plain);
    assert.equal(frame.split('\n').length, 23);
    assert.match(frame, /line 21\u001b\[K\n… 78 more lines/);
    assert.doesNotMatch(frameOf('one\ntwo\n', 24, plain), /more lines/);
  });
});
