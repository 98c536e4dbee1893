// Only `npm run test:complete` runs this file: it starts two gateways in processes of their own for each test. `npm test` has
// `test/upgrade/upgrade.test.ts` and `detached-applications.test.ts`.
// Starts processes: gateways hand applications to each other and are killed.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readProcess } from '../../src/deploy/process-identity.ts';
import { GatewayProcess } from './gateway-process.ts';
import { until as untilSoon } from './start-from-yaml.ts';

// Applications outlive the gateway that started them. Each gateway is a process of its own.

const program = join(import.meta.dirname, 'fixtures', 'lasting-application.mjs');

const linuxOnly =
  process.platform === 'linux' ? {} : { skip: 'only Linux can distinguish two processes with the same pid' };

function yaml(changes = '', more = ''): string {
  return `deployment: edge.test
member: one
listeners: { http: "127.0.0.1:0" }
admin: { socket: none }
log: { path: none }
state: state
workers: { count: 1 }
drain: { timeout: 3s }
disclosure: operator
applications:
  shop:
    command: ["${process.execPath}", "${program}"]
    readiness: { path: /healthz, interval: 50ms, timeout: 10s, passes: 2 }
    restart: { first_delay: 100ms }
${changes}${more}`;
}

/** A folder with a configuration, and gateways that are stopped after the test with everything that they started. */
class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'candor-succession-'));
  readonly path = join(this.folder, 'candor.yaml');
  readonly state = join(this.folder, 'state');
  readonly pids = new Set<number>();
  readonly #gateways: GatewayProcess[] = [];

  constructor(context: TestContext, text = yaml()) {
    writeFileSync(this.path, text);
    context.after(async () => {
      for (const gateway of this.#gateways) {
        gateway.kill();
        for (const { evidence } of gateway.eventsOf('instance_started')) this.pids.add(evidence.pid);
      }
      for (const pid of this.pids) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  gateway(): GatewayProcess {
    const gateway = new GatewayProcess();
    this.#gateways.push(gateway);
    return gateway;
  }

  /** A gateway whose application is ready, and the pid of the application. */
  async started(): Promise<{ gateway: GatewayProcess; pid: number }> {
    const gateway = this.gateway();
    await gateway.start(this.path);
    return { gateway, pid: await this.ready(gateway) };
  }

  async ready(gateway: GatewayProcess): Promise<number> {
    let pid: number | null = null;
    await until('an instance is ready', async () => {
      const { applications } = await gateway.status();
      const instance = applications[0]?.instances.find(({ phase }) => phase === 'ready');
      pid = instance?.pid ?? null;
      return pid !== null;
    });
    return pid ?? 0;
  }
}

/** Programs are started, stopped and looked up, which takes longer on a busy machine. */
const until = (what: string, met: () => boolean | Promise<boolean>): Promise<void> => untilSoon(what, met, 30_000);

const isRunning = (pid: number): boolean => (readProcess(pid)?.state ?? 'Z') !== 'Z';

const linesOf = async (gateway: GatewayProcess): Promise<readonly string[]> =>
  (await gateway.status()).applications[0]?.instances[0]?.lastLines ?? [];

test('a detached application is adopted: same process, served at once, its output still read', linuxOnly, async (t) => {
  const world = new World(t);
  const second = world.gateway();
  const { gateway: first, pid } = await world.started();
  assert.equal(await first.get('/print?before'), String(pid));
  await first.get('/begin?half%20a%20');
  await until('the line is read', () => first.lines.includes('before'));
  await first.stop(20_000);
  assert.ok(isRunning(pid));
  const [left] = first.eventsOf('instance_detached');
  assert.deepEqual([left?.evidence.pid, left?.evidence.graceMs], [pid, 20_000]);

  await second.start(world.path);
  assert.equal(await second.get('/print?line'), String(pid));
  await second.get('/device?through%20the%20device');
  await until('the output of the application is read', () => second.lines.includes('through the device'));
  assert.deepEqual(second.lines, ['half a line', 'through the device']);
  assert.deepEqual(await linesOf(second), [`up ${pid}`, 'before', 'half a line', 'through the device']);
  const [adopted] = second.eventsOf('instance_adopted');
  assert.deepEqual([adopted?.evidence.pid, adopted?.to, adopted?.subject], [pid, 'ready', 'instance:shop/1']);
  assert.deepEqual(second.eventsOf('instance_started'), []);
  await second.stop();
  assert.ok(!isRunning(pid), 'the adopting gateway ends the application too');
});

test('a detached application is ended if no gateway adopts it in time', linuxOnly, async (t) => {
  const world = new World(t);
  const { gateway, pid } = await world.started();
  await gateway.stop(100);
  assert.ok(isRunning(pid), 'not at once');
  await until('the application has ended', () => !isRunning(pid));
});

test('an application is handed off while requests go on, and its successor ends it', linuxOnly, async (t) => {
  const world = new World(t);
  const second = world.gateway();
  const { gateway: first, pid } = await world.started();
  const slow = first.get('/slow');
  await second.start(world.path, true);
  assert.deepEqual(await first.handOff({ pid: second.pid, stateFolder: world.state }), { left: 1, why: null });
  assert.equal(await first.get(), String(pid), 'the application answers during the handoff');
  await second.go();
  assert.deepEqual([await first.get(), await second.get()], [String(pid), String(pid)]);
  assert.deepEqual(second.eventsOf('instance_started'), []);
  assert.equal(await slow, String(pid));
  first.kill();
  await until('the first gateway has exited', () => first.hasExited);
  for (let count = 0; count < 20; count++) assert.equal(await second.get('/print?on'), String(pid));
  await until('the second gateway reads the output', () => second.lines.includes('on'));
  second.kill();
  await until('the orphan watchdog of the second gateway ends the application', () => !isRunning(pid));
});

test(
  'once the predecessor has ended, the applications of a successor that is killed end at once',
  linuxOnly,
  async (t) => {
    const world = new World(t);
    const second = world.gateway();
    const { gateway: first, pid } = await world.started();
    await second.start(world.path, true);
    await first.handOff({ pid: second.pid, stateFolder: world.state });
    await second.go();
    await first.stop();
    await second.settled();
    second.kill();
    // Before that, the orphan watchdog would have left them to the predecessor for five seconds.
    await untilSoon('the orphan watchdog ends the application', () => !isRunning(pid), 4_500);
  },
);

test('the applications of a gateway that is killed without a handoff end with it', linuxOnly, async (t) => {
  const world = new World(t);
  const sign = join(world.folder, 'now');
  const slow = `    stop_timeout: 30s\n    environment: { LEAVES_ONCE_THERE_IS: ${sign} }\n`;
  writeFileSync(world.path, yaml(slow));
  const second = world.gateway();
  const { gateway: first, pid } = await world.started();
  first.kill();
  await second.start(world.path);
  assert.ok(isRunning(pid), 'the application takes its time to end');
  assert.deepEqual(second.eventsOf('instance_adopted'), [], 'an application that is being ended is not adopted');
  writeFileSync(sign, '');
  await until('the application of the first gateway has ended', () => !isRunning(pid));
  assert.notEqual(await world.ready(second), pid);
});

test('the applications are rolled back if the successor fails', linuxOnly, async (t) => {
  const world = new World(t);
  const second = world.gateway();
  const { gateway: first, pid } = await world.started();
  await second.start(world.path, true);
  await first.handOff({ pid: second.pid, stateFolder: world.state });
  second.kill();
  await until('the successor has exited', () => second.hasExited);
  assert.equal(await first.rollBack(), true);
  assert.equal(await first.get('/print?again'), String(pid));
  await until('the output is read again', () => first.lines.includes('again'));
  process.kill(pid, 'SIGKILL');
  await until('the application is started again', () => first.eventsOf('instance_started').length === 2);
  const exited = first.eventsOf('instance_exited')[0];
  assert.match(
    exited?.reason ?? '',
    /^ended; how is not known, since an earlier Candor process had started it; last line: "again"$/,
  );
  const next = await world.ready(first);
  first.kill();
  await until('the orphan watchdog ends the application', () => !isRunning(next));
});

test('applications that the successor has adopted are not rolled back', linuxOnly, async (t) => {
  const world = new World(t);
  const second = world.gateway();
  const { gateway: first, pid } = await world.started();
  await second.start(world.path, true);
  await first.handOff({ pid: second.pid, stateFolder: world.state });
  await second.go();
  assert.equal(await first.rollBack(), false);
  assert.equal(await second.get(), String(pid));
});

test('a successor that comes too late adopts nothing that was rolled back', linuxOnly, async (t) => {
  const world = new World(t);
  const second = world.gateway();
  const { gateway: first, pid } = await world.started();
  await second.start(world.path, true);
  await first.handOff({ pid: second.pid, stateFolder: world.state });
  assert.equal(await first.rollBack(), true);
  await assert.rejects(second.go(), ({ name }: Error) => name === 'StateFailure');
  assert.deepEqual(second.eventsOf('instance_adopted'), []);
  assert.equal(await first.get(), String(pid));
});
