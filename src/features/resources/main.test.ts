import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { NewEvent } from '../../core/event.ts';
import type { Launch, LaunchedProgram, LaunchHold } from '../../core/launch.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import type { ResourceMachine } from './machine.ts';
import { GroupTree } from './main-group-tree.test-support.ts';
import { fakeMachine } from './main-machine.test-support.ts';
import { ResourcesPart } from './main.ts';
import { resourcesName, type ResourceSpec } from './settings.ts';

const mebibyte = 1024 * 1024;
const plain: ResourceSpec = { limits: {}, user: null, isolation: 'none', persistent: [] };
const limited: ResourceSpec = { ...plain, limits: { memoryBytes: 512 * mebibyte } };
const folder = '/sys/fs/cgroup/memory/candor-pid-100/app-shop/shop-1';

/** A part in simulated time; `used`: what the gateway sees of its programs where there are no groups. */
class World {
  readonly clock = new SimulatedClock();
  readonly tree = new GroupTree(() => true);
  readonly killed: number[] = [];
  readonly part: ResourcesPart;
  readonly events: NewEvent[] = [];
  used = 0;

  constructor(machine: ResourceMachine = fakeMachine(), stateFolder: string | null = null) {
    this.part = new ResourcesPart({
      ...{ clock: this.clock, files: this.tree, machine, pid: 100, stateFolder },
      events: { emit: (event) => void this.events.push(event) },
      memoryOf: () => this.used,
      kill: (pid) => void this.killed.push(pid),
    });
  }

  /** Control groups of version 1. */
  withGroups(): this {
    this.tree.addFirst('memory');
    this.tree.files.set('/proc/self/cgroup', '1:memory:/\n');
    return this;
  }

  prepare(spec: ResourceSpec, changes: Partial<Launch> = {}) {
    return this.part.launch.prepare(spec, launchOf(spec, changes));
  }

  started(spec: ResourceSpec, changes: Partial<Launch> = {}): LaunchHold {
    const prepared = this.prepare(spec, changes);
    assert.ok(prepared.ok, JSON.stringify(prepared));
    const { hold } = prepared.value;
    assert.ok(hold !== undefined);
    hold.started?.(4720);
    return hold;
  }

  use(bytes: number): void {
    this.used = bytes;
    this.tree.files.set(`${folder}/memory.usage_in_bytes`, String(bytes));
  }
}

function launchOf(spec: ResourceSpec, changes: Partial<Launch> = {}): Launch {
  const program: LaunchedProgram = {
    ...{ application: 'shop', settings: { [resourcesName]: spec }, program: 'shop/1', kind: 'instance' },
    ...{ release: null, directory: tmpdir() },
  };
  return { ...program, command: ['node', 'server.js'], environment: {}, ...changes };
}

const documented = readFileSync(join(import.meta.dirname, '../../../docs/resources.md'), 'utf8').replace(/\s+/g, ' ');

const killed = { code: null, signal: 'SIGKILL' };

test('a program that the kernel kills for its memory is named with its limit, its growth and its release', async () => {
  const world = new World().withGroups();
  const earlier = world.started(limited, { release: 'r7' });
  world.use(110 * mebibyte);
  await world.clock.advance(5000);
  assert.equal(earlier.exited?.({ code: 0, signal: null }), null, 'it has ended by itself');
  earlier.ended?.();
  await world.clock.advance(5000);

  const hold = world.started(limited, { release: 'r8' });
  world.use(80 * mebibyte);
  await world.clock.advance(5000);
  world.use(490 * mebibyte);
  await world.clock.advance(240_000);
  assert.equal(hold.exited?.(killed), null, 'somebody else has killed it');
  world.tree.files.set(`${folder}/memory.oom_control`, 'oom_kill 1\n');
  const how =
    'killed by the kernel: out of memory: shop/1 (node, process 4720) had reached 512 MiB, its limit (limits.memory); it had grown from 80 MiB to 490 MiB within 4 min; it runs release r8; release r7 before used at most 110 MiB';
  assert.deepEqual(hold.exited?.(killed), { outOfMemory: true, how });
  assert.ok(documented.includes(how), 'docs/resources.md shows it');
  assert.equal(hold.exited?.({ code: 137, signal: null })?.outOfMemory, true, 'as bwrap and shells say it');
});

test('processes of a program that runs on are told when the kernel kills them for memory, once a minute, and the kill of the program with its end alone', async () => {
  const world = new World().withGroups();
  const hold = world.started(limited);
  const kills = async (count: number, ms: number): Promise<void> => {
    world.tree.files.set(`${folder}/memory.oom_control`, `oom_kill ${count}\n`);
    await world.clock.advance(ms);
  };
  await kills(1, 15_000);
  const [told] = world.events;
  const text =
    'a process of shop/1 was killed by the kernel: out of memory: all processes of shop/1 together had reached 512 MiB, their limit (limits.memory); node, process 4720, runs on';
  assert.equal(told?.reason, text);
  assert.ok(documented.includes(text), 'docs/resources.md shows it');
  await kills(2, 15_000);
  await kills(4, 60_000);
  assert.deepEqual(
    world.events.map(({ evidence }) => (evidence as { count: number }).count),
    [1, 3],
  );
  await world.clock.advance(60_000);
  await kills(5, 1);
  assert.equal(hold.exited?.(killed)?.outOfMemory, true);
  await world.clock.advance(60_000);
  assert.equal(world.events.length, 2);
});

test('a process of the program that the kernel has killed long ago is not why the program is killed now', async () => {
  const world = new World().withGroups();
  const hold = world.started(limited);
  await world.clock.advance(60_000);
  world.tree.files.set(`${folder}/memory.oom_control`, 'oom_kill 1\n');
  await world.clock.advance(4000);
  assert.equal(hold.exited?.(killed)?.outOfMemory, true, 'just now it is');
  await world.clock.advance(20_000);
  assert.equal(hold.exited?.(killed), null);
});

test('without control groups the gateway looks each second, kills what is above its limit, and says so', async () => {
  const world = new World();
  const hold = world.started(limited);
  world.use(300 * mebibyte);
  await world.clock.advance(60_000);
  assert.deepEqual(world.killed, []);
  world.use(530 * mebibyte);
  await world.clock.advance(1000);
  assert.deepEqual(world.killed, [4720]);
  assert.deepEqual(hold.exited?.(killed), {
    outOfMemory: true,
    how: 'killed by the gateway: out of memory: shop/1 (node, process 4720) used 530 MiB, and its limit is 512 MiB (limits.memory); it had grown from 300 MiB to 530 MiB within 60 s',
  });
  hold.ended?.();
  await world.clock.advance(10_000);
  assert.equal(world.killed.length, 1, 'nothing is looked at any more');
});

test('what releases have used goes on in the next process, and not in one that does not know its form', async () => {
  const world = new World();
  world.started(limited, { release: 'r7' });
  world.use(110 * mebibyte);
  await world.clock.advance(1000);
  const state = world.part.export();
  assert.ok(state !== null);
  for (const [version, said] of [
    [state.version, /; it runs release r8; release r7 before used at most 110 MiB$/],
    [state.version + 1, /; it runs release r8$/],
  ] as const) {
    const next = new World();
    next.part.import({ ...state, version });
    const hold = next.started(limited, { release: 'r8' });
    next.use(100 * mebibyte);
    await next.clock.advance(2000);
    next.use(600 * mebibyte);
    await next.clock.advance(1000);
    assert.match(hold.exited?.(killed)?.how ?? '', said);
  }
});

test('a right that cannot be taken away keeps the program from starting, a limit that is not held does not', () => {
  const candor = { isRoot: false, uid: 900, ownName: 'candor' };
  const world = new World(fakeMachine({ ...candor, missing: ['bwrap'] }));
  for (const [spec, reason] of [
    [{ ...plain, user: { name: 'www-data', group: null } }, /^user www-data is not held: the gateway runs as candor/],
    [{ ...plain, user: { name: 'nosuch', group: null } }, /^user nosuch is not held: there is no user nosuch/],
    [{ ...plain, isolation: 'strict' }, /the program bwrap is missing: install it \(apt-get install bubblewrap\)$/],
  ] as const) {
    const prepared = world.prepare(spec);
    assert.match(prepared.ok ? '' : prepared.failure.reason, reason);
  }
  const started = world.prepare({ ...plain, limits: { cpus: 1, nice: -5, descriptors: 100_000 } });
  assert.deepEqual(started.ok && started.value.command, ['node', 'server.js']);
});

test('a program that is missing is told as it is without limits', () => {
  const world = new World();
  const spec = { ...plain, limits: { nice: 5 } };
  for (const [changes, reason] of [
    [{ command: ['no-such-program'] }, /^the program no-such-program is in no directory of PATH/],
    [{ command: ['./server'] }, /^the program \.\/server does not exist: check its path$/],
    [{ directory: '/nowhere' }, /^the directory \/nowhere does not exist$/],
  ] as const) {
    const prepared = world.prepare(spec, changes);
    assert.match(prepared.ok ? '' : prepared.failure.reason, reason);
  }
});

test('each setting of a process makes a new one necessary when it changes', () => {
  const { launch } = new World().part;
  const specs: readonly ResourceSpec[] = [
    plain,
    limited,
    { ...plain, limits: { cpus: 1 } },
    { ...plain, user: { name: 'www-data', group: null } },
    { ...plain, user: { name: 'www-data', group: 'adm' } },
    { ...plain, isolation: 'strict' },
  ];
  assert.equal(new Set(specs.map((spec) => launch.key(spec, 'shop'))).size, specs.length);
  assert.equal(launch.key(limited, 'shop'), launch.key(structuredClone(limited), 'shop'));
});

test('a variable of the application wins over the home and the name of its user', () => {
  const spec = { ...plain, user: { name: 'www-data', group: null } };
  const prepared = new World().prepare(spec, { environment: { HOME: '/srv', A: '1' } });
  assert.deepEqual(prepared.ok && prepared.value.environment, {
    HOME: '/srv',
    USER: 'www-data',
    LOGNAME: 'www-data',
    A: '1',
  });
});

test('folders of releases are opened for the user to pass, without listing; others stay as they are', (context: TestContext) => {
  if (process.geteuid?.() !== 0) return context.skip('only root may give folders to others');
  const base = mkdtempSync(join(tmpdir(), 'candor-resources-'));
  context.after(() => rmSync(base, { recursive: true }));
  const state = join(base, 'state');
  const tree = join(state, 'releases', 'shop', 'a1');
  mkdirSync(tree, { recursive: true });
  for (const path of [base, state, join(state, 'releases'), join(state, 'releases', 'shop')]) chmodSync(path, 0o700);
  chmodSync(tree, 0o755);
  writeFileSync(join(state, 'key'), 'secret', { mode: 0o600 });
  const machine = fakeMachine({
    stat(path) {
      const { uid, gid, mode } = statSync(path);
      return { uid, gid, mode, isFolder: true };
    },
  });
  const world = new World(machine, state);
  const spec = { ...plain, user: { name: 'www-data', group: null } };
  const refused = world.prepare(spec, { directory: tree });
  assert.match(
    refused.ok ? '' : refused.failure.reason,
    new RegExp(
      `^the user www-data may not pass ${base} \\(mode 0700\\), and the program lies in ${tree}: chmod o\\+x ${base}`,
    ),
  );
  chmodSync(base, 0o711);
  assert.equal(world.prepare(spec, { directory: tree }).ok, true);
  const modes = [state, join(state, 'releases'), join(state, 'releases', 'shop'), join(state, 'key')].map((path) =>
    (statSync(path).mode & 0o777).toString(8),
  );
  assert.deepEqual(modes, ['711', '711', '710', '600']);
  assert.equal(statSync(join(state, 'releases', 'shop')).gid, 33);
});
