import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openApi } from '../src/admin/openapi.ts';
import { type AdminServer, startAdminServer } from '../src/admin/server.ts';
import { snakeKey } from '#failures/json-case.ts';
import { systemClock } from '../src/system/system.ts';
import { socketAlone } from './fakes/admin-spec.ts';
import { FakeGateway } from './fakes/fake-gateway.ts';
import { FakeProcessContext } from './fakes/fake-process-context.ts';
import { failedRecord } from './fakes/samples.ts';

// Every JSON that the program prints or serves: keys in snake_case, times in ISO 8601 (docs/adr/0024-the-record-and-its-log.md).

/** What is wrong with the names and times of `value`, each with its path. */
function faultsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((one, index) => faultsOf(one, `${path}[${index}]`));
  if (typeof value === 'number') return isEpochMs(value) ? [`${path}: a time as a number`] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/.test(key) ? [] : [`${path}.${key}: not snake_case`]),
    ...(key === 'at' || key.endsWith('_at') ? timeFaults(inner, `${path}.${key}`) : []),
    ...faultsOf(inner, `${path}.${key}`),
  ]);
}

/** Between 2001 and 2286: no count and no duration of these samples is as large. */
function isEpochMs(value: number): boolean {
  return value > 1e12 && value < 1e13;
}

function timeFaults(value: unknown, path: string): string[] {
  // An exposed address and the position of a mistake are no times.
  if (value === null || path.endsWith('.exposed_at') || path.endsWith('evidence.at')) return [];
  const isIso = typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z$/.test(value);
  return isIso ? [] : [`${path}: not ISO 8601`];
}

test('a key in camelCase, a time as a number and a time in another form are found', () => {
  assert.deepEqual(faultsOf({ a_b: 1, list: [{ aB: 1 }], at: 'yesterday', since: 1_795_250_538_058 }), [
    '.list[0].aB: not snake_case',
    '.at: not ISO 8601',
    '.since: a time as a number',
  ]);
});

test('the schemas of the admin API have keys in snake_case', () => {
  const { schemas } = openApi('0').components as { schemas: Record<string, unknown> };
  const keys: string[] = [];
  const collect = (schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null) return;
    for (const [name, inner] of Object.entries(schema)) {
      if (name === 'properties') keys.push(...Object.keys(inner as object));
      collect(inner);
    }
  };
  collect(schemas);
  assert.ok(keys.length > 150 && keys.includes('last_minute'));
  assert.deepEqual(
    keys.filter((key) => key !== snakeKey(key)),
    [],
  );
});

const golden = join(import.meta.dirname, 'golden');
for (const name of readdirSync(golden).filter((one) => one.endsWith('-v2.ndjson'))) {
  test(`${name} has keys in snake_case and times in ISO 8601`, () => {
    const lines = readFileSync(join(golden, name), 'utf8').trimEnd().split('\n');
    assert.deepEqual(faultsOf(lines.map((line) => JSON.parse(line) as unknown)), []);
  });
}

describe('with --json', () => {
  let folder: string;
  let admin: AdminServer;
  let gateway: FakeGateway;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'candor-json-'));
    mkdirSync(join(folder, `candor-${userInfo().uid}`));
    gateway = new FakeGateway();
    gateway.records.set(failedRecord.id, failedRecord);
    gateway.emit({
      kind: 'instance_exited',
      subject: 'instance:shop/1',
      reason: 'The instance was killed by SIGKILL.',
      evidence: { pid: 7, code: null, signal: 'SIGKILL', outOfMemory: true, afterMs: 90, output: [] },
    });
    const socket = join(folder, `candor-${userInfo().uid}`, 'one.sock');
    admin = await startAdminServer({ gateway, spec: socketAlone(socket), clock: systemClock });
    writeFileSync(join(folder, 'bad.yaml'), 'wokers: 2\nupstreams: { api: "127.0.0.1:3000" }\n');
    writeFileSync(join(folder, 'nginx.log'), nginxLines());
    writeFileSync(
      join(folder, 'answer.txt'),
      'HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\n\r\n<center>nginx</center>',
    );
  });

  after(async () => {
    await admin.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const commands: readonly (readonly string[])[] = [
    ['status'],
    ['events'],
    ['explain', failedRecord.id],
    ['explain', 'nginx.log'],
    ['explain', 'nginx.log', '--lines'],
    ['check', '-c', 'bad.yaml'],
    ['reload'],
    ['upgrade'],
    ['version'],
    ['token', 'deploy'],
    ['whose', 'answer.txt'],
  ];
  for (const command of commands) {
    test(`candor ${command.join(' ')}: keys in snake_case, times in ISO 8601`, async () => {
      const context = new FakeProcessContext(folder);
      await context.candor(...command, '--json');
      assert.deepEqual(faultsOf(parse(context.stdout.text)), []);
    });
  }
});

/** One document, or one for each line. */
function parse(text: string): unknown {
  assert.notEqual(text.trim(), '');
  try {
    return JSON.parse(text);
  } catch {
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  }
}

/** A burst of failures, with times. */
function nginxLines(): string {
  const line = (second: number): string =>
    `2026/11/21 21:59:${String(second).padStart(2, '0')} [error] 7#7: *${second} connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.1, server: _, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:3000/", host: "a.test"\n`;
  return Array.from({ length: 20 }, (_, index) => line(index + 10)).join('');
}
