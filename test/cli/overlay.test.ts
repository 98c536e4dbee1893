import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, describe, test } from 'node:test';
import { problemSchema } from '../../src/core/schemas/answers.ts';
import { overlayChangeSchema, overlaySchema } from '../../src/core/schemas/overlay.ts';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { ok, RawOrigin } from '../gateway/raw-origin.ts';
import { startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';

// The commands and the admin API that change a running gateway, with a real one behind them.

let origin: RawOrigin;
let edge: YamlGateway;
let admin: AdminServer;
let folder: string;
let refusal: string | null;
let context: FakeProcessContext;
/** Of the overlay, before the test. */
let revision: number;

const socket = (): string => join(folder, 'candor', 'edge.sock');

before(async () => {
  origin = await RawOrigin.start(() => ok('here'));
  folder = mkdtempSync(join(tmpdir(), 'candor-overlay-cli-'));
  mkdirSync(join(folder, 'candor'), { mode: 0o700 });
  edge = await startFromYaml(
    `state: ${join(folder, 'state')}\nupstreams:\n  app: { endpoints: "${origin.address}", check: none }\n` +
      `  api: { endpoints: "127.0.0.1:1", check: none }\nroutes: [{ path: /api, to: api }, { to: app }, { id: app, path: /b, to: app }]\n`,
  );
  const spec = socketAlone(socket());
  admin = await startAdminServer({ gateway: edge.gateway, spec, clock: systemClock, refusal: () => refusal });
});

beforeEach(async () => {
  refusal = null;
  await edge.gateway.changeOverlay({ kind: 'restore', what: null }, 'test', null);
  edge.forgetEvents();
  ({ revision } = edge.gateway.overlay());
});

after(async () => {
  await admin.close();
  await edge.stop();
  await origin.close();
  rmSync(folder, { recursive: true, force: true });
});

async function candor(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  context = new FakeProcessContext(folder);
  const code = await context.candor(...words, '--socket', socket());
  return { code, out: context.stdout.text, err: context.stderr.text };
}

interface Answer {
  readonly status: number;
  readonly etag: string | undefined;
  readonly body: unknown;
}

function ask(
  method: string,
  path: string,
  body: string | Buffer = '',
  headers: Readonly<Record<string, string>> = { 'Content-Type': 'application/json' },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: socket(), method, path, headers, agent: false }, (response) => {
      text(response).then(
        (read) => resolve({ status: response.statusCode ?? 0, etag: response.headers.etag, body: JSON.parse(read) }),
        reject,
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function assertFits(output: string): void {
  for (const line of output.split('\n')) assert.ok(line.length <= 80, `${line.length} columns: ${line}`);
}

describe('the commands for the overlay', () => {
  test('print the new state and the command that undoes it; status shows who did it, and restore undoes it', async () => {
    const drained = await candor('drain', origin.address);
    const id = `drain:app/${origin.address}`;
    assert.equal(
      drained.out,
      `Endpoint app/${origin.address} gets no new requests.\n  candor restore ${id}\n`,
      drained.err,
    );
    assert.deepEqual([drained.code, drained.err], [0, 'Upstream app has no endpoint left that gets requests.\n']);
    const [drain] = edge.eventsOf('admin_action').slice(-1);
    assert.deepEqual(drain?.evidence.overlay?.entries, [{ id, after: {} }]);
    const status = await candor('status');
    assert.match(status.out, new RegExp(`\\nOVERLAY\\n  … +endpoint app/${origin.address} gets no new requests\\n`));
    assert.match(status.out, /by admin:socket, \d{4}-/);
    assertFits(status.out);
    const restored = await candor('restore', origin.address);
    assert.deepEqual(restored, { code: 0, out: `Cleared: ${id}. The configuration file decides again.\n`, err: '' });
    const [restore, change] = [edge.eventsOf('admin_action').at(-1), edge.eventsOf('overlay_changed').at(-1)];
    const entries = [{ id, after: null }];
    assert.deepEqual(restore?.evidence.overlay, { revision: change?.evidence.revision, entries });
    assert.doesNotMatch((await candor('status')).out, /OVERLAY/);
    assert.match((await candor('restore')).out, /^Nothing was set/);
  });

  test('restore all of a kind, or every entry, at once', async () => {
    for (const words of [
      ['drain', origin.address],
      ['weight', origin.address, '3'],
      ['drain', '127.0.0.1:1'],
    ])
      assert.equal((await candor(...words)).code, 0);
    assert.match((await candor('restore', 'drain')).out, /^Cleared: drain:[^,]+, drain:[^,]+\. .* Still set: weight:/s);
    assert.equal((await candor('drain', origin.address)).code, 0);
    assert.match(
      (await candor('restore', '--all')).out.replaceAll('\n', ' '),
      /^Cleared: [^,]+, [^,]+\. The .* again\. $/,
    );
    assert.deepEqual(edge.gateway.overlay().entries, []);
  });

  test('print the answer of the API with --json', async () => {
    const { code, out } = await candor('weight', '127.0.0.1:1', '7', '--json');
    const { changed, affected, overlay } = overlayChangeSchema.parse(JSON.parse(out));
    assert.deepEqual([code, changed, affected], [0, true, ['weight:api/127.0.0.1:1']]);
    assert.deepEqual(overlay.entries[0]?.values, { weight: 7 });
  });

  test('end with 9 and a similar name if the target does not exist', async () => {
    const { code, err } = await candor('drain', '127.0.0.1:2');
    assert.equal(code, 9);
    assert.match(err.replaceAll('\n', ' '), /There is no endpoint 127\.0\.0\.1:2: did you mean "127\.0\.0\.1:1"/);
    assertFits(err);
  });

  test('end with 10 and the reason if the gateway accepts no change now', async () => {
    refusal = 'An upgrade is in progress; try again when it is over.';
    const { code, err } = await candor('drain', origin.address);
    assert.deepEqual([code, err], [10, `${refusal}\n`]);
    const [event] = edge.eventsOf('admin_action').slice(-1);
    assert.deepEqual([event?.evidence.operation, event?.evidence.outcome], ['drain', 'rejected']);
  });

  const wrong: readonly (readonly string[])[] = [
    ['weight', '127.0.0.1:1', '1001'],
    ['weight', '127.0.0.1:1', '-1'],
    ['weight', '127.0.0.1:1', '1.5'],
    ['weight', '127.0.0.1:1'],
    ['drain'],
    ['pause'],
    ['pause', 'api', '--for', '6m'],
    ['pause', 'api', '--for', '5'],
    ['pause', 'api', '--waiters', '0'],
    ['maintenance'],
    ['maintenance', '--message', 'Back soon.'],
    ['maintenance', 'on', '--retry-after', '25h'],
    ['maintenance', 'on', '--message', ''],
    ['restore', 'one', 'two'],
    ['restore', 'one', '--all'],
  ];
  for (const words of wrong) {
    test(`${words.join(' ')} ends with 2 and changes nothing`, async () => {
      const { code, err } = await candor(...words);
      assert.deepEqual([code, edge.gateway.overlay().revision], [2, revision], err);
      assert.notEqual(err, '');
    });
  }
});

test('networks that are none are told in the words of the command', async () => {
  const { code, err } = await candor('maintenance', 'on', '--allow', '10.0.0.0/8,me');
  assert.deepEqual([code, edge.gateway.overlay().revision], [2, revision]);
  assert.match(err, /--allow: "me" is not a network/);
  assert.doesNotMatch(err, /allow\.\d/);
});

describe('the admin API of the overlay', () => {
  test('returns the overlay with its revision as ETag, and changes it only if If-Match has that revision', async () => {
    const drain = JSON.stringify({ endpoint: origin.address });
    const json = { 'Content-Type': 'application/json' };
    const [before, next] = [`"${revision}"`, `"${revision + 1}"`];
    const first = await ask('POST', '/v1/overlay/drain', drain, { ...json, 'If-Match': before });
    assert.deepEqual([first.status, first.etag], [200, next]);
    const shown = await ask('GET', '/v1/overlay');
    assert.deepEqual([shown.status, shown.etag], [200, next]);
    assert.deepEqual(overlaySchema.parse(shown.body), overlayChangeSchema.parse(first.body).overlay);
    const late = await ask('POST', '/v1/overlay/restore', '{}', { ...json, 'If-Match': before });
    assert.equal(late.status, 412);
    assert.equal((await ask('POST', '/v1/overlay/restore', '{}', { ...json, 'If-Match': `W/${next}` })).status, 400);
    assert.equal((await ask('POST', '/v1/overlay/restore', '{}', { ...json, 'If-Match': '*' })).status, 200);
  });

  test('names each error in a body, with a hint for an unknown key', async () => {
    const answer = await ask('POST', '/v1/overlay/weight', '{"endpiont":"a","weight":1001,"command":"rm"}');
    assert.equal(answer.status, 422);
    const { detail, errors } = problemSchema.parse(answer.body);
    assert.equal(detail, 'The body has errors; nothing was changed.');
    const all = errors?.join('\n') ?? '';
    assert.match(all, /The key "endpiont" is unknown: did you mean "endpoint"\?/);
    assert.match(all, /The key "command" is unknown: known are endpoint, weight\./);
    assert.match(all, /^weight: /m);
    assert.match(all, /^endpoint: /m);
  });

  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const bad: readonly (readonly [
    what: string,
    status: number,
    body: string | Buffer,
    headers?: Record<string, string>,
  ])[] = [
    ['a body that is no JSON', 400, '{"endpoint":'],
    ['a body that is not UTF-8', 400, Buffer.from([0x7b, 0xff, 0x7d])],
    ['a body that is an array', 422, '[]'],
    ['a body that is null', 422, 'null'],
    ['no body', 422, ''],
    ['a body without a type', 415, '{"endpoint":"a"}', {}],
    ['the body of a form', 415, 'endpoint=a', form],
    ['a body of more than 16 KiB', 413, JSON.stringify({ endpoint: 'a'.repeat(20_000) })],
    ['a name of more than 1,024 characters', 422, JSON.stringify({ endpoint: 'a'.repeat(2_000) })],
    ['a name that is no text', 422, '{"endpoint":["a"]}'],
    ['an unknown endpoint', 404, '{"endpoint":"a"}'],
  ];
  for (const [what, status, body, headers] of bad) {
    test(`refuses ${what} with ${status} and problem details`, async () => {
      const answer = await ask('POST', '/v1/overlay/drain', body, headers);
      assert.equal(answer.status, status);
      assert.equal(problemSchema.parse(answer.body).status, status);
      assert.deepEqual(edge.gateway.overlay().entries, []);
    });
  }

  test('a wrong method is 405 with Allow, and GET changes nothing', async () => {
    assert.equal((await ask('GET', '/v1/overlay/drain')).status, 405);
    assert.equal((await ask('PUT', '/v1/overlay/drain', '{}')).status, 405);
    assert.equal((await ask('DELETE', '/v1/overlay')).status, 405);
    assert.equal(edge.gateway.overlay().revision, revision);
  });
});
