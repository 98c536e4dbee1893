import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  answerWith,
  endRequest,
  FastCgiServer,
  type FastCgiRequestRead,
  record,
  stderr,
  stdout,
} from '../../src/wire/fastcgi-server.test-support.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { requestText, startFromYaml, type YamlGateway } from './start-from-yaml.ts';

// A FastCGI server of our own, so that it can be told to break the protocol. `npm run try:php` has php-fpm itself.

const folder = mkdtempSync(join(tmpdir(), 'candor-fastcgi-'));
const root = join(folder, 'www');
const page = 'Content-Type: text/plain\r\n\r\nfine';
const php = new FastCgiServer(answerWith(page));
const other = new FastCgiServer(answerWith(page));
const onSocket = new FastCgiServer(answerWith(page));
let edge: YamlGateway;

before(async () => {
  mkdirSync(join(root, 'admin'), { recursive: true });
  mkdirSync(join(root, 'files.php'));
  mkdirSync(join(folder, 'größe', 'a'), { recursive: true });
  for (const name of ['ü.php', 'ä.php', 'a/ö.php']) writeFileSync(join(folder, 'größe', name), '<?php');
  mkdirSync(join(root, 'plain'));
  for (const name of [
    'index.php',
    'page.php',
    'admin/index.php',
    'files.php/in.php',
    'ä.php',
    'image.jpg',
    'notes.txt',
  ])
    writeFileSync(join(root, name), '<?php');
  writeFileSync(join(folder, 'outside.php'), '<?php');
  symlinkSync('../outside.php', join(root, 'link.php'));
  symlinkSync('page.php', join(root, 'inner.php'));
  const [port, otherPort] = [await php.listen(), await other.listen()];
  await onSocket.listen(join(folder, 'fpm.sock'));
  edge = await startFromYaml(`
upstreams:
  php: { endpoints: "127.0.0.1:${port}", protocol: fastcgi, check: none }
  two:
    endpoints: [{ address: "127.0.0.1:${port}" }, { address: "127.0.0.1:${otherPort}", priority: 1 }]
    protocol: fastcgi
    check: none
  socket: { endpoints: "unix:${folder}/fpm.sock", protocol: fastcgi }
  kept: { endpoints: "127.0.0.1:${port}", protocol: fastcgi, check: none, connections: { max: 4, reuse: always } }
buffer: { request: 1KiB, request_wait: 50ms }
timeouts: { response_head: 1500ms, idle: 1500ms }
routes:
  - { path: /two, to: two }
  - { path: /socket, to: socket }
  - { path: /kept, to: kept }
  - { path: /program, rewrite: { path: / }, to: php }
  - { path: /app, rewrite: { path: / }, to: php, php: { root: "${root}", static: false } }
  - path: /letters
    to: php
    rewrite: { path: / }
    php: { root: "${folder}/größe", index: ö.php, front_controller: /ü.php, variables: { APP_NAME: Zürich } }
  - { path: "= /exact", rewrite: { path: / }, to: php, php: { root: "${root}" } }
  - { path: /strict, rewrite: { path: / }, to: php, php: { root: "${root}", front_controller: none, static: false } }
  - { path: /told, rewrite: { path: / }, to: php, php: { root: "${root}", variables: { APP_ENV: production, SERVER_SOFTWARE: nginx, HTTPS: on } } }
  - { path: /remote, rewrite: { path: / }, to: php, php: { root: /elsewhere/, remote: true } }
  - { to: php, php: { root: "${root}", static: false } }
`);
});
beforeEach(() => {
  php.answer = answerWith(page);
  other.answer = answerWith(page);
});
after(() => edge.stop());
after(async () => {
  await Promise.all([php.close(), other.close(), onSocket.close()]);
  rmSync(folder, { recursive: true });
});

interface Answered {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
  readonly id: string;
}

async function ask(path: string, options: RequestInit = {}): Promise<Answered> {
  const { host, port } = edge.address();
  const response = await fetch(`http://${host}:${port}${path}`, { redirect: 'manual', ...options });
  const id = response.headers.get('x-request-id') ?? '';
  return { status: response.status, body: await response.text(), headers: response.headers, id };
}

/** What the program is told of this request. */
async function variablesOf(path: string, lines: readonly string[] = []): Promise<ReadonlyMap<string, string>> {
  php.requests.length = 0;
  const response = await edge.send(requestText('GET', path, ['Host: shop.example:8443', ...lines]));
  assert.equal(response.status, 200);
  return php.requests[0]?.variables ?? new Map();
}

describe('the program of a path', () => {
  for (const [path, name, info] of [
    ['/page.php', '/page.php', ''],
    ['/page.php/a//b%5cc', '/page.php', '/a/b\\c'],
    ['//page.php', '/page.php', ''],
    ['/p%61ge.php?x=/y.php', '/page.php', ''],
    ['/', '/index.php', ''],
    ['/admin/', '/admin/index.php', ''],
    ['/2026/11/hello', '/index.php', ''],
    ['/notes.txt', '/index.php', ''],
    ['/plain/', '/index.php', ''],
    ['/files.php/in.php/x', '/files.php/in.php', '/x'],
    ['/inner.php', '/inner.php', ''],
    ['/%c3%a4.php', '/Ã¤.php', ''],
    ['/app/page.php/x', '/page.php', '/x'],
    ['/remote/any.php/x', '/any.php', '/x'],
    ['/remote/pretty', '/index.php', ''],
  ] as const)
    test(`${path} is ${name} with "${info}" behind it`, async () => {
      const variables = await variablesOf(path);
      const [prefix] = /^\/(?:app|remote)(?=\/)/.exec(path) ?? [''];
      const at = prefix === '/remote' ? '/elsewhere' : root;
      const told = (one: string) => variables.get(one);
      assert.deepEqual(
        [told('SCRIPT_FILENAME'), told('DOCUMENT_ROOT'), told('SCRIPT_NAME'), told('PATH_INFO'), told('REQUEST_URI')],
        [at + name, at, prefix + name, info, path],
      );
      assert.equal(told('PATH_TRANSLATED'), info === '' ? undefined : at + info);
    });

  test('has letters of any script, in the folder and in what it is told', async () => {
    for (const [path, name] of [
      ['/letters/%C3%A4.php', 'ä.php'],
      ['/letters/a/', 'a/ö.php'],
      ['/letters/x', 'ü.php'],
    ] as const) {
      const variables = await variablesOf(path);
      const told = ['SCRIPT_FILENAME', 'DOCUMENT_ROOT', 'APP_NAME'].map((one) =>
        Buffer.from(variables.get(one) ?? '', 'latin1').toString(),
      );
      assert.deepEqual(told, [join(folder, 'größe', name), join(folder, 'größe'), 'Zürich']);
    }
    const { cause, detail } = await edge.record(
      await edge.send(requestText('GET', '/letters/%C3%9F.php', ['Host: x'])),
    );
    assert.equal(cause, 'script_not_found');
    assert.match(detail ?? '', /"\/ß\.php"/);
  });

  for (const [path, why] of [
    ['/image.jpg/x.php', 'missing'],
    ['/missing.php', 'missing'],
    ['/missing.php/page.php', 'missing'],
    ['/link.php', 'outside'],
    ['/page.php%00.jpg', 'bad_path'],
    ['/a/..%2f..%2foutside.php', 'bad_path'],
    ['/page.php/a/b%2Fc', 'bad_path'],
    ['/admin%2findex.php', 'bad_path'],
    ['/pretty%2Fpath', 'bad_path'],
    ['/remote%2Fany.php', 'bad_path'],
    ['/remote/a%2Fany.php', 'bad_path'],
    ['/program/a%2fb', 'bad_path'],
    ['/program/a%00b', 'bad_path'],
    ['/strict/pretty', 'missing'],
    ['/strict/plain/', 'missing'],
  ] as const)
    test(`${path} runs nothing: ${why}`, async () => {
      php.requests.length = 0;
      const response = await edge.send(requestText('GET', path, ['Host: x']));
      const { cause, evidence, attempts } = await edge.record(response);
      assert.deepEqual([response.status, cause, php.requests.length], [404, 'script_not_found', 0]);
      const { why: said } = (evidence ?? attempts[0]?.evidence ?? {}) as { why?: string };
      assert.equal(said, why);
    });

  test('a folder without its slash is redirected to it, never to another host', async () => {
    const { status, headers } = await ask('/admin?x=1');
    assert.deepEqual([status, headers.get('location')], [308, '/admin/?x=1']);
    const slashes = await edge.send(requestText('GET', '//admin', ['Host: x']));
    assert.equal(headerOf(slashes, 'location'), '/admin/');
    assert.equal((await ask('/app/admin')).headers.get('location'), '/app/admin/');
  });

  test('the path of a route without its slash is redirected to it, where the programs are below it', async () => {
    for (const path of ['/app', '/remote']) {
      const { status, headers } = await ask(`${path}?x=<1>`);
      assert.deepEqual([status, headers.get('location')], [308, `${path}/?x=%3C1%3E`]);
    }
    assert.equal((await ask('/exact')).status, 200);
    assert.equal((await variablesOf('/app/')).get('SCRIPT_NAME'), '/app/index.php');
  });

  test('without "php" is the application itself, for all of the path', async () => {
    const variables = await variablesOf('/program/a/b?c');
    const told = ['SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'SCRIPT_FILENAME'].map((name) => variables.get(name));
    assert.deepEqual(told, ['/program', '/a/b', 'c', undefined]);
    assert.equal((await variablesOf('/program/x/%2e%2e//a/./b')).get('PATH_INFO'), '/a/b');
  });
});

describe('a program is told', () => {
  test('of the request, its client and the gateway', async () => {
    const variables = await variablesOf('/page.php?a=%20b', [
      'User-Agent: test',
      'X-One: 1',
      'X-One: 2',
      'Cookie: a=1',
      'Cookie: b=2',
    ]);
    const expected = {
      GATEWAY_INTERFACE: 'CGI/1.1',
      SERVER_PROTOCOL: 'HTTP/1.1',
      REQUEST_METHOD: 'GET',
      QUERY_STRING: 'a=%20b',
      REQUEST_SCHEME: 'http',
      REMOTE_ADDR: '127.0.0.1',
      SERVER_NAME: 'shop.example',
      SERVER_PORT: '8443',
      REDIRECT_STATUS: '200',
      HTTP_HOST: 'shop.example:8443',
      HTTP_USER_AGENT: 'test',
      HTTP_X_ONE: '1, 2',
      HTTP_COOKIE: 'a=1; b=2',
      HTTP_X_FORWARDED_FOR: '127.0.0.1',
    };
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, variables.get(name)])), expected);
    for (const name of ['HTTPS', 'CONTENT_LENGTH', 'CONTENT_TYPE']) assert.equal(variables.has(name), false, name);
  });

  test('what the route says besides, which holds', async () => {
    const variables = await variablesOf('/told/page.php');
    const told = ['APP_ENV', 'SERVER_SOFTWARE', 'HTTPS'].map((name) => variables.get(name));
    assert.deepEqual(told, ['production', 'nginx', 'on']);
  });

  test('nothing under names that are another header, or a variable of its own', async () => {
    const hostile = [
      'Proxy: http://evil',
      'X_Real_Name: evil',
      'X.Dot: evil',
      'Content-Type: text/x',
      '__proto__: evil',
      'Content_Length: 9',
    ];
    const variables = await variablesOf('/page.php', hostile);
    assert.deepEqual(
      [...variables].filter(([, value]) => value.includes('evil')),
      [],
    );
    assert.deepEqual([variables.get('CONTENT_TYPE'), variables.has('HTTP_CONTENT_TYPE')], ['text/x', false]);
  });
});

describe('the body of a request', () => {
  const bodyOf = async (path: string, options: RequestInit) => {
    php.requests.length = 0;
    const { status, id } = await ask(path, { method: 'POST', ...options });
    return { status, id, request: php.requests[0] };
  };

  test('is streamed where its length is known', async () => {
    const bytes = Buffer.alloc(5 * 1024 * 1024, 'abc');
    const { status, request } = await bodyOf('/page.php', { body: bytes });
    assert.deepEqual([status, request?.variables.get('CONTENT_LENGTH')], [200, String(bytes.length)]);
    assert.ok(request?.body.equals(bytes));
  });

  const chunked = (size: number): RequestInit =>
    ({
      body: new ReadableStream({
        start(controller) {
          for (let sent = 0; sent < size; sent += 100) controller.enqueue(new Uint8Array(100));
          controller.close();
        },
      }),
      duplex: 'half',
    }) as RequestInit;

  test('in chunks has its length where it fits into the buffer', async () => {
    const { status, request } = await bodyOf('/page.php', chunked(500));
    assert.deepEqual([status, request?.variables.get('CONTENT_LENGTH'), request?.body.length], [200, '500', 500]);
  });

  test('in chunks is refused with 411 where it does not', async () => {
    const { status, id, request } = await bodyOf('/page.php', chunked(200_000));
    const { cause, attempts } = await edge.record(id);
    assert.deepEqual([status, cause, request], [411, 'request_refused', undefined]);
    assert.equal((attempts[0]?.evidence as { rule?: string } | undefined)?.rule, 'length-required');
  });
});

describe('a response', () => {
  const answered = async (output: string, method = 'GET') => {
    php.answer = answerWith(output);
    return ask('/page.php', { method });
  };

  test('has the status of its header Status, which is not passed on', async () => {
    const { status, body, headers } = await answered('Status: 418 I am\r\nX-A: 1\r\n\r\nshort');
    assert.deepEqual([status, body, headers.has('status'), headers.get('x-a')], [418, 'short', false, '1']);
  });

  test('with a Location alone is a redirect', async () => {
    const { status, headers } = await answered('Location: /x\r\n\r\n');
    assert.deepEqual([status, headers.get('location')], [302, '/x']);
  });

  test('may have lines that end with LF alone, and a Transfer-Encoding that says nothing', async () => {
    const { status, body } = await answered('Status: 201\nTransfer-Encoding: chunked\n\n5\r\nhello');
    assert.deepEqual([status, body], [201, '5\r\nhello']);
  });

  test('to HEAD has no body', async () => {
    const { status, body, headers } = await answered('Content-Length: 10\r\n\r\n', 'HEAD');
    assert.deepEqual([status, body, headers.get('content-length')], [200, '', '10']);
  });

  test('may be large, and come in many records', async () => {
    const body = Buffer.alloc(3_000_000, '0123456789');
    php.answer = (_, socket) =>
      void socket.end(Buffer.concat([stdout('X-A: 1\r\n'), stdout(`\r\n${body.toString()}`), endRequest()]));
    assert.equal((await ask('/page.php')).body, body.toString());
  });

  test('ends with as many bytes as it announces', async () => {
    const { body, id } = await answered('Content-Length: 4\r\n\r\nfine and more');
    const { attempts } = await edge.record(id);
    assert.deepEqual([body, attempts[0]?.surplus_bytes], ['fine', 9]);
  });

  test('comes with what the program wrote to STDERR in the record', async () => {
    php.answer = (_, socket) =>
      void socket.end(
        Buffer.concat([stderr('PHP message: PHP Warning:  odd, password=hunter2\n'), stdout(page), endRequest()]),
      );
    const { status, id } = await ask('/page.php');
    const { attempts } = await edge.record(id);
    assert.equal(status, 200);
    assert.match(attempts[0]?.stderr?.join() ?? '', /PHP Warning: +odd/);
    assert.doesNotMatch(JSON.stringify(attempts), /hunter2/);
  });

  test('keeps of STDERR the first lines, however much comes', async () => {
    php.answer = (_, socket) =>
      void socket.end(Buffer.concat([stderr('many words '.repeat(100_000)), stdout(page), endRequest()]));
    const { attempts } = await edge.record((await ask('/page.php')).id);
    assert.ok(JSON.stringify(attempts[0]?.stderr).length < 500);
  });
});

describe('a server that does not run the program', () => {
  for (const [text, status, why] of [
    ['Primary script unknown', 'Status: 404 Not Found', 'unknown'],
    [
      "Access to the script '/x.txt' has been denied (see security.limit_extensions)",
      'Status: 403 Forbidden',
      'denied',
    ],
  ] as const)
    for (const [order, parts] of [
      ['before', [stderr(text), stdout(`${status}\r\n\r\nFile not found.\n`)]],
      ['behind', [stdout(`${status}\r\n\r\nFile not found.\n`), stderr(text)]],
    ] as const)
      test(`and says so ${order} its answer (${why}) is a cause of its own`, async () => {
        php.answer = (_, socket) => void socket.end(Buffer.concat([...parts, endRequest()]));
        const answer = await ask('/page.php');
        const { cause, evidence, attempts } = await edge.record(answer.id);
        assert.deepEqual([answer.status, cause], [404, 'script_unknown']);
        assert.equal(((evidence ?? attempts[0]?.evidence) as { why?: string } | undefined)?.why, why);
      });

  describe('of a folder elsewhere', () => {
    const refuse = () => {
      php.answer = (_, socket) =>
        void socket.end(
          Buffer.concat([
            stderr('Primary script unknown'),
            stdout('Status: 404 Not Found\r\n\r\nFile not found.\n'),
            endRequest(),
          ]),
        );
    };
    const causesOf = async (names: readonly string[]) =>
      Promise.all(names.map(async (name) => (await edge.record((await ask(`/remote/${name}`)).id)).cause));

    test('is nothing of note where a client made its name up, and is where it was run before', async () => {
      const names = ['one.php', 'two.php', 'three.php', 'four.php'];
      refuse();
      assert.deepEqual(new Set(await causesOf(names)), new Set(['script_not_found']));
      php.answer = answerWith(page);
      assert.deepEqual(new Set(await causesOf(names)), new Set([null]));
      refuse();
      assert.equal((await causesOf(names)).at(-1), 'site_file_missing');
    });

    test('is set up wrongly where it is the front controller', async () => {
      php.answer = answerWith(page);
      await causesOf(['pretty/1', 'pretty/2', 'pretty/3', 'pretty/4']);
      refuse();
      assert.deepEqual(await causesOf(['pretty/1', '', 'index.php']), Array(3).fill('script_unknown'));
    });
  });

  test('an application may have a 404 of its own', async () => {
    php.answer = answerWith('Status: 404\r\n\r\nours');
    assert.equal((await ask('/page.php')).body, 'ours');
  });
});

type Hostile = readonly [what: string, bytes: Uint8Array, cause: string];

describe('a server that breaks the protocol', () => {
  const head = stdout('X-A: 1\r\n\r\n');
  const cases: readonly Hostile[] = [
    ['speaks HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'response_not_fastcgi'],
    ['sends another version later', Buffer.concat([stdout('X-A'), record(6, 'x', { version: 9 })]), 'response_records'],
    ['answers another request', record(6, page, { id: 7 }), 'response_records'],
    ['sends a record of requests', record(5, page), 'response_records'],
    ['goes on behind the end of STDOUT', Buffer.concat([head, record(6, ''), stdout('x')]), 'response_records'],
    ['ends with half a record', Buffer.concat([head, stdout('abcdef').subarray(0, 10)]), 'response_stream_cut'],
    ['closes without a word', Buffer.alloc(0), 'closed_before_response'],
    ['ends the request without a word', endRequest(), 'closed_before_response'],
    [
      'ends the request within the head',
      Buffer.concat([stdout('X-A: 1\r\n'), endRequest()]),
      'response_head_truncated',
    ],
    ['closes without END_REQUEST', Buffer.concat([head, stdout('half')]), 'response_stream_cut'],
    [
      'ends short of Content-Length',
      Buffer.concat([stdout('Content-Length: 9\r\n\r\nhalf'), endRequest()]),
      'response_body_short',
    ],
    ['sends a status that is none', Buffer.concat([stdout('Status: 99\r\n\r\n'), endRequest()]), 'response_header'],
    ['sends an interim status', Buffer.concat([stdout('Status: 101\r\n\r\n'), endRequest()]), 'response_header'],
    ['sends no headers', Buffer.concat([stdout('odd thing in x.php\n\n'), endRequest()]), 'response_header'],
    ['sends a head without an end', stdout(`X-A: ${'a'.repeat(200_000)}`), 'response_head_too_large'],
  ];
  for (const [what, bytes, cause] of cases)
    test(`${what}: ${cause}, and nothing of it is taken for whole`, async () => {
      php.answer = (_, socket) => void socket.end(bytes);
      const response = await edge.send(requestText('GET', '/page.php', ['Host: x', 'Connection: close']));
      const found = await edge.record(response);
      assert.equal(found.cause, cause);
      assert.ok(found.status === 502 || found.end === 'truncated', `${found.status} ${found.end}`);
    });

  test('and hangs has a cause that speaks of php-fpm', async () => {
    php.answer = () => {};
    const { status, id } = await ask('/page.php');
    const { cause, attempts } = await edge.record(id);
    assert.deepEqual([status, cause], [504, 'response_head_timeout']);
    assert.equal((attempts[0]?.evidence as { fastcgi?: boolean } | undefined)?.fastcgi, true);
  });

  test('by empty records without end does not keep the request', async () => {
    php.answer = (_, socket) => drip(socket, stderr('x'));
    assert.equal((await ask('/page.php')).status, 504);
  });
});

/** Sends the same again and again, until the connection closes. */
function drip(socket: Socket, bytes: Uint8Array): void {
  const timer = setInterval(() => socket.write(bytes), 20);
  socket.on('close', () => clearInterval(timer));
}

describe('another attempt', () => {
  const attemptsOf = async (id: string) =>
    (await edge.record(id)).attempts.map(({ cause, retry_reason }) => [cause, retry_reason]);

  test('follows a refusal (FCGI_OVERLOADED), also of a POST, which was not executed', async () => {
    php.answer = (_, socket) => void socket.end(endRequest('FCGI_OVERLOADED'));
    const { status, id } = await ask('/two', { method: 'POST', body: 'x' });
    assert.equal(status, 200);
    assert.deepEqual(await attemptsOf(id), [
      ['stream_refused', 'refused_by_peer'],
      [null, 'accepted'],
    ]);
    assert.equal(other.requests.at(-1)?.body.toString(), 'x');
  });

  test('follows a connection that closed without an answer to a GET, and not to a POST', async () => {
    php.answer = (_, socket) => void socket.end();
    const get = await ask('/two');
    assert.deepEqual(
      [get.status, await attemptsOf(get.id)],
      [
        200,
        [
          ['closed_before_response', 'idempotent'],
          [null, 'accepted'],
        ],
      ],
    );
    const post = await ask('/two', { method: 'POST', body: 'x' });
    assert.deepEqual([post.status, await attemptsOf(post.id)], [502, [['closed_before_response', 'not_idempotent']]]);
  });
});

describe('connections', () => {
  const kept: FastCgiRequestRead['isKept'][] = [];

  test('carry one request by default, since a kept one holds a process', async () => {
    php.requests.length = 0;
    const before = php.connections;
    for (let count = 0; count < 3; count++) await ask('/page.php');
    assert.deepEqual([php.connections - before, php.requests.map(({ isKept }) => isKept)], [3, [false, false, false]]);
  });

  test('are used again where the configuration says so', async () => {
    php.requests.length = 0;
    const before = php.connections;
    for (let count = 0; count < 4; count++) assert.equal((await ask('/kept')).body, 'fine');
    kept.push(...php.requests.map(({ isKept }) => isKept));
    assert.ok(php.connections - before <= 2, `${php.connections - before} connections (one for each worker)`);
    assert.deepEqual(kept, [true, true, true, true]);
  });

  test('may be those of a unix socket', async () => {
    assert.equal((await ask('/socket/x')).body, 'fine');
    assert.equal(onSocket.requests[0]?.variables.get('PATH_INFO'), '/socket/x');
  });

  test('close when the client leaves', async () => {
    const closed = new Promise<void>((resolve) => {
      php.answer = (_, socket) => void socket.once('close', () => resolve());
    });
    const leaving = new AbortController();
    const asked = ask('/page.php', { signal: leaving.signal }).catch(() => 'left');
    setTimeout(() => leaving.abort(), 50);
    await closed;
    assert.equal(await asked, 'left');
  });
});
