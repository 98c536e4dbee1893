// Starts processes: a client is killed while it reads events.

import assert from 'node:assert/strict';
import { snakeCased } from '#failures/json-case.ts';
import { durationBoundsMs, noCounts } from '../../src/core/counters.ts';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { spawn } from 'node:child_process';
import { openApi } from '../../src/admin/openapi.ts';
import { matchOperation, operations } from '../../src/admin/operations.ts';
import { problemSchema, reloadSchema, restartSchema } from '../../src/core/schemas/answers.ts';
import { incidentSchema } from '../../src/core/schemas/incidents.ts';
import { statusSchema } from '../../src/core/schemas/status.ts';
import { exchangeGroupsSchema, recordSchema } from '../../src/core/schemas/record.ts';
import { costSchema, usageNowSchema, usageSchema } from '../../src/core/schemas/usage.ts';
import { sampleUsage } from '../fakes/sample-usage.ts';
import { routeTimelinesSchema } from '../../src/core/schemas/traffic.ts';
import { eventSchema, gapSchema } from '../../src/core/schemas/events.ts';
import { type AdminServer, AdminFailure, startAdminServer } from '../../src/admin/server.ts';
import { hashOfToken } from '../../src/admin/token.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { failedRecord, incidentSample } from '../fakes/samples.ts';

let folder: string;
let socketPath: string;
let gateway: FakeGateway;
let clock: SimulatedClock;
let admin: AdminServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'candor-admin-'));
  socketPath = join(folder, 'run', 'admin.sock');
  gateway = new FakeGateway();
  clock = new SimulatedClock();
  admin = await startAdminServer({ gateway, spec: socketAlone(socketPath), clock });
});

afterEach(async () => {
  await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly allow: string | undefined;
  readonly text: string;
}

async function ask(method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const sent = request({ socketPath, method, path, headers: headers });
  sent.end();
  const response = await responseOf(sent);
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk;
  return {
    status: response.statusCode ?? 0,
    type: response.headers['content-type'] ?? '',
    allow: response.headers.allow,
    text,
  };
}

async function responseOf(sent: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

describe('the admin socket', () => {
  test('is accessible to its owner only, in a folder of its own', () => {
    assert.equal(statSync(socketPath).mode & 0o777, 0o600);
    assert.equal(statSync(join(folder, 'run')).mode & 0o777, 0o700);
  });

  test('is removed when the gateway stops', async () => {
    await admin.close();
    assert.equal(existsSync(socketPath), false);
  });

  test('of a running gateway is refused, and keeps working', async () => {
    await assert.rejects(startAdminServer({ gateway, spec: socketAlone(socketPath), clock }), (error: AdminFailure) => {
      assert.ok(error instanceof AdminFailure);
      assert.match(error.message, /Another gateway answers/);
      return true;
    });
    assert.equal((await ask('GET', '/v1/status')).status, 200);
  });

  test('of a dead process is replaced', async () => {
    const stale = join(folder, 'stale.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await once(spawn(process.execPath, ['-e', script]), 'exit');
    assert.ok(existsSync(stale));
    const second = await startAdminServer({ gateway, spec: socketAlone(stale), clock });
    assert.ok(statSync(stale).isSocket());
    await second.close();
    assert.equal(existsSync(stale), false);
  });

  test('does not replace an ordinary file', async () => {
    const file = join(folder, 'notes.txt');
    writeFileSync(file, 'keep me');
    await assert.rejects(startAdminServer({ gateway, spec: socketAlone(file), clock }), /not a socket has that name/);
    assert.equal(statSync(file).size, 7);
  });

  test('with a path too long for the system is refused before any file is created', async () => {
    const long = join(folder, 'x'.repeat(120), 'admin.sock');
    await assert.rejects(
      startAdminServer({ gateway, spec: socketAlone(long), clock }),
      /too long: the system allows 107 bytes/,
    );
    assert.equal(existsSync(join(folder, 'x'.repeat(120))), false);
  });
});

describe('a successor', () => {
  const token = 'candor_of-somebody';
  const tokens = [{ name: 'deploy', hash: hashOfToken(token) }];

  async function revisionAt(port: number): Promise<number> {
    const headers = { Authorization: `Bearer ${token}` };
    const response = await fetch(`http://127.0.0.1:${port}/v1/status`, {
      headers: { ...headers, Connection: 'close' },
    });
    return ((await response.json()) as { revision: number }).revision;
  }

  test('takes over socket and port while its predecessor answers there and then leaves', async () => {
    const place = { socket: join(folder, 'b.sock'), listen: { host: '127.0.0.1', port: 0 }, tokens, hosts: [] };
    const old = await startAdminServer({ gateway, spec: place, clock });
    const port = old.address?.port ?? 0;
    const heir = new FakeGateway();
    heir.statusNow = { ...heir.statusNow, revision: 99 };
    const spec = { ...place, listen: { host: '127.0.0.1', port } };
    await assert.rejects(startAdminServer({ gateway: heir, spec, clock }), /Another gateway answers/);
    const successor = await startAdminServer({ gateway: heir, spec, clock, predecessor: old });
    const elsewhere = { ...spec, socket: join(folder, 'c.sock'), listen: null };
    const stranger = await startAdminServer({ gateway, spec: elsewhere, clock });
    await assert.rejects(
      startAdminServer({ gateway: heir, spec: elsewhere, clock, predecessor: old }),
      /Another gateway answers/,
    );
    await stranger.close();
    old.closeTcp();
    for (let time = 0; time < 20; time++) assert.equal(await revisionAt(port), 99);
    await old.close();
    assert.ok(statSync(place.socket).isSocket());
    assert.equal(await revisionAt(port), 99);
    await successor.close();
    assert.equal(existsSync(place.socket), false);
  });
});

describe('answers match the OpenAPI description', () => {
  test('status', async () => {
    const answer = await ask('GET', '/v1/status');
    assert.equal(answer.status, 200);
    assert.equal(answer.type, 'application/json');
    const status = JSON.parse(answer.text);
    statusSchema.parse(status);
    const { admin, ...ofGateway } = status;
    assert.deepEqual(ofGateway, snakeCased(gateway.statusNow));
    assert.deepEqual(admin, { socket: socketPath, url: null, certificate: null });
  });

  test('reload shows the changes and the requester', async () => {
    const answer = await ask('POST', '/v1/reload');
    assert.equal(answer.status, 200);
    assert.deepEqual(reloadSchema.parse(JSON.parse(answer.text)), {
      ok: true,
      revision: 2,
      changed: ['routes: /api, /', 'log'],
      overlay: [],
      admin_certificate: null,
    });
    assert.deepEqual(gateway.calls, ['reload admin:socket']);
  });

  test('reload of an invalid file lists every error', async () => {
    const errors = ['candor.yaml:3:1: unknown key', 'candor.yaml:9:1: no such upstream'];
    gateway.reloadAnswer = { ok: false, kind: 'invalid', errors: errors };
    const answer = await ask('POST', '/v1/reload');
    assert.equal(answer.status, 422);
    assert.equal(answer.type, 'application/problem+json');
    const problem = problemSchema.parse(JSON.parse(answer.text));
    assert.deepEqual(problem.errors, errors);
  });

  for (const [kind, status] of [
    ['refused', 409],
    ['failed', 500],
  ] as const) {
    test(`a reload that was ${kind} does not blame the configuration`, async () => {
      gateway.reloadAnswer = { ok: false, kind, errors: ['This gateway is stopping.'] };
      const answer = await ask('POST', '/v1/reload');
      assert.equal(answer.status, status);
      const problem = problemSchema.parse(JSON.parse(answer.text));
      assert.equal(problem.detail, 'This gateway is stopping.');
      assert.equal(problem.errors, undefined);
    });
  }

  test('a known exchange, and an unknown one', async () => {
    gateway.records.set(failedRecord.id, failedRecord);
    const found = await ask('GET', `/v1/exchanges/${failedRecord.id}`);
    assert.equal(found.status, 200);
    recordSchema.parse(JSON.parse(found.text));
    assert.deepEqual(JSON.parse(found.text), failedRecord);
    const unknown = await ask('GET', '/v1/exchanges/nothing');
    assert.equal(unknown.status, 404);
    assert.match(problemSchema.parse(JSON.parse(unknown.text)).detail, /has the id nothing,/);
  });

  test('HEAD is answered like GET, without a body', async () => {
    const answer = await ask('HEAD', '/v1/status');
    assert.equal(answer.status, 200);
    assert.equal(answer.text, '');
  });

  const refused: [method: string, path: string, status: number, allow: string | undefined][] = [
    ['GET', '/v1/reload', 405, 'POST'],
    ['HEAD', '/v1/reload', 405, 'POST'],
    ['POST', '/v1/status', 405, 'GET, HEAD'],
    ['DELETE', '/v1/exchanges/1', 405, 'GET, HEAD'],
    ['GET', '/', 404, undefined],
    ['GET', '/v1/exchanges/', 404, undefined],
    ['GET', '/v1/exchanges/a/b', 404, undefined],
    ['GET', '/v1/exchanges/%zz', 404, undefined],
    ['GET', '/v1/events?follow=perhaps', 400, undefined],
  ];
  for (const [method, path, status, allow] of refused) {
    test(`${method} ${path} is ${status}, with problem details, and changes nothing`, async () => {
      const answer = await ask(method, path);
      assert.equal(answer.status, status);
      assert.equal(answer.allow, allow);
      assert.equal(answer.type, 'application/problem+json');
      if (method !== 'HEAD') assert.equal(problemSchema.parse(JSON.parse(answer.text)).status, status);
      assert.deepEqual(gateway.calls, []);
    });
  }

  test('an internal error is a sentence, not a stack trace', async () => {
    gateway.status = () => {
      throw new Error('secret');
    };
    const answer = await ask('GET', '/v1/status');
    assert.equal(answer.status, 500);
    assert.doesNotMatch(answer.text, /secret|at /);
  });

  test('a request body is not waited for, and a flood of body bytes is ended by a close', async () => {
    const sent = request({
      socketPath,
      method: 'POST',
      path: '/v1/status',
      headers: { 'Transfer-Encoding': 'chunked' },
    });
    sent.on('error', () => {});
    sent.write(Buffer.alloc(100_000));
    await new Promise((resolve) => sent.on('close', resolve));
  });
});

describe('the OpenAPI description', () => {
  test('has every operation, with all its answers', async () => {
    const answer = await ask('GET', '/v1/openapi.json');
    const document = JSON.parse(answer.text);
    assert.deepEqual(document, JSON.parse(JSON.stringify(openApi('0.1.0'))));
    assert.equal(document.openapi, '3.1.1');
    for (const { id, method, path } of operations) {
      assert.equal(document.paths[path][method.toLowerCase()].operationId, id);
    }
    const described = Object.values(document.paths as Record<string, object>).reduce(
      (sum, path) => sum + Object.keys(path).length,
      0,
    );
    assert.equal(described, operations.length);
  });

  test('and docs/admin-api.md have the same operations, and docs/metrics.md the same metrics', async () => {
    const read = (name: string): string => readFileSync(join(import.meta.dirname, '..', '..', 'docs', name), 'utf8');
    const page = read('admin-api.md');
    const metrics = read('metrics.md');
    for (const { method, path } of operations) assert.ok(page.includes(`| ${method} | \`${path}\` |`), path);
    const { text } = await ask('GET', '/metrics');
    for (const [, name] of text.matchAll(/^# TYPE (\w+)/gm)) {
      assert.ok(metrics.includes(`| \`${name}\` |`), `${name} is not in docs/metrics.md`);
    }
  });

  test('refers only to schemas that it contains', () => {
    const text = JSON.stringify(openApi('0.1.0'));
    const names = Object.keys((openApi('0.1.0')['components'] as { schemas: object }).schemas);
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g))
      assert.ok(names.includes(name ?? ''), name ?? '');
  });
});

test('an instance is restarted by who may operate, and each request for it is in the audit', async () => {
  const restart = async (body: object | null): Promise<[number, string]> => {
    const headers = body === null ? {} : { 'Content-Type': 'application/json' };
    const sent = request({ socketPath, method: 'POST', path: '/v1/instances/restart', headers });
    sent.end(body === null ? '' : JSON.stringify(body));
    const response = await responseOf(sent);
    response.setEncoding('utf8');
    let text = '';
    for await (const chunk of response) text += chunk;
    return [response.statusCode ?? 0, text];
  };
  const [status, text] = await restart({ instance: 'shop/1' });
  assert.equal(status, 202, text);
  restartSchema.parse(JSON.parse(text));
  assert.deepEqual(gateway.restarted, ['shop/1']);
  assert.equal((await restart({ instance: 'gone/1' }))[0], 404);
  assert.equal((await restart({ what: 1 }))[0], 422);
  // A name that schemas would leave out without a word.
  assert.equal((await restart(JSON.parse('{"instance":"shop/1","__proto__":1}') as object))[0], 400);
  assert.equal((await restart(null))[0], 422);
  const actions = gateway.events
    .since(0)
    .events.filter(({ kind }) => kind === 'admin_action')
    .map(({ reason }) => reason);
  assert.equal(actions.length, 2);
  assert.match(actions[0] ?? '', /restartInstance \(shop\/1\); it was done/);
  assert.match(actions[1] ?? '', /restartInstance \(gone\/1\); nothing was changed: No instance gone\/1 runs/);
  const { access } = matchOperation('POST', '/v1/instances/restart') as { readonly access?: string };
  assert.equal(access, 'operate');
});

test('an incident is acknowledged and muted by who may operate, with who and why in the audit', async () => {
  const at = new Date(clock.wallTime() + 7_200_000).toISOString();
  const [open, over] = [incidentSample, { ...incidentSample, id: 4, resolvedAt: at }];
  gateway.shownIncidents = [open, over];
  const mark = async (what: string, body: object): Promise<[number, string]> => {
    const headers = { 'Content-Type': 'application/json' };
    const sent = request({ socketPath, method: 'POST', path: `/v1/incidents/${what}`, headers });
    sent.end(JSON.stringify(body));
    const response = await responseOf(sent);
    response.setEncoding('utf8');
    let text = '';
    for await (const chunk of response) text += chunk;
    return [response.statusCode ?? 0, text];
  };
  const [status, text] = await mark('acknowledge', { incident: 3, reason: 'I look at it' });
  assert.equal(status, 200, text);
  incidentSchema.parse(JSON.parse(text));
  for (const until of ['2h', at]) assert.equal((await mark('mute', { incident: 3, until }))[0], 200);
  assert.equal((await mark('mute', { incident: 3, until: null }))[0], 200);
  assert.deepEqual(gateway.marked, [
    'acknowledge I look at it admin:socket',
    `mute ${at} null admin:socket`,
    `mute ${at} null admin:socket`,
    'mute null null admin:socket',
  ]);
  assert.equal((await mark('acknowledge', { incident: 9 }))[0], 404);
  assert.equal((await mark('mute', { incident: 4, until: '2h' }))[0], 409);
  for (const until of ['soon', 7, undefined, '999999999d']) {
    const [refused, why] = await mark('mute', { incident: 3, until });
    assert.equal(refused, 422, `${until}`);
    assert.match(why, /`until`, which is a duration/);
  }
  for (const [reason, text] of [
    ['x'.repeat(201), 'reason: it has 201 characters, and may have at most 200. Nothing was changed.'],
    [
      'a\u001b[2Jb',
      'reason: it has the control character U+001B, and must be one line without any. Nothing was changed.',
    ],
  ] as const)
    for (const [what, more] of [
      ['mute', { until: '2h' }],
      ['acknowledge', {}],
    ] as const) {
      const [refused, why] = await mark(what, { incident: 3, reason, ...more });
      assert.deepEqual([refused, (JSON.parse(why) as { detail: string }).detail], [422, text]);
    }
  const actions = gateway.events.since(0).events.filter(({ kind }) => kind === 'admin_action');
  assert.equal(actions.length, 6, 'what cannot be read is no action');
  assert.match(actions[0]?.reason ?? '', /acknowledgeIncident \(incident 3\) \("I look at it"\); it was done/);
  assert.deepEqual(actions[0]?.evidence, {
    ...{ operation: 'acknowledgeIncident', outcome: 'done', remote: null, target: 'incident 3' },
    reason: 'I look at it',
  });
  assert.match(actions[1]?.reason ?? '', new RegExp(`muteIncident \\(incident 3 until ${at}\\); it was done`));
  assert.match(actions[4]?.reason ?? '', /incident 9\); nothing was changed: No incident has the number 9/);
  for (const what of ['acknowledge', 'mute']) {
    const { access } = matchOperation('POST', `/v1/incidents/${what}`) as { readonly access?: string };
    assert.equal(access, 'operate');
  }
});

test('stored exchanges are counted by one of their values, and without a store the answer says why not', async () => {
  const groups = [{ value: '198.51.100.7', count: 9, failed: 2 }];
  gateway.grouped = { kind: 'groups', groups, counted: 12, isComplete: false };
  const found = await ask('GET', '/v1/exchange-groups?query=status:5xx&by=client');
  const expected = { by: 'client', groups, counted: 12, complete: false, store_failing: null };
  assert.deepEqual(exchangeGroupsSchema.parse(JSON.parse(found.text)), expected);
  assert.equal((await ask('GET', '/v1/exchange-groups?by=colour')).status, 400);
  gateway.grouped = { kind: 'unavailable', problem: 'The configuration has no store.' };
  const none = await ask('GET', '/v1/exchange-groups?by=client');
  assert.equal(none.status, 409);
  assert.match(none.text, /has no store/);
});

test('the timelines of routes fit their schema', async () => {
  const { text } = await ask('GET', '/v1/timeline/routes?since=10m&step=10');
  assert.deepEqual(routeTimelinesSchema.parse(JSON.parse(text)).routes, [
    { id: 'shop', requests: [12, 0], errors: [2, 0] },
  ]);
  assert.equal((await ask('GET', '/v1/timeline/routes?since=soon')).status, 400);
});

/** Reads a stream of events until `enough` returns true, then closes it. */
async function readStream(
  path: string,
  headers: Record<string, string>,
  enough: (text: string) => boolean,
  began = () => {},
): Promise<string> {
  const sent = request({ socketPath, path, headers: headers });
  sent.end();
  const response = await responseOf(sent);
  assert.equal(response.headers['content-type'], 'text/event-stream');
  response.setEncoding('utf8');
  began();
  let text = '';
  for await (const chunk of response) {
    text += chunk;
    if (enough(text)) break;
  }
  sent.destroy();
  return text;
}

function tellListener(port: string): void {
  gateway.emit({
    kind: 'listener_opened',
    subject: 'listener:http',
    reason: `Opened at ${port}.`,
    evidence: { listener: 'http', address: port },
  });
}

function dataOf(text: string, kind: string): unknown[] {
  return text
    .split('\n\n')
    .filter((block) => block.includes(`event: ${kind}\n`))
    .map((block) => JSON.parse((/^data: (.*)$/m.exec(block) as RegExpExecArray)[1] as string));
}

describe('events', () => {
  test('in the buffer come first, then new ones', async () => {
    tellListener('one');
    const text = await readStream(
      '/v1/events',
      {},
      (all) => all.includes('three'),
      () => {
        tellListener('two');
        tellListener('three');
      },
    );
    const events = dataOf(text, 'listener_opened').map((event) => eventSchema.parse(event));
    assert.deepEqual(
      events.map((event) => event.seq),
      [1, 2, 3],
    );
    assert.deepEqual(
      [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id),
      ['run-1-1', 'run-1-2', 'run-1-3'],
    );
    assert.deepEqual(dataOf(text, 'gap'), []);
  });

  test('resume after the last one that was read', async () => {
    for (const name of ['one', 'two', 'three']) tellListener(name);
    const text = await readStream('/v1/events?follow=false', { 'Last-Event-ID': 'run-1-2' }, () => false);
    assert.deepEqual(
      [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id),
      ['run-1-3'],
    );
    assert.deepEqual(dataOf(text, 'gap'), []);
  });

  test('no longer in the buffer are reported as a gap, with their number', async () => {
    gateway.events.held = 2;
    for (const name of ['one', 'two', 'three', 'four', 'five']) tellListener(name);
    const text = await readStream('/v1/events?follow=false', { 'Last-Event-ID': 'run-1-1' }, () => false);
    assert.deepEqual(
      dataOf(text, 'gap').map((gap) => gapSchema.parse(gap)),
      [{ reason: 'not_held', missed: 2, epoch: 'run-1' }],
    );
    assert.deepEqual(
      [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id),
      ['run-1-4', 'run-1-5'],
    );
  });

  test('of another epoch are reported as a gap, followed by this epoch from its beginning', async () => {
    tellListener('one');
    const text = await readStream('/v1/events?follow=false', { 'Last-Event-ID': 'run-0-99' }, () => false);
    assert.deepEqual(dataOf(text, 'gap'), [{ reason: 'another_epoch', missed: 0, epoch: 'run-1' }]);
    assert.deepEqual(
      [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id),
      ['run-1-1'],
    );
  });

  test('after a malformed id are refused', async () => {
    assert.equal((await ask('GET', '/v1/events', { 'Last-Event-ID': 'five' })).status, 400);
  });

  test('a comment every 15 s shows that the stream is alive', async () => {
    const text = await readStream(
      '/v1/events',
      {},
      (all) => all.includes('still here'),
      () => void clock.advance(15_000),
    );
    assert.match(text, /^: still here$/m);
  });

  const long = 'x'.repeat(64 * 1024);
  const tellLong = () =>
    gateway.emit({
      kind: 'worker_lost',
      subject: 'worker:1',
      reason: long,
      evidence: { reason: '', exchangesLost: 0, unreadConnections: null, error: null, code: null },
    });

  test("that fill more than a socket's buffer all reach a reader in order", async () => {
    for (let number = 0; number < 100; number++) tellLong();
    const text = await readStream('/v1/events?follow=false', {}, () => false);
    const ids = [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id);
    assert.deepEqual(
      ids,
      Array.from({ length: 100 }, (_, place) => `run-1-${place + 1}`),
    );
  });

  test('that a slow reader has missed are reported to it as a gap', async () => {
    gateway.events.held = 10;
    const sent = request({ socketPath, path: '/v1/events' });
    sent.end();
    const response = await responseOf(sent);
    response.pause();
    for (let number = 0; number < 100; number++) tellLong();
    response.setEncoding('utf8');
    let text = '';
    for await (const chunk of response) {
      text += chunk;
      if (text.includes('id: run-1-100\n')) break;
    }
    const [gap] = dataOf(text, 'gap') as { missed: number }[];
    assert.ok(gap !== undefined && gap.missed > 0);
    assert.equal([...text.matchAll(/^id: /gm)].length + gap.missed, 100);
  });

  test('a reader that reads nothing between two heartbeats is disconnected and forgotten', async () => {
    const sent = request({ socketPath, path: '/v1/events' });
    sent.on('error', () => {});
    sent.end();
    const response = await responseOf(sent);
    response.on('error', () => {});
    response.pause();
    for (let number = 0; number < 100; number++) tellLong();
    await clock.advance(15_000);
    assert.equal(gateway.events.listeners.size, 1);
    await clock.advance(15_000);
    response.resume();
    await new Promise((resolve) => response.on('close', resolve));
    while (gateway.events.listeners.size > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(clock.timersLive, 0);
  });

  test('a reader that leaves is forgotten', async () => {
    await readStream('/v1/events', {}, () => true);
    while (gateway.events.listeners.size > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(clock.timersLive, 0);
  });

  test('the 33rd follower is refused', async () => {
    const readers = [];
    for (let number = 0; number < 32; number++) {
      const sent = request({ socketPath, path: '/v1/events', agent: false });
      sent.on('error', () => {});
      sent.end();
      await responseOf(sent);
      readers.push(sent);
    }
    assert.equal((await ask('GET', '/v1/events')).status, 503);
    for (const reader of readers) reader.destroy();
  });
});

describe('metrics', () => {
  test('are the totals of all workers, with bounded labels', async () => {
    const durations = Array.from({ length: durationBoundsMs.length + 1 }, () => 0);
    // Workers count more finely than the metrics: all three values lie between 1 and 2.5 ms.
    for (const bound of [1.1, 2, 2.5]) durations[durationBoundsMs.indexOf(bound)] = 1;
    durations[durationBoundsMs.indexOf(70_000)] = 1;
    gateway.exchangeCounts = [
      {
        route: 'api',
        upstream: 'api',
        statusClass: '5xx',
        shape: 'unreachable',
        cause: 'connect_refused',
        end: 'generated',
        grpcStatus: null,
        count: 4,
        durationMsSum: 61_006,
        durationMsMin: 6,
        durationMsMax: 61_000,
        bytesIn: 10,
        bytesOut: 20,
        durations,
      },
    ];
    const worker = {
      ...noCounts(1),
      clientConnections: 2,
      clientConnectionsTotal: 9,
      clientConnectionsRefused: 3,
      refusedAtAddressMax: 3,
      exchangesActive: 1,
      tunnelsActive: 1,
      upstreamConnections: 3,
      upstreamConnectionsIdle: 1,
      upstreamConnectionsTotal: 5,
      upstreamReusesTotal: 4,
      staleReusesAvoided: 3,
      staleReusesRetried: 2,
      staleReusesFailed: 1,
      recordsDropped: 0,
      readyWaiters: 0,
      readyWaitsTotal: 0,
      unclassifiedTotal: 0,
    };
    gateway.workerCounts = [
      { ...worker, worker: 1 },
      { ...worker, worker: 2 },
    ];
    const { text, type } = await ask('GET', '/metrics');
    assert.match(type, /^text\/plain; version=0\.0\.4/);
    const expected = [
      'candor_stale_reuses_total{outcome="avoided"} 6',
      'candor_stale_reuses_total{outcome="retried"} 4',
      'candor_stale_reuses_total{outcome="failed"} 2',
      'candor_exchanges_total{route="api",upstream="api",status_class="5xx",shape="unreachable",cause="connect_refused",end="generated"} 4',
      'candor_exchange_duration_seconds_bucket{route="api",upstream="api",status_class="5xx",le="0.001"} 0',
      'candor_exchange_duration_seconds_bucket{route="api",upstream="api",status_class="5xx",le="0.0025"} 3',
      'candor_exchange_duration_seconds_bucket{route="api",upstream="api",status_class="5xx",le="60"} 3',
      'candor_exchange_duration_seconds_bucket{route="api",upstream="api",status_class="5xx",le="+Inf"} 4',
      'candor_exchange_duration_seconds_sum{route="api",upstream="api",status_class="5xx"} 61.006',
      'candor_exchange_duration_seconds_count{route="api",upstream="api",status_class="5xx"} 4',
      'candor_tunnels_active 2',
      'candor_workers{state="serving"} 1',
      'candor_workers{state="lost"} 0',
      'candor_workers_lost_total 0',
      'candor_worker_exchanges_active{worker="1"} 2',
      'candor_worker_client_connections{worker="1"} 5',
      'candor_client_connections 4',
      'candor_client_connections_total 18',
      'candor_upstream_connections_idle 2',
      'candor_client_connections_refused_total{reason="connections_per_address_max"} 6',
      'candor_client_connections_refused_total{reason="memory"} 0',
      'candor_unclassified_total 0',
      'candor_log_dropped_total 0',
      'candor_endpoints{upstream="api",state="unhealthy"} 1',
      'candor_instance_restarts_total{application="web"} 3',
      'candor_configuration_revision 3',
    ];
    const lines = text.split('\n');
    for (const line of expected) assert.ok(lines.includes(line), `${line}\n\n${text}`);
  });
});

test('what applications use and cost comes in the forms that the description promises', async () => {
  gateway.usageRows = sampleUsage;
  assert.equal(usageNowSchema.parse(JSON.parse((await ask('GET', '/v1/usage/now')).text)).rows.length, 3);
  const usage = usageSchema.parse(JSON.parse((await ask('GET', '/v1/usage?since=2d&step=hour')).text));
  assert.equal(usage.step_s, 3600);
  const cost = costSchema.parse(JSON.parse((await ask('GET', '/v1/cost')).text));
  assert.match(cost.since, /^\d{4}-\d\d-01T00:00:00\.000Z$/);
});

for (const [path, says] of [
  ['/v1/usage?step=10s', /step is minute or hour, not 10s/],
  ['/v1/usage?since=soon', /since is a time ago/],
  ['/v1/cost?since=2999-01-01', /since is later than now/],
] as const)
  test(`${path} is refused with the reason`, async () => {
    const { status, text } = await ask('GET', path);
    assert.equal(status, 400);
    assert.match(text, says);
  });
