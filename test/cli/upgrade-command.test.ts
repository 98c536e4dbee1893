import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import type { UpgradeOutcome, Upgrader } from '../../src/admin/upgrader.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';

/** Runs `candor upgrade` against an admin API that answers as the test says. */

let folder: string;
let admin: AdminServer | null;
let context: FakeProcessContext;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-upgrade-'));
  admin = null;
  context = new FakeProcessContext(folder);
});

afterEach(async () => {
  await admin?.close();
  rmSync(folder, { recursive: true, force: true });
});

const socket = (): string => join(folder, 'admin.sock');

async function openWith(outcome: UpgradeOutcome): Promise<void> {
  const upgrader: Upgrader = {
    async upgrade(_actor, _timeoutMs, onStep) {
      if (outcome.ok || outcome.kind !== 'refused') onStep('starting', 4712);
      return outcome;
    },
  };
  admin = await startAdminServer({
    gateway: new FakeGateway(),
    spec: socketAlone(socket()),
    clock: systemClock,
    upgrader,
  });
}

function failed(kind: 'refused' | 'failure' | 'validation_failed' | 'timeout', errors: string[] = []): UpgradeOutcome {
  return { ok: false, kind, reason: `It was ${kind}.`, errors: errors };
}

describe('candor upgrade --json ends with an outcome', () => {
  const cases: readonly (readonly [outcome: UpgradeOutcome | null, kind: string, exit: number])[] = [
    [failed('failure'), 'failure', 1],
    [failed('validation_failed', ['a', 'b']), 'validation_failed', 4],
    [failed('timeout'), 'timeout', 7],
    [failed('refused'), 'refused', 10],
    [null, 'gateway_unreachable', 8],
  ];
  for (const [outcome, kind, exit] of cases) {
    test(`${kind} with exit code ${exit}`, async () => {
      if (outcome !== null) await openWith(outcome);
      assert.equal(await context.candor('upgrade', '--json', '--socket', socket()), exit);
      const lines = context.stdout.text.trimEnd().split('\n');
      const outcomes = lines
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter((line) => 'outcome' in line);
      assert.equal(outcomes.length, 1);
      const [last] = outcomes;
      assert.deepEqual([last?.['outcome'], last?.['kind']], ['failed', kind]);
      assert.equal(typeof last?.['reason'], 'string');
      assert.deepEqual(last?.['errors'], outcome === null || outcome.ok ? [] : outcome.errors);
    });
  }

  test('done', async () => {
    await openWith({ ok: true, pid: 4712 });
    assert.equal(await context.candor('upgrade', '--json', '--socket', socket()), 0);
    assert.equal(context.stdout.text, '{"step":"starting","pid":4712}\n{"outcome":"done","pid":4712}\n');
  });
});

test('without --json an error is printed once, however many there are', async () => {
  await openWith({ ok: false, kind: 'validation_failed', reason: 'It does not like a.', errors: ['a'] });
  assert.equal(await context.candor('upgrade', '--socket', socket()), 4);
  assert.equal(context.stdout.text, '');
  assert.match(context.stderr.text, /It does not like a\.\nThe old process continues\.\n$/);
});

test('for a gateway that is stopping, it does not say that the gateway continues', async () => {
  await openWith({ ok: false, kind: 'stopping', reason: 'The gateway is stopping: SIGTERM.', errors: [] });
  assert.equal(await context.candor('upgrade', '--socket', socket()), 1);
  assert.doesNotMatch(context.stderr.text, /goes on as before/);
  assert.match(context.stderr.text, /The gateway is stopping: SIGTERM\.\n$/);
});

describe('an invalid time limit is a usage error', () => {
  for (const [given, exit] of [
    ['241', 2],
    ['0', 2],
    ['1.5', 2],
    ['soon', 2],
    ['240', 0],
    ['20s', 0],
  ] as const) {
    test(`--timeout ${given} ends with ${exit}`, async () => {
      await openWith({ ok: true, pid: 4712 });
      assert.equal(await context.candor('upgrade', '--timeout', given, '--socket', socket()), exit);
      if (exit === 2) assert.match(context.stderr.text, /a whole number of seconds from 1 to 240/);
    });
  }
});
