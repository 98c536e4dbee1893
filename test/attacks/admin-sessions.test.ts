import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { hashOfToken } from '../../src/admin/token.ts';
import type { AdminSpec } from '../../src/core/configuration.ts';
import type { Event } from '../../src/core/event.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { askRaw, connectTo, type RawAnswer, readAll } from '../fakes/raw-ask.ts';

// Sessions of browsers, the files of the dashboard, and roles: by raw bytes, since a browser would not send most of these requests.

const operator = 'candor_operator';
const watcher = 'candor_watcher';
const gateway = new FakeGateway();
const clock = new SimulatedClock();
const folder = mkdtempSync(join(tmpdir(), 'candor-sessions-'));
const socketPath = join(folder, 'a.sock');
let admin: AdminServer;
let port: number;
let host: string;
let own: readonly [string, string];
let spec: AdminSpec;

before(async () => {
  mkdirSync(join(folder, 'page', 'assets'), { recursive: true });
  writeFileSync(join(folder, 'page', 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(folder, 'page', 'assets', 'index-0a1B_c2D.js'), 'plain();');
  writeFileSync(join(folder, 'page', 'assets', 'index-0a1B_c2D.js.gz'), gzipSync('plain();'));
  writeFileSync(join(folder, 'page', 'assets', 'icon.svg'), '<svg/>');
  writeFileSync(join(folder, 'page', 'assets', '.hidden.js'), 'hidden');
  writeFileSync(join(folder, 'page', 'secret.txt'), 'secret');
  spec = {
    socket: socketPath,
    listen: { host: '127.0.0.1', port: 0 },
    tokens: [
      { name: 'deploy', hash: hashOfToken(operator) },
      { name: 'watch', hash: hashOfToken(watcher), role: 'read' },
    ],
    hosts: [],
  };
  const dashboard = { folder: join(folder, 'page'), random: new SeededRandom('admin-sessions') };
  admin = await startAdminServer({ gateway, spec, clock, dashboard });
  port = admin.address?.port ?? 0;
  host = `127.0.0.1:${port}`;
  own = ['Origin', `http://${host}`];
});

afterEach(() => {
  gateway.calls.length = 0;
});

after(async () => {
  await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

type MessageHeaders = readonly (readonly [name: string, value: string])[];

function ask(line: string, headers: MessageHeaders = [], body = ''): Promise<RawAnswer> {
  const type = body === '' ? [] : [['Content-Type', 'application/json'] as const];
  return askRaw(port, line, [['Host', host], ...type, ...headers], body);
}

function askSocket(line: string, body = ''): Promise<RawAnswer> {
  const type = body === '' ? [] : [['Content-Type', 'application/json'] as const];
  return askRaw(socketPath, line, [['Host', 'candor'], ...type], body);
}

async function logIn(token: string): Promise<readonly ['Cookie', string]> {
  const answer = await ask('POST /v1/session', [own], JSON.stringify({ token }));
  assert.equal(answer.status, 200, answer.body);
  return cookieOf(answer);
}

function cookieOf({ headers }: RawAnswer): readonly ['Cookie', string] {
  return ['Cookie', (headers['set-cookie'] ?? '').split(';')[0] as string];
}

function told<K extends Event['kind']>(kind: K): Extract<Event, { kind: K }>[] {
  return gateway.events.since(0).events.filter((one): one is Extract<Event, { kind: K }> => one.kind === kind);
}

describe('a login', () => {
  it('answers who it is, and sets a cookie for this host alone that no script can read', async () => {
    const answer = await ask('POST /v1/session', [own], JSON.stringify({ token: operator }));
    assert.deepEqual(JSON.parse(answer.body), {
      actor: 'admin:session:deploy',
      role: 'operate',
      ends_at: new Date(clock.wallTime() + 12 * 3_600_000).toISOString(),
    });
    assert.match(
      answer.headers['set-cookie'] ?? '',
      new RegExp(`^candor-session-${port}=[\\w-]{43}; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict$`),
    );
    assert.equal(answer.headers['cache-control'], 'no-store');
  });

  for (const [what, body, status] of [
    ['a wrong token', '{"token":"candor_wrong"}', 401],
    ['no token', '{}', 422],
    ['a token that is no text', '{"token":["candor_operator"]}', 422],
    ['null', 'null', 422],
    ['no JSON', 'token', 400],
  ] as const) {
    it(`with ${what} is ${status}, and sets no cookie`, async () => {
      const answer = await ask('POST /v1/session', [own], body);
      assert.equal(answer.status, status);
      assert.equal(answer.headers['set-cookie'], undefined);
    });
  }

  it('by a page of another origin, or by a form, is refused with the right token', async () => {
    const body = JSON.stringify({ token: operator });
    const foreign = await ask('POST /v1/session', [['Origin', 'http://127.0.0.1:1']], body);
    const sameSite = await ask('POST /v1/session', [['Sec-Fetch-Site', 'same-site']], body);
    const form = await askRaw(
      port,
      'POST /v1/session',
      [
        ['Host', host],
        ['Content-Type', 'text/plain'],
      ],
      body,
    );
    assert.deepEqual(
      [foreign, sameSite, form].map(({ status }) => status),
      [403, 403, 415],
    );
  });

  it('by wrong tokens is limited, and the right one is accepted all the same', async () => {
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 12; attempt++)
      statuses.push((await ask('POST /v1/session', [own], '{"token":"candor_guess"}')).status);
    assert.equal(statuses.at(-1), 429);
    await logIn(operator);
    clock.advanceSync(60_000);
  });

  it('over the unix socket is not needed', async () => {
    assert.equal((await askSocket('POST /v1/session', JSON.stringify({ token: operator }))).status, 409);
    const answer = await askSocket('GET /v1/session');
    assert.deepEqual(JSON.parse(answer.body), { actor: 'admin:socket', role: 'deploy', ends_at: null });
  });
});

describe('a session', () => {
  it('reads, and changes when its page asks', async () => {
    const cookie = await logIn(operator);
    assert.equal((await ask('GET /v1/status', [cookie])).status, 200);
    assert.equal((await ask('POST /v1/reload', [cookie, own])).status, 200);
    assert.deepEqual(gateway.calls, ['reload admin:session:deploy']);
    assert.equal(told('admin_action').at(-1)?.actor, 'admin:session:deploy');
  });

  it('changes nothing without the proof that its page asks, which browsers send', async () => {
    const cookie = await logIn(operator);
    for (const headers of [
      [],
      [['Sec-Fetch-Site', 'none']],
      [['Origin', 'null']],
      [['Origin', 'http://evil.example']],
    ] as MessageHeaders[])
      assert.equal((await ask('POST /v1/reload', [cookie, ...headers])).status, 403);
    assert.deepEqual(gateway.calls, []);
  });

  it('is refused by a name that another DNS gave, and to a page of another port', async () => {
    const cookie = await logIn(operator);
    assert.equal((await askRaw(port, 'GET /v1/status', [['Host', 'evil.example'], cookie])).status, 421);
    assert.equal((await ask('GET /v1/status', [cookie, ['Sec-Fetch-Site', 'same-site']])).status, 403);
    assert.equal((await ask('GET /v1/status', [cookie, ['Origin', 'http://127.0.0.1:1']])).status, 403);
  });

  for (const [what, alter] of [
    ['another secret', (text: string) => text.replace(/=.*/, `=${'A'.repeat(43)}`)],
    ['the cookie of another port', (text: string) => text.replace(/-\d+=/, '-1=')],
  ] as const) {
    it(`is not found with ${what}`, async () => {
      const [, text] = await logIn(operator);
      assert.equal((await ask('GET /v1/status', [['Cookie', alter(text)]])).status, 401);
    });
  }

  it('is found beside a cookie of that name that opens nothing, and not where two open different ones', async () => {
    const [, text] = await logIn(operator);
    const planted = text.replace(/=.*/, '=evil');
    for (const cookies of [`${planted}; ${text}`, `${text}; ${planted}`])
      assert.equal((await ask('GET /v1/status', [['Cookie', cookies]])).status, 200);
    const [, other] = await logIn(watcher);
    assert.equal((await ask('GET /v1/status', [['Cookie', `${text}; ${other}`]])).status, 401);
  });

  it('with two Cookie headers is ambiguous', async () => {
    const cookie = await logIn(operator);
    assert.equal((await ask('GET /v1/status', [cookie, cookie])).status, 400);
  });

  it('ends with a logout, and so do its streams', async () => {
    const cookie = await logIn(operator);
    const stream = connectTo(port);
    stream.write(`GET /v1/events HTTP/1.1\r\nHost: ${host}\r\n${cookie.join(': ')}\r\n\r\n`);
    const ended = readAll(stream);
    const answer = await ask('DELETE /v1/session', [cookie, own]);
    assert.equal(answer.status, 204);
    assert.match(answer.headers['set-cookie'] ?? '', /=; Path=\/; Max-Age=0;/);
    assert.equal((await ask('GET /v1/status', [cookie])).status, 401);
    clock.advanceSync(2_000);
    assert.match(await ended, /^HTTP\/1\.1 (?:200|401)/);
  });

  it('ends when its token leaves the configuration', async () => {
    const cookie = await logIn(watcher);
    assert.equal(await admin.prepare({ ...spec, tokens: spec.tokens.slice(0, 1) }), null);
    admin.activate();
    assert.equal((await ask('GET /v1/status', [cookie])).status, 401);
    assert.equal(await admin.prepare(spec), null);
    admin.activate();
    assert.equal((await ask('GET /v1/status', [cookie])).status, 200);
  });
});

describe('the role read', () => {
  for (const how of ['token', 'session'] as const) {
    it(`may read and log out with a ${how}, and change nothing`, async () => {
      const shown: MessageHeaders =
        how === 'token' ? [['Authorization', `Bearer ${watcher}`]] : [await logIn(watcher), own];
      assert.equal((await ask('GET /v1/status', shown)).status, 200);
      assert.equal((await ask('GET /metrics', shown)).status, 200);
      for (const line of ['POST /v1/reload', 'POST /v1/stop', 'POST /v1/upgrade', 'POST /v1/overlay/restore']) {
        const answer = await ask(line, shown);
        assert.equal(answer.status, 403, line);
        assert.match(answer.body, /needs the role operate/);
      }
      assert.deepEqual(gateway.calls, []);
      assert.equal(
        told('admin_refused').some(({ evidence }) => evidence.reason === 'role'),
        true,
      );
      assert.equal((await ask('DELETE /v1/session', shown)).status, how === 'token' ? 409 : 204);
    });
  }

  it('makes links that may only read', async () => {
    const made = await ask('POST /v1/session/link', [['Authorization', `Bearer ${watcher}`]]);
    const { path } = JSON.parse(made.body) as { path: string };
    const cookie = cookieOf(await ask(`GET ${path}`));
    assert.equal((await ask('POST /v1/reload', [cookie, own])).status, 403);
  });
});

describe('a link', () => {
  it('opens one session, and the next browser is asked to log in', async () => {
    const made = JSON.parse((await askSocket('POST /v1/session/link')).body) as { path: string; url: null };
    assert.equal(made.url, null, 'a browser reaches this gateway in clear text alone');
    assert.match(made.path, /^\/\?link=[\w-]{43}$/);
    const opened = await ask(`GET ${made.path}`, [
      ['Sec-Fetch-Site', 'cross-site'],
      ['Sec-Fetch-Mode', 'navigate'],
    ]);
    assert.deepEqual([opened.status, opened.headers['location']], [303, '/']);
    assert.equal((await ask('GET /v1/status', [cookieOf(opened)])).status, 200);
    const again = await ask(`GET ${made.path}`);
    assert.deepEqual(
      [again.status, again.headers['location'], again.headers['set-cookie']],
      [303, '/#/login?why=link', undefined],
    );
  });

  it('is not used up by a HEAD', async () => {
    const { path } = JSON.parse((await askSocket('POST /v1/session/link')).body) as { path: string };
    assert.equal((await ask(`HEAD ${path}`)).status, 405);
    assert.equal((await ask(`GET ${path}`)).headers['location'], '/');
  });

  it('needs a token or a session', async () => {
    assert.equal((await ask('POST /v1/session/link', [own])).status, 401);
  });
});

describe('the files of the dashboard', () => {
  it('need no session, and load nothing from elsewhere', async () => {
    const page = await ask('GET /');
    assert.equal(page.status, 200);
    assert.match(page.body, /<title>page/);
    const policy = page.headers['content-security-policy'] ?? '';
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*/);
    assert.equal(page.headers['x-content-type-options'], 'nosniff');
    assert.equal(page.headers['cache-control'], 'no-cache');
  });

  it('are kept by browsers for good where their name has a hash', async () => {
    const hashed = await ask('GET /assets/index-0a1B_c2D.js');
    assert.equal(hashed.headers['cache-control'], 'public, max-age=31536000, immutable');
    assert.equal(hashed.headers['content-type'], 'text/javascript; charset=utf-8');
    assert.equal(hashed.body, 'plain();');
    assert.equal((await ask('GET /assets/icon.svg')).headers['cache-control'], 'no-cache');
  });

  it('are sent as they were compressed when the browser takes gzip', async () => {
    const packed = await ask('GET /assets/index-0a1B_c2D.js', [['Accept-Encoding', 'gzip, deflate, br']]);
    assert.equal(packed.headers['content-encoding'], 'gzip');
    assert.equal(packed.headers['vary'], 'Accept-Encoding');
    const refused = await ask('GET /assets/index-0a1B_c2D.js', [['Accept-Encoding', 'gzip;q=0']]);
    assert.equal(refused.headers['content-encoding'], undefined);
  });

  it('are not sent again to a browser that has them', async () => {
    const { headers } = await ask('GET /');
    const again = await ask('GET /', [['If-None-Match', headers['etag'] ?? '']]);
    assert.deepEqual([again.status, again.body], [304, '']);
  });

  for (const path of [
    '/assets/..%2fsecret.txt',
    '/assets/..%2f..%2fa.sock',
    '/assets/%2e%2e%2fsecret.txt',
    '/assets/.hidden.js',
    '/assets/icon.svg%00.js',
    '/assets/index.ts',
    '/assets/none.js',
    '/assets/__proto__',
  ]) {
    it(`do not include ${path}`, async () => {
      const answer = await ask(`GET ${path}`);
      assert.notEqual(answer.status, 200);
      assert.doesNotMatch(answer.body, /secret|hidden/);
    });
  }

  it('can be reached by a link in another page, and by no script or frame of it', async () => {
    const site = ['Sec-Fetch-Site', 'cross-site'] as const;
    assert.equal((await ask('GET /', [site, ['Sec-Fetch-Mode', 'navigate']])).status, 200);
    assert.equal((await ask('GET /', [site, ['Sec-Fetch-Mode', 'cors']])).status, 403);
    assert.equal((await ask('GET /v1/status', [site, ['Sec-Fetch-Mode', 'navigate']])).status, 403);
    assert.equal((await ask('GET /assets/icon.svg', [site, ['Sec-Fetch-Mode', 'no-cors']])).status, 403);
  });
});
