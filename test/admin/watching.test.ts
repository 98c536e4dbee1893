import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { configurationSchema, configurationsSchema } from '../../src/core/schemas/configurations.ts';
import { statusSchema } from '../../src/core/schemas/status.ts';
import { eventsSchema } from '../../src/core/schemas/events.ts';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { routeSchema, timelineSchema } from '../../src/core/schemas/traffic.ts';
import type { KeptConfiguration } from '../../src/core/kept-configuration.ts';
import { Condition } from '../../src/core/condition.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { statusSample } from '../fakes/samples.ts';
import { askRaw, connectTo, type RawAnswer } from '../fakes/raw-ask.ts';

// What the dashboard watches: the status as it changes, requests over time, and who has changed what.

const folder = mkdtempSync(join(tmpdir(), 'candor-watching-'));
const socketPath = join(folder, 'a.sock');
const gateway = new FakeGateway();
const clock = new SimulatedClock();
let admin: AdminServer;

before(async () => {
  admin = await startAdminServer({ gateway, spec: socketAlone(socketPath), clock });
});

beforeEach(() => {
  gateway.statusNow = statusSample;
  gateway.timelines.length = 0;
  gateway.eventSearches.length = 0;
});

after(async () => {
  await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

function get(target: string): Promise<RawAnswer> {
  return askRaw(socketPath, `GET ${target}`, [['Host', 'candor']]);
}

/** A reader of a stream, and the events that it has got. */
function follow(target: string): { readonly until: (count: number) => Promise<string[]>; readonly close: () => void } {
  const socket = connectTo(socketPath);
  const changed = new Condition(systemClock);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += String(chunk);
    changed.changed();
  });
  socket.write(`GET ${target} HTTP/1.0\r\nHost: candor\r\n\r\n`);
  const blocks = (): string[] => text.split('\r\n\r\n')[1]?.split('\n\n').slice(0, -1) ?? [];
  const until = async (count: number): Promise<string[]> => {
    await changed.until(() => blocks().length >= count, 20_000);
    return blocks();
  };
  return { until, close: () => socket.destroy() };
}

describe('the status as it changes', () => {
  test('is whole at first, and then what has changed', async () => {
    const reader = follow('/v1/live');
    const [first = ''] = await reader.until(1);
    const [name, data = ''] = first.split('\ndata: ');
    assert.equal(name, 'event: status');
    statusSchema.parse(JSON.parse(data));
    gateway.statusNow = { ...statusSample, state: 'draining', verdict: { state: 'degraded', reason: 'it drains' } };
    await clock.advance(1000);
    const [, second = ''] = await reader.until(2);
    assert.equal(
      second,
      'event: change\ndata: {"state":"draining","verdict":{"state":"degraded","reason":"it drains"}}',
    );
    reader.close();
  });

  test('is by element for a reader that asks for that, and nothing is sent of what only grows older', async () => {
    const reader = follow('/v1/live?elements=true');
    await reader.until(1);
    const [first, ...others] = statusSample.upstreams;
    assert.ok(first !== undefined);
    gateway.statusNow = { ...statusSample, uptimeS: statusSample.uptimeS + 1 };
    await clock.advance(1000);
    gateway.statusNow = { ...statusSample, upstreams: [{ ...first, application: 'other' }, ...others] };
    await clock.advance(1000);
    const [, second = ''] = await reader.until(2);
    const [name, data = ''] = second.split('\ndata: ');
    const { upstreams, ...rest } = JSON.parse(data) as { upstreams: { id: string; application: string }[] };
    assert.deepEqual([name, rest], ['event: elements', {}]);
    assert.deepEqual(
      upstreams.map(({ id, application }) => [id, application]),
      [[first.id, 'other']],
    );
    reader.close();
  });

  test('shows that it stands while nothing changes', async () => {
    const reader = follow('/v1/live');
    await reader.until(1);
    await clock.advance(5000);
    assert.equal((await reader.until(2))[1], ': still here');
    reader.close();
  });
});

describe('the timeline', () => {
  const now = (): number => clock.wallTime();
  const cases: readonly [query: string, asked: object][] = [
    ['', { series: 'all', since: 600, until: 0, stepS: null }],
    ['?since=1h&step=10s', { series: 'all', since: 3600, until: 0, stepS: 10 }],
    ['?since=1h&until=30m&step=1m', { series: 'all', since: 3600, until: 1800, stepS: 60 }],
    ['?upstream=api&step=5', { series: 'upstream:api', since: 600, until: 0, stepS: 5 }],
    ['?route=%2Fapi', { series: 'route:/api', since: 600, until: 0, stepS: null }],
  ];
  for (const [query, { ...asked }] of cases) {
    test(`${query || 'without parameters'} asks for ${JSON.stringify(asked)}, in seconds ago`, async () => {
      const answer = await get(`/v1/timeline${query}`);
      assert.equal(answer.status, 200, answer.body);
      timelineSchema.parse(JSON.parse(answer.body));
      const [request] = gateway.timelines;
      const ago = (time = 0): number => Math.round((now() - time) / 1000);
      assert.deepEqual({ ...request, since: ago(request?.since), until: ago(request?.until) }, asked);
    });
  }

  for (const query of ['?step=fast', '?step=-1', '?since=yesterday', '?upstream=a&route=b']) {
    test(`${query} is 400 with what is wrong`, async () => {
      const answer = await get(`/v1/timeline${query}`);
      assert.equal(answer.status, 400);
      assert.match(answer.body, /step|since|upstream/);
    });
  }

  test('since the longest time that can be asked for begins in 1970', async () => {
    const answer = await get('/v1/timeline?since=999999999d');
    assert.equal(answer.status, 200, answer.body);
    assert.equal(timelineSchema.parse(JSON.parse(answer.body)).since, '1970-01-01T00:00:00.000Z');
  });
});

describe('a time that ends before it begins', () => {
  const reversed = 'since=1h&until=2h';
  for (const path of ['/v1/timeline', '/v1/events', '/v1/audit'])
    test(`is 400 at ${path}, with both ends`, async () => {
      const answer = await get(`${path}?${reversed}`);
      assert.equal(answer.status, 400);
      assert.match(answer.body, /until \(.*Z\) is before since \(.*Z\), so that nothing can match\./);
    });

  test('is 400 where only its begin is given, and is later than now', async () => {
    const later = new Date(clock.wallTime() + 60_000).toISOString();
    const answer = await get(`/v1/timeline?since=${later}`);
    assert.equal(answer.status, 400);
    assert.match(answer.body, /since is later than now/);
  });
});

describe('the audit', () => {
  test('has what requesters did, and not what happened by itself', async () => {
    gateway.emit({ kind: 'process_stopping', subject: 'gateway', reason: 'x', evidence: { reason: 'x' } });
    await askRaw(socketPath, 'POST /v1/reload', [['Host', 'candor']]);
    const { events } = eventsSchema.parse(JSON.parse((await get('/v1/audit?since=1h')).body));
    assert.deepEqual(gateway.eventSearches[0]?.kinds, ['admin_action', 'admin_refused', 'overlay_changed']);
    assert.ok(events.every(({ kind }) => kind !== 'process_stopping'));
  });

  test('of events takes the kinds that it is asked for', async () => {
    assert.equal((await get('/v1/events?kind=process_stopping,log_rotated')).status, 200);
    assert.deepEqual(gateway.eventSearches[0]?.kinds, ['process_stopping', 'log_rotated']);
  });

  for (const query of ['?limit=0', '?until=soon']) {
    test(`${query} is 400`, async () => assert.equal((await get(`/v1/audit${query}`)).status, 400));
  }
});

describe('configurations', () => {
  const entry = (id: number, outcome: 'applied' | 'refused'): KeptConfiguration => ({
    ...{ id, outcome, at: Date.UTC(2026, 0, 1), actor: 'signal:SIGHUP', times: 2, lastAt: Date.UTC(2026, 0, 2) },
    ...{ lastActor: 'gateway', revision: outcome === 'applied' ? id : null, epoch: 'run-1', source: '/candor.yaml' },
    ...{ contentHash: outcome === 'applied' ? 'abc' : null, text: `# ${id}\n`, warnings: [], changed: ['log'] },
    unshown: [{ key: 'admin.tokens.deploy', hash: 'hash-of-it', version: 2 }],
    errors: outcome === 'applied' ? [] : ['candor.yaml:1:1: no'],
  });
  const json = async (target: string): Promise<object> => JSON.parse((await get(target)).body) as object;

  test('are listed with their state, and without their texts', async () => {
    const list = [entry(3, 'refused'), entry(2, 'applied'), entry(1, 'applied')];
    gateway.configurations = { current: list[1] as KeptConfiguration, list };
    const { configurations } = configurationsSchema.parse(await json('/v1/configurations'));
    assert.deepEqual(
      configurations.map(({ id, state }) => [id, state]),
      [
        [3, 'refused'],
        [2, 'active'],
        [1, 'earlier'],
      ],
    );
    assert.doesNotMatch((await get('/v1/configurations')).body, /"text"|hash-of-it/);
  });

  test('are read one by one, and the active one by itself', async () => {
    const active = configurationSchema.parse(await json('/v1/configuration'));
    assert.deepEqual([active.id, active.state, active.text, active.last_actor], [2, 'active', '# 2\n', 'gateway']);
    assert.deepEqual(active.unshown, [{ key: 'admin.tokens.deploy', version: 2 }]);
    assert.doesNotMatch((await get('/v1/configuration')).body, /hash-of-it/);
    const refused = configurationSchema.parse(await json('/v1/configurations/3'));
    assert.deepEqual([refused.state, refused.errors, refused.revision], ['refused', ['candor.yaml:1:1: no'], null]);
    assert.equal((await get('/v1/configurations/4')).status, 404);
    gateway.configurations = { current: null, list: [] };
    assert.equal((await get('/v1/configuration')).status, 404);
  });
});

describe('the route of a request', () => {
  test('is asked by method, URL and headers as they are written', async () => {
    const answer = await get('/v1/route?method=POST&url=https://Shop.example:8443/a/../%2561?x=1&header=X-Beta:%201');
    assert.equal(answer.status, 200, answer.body);
    routeSchema.parse(JSON.parse(answer.body));
    const [question] = gateway.questions;
    assert.deepEqual(
      { ...question, headers: [...(question?.headers ?? [])] },
      {
        method: 'POST',
        authority: 'shop.example:8443',
        target: '/a/../%61?x=1',
        headers: [['x-beta', '1']],
        client: { address: '', listener: '', scheme: 'https' },
      },
    );
  });

  for (const query of [
    '',
    '?url=/path',
    '?url=ftp://a/',
    '?url=http://a/&method=G%20T',
    '?url=http://a/&header=x',
    '?url=http://[',
    '?url=http://a:99999/',
  ]) {
    test(`${query || 'without a URL'} is 400`, async () => assert.equal((await get(`/v1/route${query}`)).status, 400));
  }
});
