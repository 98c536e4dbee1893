import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RolloutOutcome } from '../../src/control/releases.ts';
import type { RolloutStatus } from '../../src/core/schemas/releases.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// A static application has a folder of its release and no process: these tests deploy folders to a gateway that serves.

let edge: YamlGateway;
let state: string;

const yaml = (settings = '{ bake: 200ms, warm: 2s, assets: previous }', more = ''): string => `
state: ${state}
workers: 2
applications:
  site:
    static: { root: dist, fallback: /index.html, cache: { "*.js": immutable } }
    releases: ${settings}
${more}
routes:
  - { path: /docs, to: site, rewrite: { path: / } }
  - { to: site }
`;

type Files = Readonly<Record<string, string>>;

/** A folder with a release of the site, whose page names a script of its own. */
async function folderOf(name: string, files: Files = siteOf(name)): Promise<string> {
  const folder = join(edge.folder, name);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

const siteOf = (name: string): Files => ({
  'dist/index.html': `<script src="/${name}.js"></script>`,
  [`dist/${name}.js`]: `say('${name}')`,
  'package.json': '{}',
});

async function deploy(name: string, files: Files = siteOf(name)): Promise<RolloutOutcome> {
  const path = await folderOf(name, files);
  return edge.gateway.deploy({ application: 'site', from: { kind: 'folder', path }, name, strategy: null }, 'the test');
}

const releases = () => edge.gateway.releases().find(({ application }) => application === 'site') ?? assert.fail('none');

async function ended(outcome: RolloutOutcome): Promise<RolloutStatus> {
  assert.ok(outcome.ok, JSON.stringify(outcome));
  const { id } = outcome.value;
  await until('the rollout has ended', () => releases().last?.id === id, 30_000);
  return releases().last as RolloutStatus;
}

const textOf = async (path: string): Promise<string> => {
  const { status, body } = await edge.get(path);
  return `${status} ${body.toString()}`;
};

const requestsOf = async (release: string): Promise<number> => {
  const now = Date.now();
  const { series } = await edge.gateway.usageSeries({
    ...{ since: now - 600_000, until: now, step: 'minute', application: 'site' },
  });
  const own = series.filter((one) => one.kind === 'instances' && one.release === release);
  return own.flatMap(({ steps }) => steps).reduce((sum, { requests }) => sum + requests, 0);
};

/** Of the folder beside the configuration, which is no release before the first one is deployed, and `r1` then. */
const requestsOfFolder = async (): Promise<number> => (await requestsOf('')) + (await requestsOf('r1'));

before(async () => {
  state = mkdtempSync(join(tmpdir(), 'candor-static-'));
  edge = await startFromYaml(yaml(), { keepsText: true });
  for (const [path, text] of Object.entries({ 'index.html': 'from the folder', 'old.js': 'old' })) {
    await mkdir(join(edge.folder, 'dist'), { recursive: true });
    await writeFile(join(edge.folder, 'dist', path), text);
  }
});
after(async () => {
  await edge.stop();
  rmSync(state, { recursive: true, force: true });
});

describe('a static application', () => {
  test('serves the folder beside the configuration until something is deployed', async () => {
    assert.equal(await textOf('/'), '200 from the folder');
    assert.equal(await textOf('/docs/old.js'), '200 old');
    // They are counted for the release in force when the worker reports them.
    await until('its requests are counted', async () => (await requestsOfFolder()) > 0);
  });

  test('serves the folder of a release, without a failed request', async () => {
    const answers: Promise<string>[] = [];
    let isOver = false;
    const asked = (async () => {
      for (; !isOver; await sleep(15)) answers.push(textOf('/').catch(String));
    })();
    const rollout = await ended(await deploy('one'));
    isOver = true;
    await asked;
    assert.deepEqual([rollout.state, rollout.from, rollout.to], ['promoted', 'r1', 'one']);
    const said = new Set(await Promise.all(answers));
    assert.deepEqual([...said].toSorted(), ['200 <script src="/one.js"></script>', '200 from the folder']);
  });

  test('answers with the settings of its folder', async () => {
    const script = await edge.get('/one.js');
    assert.match(headerOf(script, 'cache-control') ?? '', /immutable/);
    // The fallback of an application with one page.
    assert.equal(await textOf('/a/page'), '200 <script src="/one.js"></script>');
    const post = await edge.send(requestText('POST', '/', ['Content-Length: 0']));
    assert.equal(post.status, 405);
    assert.equal((await edge.get('/../package.json')).status, 404);
    assert.equal((await edge.get('/package.json')).status, 404);
  });

  test('has its requests in the usage, by the release that answers', async () => {
    await until('the release has its requests', async () => (await requestsOf('one')) > 0);
    assert.ok((await requestsOfFolder()) > 0);
  });

  test('keeps what pages of the release before name, while that is kept', async () => {
    await ended(await deploy('two'));
    assert.equal(await textOf('/two.js'), "200 say('two')");
    assert.equal(await textOf('/one.js'), "200 say('one')");
    assert.equal(await textOf('/'), '200 <script src="/two.js"></script>');
    await until('the release before is let go', async () => (await edge.get('/one.js')).status === 404);
    assert.equal(await textOf('/two.js'), "200 say('two')");
  });

  test('goes back by a rollback', async () => {
    const change = { kind: 'rollback', application: 'site', to: null } as const;
    const rollout = await ended(await edge.gateway.changeRollout(change, 'the test'));
    assert.deepEqual([rollout.state, rollout.to], ['promoted', 'one']);
    assert.equal(await textOf('/'), '200 <script src="/one.js"></script>');
  });

  test('refuses a release that has not its folder', async () => {
    const outcome = await deploy('without', { 'package.json': '{}' });
    assert.ok(!outcome.ok);
    assert.equal(outcome.failure.reason, 'The release without cannot serve: it has no folder dist.');
    assert.equal(await textOf('/'), '200 <script src="/one.js"></script>');
    assert.equal(releases().inForce, 'one');
  });

  test('is built by its release', async () => {
    const reloaded = await edge.reload(yaml('{ bake: 100ms, build: "mkdir dist && echo built > dist/index.html" }'));
    assert.ok(reloaded.ok, JSON.stringify(reloaded));
    assert.equal(await textOf('/'), '200 <script src="/one.js"></script>');
    await ended(await deploy('built', { 'package.json': '{}' }));
    assert.equal(await textOf('/'), '200 built\n');
  });

  test('has the release in force after a restart of the gateway, from the first request on', async () => {
    await edge.stop();
    edge = await startFromYaml(yaml(), { keepsText: true });
    assert.equal(await textOf('/'), '200 built\n');
    assert.equal(releases().inForce, 'built');
  });

  test('has no instance in the status', () => {
    const application = edge.gateway.status().applications.find(({ id }) => id === 'site');
    assert.deepEqual(application?.instances ?? [], []);
    assert.deepEqual(
      edge.gateway.status().problems.map(({ kind }) => kind),
      [],
    );
  });
});
