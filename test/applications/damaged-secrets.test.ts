// Starts processes: a FIFO is made by a program, and programs go on while their secrets cannot be read.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';

// The files of secrets are damaged, or vanish, while the gateway runs.

const canary = 'c4nary-value-7319';
const server = `require('node:http').createServer((_, response) => response.end(String(process.pid)))
  .listen(process.env.PORT, process.env.HOST);`;
const yaml = (round: number): string => `state: ./state
applications:
  shop:
    command: ${JSON.stringify([process.execPath, 'server.cjs'])}
    environment: { ROUND: "${round}" }
    readiness: { path: /, interval: 50ms, passes: 1 }
    secrets: { KEY: key, KEY_FILE: { secret: key, as: file } }
routes: [{ to: shop }]
`;

let edge: YamlGateway;
const ask = (request: object) => edge.gateway.askFeature('secrets', request, 'the test');
const pid = async (): Promise<string> => (await edge.get('/')).body.toString();
const file = (name: string): string => join(edge.folder, 'state', name);
const isSettled = (): boolean => {
  const { applications } = edge.gateway.status();
  return applications.every(({ instances }) => instances.length === 1 && instances[0]?.phase === 'ready');
};

before(async () => {
  edge = await startFromYaml(yaml(0), { files: { 'server.cjs': server } });
  const done = await ask({ kind: 'set', application: null, values: { key: canary } });
  assert.ok(done.ok, JSON.stringify(done));
  await until('the instance is ready', isSettled, 60_000);
});
after(() => edge?.stop());

const damages: Readonly<Record<string, (path: string) => void>> = {
  'is gone': (path) => rmSync(path),
  'is empty': (path) => truncateSync(path, 0),
  'is cut': (path) => truncateSync(path, 40),
  'has other bytes': (path) => writeFileSync(path, Buffer.from([0, 255, 7, 10])),
  'is that of another gateway': (path) => writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/[a-m]/g, 'n')),
  'is a folder': (path) => mkdirSync((rmSync(path), path)),
  'is a link to itself': (path) => symlinkSync(path, (rmSync(path), path)),
  'is a pipe': (path) => void execFileSync('mkfifo', [(rmSync(path), path)]),
};

describe('where', () => {
  for (const name of ['secrets.json', 'secrets-key'])
    for (const [what, damage] of Object.entries(damages))
      test(`${name} ${what}, that is told with what to do, and what runs goes on`, async () => {
        const [kept, running] = [`${file(name)}.kept`, await pid()];
        cpSync(file(name), kept);
        try {
          damage(file(name));
          const listed = await ask({ kind: 'list' });
          // Without the file no secret has been set, and those that are needed are missing.
          if (listed.ok) assert.match(JSON.stringify(listed.value), /"missing":\[\{/);
          else {
            const { reason, step } = listed.failure;
            assert.match(reason, /state\/secrets|secrets-key|key [0-9a-f]{12}/);
            assert.match(step, /^[A-Z`].*\.$/s);
            assert.doesNotMatch(reason + step, /c4nary|\bundefined\b|\n +at /);
          }
          await edge.reload(yaml(0));
          assert.equal(await pid(), running);
        } finally {
          rmSync(file(name), { recursive: true, force: true });
          cpSync(kept, file(name));
          rmSync(kept);
          // A program that waits for a secret starts when the secret is back, and replaces the one that went on.
          await edge.reload(yaml(0));
          await until('only what has its secrets runs', isSettled, 60_000);
        }
      });

  test('they come back, a program that could not be started runs without a restart of the gateway', async () => {
    edge.forgetEvents();
    const running = await pid();
    const text = readFileSync(file('secrets.json'));
    truncateSync(file('secrets.json'), 40);
    await edge.reload(yaml(1));
    await until('the start was refused', () => edge.eventsOf('instance_not_started').length > 0, 60_000);
    assert.match(edge.eventsOf('instance_not_started')[0]?.reason ?? '', /secrets/);
    assert.equal(await pid(), running, 'the program of the earlier configuration goes on');
    writeFileSync(file('secrets.json'), text);
    await until('the new program runs alone', async () => isSettled() && (await pid()) !== running, 60_000);
  });
});
