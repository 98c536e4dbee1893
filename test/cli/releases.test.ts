import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import type { Judgement } from '../../src/core/release.ts';
import type { ApplicationReleasesStatus, ReleasePlan, RolloutStatus } from '../../src/core/schemas/releases.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { assertFits } from './golden.ts';

let folder: string;
let gateway: FakeGateway;
let admin: AdminServer;
let context: FakeProcessContext;

const socket = (): string => join(folder, 'gateway.sock');

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'candor-releases-cli-'));
  mkdirSync(join(folder, 'build'));
  gateway = new FakeGateway();
  gateway.releasesNow = [application];
  admin = await startAdminServer({ gateway, spec: socketAlone(socket()), clock: systemClock });
  context = new FakeProcessContext(folder);
});

afterEach(async () => {
  await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

const counts = { requests: 0, failures: 0, serverErrors: 0, late: 0 };
const judgement: Judgement = {
  ...{ verdict: 'inconclusive', reason: '546 of 1,501 requests of v2 seen', evidence: 3.2, limit: 100 },
  ...{ old: { ...counts, requests: 1230 }, fresh: { ...counts, requests: 546 }, worst: null, requestsNeeded: 1501 },
};

const rollout: RolloutStatus = {
  ...{ id: 2, from: 'r1', to: 'v2', strategy: 'canary', state: 'starting', actor: 'admin:socket' },
  ...{ beganAt: '2026-01-02T03:04:05.000Z', share: 0, shares: [0.05, 1], leftMs: 119_100, reason: null },
  ...{ judgement: null, remarks: [] },
};

const past: ApplicationReleasesStatus['rollouts'][number] = {
  ...{ rollout: 2, from: 1, fromName: 'r1', to: 2, toName: 'v2', strategy: 'canary', actor: 'admin:socket' },
  ...{ beganAt: '2026-01-02T03:04:05.000Z', state: 'starting', endedAt: null, verdict: null, reason: null },
};

const application: ApplicationReleasesStatus = {
  ...{
    application: 'shop',
    inForce: 'r1',
    previous: null,
    warm: null,
    rollout: null,
    making: null,
    last: null,
    rollouts: [],
  },
  releases: [
    {
      ...{ number: 1, name: 'r1', digest: '1', command: 'node server.js', environment: [], actor: 'admin:socket' },
      ...{ from: { kind: 'folder', text: '/srv/shop' }, createdAt: '2026-01-02T03:04:05.000Z', bytes: 10 },
      ...{ configuration: null, environmentChanged: [], builtMs: 41_000 },
    },
  ],
};

const shown = (...steps: Partial<RolloutStatus>[]): void => {
  const all = steps.map((step) => ({ ...rollout, ...step }));
  const [first = rollout, ...later] = all;
  gateway.rolloutOutcome = { ok: true, value: first };
  let asked = 0;
  gateway.releases = () => {
    const one = later[asked++ - 1] ?? (asked > later.length ? later.at(-1) : first) ?? first;
    const isOver = one.reason !== null;
    return [{ ...application, rollout: isOver ? null : one, last: isOver ? one : null }];
  };
};

async function candor(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const code = await context.candor(...words, '--socket', socket());
  const [out, err] = [context.stdout.text, context.stderr.text];
  assertFits(`${out}\n${err}`.replaceAll('\r', '\n'));
  return { code, out, err };
}

describe('candor deploy', () => {
  test('prints each step, and what an inconclusive verdict has seen; ends with 0', async () => {
    shown(
      {},
      { state: 'shifting', share: 0.05, leftMs: 60_000 },
      { state: 'baking', share: 1, leftMs: 30_000 },
      { state: 'promoted', share: 1, leftMs: null, reason: judgement.reason, judgement },
    );
    const { code, out, err } = await candor('deploy', 'shop', '--from', 'build', '--name', 'v2', '--answers-change');
    assert.equal(
      out,
      '· v2 starts beside r1\n' +
        '· v2 gets 5 % of the requests, for 60 s\n' +
        '· v2 gets all requests, and is watched, for 30 s\n' +
        '✔ v2 is in force; inconclusive: 546 of 1,501 requests of v2 seen\n',
    );
    assert.deepEqual([code, err], [0, '']);
    const from = { kind: 'folder', path: join(folder, 'build') };
    const order = { application: 'shop', from, name: 'v2', strategy: null, answersMayChange: true };
    assert.deepEqual(gateway.calls, [`deploy ${JSON.stringify([order, 'admin:socket'])}`]);
  });

  for (const [state, exit, text] of [
    ['refused', 5, /^✖ v2 was refused: it broke\. r1 serves, and nothing has changed/m],
    ['aborted', 6, /^✖ v2 was taken back: it broke\. r1 serves\.$/m],
    ['interrupted', 1, /^✖ v2 was interrupted: it broke\. `candor releases` shows which release serves\.$/m],
  ] as const)
    test(`of a release that was ${state} ends with ${exit}`, async () => {
      shown({}, { state, leftMs: null, reason: 'it broke' });
      const { code, out } = await candor('deploy');
      assert.equal(code, exit);
      assert.match(out, text);
    });

  test('that is not possible ends with 10, and says why', async () => {
    const failure = { kind: 'source', reason: 'The release r1 is in force already.', step: 'Change it.' } as const;
    gateway.rolloutOutcome = { ok: false, failure };
    const { code, out, err } = await candor('deploy');
    assert.deepEqual([code, out, err], [10, '', 'The release r1 is in force already. Change it.\n']);
  });

  test('of a folder that is not there, and with a name that cannot be, ends with 2; of another application with 9', async () => {
    assert.equal((await candor('deploy', '--from', 'nothing')).code, 2);
    const { code, err } = await candor('deploy', '--name', 'v 2');
    assert.equal(code, 2);
    assert.match(err, /`name`: a name has up to 64 letters, digits, dots, dashes and underscores\.$/m);
    assert.equal((await candor('deploy', 'blog')).code, 9);
    assert.deepEqual(gateway.calls, []);
  });

  test('with --json prints the rollout at its end alone', async () => {
    shown({}, { state: 'shifting', share: 0.05 }, { state: 'aborted', leftMs: null, reason: 'it broke', judgement });
    const { code, out } = await candor('deploy', '--json');
    const { application: name, state, judgement: judged } = JSON.parse(out) as Record<string, unknown>;
    assert.deepEqual([code, name, state], [6, 'shop', 'aborted']);
    assert.equal((judged as { requests_needed: number }).requests_needed, 1501);
  });

  test('with --no-wait ends when the instances are being started', async () => {
    shown({});
    assert.deepEqual(await candor('deploy', '--no-wait'), { code: 0, out: '· v2 starts beside r1\n', err: '' });
  });

  test('on a terminal has a line that lives', async () => {
    context = new FakeProcessContext(folder, { terminal: true });
    const half = { state: 'shifting', share: 0.5, leftMs: 41_000, judgement } as const;
    const chosen = { ...half, share: 0, judgement: { ...judgement, evidence: 0, limit: 0 } };
    shown({}, chosen, chosen, half, half, { state: 'promoted', leftMs: null, reason: 'no more failures' });
    const { out, err } = await candor('deploy');
    const lines = stripVTControlCharacters(err).split('\r');
    assert.ok(lines.includes('  50 % · requests: 546 of v2, 1,230 of r1 · 41 s left · evidence 3 of 100'), err);
    assert.ok(lines.includes('  canary_for · requests: 546 of v2, 1,230 of r1 · 41 s left'), err);
    assert.ok(err.endsWith('\r\u001b[K'), 'it is gone at the end');
    assert.match(stripVTControlCharacters(out), /✔ v2 is in force: no more failures\n$/);
  });

  test('says how much is copied, after a second, and what is left out', async () => {
    const made = Promise.withResolvers<typeof gateway.rolloutOutcome>();
    const value = { ...rollout, state: 'promoted', reason: 'good', remarks: ['data was left out.'] } as const;
    gateway.deploy = () => made.promise;
    gateway.releases = () => {
      if (gateway.releasesNow[0]?.making !== null) setTimeout(() => made.resolve({ ok: true, value }), 50);
      return gateway.releasesNow;
    };
    setTimeout(() => {
      const copied = { files: 1200, filesTotal: 20_000, bytes: 120 * 1024 ** 2, bytesTotal: 1.2 * 1024 ** 3 };
      const making = { ...copied, build: null };
      gateway.releasesNow = [{ ...application, making }];
    }, 500);
    const { code, err } = await candor('deploy');
    assert.equal(code, 0);
    assert.equal(err, '  copying: 1,200 of 20,000 files, 120 MiB of 1.2 GiB\n  data was left out.\n');
  });

  test('says what a build has printed last', async () => {
    const made = Promise.withResolvers<typeof gateway.rolloutOutcome>();
    gateway.deploy = () => made.promise;
    const failure = { kind: 'build', reason: 'The build has failed: x.', step: 'See its log.' } as const;
    const build = { forMs: 2000, lastLine: 'added 97 packages' };
    const making = { files: 1, filesTotal: 1, bytes: 1, bytesTotal: 1, build };
    gateway.releasesNow = [{ ...application, making }];
    setTimeout(() => made.resolve({ ok: false, failure }), 1400);
    const { code, err } = await candor('deploy');
    assert.equal(code, 10);
    assert.match(err, /^ {2}build: added 97 packages\nThe build has failed: x\. See its log\./);
  });

  test('ended by Ctrl-C says that the rollout goes on', async () => {
    shown({});
    const ended = candor('deploy');
    while (context.stdout.text === '') await new Promise((resolve) => setImmediate(resolve));
    context.signal('SIGINT');
    const { code, err } = await ended;
    assert.equal(code, 130);
    assert.match(err, /^The rollout goes on without this command\. `candor releases` shows/);
  });

  test('reads in the journal how a rollout has ended that an earlier process began', async () => {
    gateway.rolloutOutcome = { ok: true, value: rollout };
    const state = 'interrupted';
    gateway.releasesNow = [{ ...application, rollouts: [{ ...past, state, reason: 'the gateway ended' }] }];
    const { code, out } = await candor('deploy');
    assert.equal(code, 1);
    assert.match(out, /✖ v2 was interrupted: the gateway ended\./);
  });

  test('with --dry-run says what would be released', async () => {
    const plan: ReleasePlan = {
      ...{ application: 'shop', inForce: 'r1', strategy: 'canary', from: '/srv/build', files: 1204, remarks: [] },
      ...{ build: 'npm ci', buildMs: 600_000, same: null },
      ...{ bytes: 38 * 1024 ** 2, command: { old: 'node server.js', fresh: 'node main.js' } },
      environment: { added: ['EXTRA'], removed: [], changed: ['LOG_LEVEL'] },
    };
    gateway.planOutcome = { ok: true, value: plan };
    const { code, out } = await candor('deploy', '--dry-run');
    assert.equal(
      out,
      'shop: would be released in place of r1\n' +
        '  from         /srv/build\n' +
        '  files        1,204, 38 MiB\n' +
        '  build        npm ci, for at most 10 min\n' +
        '  strategy     canary\n' +
        '  command      node main.js (before: node server.js)\n' +
        '  environment  added: EXTRA; changed: LOG_LEVEL\n' +
        'Nothing was changed.\n',
    );
    const from = { kind: 'folder', path: folder };
    const order = { application: 'shop', from, name: null, strategy: null };
    assert.deepEqual([code, gateway.calls], [0, [`plan ${JSON.stringify([order])}`]]);
    context = new FakeProcessContext(folder);
    const command = { old: 'node server.js', fresh: 'node server.js' };
    const environment = { added: [], removed: [], changed: [] };
    const unchanged = { ...plan, command, environment };
    for (const [value, said] of [
      [unchanged, 'would be released in place of r1, unless the build makes the same files\nagain'],
      [{ ...unchanged, build: null }, 'would be released in place of r1'],
      [
        { ...unchanged, same: 'r1' },
        'nothing would change: r1 is in force, and has the same files, command and\nenvironment',
      ],
      [
        { ...unchanged, same: 'r0' },
        'r0, which has the same files, command and environment, would be released\nin place of r1',
      ],
    ] as const) {
      gateway.planOutcome = { ok: true, value };
      context = new FakeProcessContext(folder);
      assert.equal((await candor('deploy', '--dry-run')).out.split('\n  from')[0], `shop: ${said}`);
    }
  });

  test('with --dry-run says that files are read if that takes longer than a second; Ctrl-C ends it', async () => {
    gateway.planDeploy = () => new Promise(() => undefined);
    const ended = candor('deploy', '--dry-run');
    while (context.stderr.text === '') await new Promise((resolve) => setTimeout(resolve, 20));
    context.signal('SIGINT');
    const { code, err } = await ended;
    assert.equal(code, 130);
    assert.match(err, /^ {2}reading the files, for 1 s\nNothing was changed\./);
  });
});

describe('other commands of releases', () => {
  test('releases --log prints what the build of a release has printed', async () => {
    gateway.releaseLog = async (name, release) =>
      name === 'shop' && release === 'r3' ? { application: name, number: 3, text: 'one\ntwo\u001b[2J\n' } : null;
    const { code, out } = await candor('releases', 'shop', '--log', 'r3');
    assert.deepEqual([code, out], [0, 'one\ntwo\n']);
    gateway.releases = () => [
      { ...application, failedBuild: { number: 3, reason: 'The build has failed: it broke.' } },
    ];
    context = new FakeProcessContext(folder);
    const listed = await candor('releases');
    const told = /^ {2}✖ The build has failed: it broke\. See its log with `candor releases shop --log\n {4}r3`\.$/m;
    assert.match(listed.out, told);
    const missing = await candor('releases', 'shop', '--log', 'r9');
    assert.equal(missing.code, 9);
    assert.match(missing.err, /^There is no log of a build of r9 of shop\./);
  });

  test('status says what each application runs, what is rolled out, and what is not in force', async () => {
    const instances = [] as const;
    const web = { id: 'shop', command: ['node', 'server.js'], instances };
    const releases = {
      inForce: 'r1',
      rollout: { ...rollout, state: 'shifting', share: 0.25, leftMs: 42_000 },
    } as const;
    const edited = { command: true, environment: ['LOG_LEVEL'] };
    const lines = async (application: object): Promise<string> => {
      const applications = [{ ...web, ...application }];
      gateway.statusNow = {
        ...gateway.statusNow,
        upstreams: [],
        source: '/etc/candor.yaml',
        edited: true,
        applications,
      };
      context = new FakeProcessContext(folder);
      return (await candor('status')).out;
    };
    assert.doesNotMatch(await lines({}), /in force/);
    const during = await lines({ releases });
    assert.match(during, /^ {4}r1 is in force; v2 gets 25 % of the requests, for 42 s$/m);
    assert.match(during, /^ {2}\/etc\/candor\.yaml\n {2}edited since it was applied: `candor reload` applies it$/m);
    const refused = await lines({ releases: { inForce: 'r1', rollout: null, notInForce: edited } });
    const told = [
      '    r1 is in force',
      '        The configuration has another command and another environment',
      '        (LOG_LEVEL) than r1, which is in force: the next deployment uses it.',
    ];
    assert.ok(refused.includes(`\n${told.join('\n')}\n`), refused);
    gateway.releasesNow = [{ ...application, notInForce: edited }];
    context = new FakeProcessContext(folder);
    assert.match((await candor('releases')).out, /^ {2}\S The configuration has another command/m);
    shown({ state: 'promoted', leftMs: null, reason: 'good' });
    context = new FakeProcessContext(folder);
    const { code, err } = await candor('deploy');
    assert.equal(code, 0);
    assert.match(err, /^ {2}\/etc\/candor\.yaml was edited since the gateway has applied it: the release gets/);
  });

  test('rollback that ends a rollout ends with 0; without one before with 10', async () => {
    shown({ state: 'aborted', leftMs: null, reason: 'rolled back by admin:socket' });
    const { code, out } = await candor('rollback', 'shop');
    assert.deepEqual([code, out], [0, '✖ v2 was taken back: rolled back by admin:socket. r1 serves.\n']);
    const failure = { kind: 'source', reason: 'There is no release v9.', step: 'See the releases.' } as const;
    gateway.rolloutOutcome = { ok: false, failure };
    assert.equal((await candor('rollback', '--to', 'v9')).code, 10);
  });

  test('promote asks the gateway once', async () => {
    shown({ state: 'baking', share: 1, leftMs: 30_000 });
    assert.equal((await candor('promote')).out, '· v2 gets all requests, and is watched, for 30 s\n');
    assert.deepEqual(gateway.calls, [
      `rollout ${JSON.stringify([{ kind: 'promote', application: 'shop', reason: null }, 'admin:socket'])}`,
    ]);
  });

  test('reload follows the release that it has made, with --wait until its end', async () => {
    gateway.reloadAnswer = { ok: true, revision: 2, changed: ['applications: shop'], overlay: [] };
    shown({}, { state: 'refused', leftMs: null, reason: 'it broke' });
    const { code, out } = await candor('reload', '--wait');
    assert.equal(code, 5);
    assert.match(out, /^· v2 starts beside r1\n✖ v2 was refused: it broke\. r1 serves/m);
    context = new FakeProcessContext(folder);
    shown({});
    assert.match((await candor('reload')).out, /Changed: applications \(shop\)\.\n· v2 starts beside r1\n$/);
  });

  test('releases lists each with what has become of it', async () => {
    const [one] = application.releases;
    assert.ok(one !== undefined);
    const releases = [{ ...one, number: 2, name: 'v2' }, one];
    const rollouts = [
      { ...past, rollout: 3, state: 'aborted', reason: '9 of 12 failed', endedAt: past.beganAt },
      { ...past, rollout: 2, to: 5, toName: 'k5', state: 'refused', reason: 'it broke', endedAt: past.beganAt },
      {
        ...past,
        to: 1,
        toName: 'r1',
        state: 'promoted',
        verdict: 'inconclusive',
        reason: '9 seen',
        endedAt: past.beganAt,
      },
    ] as const;
    gateway.releasesNow = [{ ...application, releases, rollouts }];
    const { code, out } = await candor('releases');
    assert.equal(code, 0);
    assert.match(out, /^ {2}v2 {2}aborted {3}.* ago {2}folder \/srv\/shop, built in 41 s {2}admin:socket$/m);
    assert.match(out, /^ {2}r1 {2}in force {2}/m);
    assert.match(out, /^ {2}✖ k5 refused, .* ago: it broke$/m, 'also of a release that is not kept any more');
    assert.match(out, /^ {2}✔ r1 promoted, .* ago; inconclusive: 9 seen$/m);
    context = new FakeProcessContext(folder);
    const printed = JSON.parse((await candor('releases', 'shop', '--json')).out) as { applications: unknown[] };
    assert.equal(printed.applications.length, 1);
  });
});
