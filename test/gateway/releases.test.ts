import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RolloutStatus } from '../../src/core/schemas/releases.ts';
import type { RolloutOutcome } from '../../src/control/releases.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// A release is files that run: these tests deploy programs to a gateway that serves, and ask it all the time.

let edge: YamlGateway;

const program = (version: string, handle = '', start = ''): string => `
${start}
const { createServer } = require('node:http');
const server = createServer((request, response) => {
  response.setHeader('X-Version', '${version}');
  ${handle}
  request.resume().on('end', () => response.end('${version}'));
});
server.listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;

const yaml = (settings = '{ bake: 300ms }', more = ''): string => `
state: ./state
applications:
  shop:
    command: ["${process.execPath}", server.cjs]
    instances: 2
    readiness: { path: /, interval: 20ms, passes: 2 }
    releases: ${settings}${more}
routes: [{ to: shop }]
`;

async function folderOf(name: string, text: string): Promise<string> {
  const folder = join(edge.folder, name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'server.cjs'), text);
  return folder;
}

async function deploy(name: string | null, text: string, strategy: 'blue_green' | 'canary' | null = null) {
  const path = await folderOf(name ?? 'unnamed', text);
  return edge.gateway.deploy({ application: 'shop', from: { kind: 'folder', path }, name, strategy }, 'the test');
}

const releases = () => edge.gateway.releases()[0] ?? assert.fail('no releases');

async function ended(outcome: RolloutOutcome): Promise<RolloutStatus> {
  assert.ok(outcome.ok, JSON.stringify(outcome));
  const { id } = outcome.value;
  await until('the rollout has ended', () => releases().last?.id === id, 30_000);
  return releases().last as RolloutStatus;
}

/** Asks until `stop` is called, and returns each answer: '200 one'. */
function asking(): { stop: () => Promise<readonly string[]> } {
  const answers: Promise<string>[] = [];
  let isOver = false;
  const ask = async (): Promise<void> => {
    for (let count = 0; !isOver; count++) {
      const request = count % 5 === 0 ? requestText('POST', '/', ['Content-Length: 0']) : requestText('GET', '/', []);
      answers.push(edge.send(request).then(({ status, body }) => `${status} ${body.toString()}`, String));
      await sleep(15);
    }
  };
  const asked = ask();
  return {
    async stop() {
      isOver = true;
      await asked;
      return Promise.all(answers);
    },
  };
}

/** Asks until this release answers. */
async function answerOf(body: string) {
  for (; ; await sleep(5)) {
    const answer = await edge.get('/');
    if (answer.body.toString() === body) return answer;
  }
}

const countsOf = (answers: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
};

before(async () => {
  edge = await startFromYaml(yaml(), { files: { 'server.cjs': program('one') }, keepsText: true });
  await until('it serves', async () => (await edge.get('/')).status === 200);
});
after(() => edge.stop());

describe('a release', () => {
  test('takes the place of the one before without a failed request', async () => {
    const traffic = asking();
    const rollout = await ended(await deploy('two', program('two')));
    const counts = countsOf(await traffic.stop());
    assert.deepEqual([rollout.state, rollout.from, rollout.to], ['promoted', 'r1', 'two']);
    assert.deepEqual(Object.keys(counts).sort(), ['200 one', '200 two']);
    const record = await edge.record(await edge.get('/'));
    assert.equal(record.release, 'two');
    const [begun, ...others] = edge.eventsOf('rollout').filter(({ evidence }) => evidence.release === 'two');
    assert.deepEqual([begun?.actor, ...new Set(others.map(({ actor }) => actor))], ['the test', 'gateway']);
    assert.equal(edge.eventsOf('instance_started').at(-1)?.evidence.release, 'two');
  });

  test('is described without being made', async () => {
    const path = await folderOf('planned', program('planned'));
    const order = { application: 'shop', from: { kind: 'folder', path }, name: null, strategy: 'canary' } as const;
    const before = releases();
    const plan = await edge.gateway.planDeploy(order);
    assert.ok(plan.ok, JSON.stringify(plan));
    const command = `${process.execPath} server.cjs`;
    assert.deepEqual(plan.value, {
      ...{ application: 'shop', inForce: 'two', strategy: 'canary', from: path, remarks: [] },
      ...{ same: null, build: null, buildMs: 600_000, files: 1, bytes: Buffer.byteLength(program('planned')) },
      command: { old: command, fresh: command },
      environment: { added: [], removed: [], changed: [] },
    });
    assert.deepEqual(releases(), before);
    const same = await edge.gateway.planDeploy({
      ...order,
      from: { kind: 'folder', path: await folderOf('same', program('two')) },
    });
    assert.equal(same.ok && same.value.same, 'two');
  });

  test('that has the same content as the one in force is in force, and nothing is done', async () => {
    const before = releases();
    const outcome = await deploy(null, program('two'));
    assert.ok(outcome.ok, JSON.stringify(outcome));
    assert.deepEqual([outcome.value.state, outcome.value.to], ['promoted', 'two']);
    assert.match(outcome.value.reason ?? '', /^it was already, .*nothing was changed$/);
    assert.deepEqual(releases(), before);
    const back = await edge.gateway.changeRollout({ kind: 'rollback', application: 'shop', to: 'two' }, 'the test');
    assert.equal(back.ok ? '' : back.failure.reason, 'The release two is in force already.');
  });

  test('is taken back when the release before is wanted again, within a second while that is warm', async () => {
    assert.equal(releases().warm, 'r1');
    const traffic = asking();
    const began = performance.now();
    const outcome = await edge.gateway.changeRollout({ kind: 'rollback', application: 'shop', to: null }, 'the test');
    assert.ok(outcome.ok, JSON.stringify(outcome));
    await until('the one before answers', async () => (await edge.get('/')).body.toString() === 'one');
    assert.ok(performance.now() - began < 1000, `${performance.now() - began} ms`);
    await ended(outcome);
    const failed = (await traffic.stop()).filter((answer) => answer !== '200 one' && answer !== '200 two');
    assert.deepEqual(failed, []);
    assert.deepEqual([releases().inForce, releases().warm], ['r1', 'two']);
  });

  for (const [what, text, reason] of [
    [
      'ends at its start',
      "console.error('no database'); process.exit(3);",
      /is not ready: .*exited with code 3.*no database/,
    ],
    ['throws', "throw new Error('SHOP_KEY is missing');", /SHOP_KEY is missing/],
    ['prints a password', "console.error('cannot log in: password=Kn4rvz8Q'); process.exit(3);", /password=…/],
  ] as const)
    test(`that ${what} is refused, and nothing changes for visitors`, async () => {
      const traffic = asking();
      const rollout = await ended(await deploy(`bad-${what.slice(0, 4).trim()}`, program('bad', '', text)));
      const counts = countsOf(await traffic.stop());
      assert.deepEqual([rollout.state, Object.keys(counts)], ['refused', ['200 one']]);
      assert.match(rollout.reason ?? '', reason);
      assert.doesNotMatch(JSON.stringify([releases(), edge.events]), /Kn4rvz8Q/);
      assert.equal(releases().inForce, 'r1');
    });

  test('that ends again and again after its rollout is taken back, which is told as such', async () => {
    const promoted = await ended(await deploy('ends', program('ends', '', 'setTimeout(() => process.exit(1), 1500);')));
    assert.equal(promoted.state, 'promoted');
    await until('it is taken back', () => releases().last?.state === 'aborted', 30_000);
    assert.match(releases().last?.reason ?? '', /^ends has ended and was restarted \d+ times, r1 not at all$/);
    assert.deepEqual([releases().inForce, releases().previous === 'ends'], ['r1', false]);
    const { to, evidence } = edge.eventsOf('rollout').at(-1) ?? assert.fail('no event');
    assert.deepEqual([to, evidence.release, evidence.ordered], ['aborted', 'ends', false]);
  });

  test('is named in responses where the configuration wants it, whatever the application says of itself', async () => {
    const path = await folderOf('named', program('named', "response.setHeader('x-candor-release', 'forged');"));
    const order = { application: 'shop', from: { kind: 'folder', path }, name: 'named', strategy: null } as const;
    assert.equal((await ended(await edge.gateway.deploy(order, 'the test'))).state, 'promoted');
    const named = async () => headerOf(await edge.get('/'), 'x-candor-release');
    assert.deepEqual(await named(), 'forged');
    await edge.reload(yaml('{ bake: 300ms, response_header: true }'));
    assert.deepEqual(await named(), 'named');
    await edge.gateway.changeRollout({ kind: 'rollback', application: 'shop', to: null }, 'the test');
    await until('the one before is named', async () => (await named()) === 'r1');
    await until('it has ended', () => releases().rollout === null);
  });

  test('as a canary that fails is taken back after few requests', async () => {
    await edge.reload(yaml('{ strategy: canary, steps: [10% 60s], bake: 1s }'));
    const broken = program('broken', 'if (Math.random() < 0.5) response.statusCode = 500;');
    const begun = await deploy('broken', broken);
    for (const [body, expected] of [
      ['broken', { release: 'broken', arm: 'new', weight: 0.1 }],
      ['one', { release: 'r1', arm: 'old', weight: 0.9 }],
    ] as const) {
      const answer = await answerOf(body);
      const { release, arm, weight } = await edge.record(answer);
      assert.deepEqual({ release, arm, weight }, expected);
    }
    const traffic = asking();
    const rollout = await ended(begun);
    const counted = edge.gateway.counts().releases.map(({ release }) => release);
    assert.ok(counted.includes('broken') && counted.includes('r1'), counted.join());
    const counts = countsOf(await traffic.stop());
    assert.equal(rollout.state, 'aborted');
    assert.match(rollout.reason ?? '', /requests of broken .* were answered with 5xx, 0 of \d+ of r1$/);
    const seen = (counts['200 broken'] ?? 0) + (counts['500 broken'] ?? 0);
    assert.ok(seen <= 40, `${seen} requests`);
    assert.equal(releases().inForce, 'r1');
  });

  describe('as a canary for some requests', () => {
    const tester = ['X-Canary: 1'];
    /** Asks as a tester and as a visitor, and returns the versions that each has met. */
    async function met(rollout: Promise<unknown>): Promise<readonly [testers: string, visitors: string]> {
      const [testers, visitors] = [new Set<string>(), new Set<string>()];
      let isOver = false;
      void rollout.finally(() => (isOver = true));
      await until('it gets requests', () => isOver || releases().rollout?.state === 'shifting');
      while (!isOver && releases().rollout?.state === 'shifting') {
        const [mine, others] = await Promise.all([edge.get('/', tester), edge.get('/')]);
        // The rollout may have gone on meanwhile.
        if (releases().rollout?.state !== 'shifting') break;
        testers.add(mine.body.toString());
        visitors.add(others.body.toString());
        await sleep(10);
      }
      return [[...testers].join(), [...visitors].join()];
    }

    test('is taken back where most of them fail, whatever it is compared with', async () => {
      await edge.reload(
        yaml('{ strategy: canary, steps: [60s], canary_for: { headers: { X-Canary: "1" } }, bake: 1s }'),
      );
      const failing = program('failing', 'if (Math.random() < 0.6) response.statusCode = 500;');
      const rollout = ended(await deploy('failing', failing));
      const [testers, visitors] = await met(rollout);
      const { state, reason, judgement } = await rollout;
      assert.deepEqual([state, testers, visitors], ['aborted', 'failing', 'one']);
      assert.match(reason ?? '', /^\d+ of \d+ requests of failing failed, 0 of \d+ of r1$/);
      assert.deepEqual([judgement?.verdict, judgement?.evidence], ['bad', 0]);
      assert.equal(releases().inForce, 'r1');
    });

    test('is promoted without a verdict where they are answered, and a sticky client stays with it', async () => {
      const settings =
        '{ strategy: canary, steps: [1s], canary_for: { cookies: { beta: { present: true } } }, bake: 300ms }';
      await edge.reload(yaml(settings, '\n    sticky: { name: at }'));
      const rollout = ended(await deploy('beta', program('beta')));
      await until('it gets requests', () => releases().rollout?.state === 'shifting');
      const first = await edge.get('/', ['Cookie: beta=1']);
      const session = headerOf(first, 'set-cookie')?.split(';')[0] ?? '';
      const later = await edge.get('/', [`Cookie: ${session}`]);
      const visitor = await edge.get('/');
      assert.equal(releases().rollout?.state, 'shifting');
      assert.match(releases().rollout?.judgement?.reason ?? '', /requests seen, chosen for beta: nothing is compared$/);
      assert.deepEqual(
        [first, later, visitor].map(({ body }) => body.toString()),
        ['beta', 'beta', 'one'],
      );
      const { state, judgement } = await rollout;
      assert.deepEqual([state, judgement?.verdict], ['promoted', 'inconclusive']);
      await edge.reload(yaml());
      await ended(await edge.gateway.changeRollout({ kind: 'rollback', application: 'shop', to: 'r1' }, 'the test'));
    });
  });

  test('runs its migration once before its instances start, and is refused where that fails', async () => {
    const migration = (code: number): string =>
      yaml(
        `{ bake: 300ms, before: ["${process.execPath}", -e, "require('fs').appendFileSync('../../../../migrated', 'x'); console.log('no such table, token=Kn4rvz8Q'); process.exit(${code})"] }`,
      );
    await edge.reload(migration(3));
    const refused = await ended(await deploy('migrates', program('migrates')));
    assert.equal(refused.state, 'refused');
    assert.match(
      refused.reason ?? '',
      /what runs before it has failed: it exited with code 3; last line: "no such table, token=…"/,
    );
    await edge.reload(migration(0));
    const promoted = await ended(await deploy(null, program('migrates')));
    assert.equal(promoted.state, 'promoted');
    assert.equal(await readFile(join(edge.folder, 'migrated'), 'utf8'), 'xx');
  });

  test('of a changed environment that is refused leaves what the configuration has out of force, and the status says so', async () => {
    const path = join(edge.folder, 'candor.yaml');
    const kept = yaml('{ bake: 300ms, ready_timeout: 300ms }');
    await edge.reload(kept);
    const status = () => edge.gateway.status();
    assert.deepEqual([status().edited, status().applications[0]?.releases?.notInForce], [false, null]);
    await writeFile(path, `${await readFile(path, 'utf8')}# a note\n`);
    assert.equal(status().edited, true);
    const last = releases().last?.id;
    await edge.reload(kept.replace('server.cjs]', 'gone.cjs]'));
    await until('the rollout has ended', () => releases().last?.id !== last, 30_000);
    assert.equal(releases().last?.state, 'refused');
    const differing = { command: true, environment: [] };
    const { inForce } = releases();
    assert.deepEqual(
      [status().edited, status().applications[0]?.releases, releases().notInForce],
      [false, { inForce, rollout: null, notInForce: differing }, differing],
    );
    await edge.reload(yaml('{ bake: 300ms }'));
    await until(
      'that of the configuration is in force',
      () => releases().notInForce === null && releases().rollout === null,
    );
  });

  test('of a changed command is made by a reload', async () => {
    await edge.reload(yaml('{ bake: 300ms }', '\n    environment: { GREETING: hello }'));
    const isInForce = (): boolean => releases().inForce === releases().releases[0]?.name && releases().rollout === null;
    await until('it is in force', () => releases().inForce !== 'migrates' && isInForce(), 30_000);
    assert.deepEqual(releases().releases[0]?.environment, ['GREETING']);
    assert.deepEqual(releases().releases[0]?.environmentChanged, ['GREETING']);
    assert.equal(releases().previous, 'migrates');
    assert.equal((await edge.get('/')).status, 200);
  });

  test('that replaces instances one by one leaves none of the release before', async () => {
    const path = await folderOf('rolled', program('rolled'));
    const order = { application: 'shop', from: { kind: 'folder', path }, name: 'rolled', strategy: 'rolling' } as const;
    const rollout = await ended(await edge.gateway.deploy(order, 'the test'));
    assert.deepEqual([rollout.state, releases().inForce, releases().warm], ['promoted', 'rolled', null]);
  });
});

test('what a new release has not is asked of the one before, which takes no session along', async () => {
  await edge.reload(yaml('{ bake: 100ms, assets: previous, response_header: true }', '\n    sticky: { name: at }'));
  await until('nothing is rolled out', () => releases().rollout === null, 30_000);
  const without = (path: string): string =>
    `if (request.url === '${path}' || request.url === '/missing.js') response.statusCode = 404;`;
  await ended(await deploy('before', program('before', without('/new.js'))));
  await ended(await deploy('after', program('after', without('/old.js'))));
  const [page, old, fresh] = [await edge.get('/'), await edge.get('/old.js'), await edge.get('/new.js')];
  assert.deepEqual(
    [page, old, fresh].map(({ status, body }) => `${status} ${body.toString()}`),
    ['200 after', '200 before', '200 after'],
  );
  assert.deepEqual([headerOf(page, 'set-cookie') !== null, headerOf(old, 'set-cookie')], [true, null]);
  const { attempts, release } = await edge.record(old);
  assert.deepEqual(
    [attempts.map(({ status, retry_reason: why }) => [status, why]), release],
    [
      [
        [404, 'previous_release'],
        [200, 'accepted'],
      ],
      'before',
    ],
  );
  const post = await edge.send(requestText('POST', '/old.js', ['Content-Length: 0']));
  assert.equal(post.status, 404, 'a POST may do something else there');
  const body = 'x'.repeat(200_000);
  const large = await edge.send(`${requestText('GET', '/old.js', [`Content-Length: ${body.length}`])}${body}`);
  assert.equal(large.status, 404, 'what was read of a body is not there any more');
  const missing = await edge.get('/missing.js');
  assert.deepEqual(
    [missing.status, missing.body.toString(), headerOf(missing, 'x-candor-release')],
    [404, 'after', 'after'],
    'not what the old one says of it',
  );
});
