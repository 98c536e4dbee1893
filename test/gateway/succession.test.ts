import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readProcess } from '../../src/deploy/process-group.ts';
import { GatewayProcess } from './gateway-process.ts';
import { until as untilSoon } from './start-from-yaml.ts';

// Applications that outlive the gateway that started them. Each gateway is a process of its own.

const program = join(import.meta.dirname, 'fixtures', 'lasting-application.mjs');

const linuxOnly = process.platform === 'linux' ? {} : { skip: 'only Linux tells two processes of one number apart' };

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

/** A folder with a configuration, and gateways that are gone when the test is over, with all that they started. */
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

  /** One that serves, with its application ready. Its pid too. */
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

/** Programs start, end and are looked for: on a busy machine that takes its time. */
const until = (what: string, met: () => boolean | Promise<boolean>): Promise<void> => untilSoon(what, met, 30_000);

const isRunning = (pid: number): boolean => (readProcess(pid)?.state ?? 'Z') !== 'Z';

const linesOf = async (gateway: GatewayProcess): Promise<readonly string[]> =>
  (await gateway.status()).applications[0]?.instances[0]?.lastLines ?? [];

test(
  'an application that was left is taken over: same process, served at once, its output goes on',
  linuxOnly,
  async (t) => {
    const world = new World(t);
    const second = world.gateway();
    const { gateway: first, pid } = await world.started();
    assert.equal(await first.get('/print?before'), String(pid));
    await first.get('/begin?half%20a%20');
    await until('the line was read', () => first.lines.includes('before'));
    await first.stop(20_000);
    assert.ok(isRunning(pid));
    const [left] = first.eventsOf('instance_detached');
    assert.deepEqual([left?.evidence.pid, left?.evidence.graceMs], [pid, 20_000]);

    await second.start(world.path);
    assert.equal(await second.get('/print?line'), String(pid));
    await second.get('/device?through%20the%20device');
    await until('its output goes on', () => second.lines.includes('through the device'));
    assert.deepEqual(second.lines, ['half a line', 'through the device']);
    assert.deepEqual(await linesOf(second), [`up ${pid}`, 'before', 'half a line', 'through the device']);
    const [adopted] = second.eventsOf('instance_adopted');
    assert.deepEqual([adopted?.evidence.pid, adopted?.to, adopted?.subject], [pid, 'ready', 'instance:shop/1']);
    assert.deepEqual(second.eventsOf('instance_started'), []);
    await second.stop();
    assert.ok(!isRunning(pid), 'who takes it over ends it too');
  },
);

test('what nobody comes for in time is ended', linuxOnly, async (t) => {
  const world = new World(t);
  const { gateway, pid } = await world.started();
  await gateway.stop(100);
  assert.ok(isRunning(pid), 'not at once');
  await until('it is ended', () => !isRunning(pid));
});

test('an application is handed over while requests go on, and is the heir’s to end', linuxOnly, async (t) => {
  const world = new World(t);
  const second = world.gateway();
  const { gateway: first, pid } = await world.started();
  const slow = first.get('/slow');
  await second.start(world.path, true);
  assert.deepEqual(await first.handOff({ pid: second.pid, stateFolder: world.state }), { left: 1, why: null });
  assert.equal(await first.get(), String(pid), 'between the two it is served');
  await second.go();
  assert.deepEqual([await first.get(), await second.get()], [String(pid), String(pid)]);
  assert.deepEqual(second.eventsOf('instance_started'), []);
  assert.equal(await slow, String(pid));
  first.kill();
  await until('the first is gone', () => first.hasExited);
  for (let count = 0; count < 20; count++) assert.equal(await second.get('/print?on'), String(pid));
  await until('the second reads it', () => second.lines.includes('on'));
  second.kill();
  await until('the guard of the second ends it', () => !isRunning(pid));
});

test(
  'once its predecessor has said farewell, an heir that is killed takes the applications with it at once',
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
    // Before, its guard would have left them to the predecessor for five seconds.
    await untilSoon('its guard ends it', () => !isRunning(pid), 4_500);
  },
);

test('killed without having handed over, a gateway takes its applications with it', linuxOnly, async (t) => {
  const world = new World(t);
  const sign = join(world.folder, 'now');
  const slow = `    stop_timeout: 30s\n    environment: { LEAVES_ONCE_THERE_IS: ${sign} }\n`;
  writeFileSync(world.path, yaml(slow));
  const second = world.gateway();
  const { gateway: first, pid } = await world.started();
  first.kill();
  await second.start(world.path);
  assert.ok(isRunning(pid), 'it takes its time to end');
  assert.deepEqual(second.eventsOf('instance_adopted'), [], 'one that is being ended is not taken over');
  writeFileSync(sign, '');
  await until('the first one’s is ended', () => !isRunning(pid));
  assert.notEqual(await world.ready(second), pid);
});

test('where the heir fails, the applications are taken back', linuxOnly, async (t) => {
  const world = new World(t);
  const second = world.gateway();
  const { gateway: first, pid } = await world.started();
  await second.start(world.path, true);
  await first.handOff({ pid: second.pid, stateFolder: world.state });
  second.kill();
  await until('the heir is gone', () => second.hasExited);
  assert.equal(await first.rollBack(), true);
  assert.equal(await first.get('/print?again'), String(pid));
  await until('it is read again', () => first.lines.includes('again'));
  process.kill(pid, 'SIGKILL');
  await until('it is started again', () => first.eventsOf('instance_started').length === 2);
  const exited = first.eventsOf('instance_exited')[0];
  assert.match(
    exited?.reason ?? '',
    /^ended; how is not known, since an earlier Candor process had started it; last line: "again"$/,
  );
  const next = await world.ready(first);
  first.kill();
  await until('it is guarded', () => !isRunning(next));
});

test('nobody takes back what the heir has', linuxOnly, async (t) => {
  const world = new World(t);
  const second = world.gateway();
  const { gateway: first, pid } = await world.started();
  await second.start(world.path, true);
  await first.handOff({ pid: second.pid, stateFolder: world.state });
  await second.go();
  assert.equal(await first.rollBack(), false);
  assert.equal(await second.get(), String(pid));
});

test('an heir that comes too late gets nothing of what was taken back', linuxOnly, async (t) => {
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
