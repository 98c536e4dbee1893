// Starts processes: workers of applications are what is tested.

import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RolloutOutcome } from '../../src/control/releases.ts';
import type { InstanceStatus } from '../../src/core/schemas/status.ts';
import { readProcess } from '../../src/deploy/process-identity.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Real programs in Python and Node, behind a gateway that serves. Each worker appends a line to `starts` when it starts.

let edge: YamlGateway;

const server = (version: string): string => `
const { createServer } = require('node:http');
const server = createServer((request, response) => response.end('${version}'));
server.listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;

const worker = (version: string): string => `
import os, signal, sys, time
with open(os.environ['STARTS'], 'a') as starts:
    starts.write('mail ${version} %d\\n' % os.getpid())
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print('loading', flush=True)
print('started PORT=%s HOST=%s OWN=%s SHARED=%s' % tuple(os.environ.get(name) for name in ('PORT', 'HOST', 'OWN', 'SHARED')), flush=True)
while True:
    time.sleep(0.05)
`;

const ticker = `
const { appendFileSync, writeFileSync } = require('node:fs');
appendFileSync(process.env.STARTS, 'tick ' + process.pid + '\\n');
setTimeout(() => writeFileSync(process.env.STARTS.replace('starts', 'tick.ready'), ''), 100);
setInterval(() => {}, 1000);
`;

const yaml = (more = '', mail = 'python3 worker.py'): string => `
state: ./state
workers: 1
applications:
  shop:
    command: ["${process.execPath}", server.cjs]
    directory: first
    environment: { SHARED: of-shop, STARTS: FOLDER/starts }
    readiness: { path: /, interval: 20ms, passes: 2 }
    releases: { bake: 300ms }
    workers:
      mail:
        command: ${mail}
        environment: { OWN: of-mail }
        ready: { line: "/^started PORT/" }
      tick:
        command: ["${process.execPath}", tick.cjs]
        ready: { file: FOLDER/tick.ready, interval: 50ms }
        replace: stop_first
${more}
routes: [{ to: shop }]
`;

async function write(folder: string, version: string): Promise<string> {
  const path = join(edge?.folder ?? '', folder);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'server.cjs'), server(version));
  await writeFile(join(path, 'worker.py'), worker(version));
  await writeFile(join(path, 'tick.cjs'), ticker);
  return path;
}

const instancesOf = (name: string): readonly InstanceStatus[] =>
  edge.gateway.status().applications.find(({ id }) => id === name)?.instances ?? [];

const readyOf = (name: string) => instancesOf(name).filter(({ phase }) => phase === 'ready');

const isRunning = (pid: number | null | undefined): boolean => pid != null && (readProcess(pid)?.state ?? 'Z') !== 'Z';

const starts = async (): Promise<readonly string[]> =>
  (await readFile(join(edge.folder, 'starts'), 'utf8')).split('\n').filter((line) => line !== '');

/** Nothing of it starts, ends or waits. */
const isCalm = (name: string, count: number): boolean =>
  readyOf(name).length === count && instancesOf(name).length === count;

describe('workers of an application', () => {
  before(async () => {
    const empty = 'routes: [{ respond: { body: hello } }]\nstate: ./state\n';
    edge = await startFromYaml(empty);
    await write('first', 'one');
    const outcome = await reload();
    assert.ok(outcome.ok, JSON.stringify(outcome));
    await until('all are ready', () => isCalm('shop', 1) && isCalm('shop.mail', 1) && isCalm('shop.tick', 1), 30_000);
  });

  after(() => edge.gateway.stop('the tests are over'));

  const reload = (more = '', mail?: string) => edge.reload(yaml(more, mail).replaceAll('FOLDER', edge.folder));

  test('run in its directory with its variables and their own, and are given no port and no host', () => {
    const [mail] = readyOf('shop.mail');
    assert.equal(mail?.id, 'shop.mail/1');
    assert.equal(mail.port, 0);
    assert.deepEqual(mail.lastLines, ['loading', 'started PORT=None HOST=None OWN=of-mail SHARED=of-shop']);
    assert.match(mail.reason, /^it has printed a line with \/\^started PORT\//);
    assert.match(readyOf('shop.tick')[0]?.reason ?? '', /^there is the file .*tick\.ready$/);
  });

  test('get no requests: their application alone is an upstream', async () => {
    const { upstreams } = edge.gateway.status();
    assert.deepEqual(
      upstreams.map(({ id, endpoints }) => [id, endpoints.length]),
      [['shop', 1]],
    );
    assert.equal((await edge.get('/')).body.toString(), 'one');
  });

  test('start again when they end, and say why', async () => {
    const pid = readyOf('shop.mail')[0]?.pid ?? 0;
    edge.forgetEvents();
    process.kill(pid, 'SIGKILL');
    await until('it runs again', () => isCalm('shop.mail', 1) && readyOf('shop.mail')[0]?.pid !== pid);
    const [exited] = edge.eventsOf('instance_exited');
    assert.equal(exited?.subject, 'instance:shop.mail/1');
    assert.equal(exited.evidence.signal, 'SIGKILL');
  });

  test('are scaled, stopped and started by operators; a reload changes nothing of that', async () => {
    const change = (order: Parameters<typeof edge.gateway.changeOverlay>[0]) =>
      edge.gateway.changeOverlay(order, 'the test', null);
    assert.ok((await change({ kind: 'scale', application: 'shop.mail', instances: 2 })).ok);
    await until('two run', () => isCalm('shop.mail', 2));
    assert.ok((await change({ kind: 'stop', application: 'shop.mail' })).ok);
    await until('none runs', () => isCalm('shop.mail', 0));
    const reloaded = await reload();
    assert.ok(reloaded.ok, JSON.stringify(reloaded));
    assert.ok(isCalm('shop.mail', 0));
    const { entries } = edge.gateway.status().overlay;
    assert.deepEqual(
      entries.map(({ id, matched }) => [id, matched]),
      [
        ['scale:shop.mail', true],
        ['stop:shop.mail', true],
      ],
    );
    assert.equal(edge.gateway.status().problems.length, 0);
    assert.ok((await change({ kind: 'restore', what: 'stop:shop.mail' })).ok);
    await until('two run again', () => isCalm('shop.mail', 2));
    assert.ok((await change({ kind: 'restore', what: 'scale:shop.mail' })).ok);
    await until('one runs', () => isCalm('shop.mail', 1));
    for (const [order, why] of [
      [{ kind: 'stop', application: 'shop.mial' }, /no application or worker shop\.mial: did you mean "?shop\.mail/],
      [{ kind: 'restore', what: 'stop:shop.mail' }, /Nothing is set for stop:shop\.mail/],
    ] as const) {
      const refused = await change(order);
      assert.match(refused.ok ? '' : refused.why, why);
    }
  });

  test('are restarted with their application, and it answers all the while', async () => {
    const before = ['shop', 'shop.mail', 'shop.tick'].map((name) => readyOf(name)[0]?.pid);
    assert.equal(edge.gateway.restartInstance('shop'), true);
    let asked = 0;
    await until(
      'new ones run',
      async () => {
        asked += 1;
        assert.equal((await edge.get('/')).status, 200);
        return ['shop', 'shop.mail', 'shop.tick'].every(
          (name, index) => isCalm(name, 1) && readyOf(name)[0]?.pid !== before[index],
        );
      },
      30_000,
    );
    assert.ok(asked > 0);
    for (const pid of before) assert.equal(isRunning(pid), false);
    assert.equal(edge.gateway.restartInstance('shap'), false);
  });

  test('a release gives them its files when it has all requests, and a rollback takes them back', async () => {
    const path = await write('second', 'two');
    const ended = async (outcome: RolloutOutcome): Promise<void> => {
      assert.ok(outcome.ok, JSON.stringify(outcome));
      const { id } = outcome.value;
      await until('it is over', () => edge.gateway.releases()[0]?.last?.id === id, 30_000);
    };
    const environment = { from: { kind: 'folder' as const, path }, name: 'v2', strategy: 'blue_green' as const };
    const began = (await starts()).length;
    await ended(await edge.gateway.deploy({ application: 'shop', ...environment }, 'the test'));
    await until(
      'the worker of the release runs',
      () => isCalm('shop.mail', 1) && readyOf('shop.mail')[0]?.release === 'v2',
      30_000,
    );
    await until('and the other one', () => isCalm('shop.tick', 1) && readyOf('shop.tick')[0]?.release === 'v2', 30_000);
    const fresh = (await starts()).slice(began);
    assert.deepEqual(
      fresh.filter((line) => line.startsWith('mail')).map((line) => line.split(' ')[1]),
      ['two'],
    );
    await ended(await edge.gateway.changeRollout({ kind: 'rollback', application: 'shop', to: null }, 'the test'));
    await until(
      'the worker before runs',
      () => isCalm('shop.mail', 1) && readyOf('shop.mail')[0]?.release !== 'v2',
      30_000,
    );
    assert.equal(
      (await starts())
        .filter((line) => line.startsWith('mail'))
        .at(-1)
        ?.split(' ')[1],
      'one',
    );
    const refused = await edge.gateway.deploy({ application: 'shop.mail', ...environment }, 'the test');
    assert.match(refused.ok ? '' : refused.failure.reason, /shop\.mail is a worker: it runs the release of shop/);
  });

  test('a changed command of a worker is a release, and a rollback brings back the former one', async () => {
    const commandOf = () =>
      edge.gateway
        .status()
        .applications.find(({ id }) => id === 'shop.mail')
        ?.command.join(' ');
    const before = edge.gateway.releases()[0]?.inForce;
    assert.ok((await reload('', 'python3 -u worker.py')).ok);
    await until('it runs', () => commandOf() === 'python3 -u worker.py' && isCalm('shop.mail', 1), 30_000);
    await until('it is in force', () => edge.gateway.releases()[0]?.rollout === null, 30_000);
    assert.notEqual(edge.gateway.releases()[0]?.inForce, before);
    const outcome = await edge.gateway.changeRollout({ kind: 'rollback', application: 'shop', to: null }, 'the test');
    assert.ok(outcome.ok, JSON.stringify(outcome));
    await until('the former one runs', () => commandOf() === 'python3 worker.py' && isCalm('shop.mail', 1), 30_000);
    await until('it is in force again', () => edge.gateway.releases()[0]?.rollout === null, 30_000);
  });

  test('one that is removed is stopped, and one that never gets ready is told while the others work', async () => {
    const late = `      lost: { command: "python3 -c 'import time; time.sleep(600)'", ready: { line: up, start_timeout: 200ms } }`;
    assert.ok((await reload(late)).ok);
    await until('it is told', () =>
      edge.gateway.status().problems.some(({ application }) => application === 'shop.lost'),
    );
    const { reason } =
      edge.gateway.status().problems.find(({ application }) => application === 'shop.lost') ?? assert.fail();
    assert.match(
      reason,
      /^shop\.lost\/1 is not ready after 200 ms: it has not printed a line with "up" yet.*; no other instance of it works\.$/,
    );
    const { pid } = instancesOf('shop.lost')[0] ?? assert.fail();
    assert.ok((await reload()).ok);
    await until('it is gone', () => instancesOf('shop.lost').length === 0);
    assert.equal(isRunning(pid), false);
  });
});

test('an application of workers alone needs no command, no port and no upstream, and can be deployed', async (t) => {
  const alone = await startFromYaml(`
state: ./state
applications:
  queue:
    directory: .
    workers: { idle: { command: "python3 -c 'import time; time.sleep(600)'", ready: { after: 50ms } } }
`);
  t.after(() => alone.gateway.stop('the test is over'));
  const idle = () => alone.gateway.status().applications.find(({ id }) => id === 'queue.idle')?.instances ?? [];
  await until('it is ready', () => idle()[0]?.phase === 'ready');
  assert.deepEqual(alone.gateway.status().upstreams, []);
  assert.equal((await alone.get('/')).status, 404);
  const path = join(alone.folder, 'files');
  await mkdir(path);
  await writeFile(join(path, 'readme'), 'of the release');
  const order = { application: 'queue', from: { kind: 'folder' as const, path }, name: 'v1', strategy: null };
  const outcome = await alone.gateway.deploy(order, 'the test');
  assert.ok(outcome.ok, JSON.stringify(outcome));
  await until(
    'it runs the release',
    () => idle().length === 1 && idle()[0]?.release === 'v1' && idle()[0]?.phase === 'ready',
    60_000,
  );
});
