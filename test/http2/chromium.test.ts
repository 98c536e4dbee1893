// Only `npm run test:complete` runs this file: it starts a real browser. `npm test` has the clients of `peers.test.ts`.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Browser, keyHashOf, withBrowser } from '../browser.ts';
import { freePort } from '../free-port.ts';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { chatInPage, WebSocketServer } from '../gateway/web-socket-server.ts';
import { certificatesIn, edgeFiles } from '../tls-clients/tls-edge.ts';

// A real browser over HTTP/2: pages, many fetches, uploads, server-sent events, and a WebSocket on the same connection (RFC 8441).

describe('a browser over HTTP/2', withBrowser, () => {
  let folder: string;
  let server: WebSocketServer;
  let events: Server;
  let edge: YamlGateway;
  let browser: Browser;
  /** Of the connection that carries the requests: Chromium may open a second one in reserve, and never use it. */
  let port: number;

  before(
    async () => {
      folder = mkdtempSync(join(tmpdir(), 'candor-chromium-http2-'));
      server = await WebSocketServer.start();
      server.page = (target, body) =>
        target === '/' ? '<!doctype html><title>page</title>' : `${target} ${body.length}`;
      events = createServer(({ url }, response) => {
        if (url === '/events/login') return void response.writeHead(401, { 'www-authenticate': 'NTLM' }).end();
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        let count = 0;
        const timer = setInterval(() => response.write(`data: ${count++}\n\n`), 20);
        response.on('close', () => clearInterval(timer));
      });
      events.listen(0, '127.0.0.1');
      await once(events, 'listening');
      const listening = await freePort();
      edge = await startFromYaml(
        `
listeners: { https: { bind: "127.0.0.1:${listening}", http2: true, tls: { ${certificatesIn()}, redirect_http: false } } }
upstreams:
  app: { endpoints: "127.0.0.1:${server.port}", check: none }
  events: { endpoints: "127.0.0.1:${(events.address() as { port: number }).port}", check: none }
routes: [{ path: /events, to: events }, { path: /, to: app }]
`,
        { files: edgeFiles },
      );
      browser = await Browser.open(`https://edge.test:${listening}/`, folder, [
        '--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
        `--ignore-certificate-errors-spki-list=${keyHashOf(edgeFiles['edge.pem'] ?? '')}`,
      ]);
    },
    { timeout: 120_000 },
  );
  after(async () => {
    await browser?.close();
    await edge?.stop();
    await server?.close();
    events?.close();
    events?.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  });

  test('is shown a page, and the record names the version', async () => {
    const id = await browser.run<string>(`fetch('/').then((response) => response.headers.get('x-request-id'))`);
    const { client, scheme } = await edge.record(id);
    assert.deepEqual([client.protocol, scheme], ['HTTP/2', 'https']);
    assert.equal(await browser.run('document.title'), 'page');
    port = client.port;
  });

  test('fetches a hundred things at once, each whole, over one connection', async () => {
    const fetched = await browser.run<
      [id: string, body: string][]
    >(`Promise.all(Array.from({ length: 100 }, async (_, index) => {
      const body = 'x'.repeat(index * 3000);
      const response = await fetch('/' + index, { method: 'POST', body });
      return [response.headers.get('x-request-id'), await response.text()];
    }))`);
    assert.deepEqual(
      fetched.map(([, body]) => body),
      Array.from({ length: 100 }, (_, index) => `/${index} ${index * 3000}`),
    );
    for (const [id] of fetched) assert.equal((await edge.record(id)).client.port, port);
  });

  test('gets events as they come, and leaves', async () => {
    const seen = await browser.run<string[]>(`new Promise((done) => {
      const seen = [];
      const source = new EventSource('/events');
      source.onmessage = ({ data }) => {
        if (seen.push(data) < 5) return;
        source.close();
        done(seen);
      };
    })`);
    assert.deepEqual(seen, ['0', '1', '2', '3', '4']);
    await until('its stream has ended', () => edge.counts().active === 0);
  });

  test('has a WebSocket on the same connection, with messages of any size', async () => {
    const seen = await browser.run<unknown[]>(chatInPage);
    assert.deepEqual(seen, ['hello', 'one', 300_000, true, 1000]);
    await until('no tunnel is left', () => edge.counts().active === 0);
    const tunnel = await edge.record(String(server.asked[0]?.headers['x-request-id']));
    assert.deepEqual([tunnel.kind, tunnel.client.port], ['tunnel', port]);
    assert.deepEqual([tunnel.end, tunnel.cause, tunnel.tunnel?.by], ['forwarded', null, 'client']);
  });

  test('comes again over HTTP/1.1 when it is challenged to authenticate its connection', async () => {
    const answers = await browser.run<[status: number, id: string][]>(
      `(async () => {
        const get = { credentials: 'omit' }; // Else a dialog asks for the password.
        const post = { ...get, method: 'POST', body: 'x'.repeat(5000) };
        const responses = [await fetch('/events/login', post), await fetch('/events/login', get)];
        return responses.map(({ status, headers }) => [status, headers.get('x-request-id')]);
      })()`,
    );
    for (const [status, id] of answers) {
      assert.equal(status, 401);
      assert.equal((await edge.record(id)).client.protocol, 'HTTP/1.1');
    }
  });
});
