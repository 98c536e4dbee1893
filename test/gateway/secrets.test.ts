// Starts processes: applications that get secrets.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretsChange, SecretsStatus } from '../../src/core/schemas/secrets.ts';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

const first = 'postgres://anna:Kn4rv-first@db/shop';
const second = 'postgres://anna:Kn4rv-second@db/shop';
const key = '-----BEGIN KEY-----\nKn4rvKeyKeyKeyKey\n-----END KEY-----\n';

// Each answer says which secret its instance has; /print prints it.
const program = `
const { createServer } = require('node:http');
const { readFileSync, statSync } = require('node:fs');
const server = createServer((request, response) => {
  const { DATABASE_URL, TLS_KEY } = process.env;
  if (request.url === '/print') {
    console.log('connected to ' + DATABASE_URL);
    console.error(readFileSync(TLS_KEY, 'utf8'));
    process.stdout.write('half a line ' + DATABASE_URL);
  }
  const mode = (statSync(TLS_KEY).mode & 0o777).toString(8);
  const said = { url: DATABASE_URL, path: TLS_KEY, mode, key: readFileSync(TLS_KEY, 'utf8'), pid: process.pid };
  request.resume().on('end', () => response.end(JSON.stringify(said)));
});
server.listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;

const yaml = `
state: ./state
log: { path: exchanges.log }
store: { path: ./store }
applications:
  shop:
    command: ["${process.execPath}", server.cjs]
    instances: 2
    readiness: { path: /, interval: 20ms, passes: 2 }
    restart: { first_delay: 100ms, max_delay: 100ms }
    secrets: { DATABASE_URL: db-url, TLS_KEY: { secret: tls-key, as: file } }
routes: [{ to: shop }]
`;

let edge: YamlGateway;
before(async () => {
  edge = await startFromYaml(yaml, { files: { 'server.cjs': program }, keepsText: true });
});
after(() => edge.stop());

async function ask<T>(request: object): Promise<T> {
  const answer = await edge.gateway.askFeature('secrets', request, 'the test');
  assert.ok(answer.ok, JSON.stringify(answer));
  return answer.value as T;
}

const set = (values: object): Promise<SecretsChange> => ask({ kind: 'set', application: 'shop', values });

async function answerOf(path = '/'): Promise<{ url: string; path: string; mode: string; key: string; pid: number }> {
  const { status, body } = await edge.send(requestText('GET', path, []));
  assert.equal(status, 200, body.toString());
  return JSON.parse(body.toString());
}

const instances = () => edge.gateway.status().applications[0]?.instances ?? [];

test('a program whose secret has no value is not started, and its reason says what to do', async () => {
  await until(
    'both are refused',
    () => instances().length === 2 && instances().every(({ reason }) => /no value/.test(reason)),
  );
  assert.match(
    instances()[0]?.reason ?? '',
    /the secrets db-url, tls-key have no value: `candor secret set db-url --application shop`/,
  );
  const { missing } = await ask<SecretsStatus>({ kind: 'list' });
  assert.deepEqual(missing, [
    { application: 'shop', name: 'db-url' },
    { application: 'shop', name: 'tls-key' },
  ]);
});

test('programs are started as soon as all their secrets have values, as variables and files', async () => {
  const change = await set({ 'db-url': first, 'tls-key': key });
  assert.deepEqual([change.added, change.replacing], [['db-url', 'tls-key'], ['shop']]);
  await until('both are ready', () => instances().filter(({ phase }) => phase === 'ready').length === 2);
  const { url, path, mode, key: read } = await answerOf();
  assert.deepEqual([url, mode, read], [first, '400', key]);
  assert.ok(path.startsWith('/dev/shm/candor-') || path.startsWith(edge.folder), path);
  assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700);
});

test('0 requests fail while a secret is changed under load, and in the end all answers have the new one', async () => {
  const { path: oldPath, pid: oldPid } = await answerOf();
  const answers: Promise<string>[] = [];
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      answers.push(edge.send(requestText('GET', '/', [])).then(({ status }) => String(status), String));
      await sleep(5);
    }
  })();
  await until('requests flow', () => answers.length > 20);
  const change = await set({ 'db-url': second });
  assert.deepEqual([change.changed, change.replacing], [['db-url'], ['shop']]);
  await until(
    'the new ones alone are left',
    () =>
      instances().length === 2 &&
      instances().every(({ phase, earlierCommand }) => phase === 'ready' && earlierCommand === null),
    30_000,
  );
  const seen = new Set<string>();
  for (let count = 0; count < 20; count++) seen.add((await answerOf()).url);
  isOver = true;
  await asking;
  const all = await Promise.all(answers);
  assert.deepEqual([...new Set(all)], ['200'], `${all.filter((one) => one !== '200').length} of ${all.length}`);
  assert.deepEqual([...seen], [second]);
  assert.ok(all.length > 50);
  await until('the program before has ended', () => !existsSync(`/proc/${oldPid}`));
  await until('its file is gone', () => !existsSync(oldPath));
});

test('the same value again replaces nothing, nor does a new key', async () => {
  const pids = instances().map(({ pid }) => pid);
  assert.deepEqual((await set({ 'db-url': second })).replacing, []);
  const { key: id } = await ask<SecretsChange>({ kind: 'rotate_key' });
  assert.match(id ?? '', /^[\da-f]{12}$/);
  assert.deepEqual(
    instances().map(({ pid }) => pid),
    pids,
  );
  assert.equal((await answerOf()).url, second);
});

describe('nothing that the gateway keeps or shows has a value', () => {
  test('its events, its status, its state folder, and lines that programs print', async () => {
    await answerOf('/print');
    await until('the line was read', () =>
      instances().some(({ lastLines }) => lastLines.some((line) => /connected to/.test(line))),
    );
    const lines = instances().flatMap(({ lastLines }) => lastLines);
    assert.ok(lines.includes('connected to ***'), lines.join('\n'));
    assert.ok(lines.includes('***'), 'a line of the key');
    const events = JSON.stringify(edge.events);
    assert.match(events, /secret_changed/);
    const outputs: [string, string][] = [
      ['events', events],
      ['status', JSON.stringify(edge.gateway.status())],
      ['configuration', JSON.stringify(edge.gateway.effectiveConfiguration())],
      [
        'what a successor gets',
        Buffer.concat(Object.values(edge.gateway.featureStates()).map(({ bytes }) => bytes)).toString('latin1'),
      ],
      ...filesIn(edge.folder).map((path): [string, string] => [path, readFileSync(path, 'latin1')]),
    ];
    for (const [name, text] of outputs)
      for (const value of [
        'Kn4rv-first',
        'Kn4rv-second',
        'Kn4rvKey',
        Buffer.from(second).toString('base64').slice(0, 20),
      ])
        assert.ok(!text.includes(value), `${name} has ${value}`);
  });

  test('and no command line does', () => {
    for (const { pid } of instances()) assert.doesNotMatch(readFileSync(`/proc/${pid}/cmdline`, 'latin1'), /Kn4rv/);
  });

  test('an event says who has changed which', () => {
    const changed = edge.eventsOf('secret_changed').map(({ to, actor, evidence }) => [to, actor, evidence.names]);
    assert.deepEqual(changed, [
      ['set', 'the test', ['db-url', 'tls-key']],
      ['set', 'the test', ['db-url']],
      ['key_rotated', 'the test', []],
    ]);
  });
});

test('a store that is damaged replaces no program, and the next start says why', async () => {
  const path = join(edge.folder, 'state', 'secrets.json');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.slice(0, -20));
  const refused = await edge.gateway.askFeature('secrets', { kind: 'list' }, 'the test');
  assert.ok(!refused.ok);
  assert.match(refused.failure.reason, /damaged/);
  await edge.gateway.reload('the test');
  assert.equal((await answerOf()).url, second);
  writeFileSync(path, text);
  await ask({ kind: 'list' });
});

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
