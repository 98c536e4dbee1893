import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RolloutStatus } from '../../src/core/schemas/releases.ts';
import type { RolloutOutcome } from '../../src/control/releases.ts';
import { GatewayFolder } from './gateway-folder.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// A build is a program that writes files: these tests let the gateway run real ones.

let edge: YamlGateway;

/** Serves what the build has written. */
const server = `
const { createServer } = require('node:http');
const text = require('node:fs').existsSync('built') ? require('node:fs').readFileSync('built', 'utf8') : 'source';
createServer((request, response) => response.end(text)).listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
`;

const yaml = (build: string, more = ''): string => `
state: ./state
applications:
  shop:
    command: ["${process.execPath}", server.cjs]
    environment: { STAGE: production }
    readiness: { path: /, interval: 20ms, passes: 2 }
    releases: { bake: 100ms, build: ${JSON.stringify(build)}${more} }
routes: [{ to: shop }]
`;

async function deploy(name: string | null = null, content = 'one'): Promise<RolloutOutcome> {
  const path = join(edge.folder, 'source');
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'server.cjs'), server);
  await writeFile(join(path, 'content'), content);
  return edge.gateway.deploy({ application: 'shop', from: { kind: 'folder', path }, name, strategy: null }, 'the test');
}

const releases = () => edge.gateway.releases()[0] ?? assert.fail('no releases');
const stored = (): readonly string[] => readdirSync(join(edge.folder, 'state/releases/shop')).toSorted();
const answer = async (): Promise<string> => (await edge.get('/')).body.toString();
const builds = (): number => edge.eventsOf('rollout').length;

async function ended(outcome: RolloutOutcome): Promise<RolloutStatus> {
  assert.ok(outcome.ok, JSON.stringify(outcome));
  const { id } = outcome.value;
  await until('the rollout has ended', () => releases().last?.id === id, 30_000);
  return releases().last as RolloutStatus;
}

before(async () => {
  edge = await startFromYaml(yaml('true'), { files: { 'server.cjs': server } });
  await until('it serves', async () => (await edge.get('/')).status === 200);
});
after(() => edge.stop());

describe('a release with a build', () => {
  test('is what the build leaves, with the environment of the application', async () => {
    const environment = 'echo :$STAGE:$(printenv PORT || echo none)';
    await edge.reload(yaml(`cp content built && ${environment} >> built; echo password=Kn4rvz8Q >&2`));
    assert.equal((await ended(await deploy())).state, 'promoted');
    assert.equal(await answer(), 'one:production:none\n');
    const [release] = releases().releases;
    assert.ok(release?.builtMs !== undefined && release.builtMs !== null && release.builtMs > 0);
    const log = await edge.gateway.releaseLog('shop', 'r2');
    assert.equal(log?.text, 'password=…\n✔ The build has ended with 0.\n');
    assert.equal(readdirSync(join(edge.folder, 'source')).includes('built'), false, 'the source stays as it is');
  });

  test('is not built again from the same source', async () => {
    const before = builds();
    const again = await deploy();
    assert.match(again.ok ? (again.value.reason ?? '') : '', /^it was already/);
    assert.equal(builds(), before);
  });

  test('is described with its build', async () => {
    const from = { kind: 'folder', path: join(edge.folder, 'source') } as const;
    const plan = await edge.gateway.planDeploy({ application: 'shop', from, name: null, strategy: null });
    assert.match(plan.ok ? (plan.value.build ?? '') : '', /^\/bin\/sh -ec cp content built/);
    assert.equal(plan.ok && plan.value.same, 'r2');
    await writeFile(join(from.path, 'content'), 'other');
    const other = await edge.gateway.planDeploy({ application: 'shop', from, name: null, strategy: null });
    assert.equal(other.ok && other.value.same, null, 'it would be built');
  });

  const endless = 'echo working; setsid sleep 8 & sleep 60 & echo $! > ../../../../child; wait';
  for (const [what, build, more, reason] of [
    [
      'fails',
      'echo written > built; echo no such module; exit 3',
      '',
      /^it exited with code 3; last line: "no such module"$/,
    ],
    ['fails in its first command', 'false; echo built > built', '', /^it exited with code 1$/],
    ['does not end', endless, ', build_timeout: 1s', /^it ran for 1 s, its limit; last line: "working"$/],
    [
      'writes too much',
      // Sparse: the disk of the test has no such room.
      'truncate -s 5G large; echo large; sleep 60',
      '',
      /^its folder has more than 4(\.00)? GiB, the limit of a release; last line: "large"$/,
    ],
    ['is killed', 'kill -9 $$', '', /^it was killed by SIGKILL$/],
  ] as const)
    test(`whose build ${what} is refused, and nothing changes`, async () => {
      await edge.reload(yaml(build, more));
      const [listed, kept] = [releases(), stored()];
      const outcome = await deploy('next', what);
      assert.ok(!outcome.ok);
      const { kind, reason: text, step } = outcome.failure;
      assert.equal(kind, 'build');
      assert.match(/^The build has failed: (.*)\.$/.exec(text)?.[1] ?? text, reason);
      assert.equal(step, 'See its log with `candor releases shop --log r3`.');
      assert.match((await edge.gateway.releaseLog('shop', 'r3'))?.text ?? '', /✖ The build has failed: /);
      const failed = { ...listed, failedBuild: { number: 3, reason: text } };
      assert.deepEqual([releases(), stored(), await answer()], [failed, kept, 'one:production:none\n']);
    });

  test('leaves no process behind', async () => {
    const pid = Number(await readFile(join(edge.folder, 'child'), 'utf8'));
    await until('it is gone', () => !existsSync(`/proc/${pid}/cwd`));
  });

  test('can be ended while it is built, which shows how far that is', async () => {
    await edge.reload(yaml('echo installing; sleep 60'));
    const deployed = deploy('next', 'ended');
    await until('it builds', () => releases().making?.build?.lastLine === 'installing');
    const outcome = await edge.gateway.changeRollout({ kind: 'rollback', application: 'shop', to: null }, 'ann');
    assert.deepEqual(outcome.ok && [outcome.value.to, outcome.value.state, outcome.value.reason], [
      'next',
      'aborted',
      'rolled back by ann',
    ]);
    const made = await deployed;
    assert.equal(made.ok ? '' : made.failure.reason, 'The release was not made: rolled back by ann.');
    assert.deepEqual(
      [releases().making, releases().inForce, stored().some((name) => name.startsWith('.build'))],
      [null, 'r2', false],
    );
  });

  test('is not made where its configuration has changed meanwhile, and a reload does not wait for it', async () => {
    const deployed = deploy('next', 'changed');
    await until('it builds', () => releases().making?.build?.lastLine === 'installing');
    await edge.reload(yaml('echo installing; sleep 60').replace('STAGE: production', 'STAGE: test'));
    const made = await deployed;
    assert.match(made.ok ? '' : made.failure.reason, /^The release was not made: the configuration of the application/);
    await until('the reload is rolled out', () => releases().inForce === 'r3', 30_000);
  });
});

test('a gateway that is killed while it builds leaves no process, and no half release for the next one', async (context) => {
  const folder = new GatewayFolder(context, { 'server.cjs': server });
  const source = join(folder.path, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'server.cjs'), server);
  const own = (build: string): string => `listeners: { http: "127.0.0.1:0" }\nworkers: 1${yaml(build)}`;
  const order = { application: 'shop', from: { kind: 'folder', path: source } };
  const kept = (): readonly string[] => readdirSync(join(folder.path, 'state/releases/shop')).toSorted();
  const killed = await folder.start(own('sleep 60 & echo $! > ../../../../child; echo half > built; echo up; wait'));
  void killed.ask('/v1/releases/deploy', order).catch(() => undefined);
  const pidFile = join(folder.path, 'child');
  await until('it builds', () => existsSync(pidFile) && kept().some((name) => name.startsWith('.build')), 30_000);
  const pid = Number(await readFile(pidFile, 'utf8'));
  await killed.kill();
  await until('its build has ended', () => !existsSync(`/proc/${pid}/cwd`), 30_000);
  const next = await folder.start(own('echo whole > built'));
  await until('the rest is removed', () => !kept().some((name) => name.startsWith('.build')), 30_000);
  assert.deepEqual(
    kept().filter((name) => /^[0-9a-f]{64}$/.test(name)),
    [],
  );
  const rollout = (await next.ask('/v1/releases/deploy', order)) as { to: string; state: string };
  assert.deepEqual([rollout.to, kept().filter((name) => /^[0-9a-f]{64}$/.test(name)).length], ['r2', 1]);
});
