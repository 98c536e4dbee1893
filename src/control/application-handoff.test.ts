import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { InstanceRecord } from '../deploy/instance-record.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { ApplicationHandoff, type ApplicationHandoffParts } from './application-handoff.ts';

test('watchdogs of earlier owners see a new owner only after the disk has the instances that it adopted', async (context) => {
  const path = join(mkdtempSync(join(tmpdir(), 'candor-estate-')), 'state');
  context.after(() => rmSync(join(path, '..'), { recursive: true, force: true }));
  const owners: [told: unknown, ofInstances: unknown][] = [];
  const ownerOfInstances = (): unknown => {
    const file = join(path, 'instances.json');
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { generation: unknown }).generation : null;
  };
  const watchdog = {
    // Called when the generation file, which other watchdogs read, has the number.
    setOwner: (generationFile: string) =>
      void owners.push([Number(readFileSync(generationFile, 'utf8')), ownerOfInstances()]),
  };
  const nobody: readonly InstanceRecord[] = [];
  const supervisor = { adopt: () => nobody, records: () => nobody, status: () => [] };
  for (const generation of [1, 2]) {
    const handoff = new ApplicationHandoff({
      path,
      clock: new SimulatedClock(),
      events: { emit: ({ reason }) => assert.fail(reason) },
      host: { watchdog } as unknown as ApplicationHandoffParts['host'],
      supervisor: () => supervisor as unknown as ReturnType<ApplicationHandoffParts['supervisor']>,
    });
    assert.equal(handoff.claim([{}] as unknown as Parameters<ApplicationHandoff['claim']>[0]), null);
    await handoff.adopt(null);
    assert.deepEqual(owners.splice(0), [[generation, generation]]);
    await handoff.close();
  }
});

test('the watchdog of a successor knows the owner before the instances, and leaves the instances to the predecessor until the handoff is settled', async (context) => {
  const path = join(mkdtempSync(join(tmpdir(), 'candor-handoff-')), 'state');
  context.after(() => rmSync(join(path, '..'), { recursive: true, force: true }));
  const calls: string[] = [];
  const watchdog = {
    setGracePeriod: () => void calls.push('grace period'),
    setOwner: (file: string) => void calls.push(`owner, ${existsSync(file) ? 'announced' : 'not announced'}`),
    watchProvisionally: <T>(adopt: () => T): T => {
      calls.push('provisionally');
      const adopted = adopt();
      calls.push('adopted');
      return adopted;
    },
  };
  const supervisor = { adopt: () => [], records: () => [], status: () => [] };
  const handoff = new ApplicationHandoff({
    path,
    clock: new SimulatedClock(),
    events: { emit: ({ reason }) => assert.fail(reason) },
    host: { watchdog } as unknown as ApplicationHandoffParts['host'],
    supervisor: () => supervisor as unknown as ReturnType<ApplicationHandoffParts['supervisor']>,
  });
  assert.equal(handoff.claim([{}] as unknown as Parameters<ApplicationHandoff['claim']>[0]), null);
  await handoff.adopt(Promise.resolve());
  assert.deepEqual(calls, ['grace period', 'owner, not announced', 'provisionally', 'adopted', 'owner, announced']);
  await handoff.close();
});

test('a state folder that cannot be written is refused to the successor with the reason, and the instances stay', async (context) => {
  const path = join(mkdtempSync(join(tmpdir(), 'candor-handoff-')), 'state');
  context.after(() => rmSync(join(path, '..'), { recursive: true, force: true }));
  const supervisor = { adopt: () => [], records: () => [], status: () => [] };
  const handoff = new ApplicationHandoff({
    path,
    clock: new SimulatedClock(),
    events: { emit: ({ reason }) => assert.fail(reason) },
    host: { watchdog: {} } as unknown as ApplicationHandoffParts['host'],
    supervisor: () => supervisor as unknown as ReturnType<ApplicationHandoffParts['supervisor']>,
  });
  assert.equal(handoff.claim([{}] as unknown as Parameters<ApplicationHandoff['claim']>[0]), null);
  mkdirSync(join(path, 'instances.json'));
  const { refused } = await handoff.handOff({ pid: process.pid, stateFolder: path });
  assert.equal(refused, `The new process cannot own the state folder: ${path} cannot be written (EISDIR).`);
  assert.equal(handoff.hasHandedOff, false);
});
