import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Event } from '../../src/core/event.ts';
import type { InstanceStatus } from '../../src/core/schemas/status.ts';
import { readProcess } from '../../src/deploy/process-identity.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';
import { loadConfiguration, startGateway, thisHost } from './gateway-modules.ts';
import { until as untilSoon, YamlGateway } from './start-from-yaml.ts';

// A gateway adopts the applications and the state folder that another gateway has detached. Here both run in this process, one
// after the other; succession.test.ts runs them in processes of their own.

const program = join(import.meta.dirname, 'fixtures', 'lasting-application.mjs');

const linuxOnly =
  process.platform === 'linux' ? {} : { skip: 'only Linux can distinguish two processes with the same pid' };

/** Programs are started, stopped and looked up, which takes longer on a busy machine. */
const until = (what: string, met: () => boolean | Promise<boolean>): Promise<void> => untilSoon(what, met, 30_000);

const isRunning = (pid: number): boolean => (readProcess(pid)?.state ?? 'Z') !== 'Z';

function yaml(application = '', state = 'state'): string {
  return `deployment: edge.test
member: one
listeners: { http: "127.0.0.1:0" }
admin: { socket: none }
log: { path: none }
state: ${state}
workers: { count: 1 }
drain: { timeout: 2s }
disclosure: operator
applications:
  shop:
    command: ["${process.execPath}", "${program}"]
    readiness: { path: /healthz, interval: 50ms, timeout: 10s, passes: 2 }
    restart: { first_delay: 100ms }
${application}`;
}

class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'candor-left-'));
  readonly state = join(this.path, 'state');
  readonly #pids = new Set<number>();
  readonly #open: YamlGateway[] = [];

  constructor(context: TestContext) {
    context.after(async () => {
      for (const gateway of this.#open) await gateway.gateway.stop('the test is over');
      for (const pid of this.#pids) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
      rmSync(this.path, { recursive: true, force: true });
    });
  }

  async start(text = yaml()): Promise<YamlGateway> {
    const path = join(this.path, 'candor.yaml');
    writeFileSync(path, text);
    const loaded = await loadConfiguration(path, {}, thisHost());
    assert.ok(loaded.ok, JSON.stringify(loaded));
    const { configuration } = loaded;
    const events: Event[] = [];
    const told = (event: Event): void => {
      events.push(event);
      if (event.kind === 'instance_started') this.#pids.add(event.evidence.pid);
    };
    const reloadConfiguration = async () => ({ ok: true, configuration }) as const;
    const gateway = await startGateway({
      configuration,
      source: path,
      reloadConfiguration,
      watcher: { onEvent: told },
    });
    const started = new YamlGateway(gateway, this.path, events);
    this.#open.push(started);
    return started;
  }

  /** Starts a gateway, waits until its instances are ready, and stops it with its applications detached. Returns their pids. */
  async leave(text = yaml(), instances = 1): Promise<readonly number[]> {
    const first = await this.start(text);
    const pids = await readyOf(first, instances);
    await first.gateway.stop('another one comes', { detachApplicationsMs: 60_000 });
    assert.ok(pids.every(isRunning));
    return pids;
  }
}

function instances({ gateway }: YamlGateway): readonly InstanceStatus[] {
  return gateway.status().applications.flatMap((application) => application.instances);
}

async function readyOf(gateway: YamlGateway, count = 1): Promise<readonly number[]> {
  const ready = () => instances(gateway).filter(({ phase }) => phase === 'ready');
  await until(`${count} are ready`, () => ready().length === count);
  return ready().map(({ pid }) => pid ?? 0);
}

async function pidThatAnswers(gateway: YamlGateway): Promise<number> {
  const response = await gateway.get('/');
  assert.equal(response.status, 200);
  return Number(response.body.toString());
}

test(
  'an adopted application whose configuration has changed is replaced: the old one serves until the new one is ready',
  linuxOnly,
  async (t) => {
    const folder = new Folder(t);
    const [pid = 0] = await folder.leave();
    const sign = join(folder.path, 'now');
    const second = await folder.start(yaml(`    environment: { LISTEN_ONCE_THERE_IS: ${sign} }\n`));
    assert.equal(await pidThatAnswers(second), pid);
    writeFileSync(sign, '');
    await until('the old instance has ended', async () => {
      await pidThatAnswers(second);
      return !isRunning(pid);
    });
    assert.notEqual(await pidThatAnswers(second), pid);
  },
);

test('an adopted application that the configuration no longer has is stopped', linuxOnly, async (t) => {
  const folder = new Folder(t);
  const [pid = 0] = await folder.leave();
  await folder.start(yaml().replace('  shop:', '  other:'));
  await until('the instance has ended', () => !isRunning(pid));
});

test('a gateway stops adopted instances that are too many, and starts those that are missing', linuxOnly, async (t) => {
  const folder = new Folder(t);
  const two = await folder.leave(yaml('    instances: 2\n'), 2);
  const second = await folder.start(yaml('    instances: 1\n'));
  await until('one of the two has ended', () => two.filter(isRunning).length === 1);
  const [kept] = await readyOf(second);
  assert.ok(two.includes(kept ?? 0));
  await second.gateway.stop('a third one comes', { detachApplicationsMs: 60_000 });
  const third = await folder.start(yaml('    instances: 3\n'));
  const three = await readyOf(third, 3);
  assert.ok(three.includes(kept ?? 0), third.events.map(({ kind, reason }) => `${kind}: ${reason}`).join('\n'));
  assert.equal(new Set(instances(third).map(({ id }) => id)).size, 3, 'no instance id is used twice');
});

test(
  'the exit of an adopted instance is noticed at once, and the event says that its exit code is unknown',
  linuxOnly,
  async (t) => {
    const folder = new Folder(t);
    const [pid = 0] = await folder.leave();
    const second = await folder.start();
    const response = await second.send(
      `POST /exit HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\nContent-Length: 0\r\n\r\n`,
    );
    assert.equal(response.status, 502, response.body.toString());
    const { detail } = JSON.parse(response.body.toString()) as { detail: string };
    assert.match(
      detail,
      /The instance ended,? .*(?:earlier|later|at the same time) \(how is not known, since an earlier Candor process had started it\)/,
    );
    const { exit } = (await second.record(response)).attempts[0] ?? {};
    assert.deepEqual([exit?.code, exit?.signal, exit?.oom, exit?.last_line], [null, null, false, 'leaving']);
    const [next] = await readyOf(second);
    assert.notEqual(next, pid);
    const [exited] = second.eventsOf('instance_exited');
    assert.equal(exited?.evidence.output.at(-1), 'leaving');
    assert.equal(instances(second)[0]?.restarts, 1);
  },
);

test('a state folder in use is refused, and the message names the gateway that has it', linuxOnly, async (t) => {
  const folder = new Folder(t);
  const [pid] = await readyOf(await folder.start());
  await assert.rejects(folder.start(), ({ name, message }: Error) => {
    assert.equal(name, 'StateFailure');
    assert.equal(
      message.replace(/20\d\d-[-\dT:.]+Z/, 'then'),
      `the state folder ${folder.state} belongs to another gateway of this process, a gateway that has owned it since then: stop that gateway first, or give this one another folder with the key \`state\``,
    );
    return true;
  });
  assert.ok(isRunning(pid ?? 0));
});

test('without applications the state folder has the key of hashes alone, and is not needed', async (t) => {
  const folder = new Folder(t);
  const withState = (state: string): string =>
    yaml('', state).replace(/applications:[^]*/, 'routes: [{ respond: { status: 200, body: fine } }]\n');
  await folder.start(withState('state'));
  await folder.start(withState('state'));
  assert.deepEqual(readdirSync(folder.state), ['.gitignore', 'configuration-key']);
  await folder.start(withState('state/configuration-key/within-a-file'));
});

test(
  'an unreadable file of an earlier process in the state folder is reported, and does no harm',
  linuxOnly,
  async (t) => {
    const folder = new Folder(t);
    const first = await folder.start();
    await first.gateway.stop('the test says so');
    const told: [body: string, why: string][] = [
      ['{ "version": 1, "inst', 'it is damaged'],
      ['{ "version": 7, "instances": [] }', 'it is of version 7, not 1'],
      ['{ "version": 1, "boot_id": "another", "instances": [{}] }', 'it is from before the machine started'],
    ];
    // `src/deploy/instance-record.test.ts` has all.
    for (const [body, why] of sampled(told, 3)) {
      writeFileSync(join(folder.state, 'instances.json'), body);
      const next = await folder.start();
      const [event] = next.eventsOf('state_unusable');
      assert.equal(event?.reason, `${folder.state}/instances.json, which an earlier process wrote, is ignored: ${why}`);
      await readyOf(next);
      await next.gateway.stop('the test says so');
    }
  },
);

test(
  'the state folder is readable by its owner only, and the output of applications does not stay in it',
  linuxOnly,
  async (t) => {
    const folder = new Folder(t);
    await folder.leave();
    assert.match(readFileSync(join(folder.state, 'instances.json'), 'utf8'), /"up \d+"/);
    const gateway = await folder.start();
    await readyOf(gateway);
    assert.equal(statSync(folder.state).mode & 0o777, 0o700);
    assert.equal(statSync(join(folder.state, 'output')).mode & 0o777, 0o700);
    for (const name of readdirSync(folder.state, { recursive: true }) as string[]) {
      const found = statSync(join(folder.state, name));
      assert.equal(found.mode & 0o777, found.isDirectory() ? 0o700 : 0o600, name);
    }
    assert.doesNotMatch(readFileSync(join(folder.state, 'instances.json'), 'utf8'), /"up /);
    await gateway.gateway.stop('the test says so');
    assert.deepEqual(readdirSync(join(folder.state, 'output')), ['.gitignore']);
  },
);

test('a gateway whose state folder cannot be written serves, and says what would be lost', linuxOnly, async (t) => {
  const folder = new Folder(t);
  const gateway = await folder.start(yaml('', 'candor.yaml/state'));
  const [pid = 0] = await readyOf(gateway);
  assert.equal(await pidThatAnswers(gateway), pid);
  const [told] = gateway.eventsOf('state_unusable');
  assert.equal(
    told?.reason,
    `the state folder ${folder.path}/candor.yaml/state cannot be written (ENOTDIR): applications would not outlive this process`,
  );
  await gateway.gateway.stop('the test says so', { detachApplicationsMs: 60_000 });
  assert.ok(!isRunning(pid), 'the instance that could not be detached is stopped');
});

test(
  'if the state folder is gone at the detach, the applications are stopped, and that is reported',
  linuxOnly,
  async (t) => {
    const folder = new Folder(t);
    const gateway = await folder.start();
    const [pid = 0] = await readyOf(gateway);
    rmSync(folder.state, { recursive: true });
    writeFileSync(folder.state, 'no folder any more');
    await gateway.gateway.stop('another one comes', { detachApplicationsMs: 60_000 });
    assert.ok(!isRunning(pid));
    const reasons = gateway.eventsOf('state_unusable').map(({ reason }) => reason);
    const told = `instances end with this process instead of running on for the next one: the state folder ${folder.state} cannot be written (ENOTDIR)`;
    assert.ok(reasons.includes(told), reasons.join('\n'));
    assert.deepEqual(
      gateway.eventsOf('instance_exited').map(({ evidence }) => evidence.signal),
      ['SIGTERM'],
    );
  },
);

test(
  'a gateway whose successor has another state folder runs no job beside it, until the handoff is rolled back',
  linuxOnly,
  async (t) => {
    const folder = new Folder(t);
    const { gateway } = await folder.start(yaml('    jobs: { count: { command: "true" } }\n'));
    const run = () => gateway.runJob('shop.count', 'test', () => undefined);
    const { left } = await gateway.handOff({ pid: process.pid, stateFolder: join(folder.path, 'other') });
    assert.equal(left, 0);
    assert.deepEqual(await run(), {
      ok: false,
      why: 'the gateway is stopping, or another process has taken over',
    });
    assert.equal(await gateway.rollBackHandoff(), true);
    assert.equal((await run())?.ok, true);
  },
);

test('a state folder that others may write to is not used, and left unchanged', linuxOnly, async (t) => {
  const folder = new Folder(t);
  mkdirSync(folder.state);
  chmodSync(folder.state, 0o1777);
  const gateway = await folder.start();
  assert.equal(
    gateway.eventsOf('state_unusable')[0]?.reason,
    `the state folder ${folder.state} may be written by others (\`chmod go-w\` takes that away): applications would not outlive this process`,
  );
  await readyOf(gateway);
  assert.equal(statSync(folder.state).mode & 0o7777, 0o1777);
  assert.deepEqual(readdirSync(folder.state), []);
});

test('a gateway that is stopping does not adopt what another gateway has handed off', linuxOnly, async (t) => {
  const folder = new Folder(t);
  const first = await folder.start();
  await readyOf(first);
  const heir = { pid: process.pid, stateFolder: folder.state };
  assert.deepEqual(await first.gateway.handOff(heir), { left: 1, why: null });
  const stopping = first.gateway.stop('the test says so');
  assert.equal(await first.gateway.rollBackHandoff(), false);
  await stopping;
});
