import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StickySettings } from '../../src/features/sticky/settings.ts';
import type { EndpointSnapshot } from '../../src/core/snapshot.ts';
import { sessionsOf, stickyHooks } from '../../src/features/sticky/worker.ts';
import type { MemoryTransport } from '../../src/testing/memory-transport.ts';
import { websocketRequest } from '../websocket-request.ts';
import { Http1World } from './http1-world.ts';
import type { ClientActor, RequestText } from './world.ts';

const usual: StickySettings = {
  ...{ cookie: 'at', path: '/', domain: null, cookieLifetimeMs: null, secure: 'auto' },
  ...{ httpOnly: true, sameSite: 'lax', keepsDraining: false, key: 'secret' },
};

const names = ['a', 'b', 'c'];

class StickyWorld {
  readonly world: Http1World;
  readonly changes: Record<string, Partial<EndpointSnapshot>> = {};
  wallMs = 1_790_000_000_000;

  constructor(spec: Partial<StickySettings> = {}, response: Record<string, string> = {}) {
    const sticky = { ...usual, ...spec };
    const { filters = [], balancer } = stickyHooks(sessionsOf('app', sticky, () => this.wallMs));
    assert.ok(balancer !== undefined);
    this.world = new Http1World(
      { endpoints: names, filters },
      { balancer, endpointChanges: (name) => this.changes[name] ?? {} },
    );
    for (const name of names) this.world.endpoint(name).onRequest = (arrived) => arrived.answer(200, name, response);
  }

  send(cookie: string | null, request: RequestText = {}): ClientActor {
    const headers = cookie === null ? {} : { Cookie: cookie };
    const client = this.world.request({ ...request, headers });
    this.world.pass(5);
    return client;
  }

  /** Which endpoints answer so many requests with the cookie. */
  homes(cookie: string | null, count = 20): string {
    const answers = Array.from({ length: count }, () => this.send(cookie).body.toString());
    return [...new Set(answers)].toSorted().join('');
  }

  /** A new session: its cookie, and its endpoint. */
  begin(): { readonly cookie: string; readonly home: string } {
    const client = this.send(null);
    return { cookie: cookieIn(client) ?? '', home: client.body.toString() };
  }

  change(name: string, change: Partial<EndpointSnapshot>): void {
    this.changes[name] = change;
    this.world.changed();
  }

  get lastSession(): string | null | undefined {
    return this.world.records.at(-1)?.session;
  }

  end(): void {
    this.world.pass(100_000);
    this.world.verifyAtRest();
  }
}

/** An endpoint that accepts WebSockets, and says who it is. */
function switchAt(transport: MemoryTransport, name: string): void {
  const head = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Home: ${name}\r\n\r\n`;
  transport.listener = {
    onBytes: () => void transport.write(Buffer.from(head), 0, head.length, 'borrowed'),
    onEnd: () => transport.end(),
    onWritten() {},
    onClosed() {},
  };
}

function setCookieIn(client: ClientActor): string | null {
  return client.header('set-cookie');
}

function cookieIn(client: ClientActor): string | null {
  return setCookieIn(client)?.split(';')[0] ?? null;
}

describe('a sticky session', () => {
  it('keeps a client at the endpoint that answered it first, and clients without a cookie are balanced', () => {
    const sticky = new StickyWorld();
    for (let turn = 0; turn < 5; turn++) {
      const { cookie, home } = sticky.begin();
      assert.equal(sticky.lastSession, 'new');
      assert.equal(sticky.homes(cookie), home);
      assert.equal(sticky.lastSession, null);
      assert.equal(setCookieIn(sticky.send(cookie)), null, 'the cookie is sent once');
    }
    assert.equal(sticky.homes(null, 60), 'abc');
    sticky.end();
  });

  it('begins with a WebSocket too, and the record says so', () => {
    const sticky = new StickyWorld();
    const open = (headers = ''): string => {
      const { client } = sticky.world.connect();
      let received = '';
      client.listener = {
        onBytes: (bytes, start, end) => void (received += Buffer.from(bytes.slice(start, end)).toString('latin1')),
        onEnd: () => client.end(),
        onWritten() {},
        onClosed() {},
      };
      const bytes = Buffer.from(websocketRequest.replace('\r\n\r\n', `\r\n${headers}\r\n`), 'latin1');
      client.write(bytes, 0, bytes.length, 'borrowed');
      sticky.world.pass(50);
      client.end();
      sticky.world.pass(5000);
      return received;
    };
    for (const name of names) sticky.world.endpoint(name).serves = (transport) => switchAt(transport, name);
    const first = open();
    assert.match(first, /^HTTP\/1\.1 101 /);
    assert.equal(sticky.lastSession, 'new');
    const cookie = /^set-cookie: (at=1\.[^;]+);/im.exec(first)?.[1] ?? '';
    const home = /^x-home: (\w)/im.exec(first)?.[1];
    for (let count = 0; count < 10; count++) {
      const again = open(`Cookie: ${cookie}\r\n`);
      assert.equal(/^x-home: (\w)/im.exec(again)?.[1], home);
      assert.doesNotMatch(again, /^set-cookie:/im);
      assert.equal(sticky.lastSession, null);
    }
    sticky.end();
  });

  it('moves to another endpoint while its own is not ready, with a new cookie, and stays there', () => {
    const sticky = new StickyWorld();
    const { cookie, home } = sticky.begin();
    sticky.change(home, { state: 'unhealthy' });
    const moved = sticky.send(cookie);
    const next = moved.body.toString();
    assert.notEqual(next, home);
    assert.equal(sticky.lastSession, 'moved');
    const nextCookie = cookieIn(moved) ?? '';
    assert.equal(sticky.homes(nextCookie), next);
    sticky.change(home, { state: 'healthy' });
    assert.equal(sticky.homes(nextCookie), next);
    sticky.end();
  });

  it('moves when its endpoint refuses the connection', () => {
    const sticky = new StickyWorld();
    const { cookie, home } = sticky.begin();
    sticky.world.endpoint(home).die('closed');
    sticky.world.endpoint(home).accepts = 'refuses';
    const moved = sticky.send(cookie);
    assert.equal(moved.status, 200);
    assert.notEqual(moved.body.toString(), home);
    assert.notEqual(cookieIn(moved), null);
    assert.equal(sticky.lastSession, 'moved');
    sticky.end();
  });

  const worthless: readonly [what: string, change: (cookie: string, sticky: StickyWorld) => string][] = [
    ['forged', (cookie) => `${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'B' : 'A'}`],
    ['empty', () => 'at='],
    ['of another name', (cookie) => `other${cookie}`],
    ['an address', () => 'at=10.0.0.1:80'],
    [
      'older than a day',
      (cookie, sticky) => {
        sticky.wallMs += 24 * 3_600_000 + 1;
        return cookie;
      },
    ],
  ];
  for (const [what, change] of worthless)
    it(`ignores a cookie that is ${what}: the request is balanced, and gets a new one`, () => {
      const sticky = new StickyWorld();
      const { cookie } = sticky.begin();
      const changed = change(cookie, sticky);
      const client = sticky.send(changed);
      assert.equal(sticky.lastSession, 'new');
      assert.match(setCookieIn(client) ?? '', /^at=1\./);
      assert.equal(sticky.homes(changed, 60), 'abc');
      sticky.end();
    });

  it('renews its cookie after half of its lifetime', () => {
    const sticky = new StickyWorld({ cookieLifetimeMs: 3_600_000 });
    const { cookie, home } = sticky.begin();
    sticky.wallMs += 1_700_000;
    assert.equal(setCookieIn(sticky.send(cookie)), null);
    sticky.wallMs += 200_000;
    const client = sticky.send(cookie);
    assert.equal(client.body.toString(), home);
    assert.match(setCookieIn(client) ?? '', /^at=1\.[^;]*; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/);
    assert.equal(sticky.lastSession, null);
    sticky.end();
  });

  const attributes: readonly [spec: Partial<StickySettings>, wanted: string][] = [
    [{}, '; Path=/; HttpOnly; SameSite=Lax'],
    [{ secure: true }, '; Path=/; HttpOnly; SameSite=Lax; Secure'],
    [{ secure: false, httpOnly: false, sameSite: 'strict' }, '; Path=/; SameSite=Strict'],
    [
      { path: '/shop', domain: 'example.org', sameSite: 'none', secure: true },
      '; Path=/shop; Domain=example.org; HttpOnly; SameSite=None; Secure',
    ],
  ];
  for (const [spec, wanted] of attributes)
    it(`has the attributes ${wanted.slice(2)}`, () => {
      const sticky = new StickyWorld(spec);
      const line = setCookieIn(sticky.send(null)) ?? '';
      assert.equal(line.slice(line.indexOf(';')), wanted);
      sticky.end();
    });

  it('does not begin with a response that caches give to others', () => {
    for (const value of ['public, max-age=60', 's-maxage=5', 'max-age=31536000, immutable']) {
      const sticky = new StickyWorld({}, { 'Cache-Control': value });
      assert.equal(setCookieIn(sticky.send(null)), null, value);
      sticky.end();
    }
    const sticky = new StickyWorld({}, { 'Cache-Control': 'private, max-age=60' });
    assert.notEqual(setCookieIn(sticky.send(null)), null);
    sticky.end();
  });

  it('leaves the cookies of the application as they are', () => {
    const sticky = new StickyWorld({}, { 'Set-Cookie': 'cart=7; Path=/' });
    assert.match(setCookieIn(sticky.send(null)) ?? '', /^cart=7; Path=\/, at=1\./);
    sticky.end();
  });
});

describe('an endpoint that drains', () => {
  it('loses its sessions', () => {
    const sticky = new StickyWorld();
    const { cookie, home } = sticky.begin();
    sticky.change(home, { state: 'draining' });
    assert.equal(sticky.homes(cookie).includes(home), false);
    sticky.end();
  });

  it('keeps them with `draining: keep`, and gets no new ones', () => {
    const sticky = new StickyWorld({ keepsDraining: true });
    const { cookie, home } = sticky.begin();
    sticky.change(home, { state: 'draining' });
    assert.equal(sticky.homes(cookie), home);
    assert.equal(sticky.homes(null, 60), names.filter((name) => name !== home).join(''));
    sticky.change(home, { state: 'draining', instance: 'app#1' });
    assert.equal(sticky.homes(cookie).includes(home), false, 'an instance is about to be stopped');
    sticky.end();
  });

  it('keeps them at the weight 0, and gets no new ones', () => {
    const sticky = new StickyWorld();
    const { cookie, home } = sticky.begin();
    sticky.change(home, { weight: 0 });
    assert.equal(sticky.homes(cookie), home);
    assert.equal(sticky.homes(null, 60).includes(home), false);
    sticky.end();
  });

  it('with kept sessions that refuses connections does not stop its clients', () => {
    const sticky = new StickyWorld({ keepsDraining: true });
    const { cookie, home } = sticky.begin();
    sticky.change(home, { state: 'draining' });
    sticky.world.endpoint(home).die('closed');
    sticky.world.endpoint(home).accepts = 'refuses';
    for (let count = 0; count < 5; count++) assert.equal(sticky.send(cookie).status, 200);
    sticky.end();
  });
});

describe('an endpoint on probation', () => {
  it('is tried by requests without a session, and not by those of other endpoints', () => {
    const sticky = new StickyWorld();
    const { cookie, home } = sticky.begin();
    const other = names.find((name) => name !== home) ?? '';
    sticky.change(other, { state: 'probation' });
    assert.equal(sticky.homes(cookie), home);
    assert.equal(sticky.send(null).body.toString(), other);
    sticky.end();
  });
});
