import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { KeptIncident } from '../core/live-incident.ts';
import { IncidentFile, OpenAtExit } from './earlier-incidents.ts';
import type { Event } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-incidents-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Request {
  readonly path: string;
  readonly cause?: string;
  readonly stage?: string;
  readonly endpoint?: string;
  /** When its attempt ended: milliseconds after the exit. */
  readonly endedMs?: number;
}

class Run {
  readonly clock = new SimulatedClock();
  requests: readonly Request[] = [];
  searches = 0;
  readonly open = new OpenAtExit({ clock: this.clock, search: async () => this.#page() });

  async exit(from = 'ready'): Promise<void> {
    const at = this.clock.wallTime();
    this.open.onEvent({ kind: 'instance_exited', subject: 'instance:shop/1', at, from } as Event);
    await this.clock.advance(6000);
  }

  #page() {
    this.searches += 1;
    const exitedAt = this.clock.wallTime() - 1500;
    const exchanges = this.requests.map(({ path, cause = 'reset_before_response', stage = 'response', ...rest }) => {
      const { endpoint = 'web/shop/1/127.0.0.1:4000', endedMs = 0 } = rest;
      const attempt = { endpoint, address: '127.0.0.1:4000', cause, stage, ended_ms: 500 };
      return {
        record: { at: new Date(exitedAt - 500 + endedMs).toISOString(), method: 'GET', path, attempts: [attempt] },
      };
    });
    return { kind: 'page', exchanges } as never;
  }
}

test('the requests that an instance had when it ended are told, those of the most exits first', async () => {
  const run = new Run();
  run.requests = [{ path: '/poison/17' }, { path: '/poison/18' }, { path: '/' }];
  await run.exit();
  assert.deepEqual(run.open.of('shop/1'), ['GET /poison/{id}', 'GET /']);
  run.requests = [{ path: '/about' }, { path: '/poison/9' }];
  await run.exit();
  assert.deepEqual(run.open.of('shop/1'), [
    'GET /poison/{id} (2 of 2 exits)',
    'GET / (1 of 2 exits)',
    'GET /about (1 of 2 exits)',
  ]);
});

for (const [what, request] of [
  ['was at another instance', { path: '/', endpoint: 'web/shop/2/127.0.0.1:4000' }],
  ['ended long before', { path: '/', endedMs: -3000 }],
  ['was refused because it had ended', { path: '/', cause: 'connect_refused', stage: 'connect' }],
  ['was too slow', { path: '/', cause: 'response_head_timeout' }],
] as const)
  test(`a request that ${what} is not told`, async () => {
    const run = new Run();
    run.requests = [request];
    await run.exit();
    assert.deepEqual([run.searches, run.open.of('shop/1')], [1, []]);
  });

test('nothing is searched for an instance that was asked to end, nor for each exit of a loop', async () => {
  const run = new Run();
  await run.exit('stopping');
  assert.equal(run.searches, 0);
  for (let exits = 0; exits < 5; exits += 1) {
    const at = run.clock.wallTime();
    run.open.onEvent({ kind: 'instance_exited', subject: 'instance:shop/1', at, from: 'ready' } as Event);
    await run.clock.advance(200);
  }
  await run.clock.advance(6000);
  assert.equal(run.searches, 1);
});

function incident(id: number, run = 'run-1'): KeptIncident {
  return {
    ...{ id, key: `${run}-${id}`, interrupted: false, findings: [], upstream: 'api', family: 'gone', cause: null },
    ...{
      shape: 'app_error',
      whose: 'application',
      startedAt: id,
      firstRequestAt: id,
      openedAt: id,
      lastAt: id,
      resolvedAt: null,
    },
    ...{ requests: 1, failed: 1, attemptsFailed: 1, causes: [], routes: [], endpoints: [], suspects: [] },
    ...{ upstreams: [], additions: [] },
    rate: { before: null, during: 1 },
  };
}

test('incidents of two processes stay beside each other, the newest 100 of them', async () => {
  const [one, other] = [new IncidentFile(folder), new IncidentFile(folder)];
  await one.write([incident(1), incident(2)]);
  await other.write([incident(3, 'run-2')]);
  await one.write([{ ...incident(2), resolvedAt: 9 }]);
  assert.deepEqual(
    other.read().map(({ key, resolvedAt }) => [key, resolvedAt]),
    [
      ['run-1-1', null],
      ['run-1-2', 9],
      ['run-2-3', null],
    ],
  );
  await one.write(Array.from({ length: 150 }, (_, at) => incident(at + 10)));
  assert.deepEqual([one.read().length, one.read().at(-1)?.id], [100, 159]);
});

test('a damaged file is as none, and a damaged incident is left out', async () => {
  const file = new IncidentFile(folder);
  for (const text of ['{', '[]', '{"version":2,"incidents":[]}', '{"version":1,"incidents":{}}']) {
    writeFileSync(join(folder, 'incidents.json'), text);
    assert.deepEqual(file.read(), [], text);
  }
  const content = {
    version: 1,
    incidents: [
      incident(1),
      { ...incident(2), key: 7 },
      null,
      { ...incident(3), rate: null },
      { ...incident(4), additions: [null] },
      { ...incident(5), upstreams: undefined },
    ],
  };
  writeFileSync(join(folder, 'incidents.json'), JSON.stringify(content));
  assert.deepEqual(
    file.read().map(({ id }) => id),
    [1],
  );
});

test('a folder that cannot be written is no fault', async () => {
  writeFileSync(join(folder, 'file'), '');
  const file = new IncidentFile(join(folder, 'file'));
  await file.write([incident(1)]);
  assert.deepEqual(file.read(), []);
});
