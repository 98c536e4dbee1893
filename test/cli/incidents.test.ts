import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { exitCodes } from '../../src/cli/command-failure.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { incidentSample as incident, statusSample } from '../fakes/samples.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { assertFits } from './golden.ts';

// `candor incidents` and `candor incident` against a gateway whose incidents are set by hand.

let folder: string;
let gateway: FakeGateway;
let admin: AdminServer;
let context: FakeProcessContext;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'candor-cli-incidents-'));
  const sockets = join(folder, `candor-${userInfo().uid}`);
  mkdirSync(sockets);
  gateway = new FakeGateway();
  context = new FakeProcessContext(folder);
  admin = await startAdminServer({ gateway, spec: socketAlone(join(sockets, 'one.sock')), clock: systemClock });
});
afterEach(async () => {
  await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

test('incident acknowledges and mutes one, and says who has and why', async () => {
  const marks = [
    'Acknowledged at 10:05 UTC by admin:socket: I look.',
    'Muted until 12:05 UTC by admin:socket: I look.',
  ];
  const mark = { at: '2026-11-21T10:05:00.000Z', by: 'admin:socket', reason: 'I look' };
  gateway.shownIncidents = [
    { ...incident, acknowledged: mark, muted: { ...mark, until: '2026-11-21T12:05:00.000Z' }, marks },
  ];
  assert.equal(
    await context.candor('incident', '3', '--acknowledge', '--mute', '2h', '--reason', 'I look'),
    exitCodes.ok,
    context.stderr.text,
  );
  assert.equal(context.stdout.text, marks.map((line) => `Incident 3: ${line}\n`).join(''));
  assert.match(gateway.marked.join('\n'), /^acknowledge I look admin:socket\nmute \d{4}-\S+Z I look admin:socket$/);
  await context.candor('incident', '3', '--unmute');
  assert.equal(gateway.marked.at(-1), 'mute null null admin:socket');
  context.stdout.text = '';
  await context.candor('incident', '3');
  for (const line of marks) assert.ok(context.stdout.text.includes(line), context.stdout.text);
});

for (const [what, flags, code, says] of [
  ['an unknown one', ['--mute', '2h'], exitCodes.not_found, /No incident has the number 4/],
  ['a time that cannot be read', ['--mute', 'soon'], exitCodes.usage, /--mute soon: the time is a duration/],
  ['a mute that ends as it begins', ['--mute', '2h', '--unmute'], exitCodes.usage, /opposites/],
  ['a reason for nothing', ['--reason', 'so'], exitCodes.usage, /with --acknowledge, --mute or --unmute/],
] as const)
  test(`incident refuses ${what}, and says what is wrong`, async () => {
    gateway.shownIncidents = [incident];
    assert.equal(await context.candor('incident', '4', ...flags), code, context.stderr.text);
    assert.match(context.stderr.text.replaceAll('\n', ' '), says);
  });

test('incidents says that there is none', async () => {
  gateway.statusNow = { ...statusSample, problems: [] };
  assert.equal(await context.candor('incidents'), exitCodes.ok);
  assert.equal(context.stdout.text, 'No incident is known.\n');
});

const problem = { kind: 'log_failing', sinceS: 1, reason: 'The log cannot be written.', nextStep: 'Look.' } as const;
const ofApplication = {
  ...problem,
  kind: 'crash_loop',
  application: 'shop',
  reason: 'shop/1 has ended 4 times in 9 s.',
} as const;
const ofUpstream = {
  ...problem,
  kind: 'upstream_unavailable',
  upstream: 'api',
  reason: 'The only endpoint of upstream api is not available.',
} as const;
for (const [what, problems, says] of [
  ['one', [problem], 'The gateway has a problem of its own; `candor status` shows it.\n'],
  ['two', [problem, problem], 'The gateway has 2 problems of its own; `candor status` shows them.\n'],
  [
    'none but those of applications, which it tells',
    [ofApplication, ofApplication],
    'A problem: shop/1 has ended 4 times in 9 s.\n'.repeat(2),
  ],
  [
    'none but one of an upstream, which it tells',
    [ofUpstream],
    'A problem: The only endpoint of upstream api is not available.\n',
  ],
] as const)
  test(`incidents does not hide problems that are no incidents: ${what}`, async () => {
    gateway.statusNow = { ...statusSample, problems };
    assert.equal(await context.candor('incidents'), exitCodes.ok);
    assert.equal(context.stdout.text, `No incident is known.\n${says}`);
    assertFits(context.stdout.text);
  });

test('incidents lists open ones first, and exits with 1 while one is open', async () => {
  gateway.shownIncidents = [incident, { ...incident, id: 2, resolvedAt: '2026-11-21T09:00:00.000Z' }];
  assert.equal(await context.candor('incidents'), exitCodes.failure);
  assertFits(context.stdout.text);
  assert.match(
    context.stdout.text,
    /✖ 3 .*refused the connection[^]*41 of 60\s+requests[^]*shop\/1 ended by itself[^]*· 2 /,
  );
});

test('incidents shows the step for the cause with which requests fail now', async () => {
  gateway.shownIncidents = [{ ...incident, nextStep: 'Restart the database.' }];
  await context.candor('incidents');
  assert.match(context.stdout.text, /Restart the database\./);
  assert.doesNotMatch(context.stdout.text, /last output above/);
});

test('incidents shows the whole step on lines of its own', async () => {
  const nextStep = `${'Look at this. '.repeat(24)}Then read \`candor explain 0197f3a0\` and what follows.`;
  gateway.shownIncidents = [{ ...incident, nextStep }];
  await context.candor('incidents');
  assertFits(context.stdout.text);
  assert.ok(/\n {8}→ Look/.test(context.stdout.text), context.stdout.text);
  assert.ok(context.stdout.text.replaceAll(/\s+/g, ' ').includes(nextStep), context.stdout.text);
});

test('incidents and incident say in the second line which requests fail', async () => {
  const sentence = 'All 41 are POST /api/checkout (route checkout), answered with 504 by the gateway after 3 s.';
  const most = {
    route: 'checkout',
    method: 'POST',
    status: 504,
    isOfApplication: false,
    failed: 41,
    path: '/api/checkout',
  };
  gateway.shownIncidents = [{ ...incident, most: { ...most, tookMs: 3000, sentence } }];
  for (const command of [['incidents'], ['incident', '3']]) {
    context.stdout.text = '';
    await context.candor(...command);
    assertFits(context.stdout.text);
    assert.match(
      context.stdout.text.replaceAll(/\s+/g, ' '),
      /41 of 60 requests.*? All 41 are POST \/api\/checkout.*shop\/1 ended/,
    );
  }
});

test('incidents exits with 0 where all are resolved', async () => {
  gateway.shownIncidents = [{ ...incident, resolvedAt: '2026-11-21T10:04:00.000Z' }];
  assert.equal(await context.candor('incidents'), exitCodes.ok);
});

test('incidents --since leaves out what was over before', async () => {
  gateway.shownIncidents = [{ ...incident, resolvedAt: '2026-11-21T10:04:00.000Z' }];
  assert.equal(await context.candor('incidents', '--since', '2026-11-22T00:00Z'), exitCodes.ok);
  assert.match(context.stdout.text, /^No incident since then\.\nThe gateway has .* problems? of its own; /);
  assert.equal(await context.candor('incidents', '--since', 'yesterday'), exitCodes.usage);
});

test('incident shows what the gateway saw at once, and that the process ended', async () => {
  const findings = ['a direct GET / to shop/127.0.0.1:3000: refused (1 ms)', 'the machine: load 7.1'];
  gateway.shownIncidents = [
    {
      ...incident,
      findings,
      findingsAt: '2026-11-21T10:01:00.000Z',
      interrupted: true,
      resolvedAt: '2026-11-21T10:04:00.000Z',
    },
  ];
  assert.equal(await context.candor('incident', '3'), exitCodes.ok);
  assertFits(context.stdout.text);
  assert.match(
    context.stdout.text,
    /The gateway ended while it went on[^]*SEEN AT ONCE {2}\d+ .* ago\n {2}· a direct GET[^]*FAILURES/,
  );
});

test('incident shows what the application has said itself, of each source the first and the newest', async () => {
  const response = { source: 'response', isFirst: true, where: 'shop/1', route: '/pay', status: 503 } as const;
  const check = { source: 'check', isFirst: true, where: 'shop/1', route: null, status: 500 } as const;
  gateway.shownIncidents = [
    {
      ...incident,
      excerpts: [
        { ...response, at: '2026-11-21T10:02:11.000Z', lines: ['{"error":"no \u001b[31mdatabase"}'] },
        { ...response, at: '2026-11-21T10:03:20.000Z', isFirst: false, lines: ['too many clients', 'at pool.js:4'] },
        { ...check, at: '2026-11-21T10:02:12.000Z', lines: ['db: down'] },
      ],
    },
  ];
  assert.equal(await context.candor('incident', '3'), exitCodes.ok);
  assert.ok(
    context.stdout.text.includes(`SAID BY THE APPLICATION
  · the first 503 of shop/1 on the route /pay, at 10:02:11Z:
      {"error":"no database"}
  · the newest 503 of shop/1 on the route /pay, at 10:03:20Z:
      too many clients
      at pool.js:4
  · the first failed check of shop/1, answered 500, at 10:02:12Z:
      db: down
`),
    context.stdout.text,
  );
});

test('incident does not say that requests failed, or that nothing went wrong, where they were answered otherwise', async () => {
  const unusual = { ...incident, cause: null, failed: 809, requests: 2517, whose: 'application' } as const;
  const causes = [{ cause: 'changed_response', count: 809, failed: 809, attemptsFailed: 0, isConsequence: false }];
  gateway.shownIncidents = [{ ...unusual, shape: 'none', causes }];
  await context.candor('incident', '3');
  assert.match(context.stdout.text, /^ {2}other answers than before, by the application; /m);
  assert.match(context.stdout.text, /809 of 2517 requests were answered with 4xx/);
  assert.match(context.stdout.text, /^RESPONSES$/m);
  assert.doesNotMatch(context.stdout.text, /nothing went wrong|FAILURES/);
});

test('incident shows beside a suspect the fact that speaks against it', async () => {
  const [suspect] = incident.suspects;
  assert.ok(suspect !== undefined);
  const refutedBy = 'a direct look at shop/1, 4 s after the first failure: answered 200';
  gateway.shownIncidents = [{ ...incident, suspects: [{ ...suspect, refutedBy }] }];
  assert.equal(await context.candor('incident', '3'), exitCodes.ok);
  assertFits(context.stdout.text);
  assert.match(
    context.stdout.text.replaceAll(/\s+/g, ' '),
    / · against it: a direct look at shop\/1, 4 s after .* 200 /,
  );
});

test('incident shows the evidence and what to do, without what would change a terminal', async () => {
  gateway.shownIncidents = [incident];
  assert.equal(await context.candor('incident', '3'), exitCodes.ok);
  assertFits(context.stdout.text);
  assert.match(context.stdout.text, /1\. shop\/1 ended by itself[^]*· The instance exited[^]*→ Look at/);
  assert.match(context.stdout.text, /FAILURES\n +35 requests, 90 attempts +connect_refused/);
  assert.match(context.stdout.text, /6 requests +no_endpoint_ready +follows from the others/);
  assert.match(context.stdout.text, /41 requests +\/shop[^]*90 of 90 attempts +shop\/127/);
  assert.ok(!context.stdout.text.includes('\u001b[31m'));
});

test('incident shows one next step, below what has begun later: that of the cause with which requests fail now', async () => {
  const also = { ...incident.suspects[0]!, sentence: 'The database is gone.', evidence: [], nextStep: 'Restart it.' };
  const addition = { since: '2026-11-21T10:03:00.000Z', reason: 'Since 10:03:00 UTC also: the database is gone.' };
  const additions = [{ ...addition, routes: [], endpoints: [], causes: [], suspects: [also] }];
  gateway.shownIncidents = [{ ...incident, additions, nextStep: 'Restart it.' }];
  assert.equal(await context.candor('incident', '3'), exitCodes.ok);
  const { text } = context.stdout;
  assert.match(text, /1\. shop[^]*→ Look at[^]*ALSO\n[^]*the database is gone\.\n\nNEXT STEP\n {2}→ Restart it\.\n/);
  assert.equal(text.split('Restart it.').length, 2);
  gateway.shownIncidents = [incident];
  await context.candor('incident', '3');
  const [, alone = ''] = context.stdout.text.split(text);
  assert.match(alone, /NEXT STEP\n {2}→ Look at the application's last output above\.\n/);
  assert.equal(alone.split('Look at').length, 2);
});

test('incident shows what its requests have in common', async () => {
  gateway.shownIncidents = [incident];
  gateway.grouped = {
    ...{ kind: 'groups', counted: 50, isComplete: true },
    groups: [
      { value: '/api/checkout', count: 38, failed: 38 },
      { value: '/api/cart', count: 11, failed: 11 },
      { value: '\u001b[31m/red', count: 1, failed: 1 },
    ],
  };
  assert.equal(await context.candor('incident', '3'), exitCodes.ok);
  assertFits(context.stdout.text);
  assert.match(context.stdout.text, /REQUESTS\n {2}path +\/api\/checkout: 76 %, \/api\/cart: 22 %, and 1 more\n/);
  gateway.grouped = { ...gateway.grouped, groups: [{ value: '504', count: 50, failed: 50 }] };
  await context.candor('incident', '3');
  assert.match(context.stdout.text, /\n {2}status +504: all 50\n/);
});

test('incident shows how to list its requests where they are stored', async () => {
  const requestsQuery = 'cause:connect_refused upstream:shop since:2026-11-21T10:01:41.000Z';
  gateway.shownIncidents = [{ ...incident, requestsQuery }];
  assert.equal(await context.candor('incident', '3'), exitCodes.ok);
  assertFits(context.stdout.text);
  assert.ok(context.stdout.text.endsWith(`\n\nREQUESTS\n  candor logs ${requestsQuery}\n`));
  gateway.statusNow = { ...statusSample, store: null };
  const before = context.stdout.text.length;
  await context.candor('incident', '3');
  assert.doesNotMatch(context.stdout.text.slice(before), /candor logs/);
});

test('incident --json prints what the admin API answers', async () => {
  gateway.shownIncidents = [incident];
  assert.equal(await context.candor('incident', '3', '--json'), exitCodes.ok);
  const { id, attempts_failed: failed } = JSON.parse(context.stdout.text) as { id: number; attempts_failed: number };
  assert.deepEqual([id, failed], [3, 90]);
});

test('an incident that does not exist, and one that is no number, are refused', async () => {
  assert.equal(await context.candor('incident', '4'), exitCodes.not_found);
  assert.match(context.stderr.text, /No incident has the number 4/);
  assert.equal(await context.candor('incident', 'four'), exitCodes.usage);
});
