// Starts processes: a real browser and the command are the attackers.

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createNetServer, type Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { hashOfToken } from '../../src/admin/token.ts';
import { systemClock } from '../../src/system/system.ts';
import { startChromium, withBrowser } from '../browser.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';

// A real browser with a page of an attacker sends its real headers, which the test does not have to guess.

/** The page knows even the token: the admin API refuses requests of foreign pages with a token too. */
const token = 'candor_known-to-the-page';

/** Obeys every POST, like an admin API that relies on not being found. */
class Gullible {
  reloads = 0;
  #server: Server | null = null;

  async start(): Promise<void> {
    this.#server = await listen((request, response) => {
      if (request.method === 'POST' && request.url === '/v1/reload') this.reloads += 1;
      response.end();
    });
  }

  get port(): number {
    return portOf(this.#server as Server);
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve) ?? resolve(null));
  }
}

describe('a page of another site, in a browser on the machine of the gateway', withBrowser, () => {
  const gateway = new FakeGateway();
  const gullible = new Gullible();
  let folder: string;
  let admin: AdminServer;
  let forwarder: NetServer;
  let reports: Server;
  let browser: ChildProcess;
  let report: Report;

  before(
    async () => {
      folder = mkdtempSync(join(tmpdir(), 'candor-browser-'));
      await gullible.start();
      let reported = (_: Report): void => {};
      const reporting = new Promise<Report>((resolve) => {
        reported = resolve;
      });
      reports = await listen((request, response) => void takeReport(request, response, reported));
      // The page comes from the same port at which it later asks for the admin API: its name has been rebound since.
      let loaded = (): void => {};
      const loading = new Promise<void>((resolve) => {
        loaded = resolve;
      });
      const pages: { html: string } = { html: '' };
      const hostile = await listen((_, response) => {
        response.writeHead(200, { 'Content-Type': 'text/html', Connection: 'close' });
        response.end(pages.html, () => loaded());
      });
      const port = portOf(hostile);
      forwarder = await forwardTo(join(folder, 'a.sock'));
      pages.html = pageOf({ port, forwarded: portOf(forwarder), gullible: gullible.port, reports: portOf(reports) });
      browser = startBrowser(`http://evil.example:${port}/`, folder);
      await loading;
      hostile.closeAllConnections();
      await new Promise((resolve) => hostile.close(resolve));
      const tokens = [{ name: 'deploy', hash: hashOfToken(token) }];
      const spec = { socket: join(folder, 'a.sock'), listen: { host: '127.0.0.1', port }, tokens, hosts: [] };
      admin = await startAdminServer({ gateway, spec, clock: systemClock });
      report = await reporting;
    },
    { timeout: 120_000 },
  );

  after(async () => {
    await endBrowser(browser);
    await admin?.close();
    await Promise.all([reports, forwarder].map((server) => new Promise((resolve) => server.close(resolve))));
    await gullible.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('cannot cause a reload by any kind of request', () => {
    assert.deepEqual(gateway.calls, []);
  });

  it('reads nothing from the address of the admin API, not even with the token', () => {
    assert.ok(report.across.length >= 8);
    assert.deepEqual(
      report.across.filter(({ read }) => read !== 'nothing'),
      [],
    );
  });

  it('reads only refusals when its own name is rebound to the admin API', () => {
    assert.deepEqual(
      report.rebound.map(({ read }) => read),
      report.rebound.map(() => '421'),
    );
    assert.ok(report.rebound.length >= 3);
    assert.ok(refusedWhy(gateway).includes('wrong_host'));
  });

  it('is reported as cross_site', () => {
    assert.ok(refusedWhy(gateway).includes('cross_site'));
  });

  it('has really tried: a server that trusts every request was asked to reload', () => {
    assert.ok(gullible.reloads >= 4, `${gullible.reloads} requests came`);
  });
});

interface Attempt {
  readonly what: string;
  readonly read: string;
}

interface Report {
  /** To other origins: the address itself, and a port that is forwarded to the socket. */
  readonly across: readonly Attempt[];
  /** To the page's own origin. */
  readonly rebound: readonly Attempt[];
}

function refusedWhy(gateway: FakeGateway): string[] {
  const reasons = new Set<string>();
  for (const event of gateway.events.since(0).events)
    if (event.kind === 'admin_refused') reasons.add(event.evidence.reason);
  return [...reasons].sort();
}

interface Ports {
  readonly port: number;
  readonly forwarded: number;
  readonly gullible: number;
  readonly reports: number;
}

function pageOf({ port, forwarded, gullible, reports }: Ports): string {
  return `<!doctype html><title>Kittens</title><body><script>
const bearer = { Authorization: 'Bearer ${token}' };
const within = (ms, promise) => Promise.race([promise, new Promise((done) => setTimeout(() => done('nothing'), ms))]);
const reading = (promise) => within(5000, promise.then(async (response) => response.type === 'opaque' ? 'nothing' : String(response.status), () => 'nothing'));
const tag = (name, fields) => within(3000, new Promise((done) => {
  const one = Object.assign(document.createElement(name), fields, { onload: () => done(name), onerror: () => done('nothing') });
  document.body.append(one);
}));
// A browser does not report why it blocks a frame: three seconds of silence count as its answer.
const form = (origin, enctype) => {
  const frame = Object.assign(document.createElement('iframe'), { name: 'f' + Math.random() });
  const one = Object.assign(document.createElement('form'), { action: origin + '/v1/reload', method: 'POST', enctype, target: frame.name });
  one.append(Object.assign(document.createElement('input'), { name: '{"a":"', value: '"}' }));
  document.body.append(frame, one);
  return new Promise((done) => { frame.onload = () => { try { done(frame.contentDocument === null ? 'nothing' : frame.contentDocument.body.textContent || 'nothing'); } catch { done('nothing'); } }; one.submit(); setTimeout(() => done('nothing'), 3000); });
};
const stream = (origin) => within(3000, new Promise((done) => {
  const one = new EventSource(origin + '/v1/events'); one.onopen = () => done('events'); one.onerror = () => { one.close(); done('nothing'); };
}));
const socket = (origin) => within(3000, new Promise((done) => {
  const one = new WebSocket(origin.replace('http', 'ws') + '/v1/events'); one.onopen = () => done('socket'); one.onerror = () => done('nothing');
}));
const ways = {
  get: (origin) => reading(fetch(origin + '/v1/status')),
  'get, seeing nothing': (origin) => reading(fetch(origin + '/v1/status', { mode: 'no-cors', credentials: 'include' })),
  post: (origin) => reading(fetch(origin + '/v1/reload', { method: 'POST' })),
  'post, seeing nothing': (origin) => reading(fetch(origin + '/v1/reload', { method: 'POST', mode: 'no-cors' })),
  'post of text': (origin) => reading(fetch(origin + '/v1/reload', { method: 'POST', mode: 'no-cors', body: 'a' })),
  'post with the token': (origin) => reading(fetch(origin + '/v1/reload', { method: 'POST', headers: bearer })),
  'post of json': (origin) => reading(fetch(origin + '/v1/reload', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' })),
  beacon: async (origin) => { navigator.sendBeacon(origin + '/v1/reload', 'a'); return 'nothing'; },
  'form, urlencoded': (origin) => form(origin, 'application/x-www-form-urlencoded'),
  'form, text': (origin) => form(origin, 'text/plain'),
  'form, multipart': (origin) => form(origin, 'multipart/form-data'),
  script: (origin) => tag('script', { src: origin + '/metrics' }),
  image: (origin) => tag('img', { src: origin + '/v1/status' }),
  style: (origin) => tag('link', { rel: 'stylesheet', href: origin + '/v1/status' }),
  stream, socket,
};
const untilAsked = async () => {
  for (;;) {
    try { if ((await fetch('/v1/status')).status !== 200) return; } catch {}
    await new Promise((done) => setTimeout(done, 50));
  }
};
(async () => {
  await untilAsked();
  const rebound = [];
  for (const [what, path, options] of [
    ['get', '/v1/status', {}],
    ['get with the token', '/v1/status', { headers: bearer }],
    ['post', '/v1/reload', { method: 'POST' }],
    ['post with the token', '/v1/reload', { method: 'POST', headers: bearer }],
  ]) rebound.push({ what, read: await reading(fetch(path, options)) });
  const origins = ['http://127.0.0.1:${port}', 'http://localhost:${port}', 'http://127.0.0.1:${forwarded}', 'http://127.0.0.1:${gullible}'];
  const across = [];
  await Promise.all(origins.map(async (origin) => {
    for (const [what, way] of Object.entries(ways)) {
      const read = await way(origin).catch(() => 'nothing');
      if (!origin.endsWith(':${gullible}')) across.push({ what: what + ' at ' + origin, read });
    }
  }));
  await fetch('http://127.0.0.1:${reports}/', { method: 'POST', mode: 'no-cors', body: JSON.stringify({ rebound, across }) });
})();
</script>`;
}

function startBrowser(url: string, folder: string): ChildProcess {
  const names = 'MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1';
  return startChromium(folder, [`--host-resolver-rules=${names}`, url], 'ignore');
}

async function endBrowser(browser: ChildProcess | undefined): Promise<void> {
  if (browser?.pid === undefined || browser.exitCode !== null) return;
  const ended = once(browser, 'exit');
  process.kill(-browser.pid, 'SIGKILL');
  await ended;
}

async function takeReport(
  request: IncomingMessage,
  response: ServerResponse,
  reported: (report: Report) => void,
): Promise<void> {
  let text = '';
  for await (const chunk of request) text += chunk;
  response.end();
  if (request.method === 'POST') reported(JSON.parse(text) as Report);
}

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** What `ssh -L` does: a port of this machine is forwarded to the socket. */
async function forwardTo(path: string): Promise<NetServer> {
  const server = createNetServer((socket) => {
    const onward = connect({ path });
    socket.pipe(onward).pipe(socket);
    for (const one of [socket, onward]) {
      one.on('error', () => {});
      one.on('close', () => [socket, onward].forEach((each) => void each.destroy()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function portOf(server: Server | NetServer): number {
  return (server.address() as AddressInfo).port;
}
