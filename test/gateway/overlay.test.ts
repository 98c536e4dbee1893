import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import type { OverlayChange, OverlayOutcome } from '../../src/control/gateway-status.ts';
import { originForTests } from './origin-for-tests.ts';
import { ok } from './raw-origin.ts';
import { runInWorker } from './run-in-workers.ts';
import { ReloadedGateway, requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

// Changes that operators make at run time override the file, reach every worker, and outlive the process.

const first = originForTests('first');
const second = originForTests('second');
let edge: YamlGateway;
/** One that a single test has. */
let own: YamlGateway | null = null;
/** Where the gateways of a test keep their state, which outlives them. */
let state: string;

const ofOneWorker = new ReloadedGateway();
const ofTwoWorkers = new ReloadedGateway();
after(() => ofOneWorker.stop());
after(() => ofTwoWorkers.stop());

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'candor-overlay-'));
  first.answer = () => ok('first');
  second.answer = () => ok('second');
});

afterEach(async () => {
  await own?.stop();
  own = null;
  rmSync(state, { recursive: true, force: true });
});

const upstream = (): string =>
  `upstreams: { app: { endpoints: ["${first.address}", "${second.address}"], check: none } }`;
const yaml = (more = 'workers: 2', folder = './state'): string => `${more}\nstate: ${folder}\n${upstream()}\n`;
const file = (folder = join(state, 'own')): string => join(folder, 'overlay.json');
const idOf = (address: string): string => `app/${address}`;

const change = (what: OverlayChange, ifRevision: number | null = null): Promise<OverlayOutcome> =>
  edge.gateway.changeOverlay(what, 'admin:socket', ifRevision);

async function done(what: OverlayChange): Promise<Extract<OverlayOutcome, { ok: true }>> {
  const outcome = await change(what);
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.why);
  return outcome;
}

async function start(text: string): Promise<void> {
  edge = own = await startFromYaml(text);
}

/** Without what another test has changed, and with no event of it. */
async function use(gateway: ReloadedGateway, text: string): Promise<void> {
  edge = await gateway.with(text);
  await done({ kind: 'restore', what: null });
  await until('its workers know, and no request is left', async () => {
    await edge.gateway.refreshCounts();
    return edge.counts().active === 0;
  });
  edge.forgetEvents();
}

/** The origins that answer `count` requests, each sent on its own connection, so that every worker gets a share. */
async function answers(count: number): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let sent = 0; sent < count; sent++) {
    const response = await edge.send(requestText('GET', '/', ['Connection: close']));
    assert.equal(response.status, 200);
    seen.add(response.body.toString());
  }
  return seen;
}

const stateOf = (address: string): string | undefined =>
  edge.gateway.status().upstreams[0]?.endpoints.find(({ id }) => id === idOf(address))?.state;

describe('an endpoint that is drained', () => {
  test('gets no new requests in any worker, its requests in flight finish, and after restore it gets new ones', async () => {
    await use(ofTwoWorkers, yaml());
    const held: Socket[] = [];
    first.answer = () => (socket) => void held.push(socket);
    second.answer = first.answer;
    const clients = Array.from({ length: 8 }, () => edge.connect());
    for (const client of clients) client.write(requestText('GET', '/held'));
    await until('all requests are in flight', () => held.length === 8);

    const { affected, warnings } = await done({ kind: 'drain', endpoint: first.address });
    assert.deepEqual([affected, warnings], [[`drain:${idOf(first.address)}`], []]);
    first.answer = () => ok('first');
    second.answer = () => ok('second');
    await until('both workers know', async () => (await answers(8)).size === 1);
    assert.deepEqual(await answers(12), new Set(['second']));
    assert.equal(stateOf(first.address), 'draining');

    for (const socket of held) socket.write(ok('at last'));
    for (const client of clients) {
      assert.equal((await responseOn(client)).body.toString(), 'at last');
      client.close();
    }
    await done({ kind: 'restore', what: first.address });
    assert.equal(stateOf(first.address), 'unchecked');
    await until('the endpoint is chosen again', async () => (await answers(8)).size === 2);
  });

  test('stays drained across a reload, whose result says that the overlay overrides the file', async () => {
    await use(ofTwoWorkers, yaml());
    await done({ kind: 'drain', endpoint: idOf(first.address) });
    const reloaded = await edge.reload(`${yaml()}drain: { timeout: 3s }\n`);
    assert.ok(reloaded.ok);
    assert.equal(reloaded.overlay.length, 1);
    assert.match(
      reloaded.overlay[0] ?? '',
      /^The overlay wins over the file: .* gets no new requests .*candor restore drain:app/,
    );
    assert.deepEqual(await answers(12), new Set(['second']));
  });

  test('stays drained in a worker that replaces a lost one', async () => {
    await start(yaml());
    await done({ kind: 'drain', endpoint: first.address });
    await runInWorker(1, 'setTimeout(() => { throw new RangeError("on purpose") }, 0)');
    const serving = (): readonly number[] =>
      edge.gateway
        .status()
        .workers.filter((worker) => worker.state === 'serving')
        .map(({ id }) => id);
    await until('another worker serves', () => serving().length === 2 && !serving().includes(1));
    assert.deepEqual(await answers(12), new Set(['second']));
  });

  test('stays drained after a restart, by a file that only its owner may read', async () => {
    await start(yaml('workers: 2', join(state, 'own')));
    await done({ kind: 'drain', endpoint: first.address });
    assert.equal(statSync(file()).mode & 0o777, 0o600);
    // Beside the key of `configuration-history.ts`.
    assert.deepEqual(readdirSync(join(state, 'own')), ['.gitignore', 'configuration-key', 'overlay.json']);
    await edge.stop();
    await start(yaml('workers: 2', join(state, 'own')));
    assert.deepEqual(await answers(12), new Set(['second']));
    const [entry] = edge.gateway.overlay().entries;
    assert.deepEqual([entry?.actor, entry?.revision, entry?.matched], ['admin:socket', 1, true]);
    assert.match(entry?.at ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  test('with no other endpoint left: the operator is warned, and requests get 503', async () => {
    await use(ofTwoWorkers, yaml());
    await done({ kind: 'drain', endpoint: first.address });
    const { warnings } = await done({ kind: 'drain', endpoint: second.address });
    assert.deepEqual(warnings, ['Upstream app has no endpoint left that gets requests.']);
    await until('workers know', async () => (await edge.get('/')).status === 503);
  });
});

describe('under load', () => {
  test('drain, weight, restore and reload lose no request', async () => {
    await use(ofTwoWorkers, yaml());
    // Each request takes a while, so that each change meets requests in flight.
    first.answer = () => (socket) => void setTimeout(() => socket.write(ok('first')), 5);
    second.answer = () => (socket) => void setTimeout(() => socket.write(ok('second')), 5);
    const statuses: number[] = [];
    let isOver = false;
    const load = Array.from({ length: 8 }, async () => {
      const client = edge.connect();
      while (!isOver) {
        client.write(requestText('POST', '/', ['Content-Length: 2'], 'ab'));
        statuses.push((await responseOn(client, 'POST')).status);
      }
      client.close();
    });
    const some = async (): Promise<void> => {
      const before = statuses.length;
      await until('requests are served', () => statuses.length > before + 30);
    };
    for (let round = 0; round < 3; round++) {
      await done({ kind: 'drain', endpoint: first.address });
      await some();
      await done({ kind: 'weight', endpoint: second.address, weight: round });
      await some();
      assert.ok((await edge.reload(`${yaml()}drain: { timeout: ${round + 3}s }\n`)).ok);
      await done({ kind: 'restore', what: first.address });
      await done({ kind: 'drain', endpoint: second.address });
      await some();
      await done({ kind: 'restore', what: null });
      await some();
    }
    isOver = true;
    await Promise.all(load);
    assert.deepEqual(new Set(statuses), new Set([200]));
  });
});

describe('the weight of an endpoint', () => {
  test('decides its share of new requests; with 0 it gets none while another endpoint can be chosen', async () => {
    await use(ofOneWorker, yaml('workers: 1'));
    const countOf = async (what: string, count: number): Promise<number> => {
      let found = 0;
      for (let sent = 0; sent < count; sent++) if ((await edge.get('/')).body.toString() === what) found++;
      return found;
    };
    await done({ kind: 'weight', endpoint: second.address, weight: 1000 });
    const shown = () => edge.gateway.status().upstreams[0]?.endpoints.find(({ id }) => id === idOf(second.address));
    assert.equal(shown()?.weight, 1000);
    assert.doesNotMatch(shown()?.reason ?? '', /weight/);
    await until('the worker knows', async () => (await countOf('second', 20)) === 20);
    assert.ok((await countOf('second', 40)) >= 38);
    await done({ kind: 'weight', endpoint: second.address, weight: 0 });
    await until('the worker knows the next weight too', async () => (await countOf('first', 4)) === 4);
    assert.equal(await countOf('first', 40), 40);
    assert.match(shown()?.reason ?? '', /weight 0: it gets requests only while no other endpoint may$/);
    await done({ kind: 'drain', endpoint: first.address });
    await until('the worker knows of the drain', async () => (await countOf('second', 4)) === 4);
    assert.equal(await countOf('second', 20), 20);
  });
});

describe('the overlay', () => {
  test('keeps entries whose target is gone, shows them as unmatched, and applies them when the target is back', async () => {
    await use(ofTwoWorkers, yaml());
    await done({ kind: 'drain', endpoint: first.address });
    const reloaded = await edge.reload(yaml().replace(`"${first.address}", `, ''));
    assert.ok(reloaded.ok);
    assert.match(
      reloaded.overlay[0] ?? '',
      /this configuration has no such target; the entry is kept and has no effect/,
    );
    assert.deepEqual(
      edge.gateway.overlay().entries.map(({ matched }) => matched),
      [false],
    );
    assert.ok((await edge.reload(yaml())).ok);
    assert.deepEqual(await answers(12), new Set(['second']));
  });

  test('reports each change as an event, with the values before and after', async () => {
    await use(ofOneWorker, yaml('workers: 1'));
    const { revision: earlier } = edge.gateway.overlay();
    await done({ kind: 'weight', endpoint: first.address, weight: 3 });
    await done({ kind: 'weight', endpoint: first.address, weight: 5 });
    const same = await done({ kind: 'weight', endpoint: first.address, weight: 5 });
    assert.equal(same.changed, false);
    await done({ kind: 'restore', what: null });
    const events = edge.eventsOf('overlay_changed');
    assert.deepEqual(
      events.map(({ evidence: { revision, before, after } }) => [revision - earlier, before, after]),
      [
        [1, null, { weight: 3 }],
        [2, { weight: 3 }, { weight: 5 }],
        [3, { weight: 5 }, null],
      ],
    );
    assert.deepEqual([events[0]?.subject, events[0]?.actor], [`overlay:weight:${idOf(first.address)}`, 'admin:socket']);
    assert.deepEqual(edge.gateway.overlay().entries, []);
  });

  test('refuses a change that was made for another revision, also if two come at once', async () => {
    await use(ofOneWorker, yaml('workers: 1'));
    const { revision } = edge.gateway.overlay();
    const drain = (endpoint: string): Promise<OverlayOutcome> => change({ kind: 'drain', endpoint }, revision);
    const outcomes = await Promise.all([drain(first.address), drain(second.address)]);
    assert.deepEqual(
      outcomes.map(({ ok: isDone }) => isDone),
      [true, false],
    );
    const [, refused] = outcomes;
    assert.ok(refused !== undefined && !refused.ok && refused.kind === 'conflict');
    assert.ok(refused.why.includes(`has revision ${revision + 1}, not ${revision}`), refused.why);
  });

  test('suggests a name for a mistyped one, and changes nothing', async () => {
    await use(ofOneWorker, yaml('workers: 1'));
    const kept = file(join(edge.folder, 'state'));
    const before = [edge.gateway.overlay(), existsSync(kept) && readFileSync(kept, 'utf8')];
    const mistyped = first.address.replace('127', '172');
    const outcome = await change({ kind: 'drain', endpoint: mistyped });
    assert.ok(!outcome.ok && outcome.kind === 'unknown_target');
    assert.match(outcome.why, new RegExp(`There is no endpoint ${mistyped}: did you mean .*${first.address}`));
    assert.deepEqual([edge.gateway.overlay(), existsSync(kept) && readFileSync(kept, 'utf8')], before);
  });

  test('lasts as long as the process if there is no state folder, and says so', async () => {
    await start(`state: none\n${upstream()}`);
    const { warnings, overlay } = await done({ kind: 'drain', endpoint: first.address });
    assert.deepEqual(warnings, ['The change is lost when the process ends: there is no state folder (`state`).']);
    assert.equal(overlay.persisted, false);
    assert.deepEqual(await answers(8), new Set(['second']));
  });

  test('works if the disk cannot be written, says so, and is saved with the next change that can be', async () => {
    await start(yaml('workers: 1', join(state, 'own')));
    rmSync(join(state, 'own'), { recursive: true });
    writeFileSync(join(state, 'own'), 'a file where the folder should be');
    const { warnings } = await done({ kind: 'drain', endpoint: first.address });
    assert.match(
      warnings[0] ?? '',
      /^The change is lost when the process ends: the state folder .* cannot be used \(E/,
    );
    assert.deepEqual(await answers(8), new Set(['second']));
    rmSync(join(state, 'own'));
    const later = await done({ kind: 'weight', endpoint: second.address, weight: 2 });
    assert.equal(later.overlay.persisted, true);
    assert.equal(JSON.parse(readFileSync(file(), 'utf8')).entries.length, 2);
  });

  const unusable: readonly (readonly [what: string, body: string, why: RegExp])[] = [
    ['cut short', '{"version":1,"revi', /it is damaged: it is not JSON/],
    [
      'of a later version',
      '{"version":2,"revision":1,"entries":[]}',
      /it has version 2, but this program reads version 1/,
    ],
    ['with an unknown key', '{"version":1,"revision":1,"entries":[],"certificates":[]}', /it is damaged/],
    ['with an unknown kind', '{"version":1,"revision":1,"entries":[{"kind":"command"}]}', /entries\.0\.kind is wrong/],
  ];
  for (const [what, body, why] of sampled(unusable, 4)) {
    test(`that is ${what} is renamed with an event, and the gateway serves without it`, async () => {
      await start(yaml('workers: 1', join(state, 'own')));
      await done({ kind: 'drain', endpoint: first.address });
      await edge.stop();
      writeFileSync(file(), body);
      chmodSync(file(), 0o600);
      await start(yaml('workers: 1', join(state, 'own')));
      assert.match(edge.eventsOf('state_unusable')[0]?.reason ?? '', why);
      assert.equal(readFileSync(`${file()}.unusable`, 'utf8'), body);
      assert.deepEqual([existsSync(file()), edge.gateway.overlay().entries], [false, []]);
      await until('both get requests', async () => (await answers(8)).size === 2);
    });
  }
});

describe('an instance that is drained', () => {
  const program = join(import.meta.dirname, 'fixtures', 'mortal-application.mjs');
  const shop = (): string =>
    `workers: 1\nstate: ./state\napplications:\n  shop:\n    command: ["${process.execPath}", "${program}"]\n` +
    '    instances: 2\n    readiness: { path: /healthz, interval: 50ms }\n    restart: { first_delay: 100ms, max_delay: 100ms }\n';
  const firstInstance = () => edge.gateway.status().applications[0]?.instances.find(({ id }) => id === 'shop/1');
  const isReady = (): boolean => firstInstance()?.phase === 'ready';
  const states = (): string[] => edge.gateway.status().upstreams[0]?.endpoints.map(({ state: is }) => is) ?? [];

  test('stays drained when it restarts on another port, and restore takes its name', async () => {
    await start(shop());
    await until('both are ready', () => states().filter((is) => is === 'healthy').length === 2);
    await done({ kind: 'drain', endpoint: 'shop/1' });
    await until('one is drained', () => states().includes('draining'));
    const before = firstInstance();
    process.kill(before?.pid ?? 0, 'SIGKILL');
    await until('it has restarted', () => isReady() && firstInstance()?.pid !== before?.pid);
    assert.notEqual(firstInstance()?.port, before?.port);
    assert.deepEqual(states().toSorted(), ['draining', 'healthy']);
    assert.deepEqual(
      edge.gateway.status().overlay.entries.map(({ matched }) => matched),
      [true],
    );
    assert.equal((await change({ kind: 'restore', what: '1' })).ok, false, 'a number alone names no instance');
    await done({ kind: 'restore', what: 'shop/1' });
    await until('both get requests again', () => states().every((is) => is === 'healthy'));
  });
});
