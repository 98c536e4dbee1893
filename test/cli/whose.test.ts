// Starts processes: the command is tested with its exit codes.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import * as fc from '../properties.ts';
import { readResponses } from '../../src/cli/whose/whose-command.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { assertFits } from './golden.ts';
import { candorProgram } from '../program.ts';

const page =
  '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n' +
  '<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n';
const curl = `HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nContent-Type: text/html\r\n\r\n${page}`;
const object = { status: 502, headers: { Server: 'nginx', 'Content-Type': 'text/html' }, body: page };

let folder: string;
let context: FakeProcessContext;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-whose-'));
  context = new FakeProcessContext(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('saved responses', () => {
  const har = {
    log: {
      entries: [
        {
          request: { url: 'https://example.org/' },
          response: {
            status: 502,
            headers: [
              { name: 'server', value: 'nginx' },
              { name: 'Content-Type', value: 'text/html' },
            ],
            content: { text: Buffer.from(page).toString('base64'), encoding: 'base64' },
          },
        },
        { request: { url: 'https://example.org/never' }, response: { status: 0, headers: [] } },
      ],
    },
  };
  const verbose = [
    '* Trying 127.0.0.1:80...',
    '> GET / HTTP/1.1',
    '> Host: example.org',
    '>',
    '< HTTP/1.1 502 Bad Gateway',
    '< Server: nginx',
    '< Content-Type: text/html',
    '<',
    page,
  ].join('\n');
  const transcript = [
    '  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current',
    '  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0*   Trying 127.0.0.1:443...',
    '* Connected to example.org (127.0.0.1) port 443 (#0)',
    '} [5 bytes data]',
    '* TLSv1.3 (OUT), TLS handshake, Client hello (1):',
    '{ [122 bytes data]',
    '> GET / HTTP/2',
    '> Host: example.org',
    '> ',
    '< HTTP/2 502 ',
    '< server: nginx',
    '< content-type: text/html',
    '< ',
    '{ [150 bytes data]',
    '100   150  100   150    0     0   6078      0 --:--:-- --:--:-- --:--:--  6250',
    page.trimEnd() + '* Connection #0 to host example.org left intact',
  ].join('\n');
  const forms: [what: string, text: string][] = [
    ['as `curl -i` prints them', curl],
    ['after interim ones', `HTTP/1.1 100 Continue\r\n\r\n${curl}`],
    ['through a tunnel', `HTTP/1.1 200 Connection established\r\n\r\n${curl}`],
    ['over HTTP/2', curl.replace('HTTP/1.1 502 Bad Gateway', 'HTTP/2 502 ')],
    ['as `curl -v` prints them', verbose],
    ['as `curl -v` prints them on one terminal, with TLS, its progress and its last words', transcript],
    ['as JSON', JSON.stringify(object)],
    ['as JSON on several lines', JSON.stringify(object, null, 2)],
    ['as JSON lines', `${JSON.stringify(object)}\n\n{"torn\n`],
    ['as an array', JSON.stringify([object])],
    ['with fields as pairs', JSON.stringify({ ...object, headers: Object.entries(object.headers) })],
    ['as a HAR', JSON.stringify(har)],
    ['with a mark of UTF-8', `\ufeff${JSON.stringify(object)}`],
  ];
  for (const [what, text] of forms) {
    test(`are read ${what}`, () => {
      const [kept, ...more] = readResponses(text);
      assert.equal(more.length, 0);
      assert.equal(kept?.response.status, 502);
      assert.deepEqual({ ...kept.response.headers }, { server: 'nginx', 'content-type': 'text/html' });
      assert.match(kept.response.body ?? '', /^<html>[^]*<center>nginx<\/center>[^]*<\/html>\s*$/);
    });
  }

  test('of redirects that were followed are all read', () => {
    const moved = 'HTTP/1.1 301 Moved Permanently\r\nLocation: /x\r\n\r\n';
    assert.deepEqual(
      readResponses(moved + curl).map(({ response }) => response.status),
      [301, 502],
    );
  });

  test("of `curl -v` keep a body whose lines look like curl's notes", () => {
    const json = '{ "a": [\n}\n- 1\n] }';
    const [kept] = readResponses(`* Connected\n> GET / HTTP/1.1\n>\n< HTTP/1.1 500 X\n<\n${json}\n`);
    assert.equal(kept?.response.body, json);
  });

  test('with a header several times keep all its values', () => {
    const [kept] = readResponses('HTTP/1.1 200 OK\nVia: 1.1 a\nvia: 1.1 b\n\n');
    assert.deepEqual(kept?.response.headers['via'], ['1.1 a', '1.1 b']);
  });

  test('may have any value as a status or a header', () => {
    const odd = '{"toString":1,"valueOf":1}';
    assert.deepEqual(readResponses(`{"status":${odd},"headers":{"server":${odd}}}`), []);
    const [kept] = readResponses(`{"status":502,"headers":{"__proto__":"a","constructor":"b","server":${odd}}}`);
    assert.deepEqual(Object.keys(kept?.response.headers ?? {}), ['__proto__', 'constructor']);
    assert.equal(Object.getPrototypeOf(kept?.response.headers), Object.prototype);
  });

  test('never make the reader throw', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify({ log: { entries: [value] } })),
    );
    fc.assert(
      fc.property(texts, (text) => {
        readResponses(text);
      }),
      { numRuns: 200 },
    );
  });
});

describe('candor whose', () => {
  test('names the author, within 80 columns', async () => {
    writeFileSync(join(folder, 'saved.txt'), curl);
    assert.equal(await context.candor('whose', 'saved.txt'), 0);
    assert.match(context.stdout.text, /^502\n {2}chain {5}you ← nginx wrote it\n {2}author {4}nginx, \w+\n/);
    assertFits(context.stdout.text);
  });

  test('breaks evidence without spaces within 80 columns, and prints each piece once', async () => {
    const details = `details="${'connection-refused:'.repeat(6)}"`;
    const member = `shop;error=connection_refused;next-hop="127.0.0.1:37925";${details}`;
    writeFileSync(join(folder, 'saved.txt'), `HTTP/1.1 502 Bad Gateway\nProxy-Status: ${member}\n\n`);
    assert.equal(await context.candor('whose', 'saved.txt'), 0);
    assertFits(context.stdout.text);
    assert.match(
      context.stdout.text.replace(/\n {12}/g, ''),
      /shop;error=connection_refused;next-hop="127\.0\.0\.1:37925";details/,
    );
    context.stdout.text = '';
    const id = '01a202ec-f036-7c52-82f5-8fc350a5ba23';
    writeFileSync(
      join(folder, 'b.txt'),
      `HTTP/1.1 503 Busy\nProxy-Status: shop;received-status=503\nX-Request-Id: ${id}\n\n`,
    );
    assert.equal(await context.candor('whose', 'b.txt'), 0);
    assert.match(context.stdout.text, /you ← Candor ← the application wrote it\n {2}author {4}application, likely/);
    assert.equal(context.stdout.text.split('received-status=503').length, 2);
  });

  test('takes the pasted page of a gateway, and no other text, for a response', async () => {
    writeFileSync(join(folder, 'page.html'), page);
    assert.equal(await context.candor('whose', 'page.html'), 0);
    assert.match(context.stdout.text, /^502\n {2}chain {5}you ← nginx wrote it\n {2}author {4}nginx, likely\n/);
    context.stdout.text = '';
    writeFileSync(join(folder, 'words.txt'), 'no healthy upstream\n');
    assert.equal(await context.candor('whose', 'words.txt', '--json'), 0);
    const { status, author, confidence } = JSON.parse(context.stdout.text);
    assert.deepEqual([status, author, confidence], [null, 'envoy', 'likely']);
    for (const text of ['hello\n', '<html><title>Shop</title></html>', '{"message":"hello"}', '[]']) {
      writeFileSync(join(folder, 'other.txt'), text);
      assert.equal(await context.candor('whose', 'other.txt'), 3, text);
    }
  });

  test('prints one object per response', async () => {
    writeFileSync(
      join(folder, 'saved.jsonl'),
      `${JSON.stringify(object)}\n${JSON.stringify({ status: 200, headers: {} })}\n`,
    );
    assert.equal(await context.candor('whose', 'saved.jsonl', '--json'), 0);
    const objects = context.stdout.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(objects.map(({ status, author }) => [status, author])[0], [502, 'nginx']);
    assert.equal(objects.length, 2);
    for (const one of objects) for (const name of ['passed', 'confidence', 'evidence']) assert.ok(name in one);
  });

  test('prints no control characters of a response to the terminal', async () => {
    writeFileSync(join(folder, 'saved'), curl.replace('Server: nginx', 'Server: \u001b]0;x\u0007ngi\u009bnx\u202e'));
    for (const argv of [['saved'], ['saved', '--json']]) assert.equal(await context.candor('whose', ...argv), 0);
    assert.doesNotMatch(context.stdout.text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  });

  const ofBrowser: readonly (readonly [text: string, says: RegExp | null])[] = [
    [
      'This page isn’t working\nshop.example is currently unable to handle this request.\nHTTP ERROR 502\n',
      /status 502 and no body/,
    ],
    [
      "This site can't be reached\nshop.example refused to connect.\nERR_CONNECTION_REFUSED\n",
      /no response \(ERR_CONNECTION_REFUSED\)/,
    ],
    ['How to fix: This page isn’t working, HTTP ERROR 502\n', null],
  ];

  for (const [text, says] of ofBrowser)
    test(`says what a page of the browser means: ${text.slice(0, 50)}`, async () => {
      writeFileSync(join(folder, 'page.txt'), text);
      assert.equal(await context.candor('whose', 'page.txt'), 3);
      assert.match(context.stderr.text, says ?? /There is no response in page\.txt/);
    });

  test('ends with 3 if there is no response, with 2 if no such file exists', async () => {
    writeFileSync(join(folder, 'saved'), 'hello\n');
    assert.equal(await context.candor('whose', 'saved'), 3);
    assert.equal(await context.candor('whose', 'nowhere'), 2);
    assert.equal(await context.candor('whose', '.'), 2);
  });

  test('stops reading an endless device', { skip: process.platform !== 'linux' }, async () => {
    assert.equal(await context.candor('whose', '/dev/zero'), 2);
    assert.match(context.stderr.text, /too large/);
  });

  test('reads standard input', () => {
    const argv = [candorProgram, 'whose', '-', '--json'];
    const ran = spawnSync(process.execPath, argv, { input: curl, encoding: 'utf8' });
    assert.equal(ran.status, 0, ran.stderr);
    assert.equal((JSON.parse(ran.stdout) as { author: string }).author, 'nginx');
  });
});

describe('candor whose with a URL', () => {
  let server: Server;
  let url: string;
  const asked: string[] = [];

  before(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (request.url === '/moved') response.writeHead(302, { Location: '/elsewhere', Via: ['1.1 a', '1.1 b'] }).end();
      else if (request.url === '/broken')
        response.writeHead(200, { 'Content-Length': '9' }).write('four', () => response.destroy());
      else if (request.url === '/failed')
        response.writeHead(502, { Server: 'nginx', 'Content-Type': 'text/html' }).end(page);
      else if (request.url === '/drips')
        response.writeHead(502, { Server: 'nginx', 'Content-Length': '9999' }).write('<html>\r\n');
      else if (request.url === '/other-protocol')
        response.socket?.end(
          'HTTP/1.1 101 Switching Protocols\r\nServer: nginx\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
        );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test('sends one request', async () => {
    assert.equal(await context.candor('whose', `${url}/failed`, '--json'), 0);
    const said = JSON.parse(context.stdout.text) as Record<string, unknown>;
    assert.deepEqual([said['from'], said['status'], said['author']], [`${url}/failed`, 502, 'nginx']);
    assert.deepEqual(asked, ['/failed']);
  });

  test('follows no redirect, and accepts a body that breaks off', async () => {
    asked.length = 0;
    assert.equal(await context.candor('whose', `${url}/moved`), 0);
    assert.equal(await context.candor('whose', `${url}/broken`), 0);
    assert.deepEqual(asked, ['/moved', '/broken']);
    assert.match(context.stdout.text, /^302 from/m);
  });

  test('accepts a body that does not end in time, and an unexpected 101', async () => {
    assert.equal(await context.candor('whose', `${url}/drips`, '--timeout', '0.3'), 0);
    assert.match(context.stdout.text, /^502 from/m);
    assert.equal(await context.candor('whose', `${url}/other-protocol`), 0);
    assert.match(context.stdout.text, /^101 from/m);
  });

  test('never prints the user name and password of a URL', async () => {
    const secret = url.replace('//', '//user:hidden@');
    assert.equal(await context.candor('whose', `${secret}/failed`), 0);
    assert.equal(await context.candor('whose', `${secret}/failed`, '--json'), 0);
    assert.equal(await context.candor('whose', 'user:hidden@nowhere'), 2);
    assert.doesNotMatch(context.stdout.text + context.stderr.text, /hidden/);
    assert.match(context.stdout.text, /^502 from http:\/\/127\.0\.0\.1:/);
  });

  test('ends with 8 if no response comes in time, or the connection fails', async () => {
    assert.equal(await context.candor('whose', `${url}/silent`, '--timeout', '0.2'), 8);
    assert.match(context.stderr.text, /did not respond: no response within 0\.2 s\./);
    assert.equal(await context.candor('whose', 'http://127.0.0.1:1/'), 8);
  });
});
