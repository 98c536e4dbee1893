import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { hashOfToken } from '../../src/admin/token.ts';
import { thisHost } from '../../src/config/host.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { systemClock, systemRandom } from '../../src/system/system.ts';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { until } from '../gateway/start-from-yaml.ts';

// `candor dashboard` opens the person's browser: here a program that writes down what it was given.

const folder = mkdtempSync(join(tmpdir(), 'candor-opens-'));
const programs = join(folder, 'bin');
const opened = join(folder, 'opened');
const token = 'candor_of-the-person';
const authority = certificateAuthority(systemClock.wallTime());
let admin: AdminServer;

before(async () => {
  mkdirSync(programs);
  for (const name of ['xdg-open', 'open']) {
    writeFileSync(
      join(programs, name),
      `#!/bin/sh\nprintf '${name} %s' "$1" > '${opened}.part' && mv '${opened}.part' '${opened}'\n`,
    );
    chmodSync(join(programs, name), 0o755);
  }
  const { certificate, key } = authority.issue({ names: ['localhost', '127.0.0.1'] });
  for (const [name, text] of [
    ['ca.pem', authority.certificate],
    ['admin.pem', certificate],
    ['admin.key', key],
    [
      'candor.yaml',
      `upstreams: { app: "127.0.0.1:3000" }\nadmin: { socket: ${join(folder, 'a.sock')}, listen: "127.0.0.1:0", tokens: { oncall: "${hashOfToken(token)}" }, tls: { certificate_file: admin.pem, key_file: admin.key } }\n`,
    ],
  ] as const)
    writeFileSync(join(folder, name), text);
  const loading = await loadConfiguration(join(folder, 'candor.yaml'), {}, thisHost());
  assert.ok(loading.ok, JSON.stringify(loading));
  const dashboard = { folder: join(folder, 'none'), random: systemRandom };
  const { admin: spec } = loading.configuration;
  admin = await startAdminServer({ gateway: new FakeGateway(), spec, clock: systemClock, dashboard });
});

beforeEach(() => rmSync(opened, { force: true }));

after(async () => {
  await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A person with a screen, or without one. */
class Person extends FakeProcessContext {
  override readonly clock = new SimulatedClock();
  override readonly machine;

  constructor(platform: string, env: Record<string, string>) {
    super(folder, { env: { PATH: `${programs}:/usr/bin:/bin`, CANDOR_TOKEN: token, ...env } });
    this.machine = { platform, cores: 2, kernelSetting: (): string | null => '1' };
  }
}

const screen = { DISPLAY: ':0' };
const overTls = (): string[] => [
  '--admin',
  `https://127.0.0.1:${admin.address?.port}`,
  '--ca-file',
  join(folder, 'ca.pem'),
];

/** What the browser was given. */
async function given(): Promise<string> {
  await until('a browser is opened', () => existsSync(opened));
  return readFileSync(opened, 'utf8');
}

/** The status and the cookie of a link. */
function open(link: URL): Promise<{ status: number | undefined; cookie: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(link, { ca: authority.certificate, agent: false }, (response) => {
      response.resume();
      resolve({ status: response.statusCode, cookie: String(response.headers['set-cookie'] ?? '') });
    });
    asked.on('error', reject).end();
  });
}

describe('candor dashboard opens a browser', () => {
  for (const [platform, env, opener] of [
    ['linux', screen, 'xdg-open'],
    ['linux', { WAYLAND_DISPLAY: 'wayland-0' }, 'xdg-open'],
    ['darwin', {}, 'open'],
  ] as const)
    test(`over TLS with ${opener} on ${platform}: by a file that only its user reads, which is gone afterwards`, async () => {
      const person = new Person(platform, env);
      const running = person.candor('dashboard', ...overTls());
      const [name, url = ''] = (await given()).split(' ');
      assert.equal(name, opener);
      // Other users may read the arguments of the browser's process.
      assert.match(url, /^file:\/\//);
      const file = fileURLToPath(url);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const link = /url=(https:[^"]+)"/.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
      assert.ok(person.stdout.text.includes(link), person.stdout.text);
      const { status, cookie } = await open(new URL(link));
      assert.equal(status, 303);
      assert.match(cookie, /^__Host-.*HttpOnly/);
      await until('the file is removed', async () => {
        await person.clock.advance(60_000);
        return !existsSync(file);
      });
      assert.equal(await running, 0, person.stderr.text);
      assert.doesNotMatch((await open(new URL(link))).cookie, /__Host-.+=\w/, 'the link was used');
    });

  test('without TLS: at an address of its own, which ends with the command', async () => {
    const socketPath = join(folder, 'b.sock');
    const dashboard = { folder: join(folder, 'none'), random: systemRandom };
    const alone = { gateway: new FakeGateway(), spec: socketAlone(socketPath), clock: systemClock, dashboard };
    const other = await startAdminServer(alone);
    try {
      const person = new Person('linux', screen);
      const running = person.candor('dashboard', '--socket', socketPath);
      const [, url = ''] = (await given()).split(' ');
      // Where the system does not say who connects, the link is in a file.
      assert.match(url, process.platform === 'linux' ? /^http:\/\/127\.0\.0\.1:\d+\/\?link=/ : /^file:/);
      person.signal('SIGINT');
      assert.equal(await running, 0, person.stderr.text);
    } finally {
      await other.close();
    }
  });

  for (const [what, env, flags] of [
    ['there is no screen', {}, []],
    ['it is told not to', screen, ['--no-open']],
  ] as const)
    test(`not where ${what}`, async () => {
      const person = new Person('linux', env);
      assert.equal(await person.candor('dashboard', ...flags, ...overTls()), 0, person.stderr.text);
      assert.match(person.stdout.text, /https:\/\/127\.0\.0\.1:\d+\/\?link=/);
      assert.equal(existsSync(opened), false);
    });

  test('and prints the link where the browser cannot be started', async () => {
    const person = new Person('linux', { ...screen, PATH: '/nowhere' });
    const running = person.candor('dashboard', ...overTls());
    await until('the link is printed', () => person.stdout.text.includes('?link='));
    let ended = false;
    void running.then(() => (ended = true));
    await until('the command ends', async () => {
      await person.clock.advance(60_000);
      return ended;
    });
    assert.equal(await running, 0, person.stderr.text);
  });
});
