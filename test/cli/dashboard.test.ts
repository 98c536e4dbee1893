import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { hashOfToken } from '../../src/admin/token.ts';
import { Condition } from '../../src/core/condition.ts';
import { systemClock, systemRandom } from '../../src/system/system.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { askRaw, connectTo, type RawAnswer } from '../fakes/raw-ask.ts';

// `candor dashboard` at a gateway that has no TLS: the command itself listens on loopback.

const folder = mkdtempSync(join(tmpdir(), 'candor-dashboard-'));
const socketPath = join(folder, 'a.sock');
const gateway = new FakeGateway();
const watcher = 'candor_watcher';
let admin: AdminServer;
let person: FakeProcessContext;
let running: Promise<number>;

before(async () => {
  const dashboard = { folder: join(folder, 'none'), random: systemRandom };
  const tokens = [{ name: 'watch', hash: hashOfToken(watcher), role: 'read' as const }];
  const spec = { socket: socketPath, listen: { host: '127.0.0.1', port: 0 }, tokens, hosts: [] };
  admin = await startAdminServer({ gateway, spec, clock: systemClock, dashboard });
});

afterEach(async () => {
  person.signal('SIGINT');
  assert.equal(await running, 0, person.stderr.text);
  gateway.calls.length = 0;
});

after(async () => {
  await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the command until the test ends, and returns the link that it prints. */
async function start(
  flags: readonly string[] = ['--socket', socketPath],
  env: Record<string, string> = {},
): Promise<URL> {
  person = new FakeProcessContext(folder, { env });
  const printed = new Condition(systemClock);
  const { stdout } = person;
  const write = stdout.write.bind(stdout);
  stdout.write = (text) => {
    write(text);
    printed.changed();
  };
  running = person.candor('dashboard', '--no-open', '--json', ...flags);
  await Promise.race([running, printed.until(() => stdout.text.endsWith('}\n'), 10_000)]);
  const { url } = JSON.parse(stdout.text) as { url: string };
  return new URL(url);
}

type MessageHeaders = readonly (readonly [name: string, value: string])[];

function ask({ port, host }: URL, line: string, headers: MessageHeaders = [], body = ''): Promise<RawAnswer> {
  return askRaw(Number(port), line, [['Host', host], ...headers], body);
}

async function logIn(link: URL): Promise<readonly ['Cookie', string]> {
  const { headers } = await ask(link, `GET ${link.pathname}${link.search}`);
  assert.equal(headers['location'], '/');
  return ['Cookie', (headers['set-cookie'] ?? '').split(';')[0] as string];
}

describe('candor dashboard', () => {
  test('passes requests with the session of its link on to the admin socket', async () => {
    const link = await start();
    const cookie = await logIn(link);
    const status = await ask(link, 'GET /v1/status', [cookie]);
    assert.equal(status.status, 200);
    assert.equal((JSON.parse(status.body) as { deployment: string }).deployment, gateway.statusNow.deployment);
    const body = '{"endpoint":"api/10.0.0.5:3000"}';
    const drained = await ask(
      link,
      'POST /v1/overlay/drain',
      [cookie, ['Origin', link.origin], ['Content-Type', 'application/json'], ['If-Match', '"7"']],
      body,
    );
    assert.equal(drained.status, 200, drained.body);
    assert.match(gateway.calls[0] ?? '', /^overlay admin:socket 7 .*10\.0\.0\.5:3000/);
  });

  test('gives nothing to others: no session, another host name, another origin, a used link', async () => {
    const link = await start();
    const cookie = await logIn(link);
    const evil = ['Origin', 'http://evil.example'] as const;
    for (const [line, headers, status] of [
      ['GET /v1/status', [], 401],
      ['POST /v1/reload', [['Origin', link.origin]], 401],
      ['GET /v1/status', [['Authorization', `Bearer ${watcher}`]], 401],
      ['GET /v1/status', [cookie, evil], 403],
      ['POST /v1/reload', [cookie, evil], 403],
      ['POST /v1/reload', [cookie], 403],
      ['GET /v1/status', [cookie, ['Sec-Fetch-Site', 'same-site']], 403],
    ] as const) {
      assert.equal((await ask(link, line, headers)).status, status, `${line} ${JSON.stringify(headers)}`);
    }
    const rebound = await askRaw(Number(link.port), 'GET /v1/status', [['Host', `evil.example:${link.port}`], cookie]);
    assert.equal(rebound.status, 421);
    const again = await ask(link, `GET ${link.pathname}${link.search}`);
    assert.equal(again.headers['location'], '/#/login?why=link');
    assert.deepEqual(gateway.calls, []);
  });

  test('forwards streams as they come, and ends them with the session', async () => {
    const link = await start();
    const cookie = await logIn(link);
    const stream = connectTo(Number(link.port));
    stream.setEncoding('utf8');
    let text = '';
    const seen = new Condition(systemClock);
    stream.on('data', (chunk) => {
      text += String(chunk);
      seen.changed();
    });
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.write(`GET /v1/events HTTP/1.1\r\nHost: ${link.host}\r\n${cookie.join(': ')}\r\n\r\n`);
    await seen.until(() => text.includes(': here'), 10_000);
    assert.match(text, /^HTTP\/1\.1 200/);
    assert.match(text, /: here/);
    assert.equal((await ask(link, 'DELETE /v1/session', [cookie, ['Origin', link.origin]])).status, 204);
    await closed;
    assert.equal((await ask(link, 'GET /v1/status', [cookie])).status, 401);
  });

  test('has the role of its token', async () => {
    const { host = '', port = 0 } = admin.address ?? {};
    const link = await start(['--admin', `http://${host}:${port}`], { CANDOR_TOKEN: watcher });
    const cookie = await logIn(link);
    assert.equal((await ask(link, 'GET /v1/status', [cookie])).status, 200);
    const session = JSON.parse((await ask(link, 'GET /v1/session', [cookie])).body) as { role: string };
    assert.equal(session.role, 'read');
    assert.equal((await ask(link, 'POST /v1/reload', [cookie, ['Origin', link.origin]])).status, 403);
    assert.deepEqual(gateway.calls, []);
  });

  test('says that the gateway is gone', async () => {
    const link = await start();
    const cookie = await logIn(link);
    await admin.close();
    const answer = await ask(link, 'GET /v1/status', [cookie]);
    assert.equal(answer.status, 502);
    assert.match(answer.body, /does not answer at its admin socket/);
  });
});
