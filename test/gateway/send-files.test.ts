// Starts processes: Node has no function that makes a pipe in a folder.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readlink, symlink, utimes, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { headerOf, type RawResponse } from '../../src/testing/testing.ts';
import { answerWith, FastCgiServer, stdout } from '../../src/wire/fastcgi-server.test-support.ts';
import { ok, type RawAnswer, RawOrigin } from './raw-origin.ts';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Files that applications name in X-Accel-Redirect and X-Sendfile, over HTTP and FastCGI.

const large = Buffer.alloc(1_000_000, 'abcdefgh');
const written = new Date('2025-06-01T12:00:00Z');
const time = 'Sun, 01 Jun 2025 12:00:00 GMT';

/** Each request asks for one of them, by its index. */
const answers: RawAnswer[] = [];
let origin: RawOrigin;
const php = new FastCgiServer(() => {});
let edge: YamlGateway;

before(async () => {
  origin = await RawOrigin.start(({ line }) => answers[Number(line.split('/')[1]?.split(' ')[0])] ?? null);
  const port = await php.listen();
  edge = await startFromYaml(`
upstreams:
  app: { endpoints: "127.0.0.1:${origin.port}", check: none }
  php: { endpoints: "127.0.0.1:${port}", protocol: fastcgi, check: none }
routes:
  - { host: http.test, to: app, send_files: { /protected/: ./protected, "/über uns": ./other } }
  - { host: fastcgi.test, to: php, send_files: { /protected/: ./protected } }
  - { host: short.test, to: app, send_files: ./protected }
  - { host: php.test, to: php, php: { root: ./www }, send_files: ./protected }
  - { host: off.test, to: app }
  - { host: one.test, to: app, send_files: { /protected/: ./protected }, concurrency: { max: 1, queue_max: 0 } }
  - { host: coded.test, to: app, send_files: ./protected, compress: true, replace_text: { text: TEXT } }
  - { host: set.test, to: app, send_files: ./protected, response_headers: { set: { X-Set: "yes" }, remove: [X-App] } }
  - { host: bound.test, to: app, send_files: ./protected, response_body_max: 1KiB }
`);
  const root = join(edge.folder, 'protected');
  await mkdir(join(root, 'deep'), { recursive: true });
  for (const folder of ['other', 'www', 'protected/.git']) await mkdir(join(edge.folder, folder));
  const put = async (path: string, content: string | Buffer): Promise<void> => {
    await writeFile(join(edge.folder, path), content);
    await utimes(join(edge.folder, path), written, written);
  };
  await put('protected/report.pdf', '0123456789');
  await put('protected/page.txt', 'text '.repeat(1000));
  await put('protected/empty.txt', '');
  await put('protected/large.bin', large);
  await put('protected/deep/a b%&ü.txt', 'deep');
  await put('protected/.env', 'secret');
  await put('protected/config.php', 'secret');
  await put('other/about.txt', 'about');
  await put('secret.txt', 'secret');
  await put('www/index.php', '<?php');
  await symlink('../secret.txt', join(root, 'out.txt'));
  await symlink('report.pdf', join(root, 'in.pdf'));
  execFileSync('mkfifo', [join(root, 'pipe')]);
});
after(() => Promise.all([edge.stop(), origin.close(), php.close()]));

const text = (response: RawResponse): string => response.body.toString('utf8');

/** What the application answers, and what the client gets. */
async function ask(
  host: string,
  answer: RawAnswer,
  lines: readonly string[] = [],
  method = 'GET',
): Promise<RawResponse> {
  const index = answers.push(answer) - 1;
  return edge.send(requestText(method, `/${index}`, [`Host: ${host}.test`, ...lines]));
}

const named = (name: string, more: readonly string[] = [], status?: string, body = ''): Buffer =>
  Buffer.from(ok(body, [`X-Accel-Redirect: ${name}`, ...more], status), 'latin1');
const sendfile = (name: string): string => ok('', [`X-Sendfile: ${name}`]);

test('headers that a route removes are removed from trailers too', async () => {
  const head = ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', ''].join('\r\n');
  const trailers = ['X-Sendfile: /secret', 'X-Accel-Redirect: /a', 'X-App: 1', 'X-Kept: 2', '', ''].join('\r\n');
  for (const [host, kept] of [
    ['set', 'x-kept'],
    ['short', 'x-app x-kept'],
    ['off', 'x-sendfile x-accel-redirect x-app x-kept'],
  ] as const) {
    const index = answers.push(`${head}4\r\nbody\r\n0\r\n${trailers}`) - 1;
    const socket = connect(edge.address());
    socket.write(requestText('GET', `/${index}`, [`Host: ${host}.test`, 'Connection: close', 'TE: trailers']));
    const [, received = ''] = Buffer.concat(await socket.toArray())
      .toString('latin1')
      .split('\r\n0\r\n');
    assert.equal([...received.matchAll(/^[\w-]+/gm)].join(' ').toLowerCase(), kept, host);
  }
});

describe('a file that an application names', () => {
  const found: [what: string, host: string, answer: () => RawAnswer, body: string][] = [
    ['is sent for X-Accel-Redirect', 'http', () => named('/protected/report.pdf'), '0123456789'],
    ['is sent for X-Sendfile, by the same beginning', 'http', () => sendfile('/protected/report.pdf'), '0123456789'],
    ['is sent by its path', 'http', () => sendfile(join(edge.folder, 'protected/report.pdf')), '0123456789'],
    ['is sent by its path below the only folder', 'short', () => named('/report.pdf'), '0123456789'],
    [
      'is sent by its path where the folder has no name',
      'short',
      () => sendfile(join(edge.folder, 'protected/in.pdf')),
      '0123456789',
    ],
    ['may be empty', 'http', () => named('/protected/empty.txt'), ''],
    ['may have slashes twice', 'http', () => named('/protected//deep//a%20b%25%26%C3%BC.txt'), 'deep'],
    ['may have a query, as a target has', 'http', () => named('/protected/report.pdf?x=/../y'), '0123456789'],
    ['may be named with the bytes of UTF-8', 'http', () => named('/\xc3\xbcber uns/about.txt'), 'about'],
    ['may be named percent-encoded', 'http', () => named('/%C3%BCber%20uns/about.txt'), 'about'],
    ['may be a link that stays inside', 'http', () => named('/protected/in.pdf'), '0123456789'],
  ];
  for (const [what, host, answer, body] of found)
    test(what, async () => {
      const response = await ask(host, answer());
      assert.deepEqual([response.status, text(response)], [200, body]);
    });

  test('is sent to a client that would change to another protocol, where the application does not', async () => {
    const lines = ['Connection: upgrade', 'Upgrade: x'];
    const response = await ask('http', named('/protected/report.pdf', [], undefined, 'application'), lines);
    assert.deepEqual([response.status, text(response)], [200, '0123456789']);
  });

  test('is sent whole if it is large', async () => {
    const response = await ask('http', named('/protected/large.bin'));
    assert.ok(response.body.equals(large));
  });

  test('has the headers of the application, and of the file what says something of it', async () => {
    const response = await ask(
      'http',
      named(
        '/protected/report.pdf',
        [
          ...[
            'Set-Cookie: a=1',
            'Set-Cookie: b=2',
            'Content-Disposition: attachment; filename="r.pdf"',
            'Cache-Control: private',
          ],
          ...[
            'X-App: yes',
            'Content-Encoding: gzip',
            'ETag: "of-the-body"',
            'Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT',
          ],
          ...['X-Accel-Limit-Rate: 100', 'X-Accel-Buffering: no', 'X-Accel-Charset: utf-8', 'X-Accel-Expires: 60'],
          ...['Connection: X-Hop', 'X-Hop: 1', 'Accept-Ranges: none'],
        ],
        undefined,
        'a body that nobody gets',
      ),
    );
    const lines = response.headers.map(([name, value]) => `${name}: ${value}`);
    const has = (...wanted: string[]) =>
      assert.deepEqual(
        wanted.filter((one) => !lines.includes(one)),
        [],
      );
    has('Set-Cookie: a=1', 'Set-Cookie: b=2', 'Content-Disposition: attachment; filename="r.pdf"', 'X-App: yes');
    has('Cache-Control: private', 'Content-Type: application/pdf', 'Content-Length: 10', `Last-Modified: ${time}`);
    has('Accept-Ranges: bytes');
    assert.match(headerOf(response, 'etag') ?? '', /^"[a-z0-9]+-a"$/);
    const names = new Set(response.headers.map(([name]) => name.toLowerCase()));
    for (const name of [
      'x-accel-redirect',
      'x-accel-limit-rate',
      'x-accel-buffering',
      'x-accel-charset',
      'x-accel-expires',
      'x-hop',
      'content-encoding',
    ])
      assert.equal(names.has(name), false, name);
  });

  test('has the type that the application names, or that of its extension', async () => {
    const typeOf = async (...lines: string[]) =>
      headerOf(await ask('http', named('/protected/report.pdf', lines)), 'content-type');
    assert.deepEqual(
      [await typeOf('Content-Type: text/x-own; charset=latin1'), await typeOf('Content-Type:'), await typeOf()],
      ['text/x-own; charset=latin1', 'application/pdf', 'application/pdf'],
    );
  });

  test('has what the route sets, and not what it removes', async () => {
    const response = await ask('set', named('/report.pdf', ['X-App: 1']));
    assert.deepEqual([headerOf(response, 'x-set'), headerOf(response, 'x-app')], ['yes', null]);
  });

  const asked: [what: string, lines: string[], status: number, body: string][] = [
    ['a range', ['Range: bytes=2-4'], 206, '234'],
    ['the end', ['Range: bytes=-3'], 206, '789'],
    ['a range that it has not', ['Range: bytes=20-'], 416, 'The file has no such range.\n'],
    ['what has changed since', [`If-Modified-Since: ${time}`], 304, ''],
    [
      'what has not changed since',
      ['If-Unmodified-Since: Mon, 01 Jan 2024 00:00:00 GMT'],
      412,
      'The file is not the one that the request is meant for.\n',
    ],
    ['a range of another file', ['Range: bytes=2-4', 'If-Range: "other"'], 200, '0123456789'],
  ];
  for (const [what, lines, status, body] of asked)
    test(`answers a request for ${what} with ${status}, and the application's cookie`, async () => {
      const response = await ask('http', named('/protected/report.pdf', ['Set-Cookie: a=1']), lines);
      assert.deepEqual([response.status, text(response), headerOf(response, 'set-cookie')], [status, body, 'a=1']);
      assert.equal(headerOf(response, 'x-accel-redirect'), null);
    });

  test('is sent in several ranges, and not again to who has it', async () => {
    const parts = await ask('http', named('/protected/report.pdf'), ['Range: bytes=0-1,5-6']);
    assert.equal(parts.status, 206);
    assert.match(text(parts), /Content-Type: application\/pdf\r\nContent-Range: bytes 0-1\/10\r\n\r\n01\r\n/);
    const etag = headerOf(parts, 'etag') ?? '';
    assert.equal((await ask('http', named('/protected/report.pdf'), [`If-None-Match: ${etag}`])).status, 304);
  });

  test('is what HEAD says without its bytes', async () => {
    const response = await ask('http', 'HTTP/1.1 200 OK\r\nX-Accel-Redirect: /protected/large.bin\r\n\r\n', [], 'HEAD');
    assert.deepEqual(
      [response.status, headerOf(response, 'content-length'), response.body.length],
      [200, '1000000', 0],
    );
  });

  test('is sent whole with another status, and to other methods, whatever the request wants', async () => {
    const refused = await ask('http', named('/protected/report.pdf', [], '404 Not Found'), ['Range: bytes=2-4']);
    assert.deepEqual([refused.status, text(refused), headerOf(refused, 'etag')], [404, '0123456789', null]);
    const posted = await ask(
      'http',
      named('/protected/report.pdf'),
      ['Range: bytes=2-4', 'If-None-Match: *', 'Content-Length: 0'],
      'POST',
    );
    assert.deepEqual([posted.status, text(posted)], [200, '0123456789']);
  });

  test('is not sent with a response that has no body, which loses the header', async () => {
    for (const status of ['204 No Content', '304 Not Modified']) {
      const response = await ask(
        'http',
        `HTTP/1.1 ${status}\r\nX-Accel-Redirect: /protected/none.pdf\r\nX-App: 1\r\n\r\n`,
      );
      assert.deepEqual([response.status, response.body.length], [Number(status.slice(0, 3)), 0]);
      assert.deepEqual([headerOf(response, 'x-accel-redirect'), headerOf(response, 'x-app')], [null, '1']);
    }
  });

  test('is compressed, and its text stays as it is in the file', async () => {
    const response = await ask('coded', named('/page.txt'), ['Accept-Encoding: gzip']);
    assert.equal(headerOf(response, 'content-encoding'), 'gzip');
    assert.match(headerOf(response, 'etag') ?? '', /^W\//);
    assert.equal(gunzipSync(response.body).toString(), 'text '.repeat(1000));
  });

  test('may be longer than responses of the application', async () => {
    assert.equal((await ask('bound', named('/large.bin'))).body.length, large.length);
  });

  test('is recorded with the attempt that has named it', async () => {
    const record = await edge.record(await ask('http', named('/protected/report.pdf')));
    const { end, status, upstream, attempts, cause } = record;
    assert.deepEqual([end, status, upstream, cause], ['generated', 200, 'app', null]);
    assert.deepEqual(
      attempts.map((one) => [one.status, one.cause]),
      [[200, null]],
    );
    assert.equal(record.delivery, 'response_started');
  });

  test('is not sent where the route does not say so: the header passes as it is', async () => {
    const response = await ask('off', named('/protected/report.pdf', ['X-Accel-Expires: 5'], undefined, 'body'));
    assert.deepEqual([headerOf(response, 'x-accel-redirect'), text(response)], ['/protected/report.pdf', 'body']);
    assert.equal(headerOf(response, 'x-accel-expires'), '5');
  });

  test('is nothing that responses without one are delayed or changed for', async () => {
    const response = await ask('http', ok('body', ['X-App: 1', 'X-Accel-Expires: 5', 'ETag: "x"']));
    assert.deepEqual([text(response), headerOf(response, 'etag'), headerOf(response, 'x-app')], ['body', '"x"', '1']);
    assert.equal(headerOf(response, 'x-accel-expires'), null);
  });
});

describe('a file that cannot be sent', { concurrency: true }, () => {
  const refused: [what: string, host: string, answer: () => RawAnswer, why: RegExp][] = [
    ['is not there', 'http', () => named('/protected/none.pdf'), /no such file/],
    ['is not below a folder of the route', 'http', () => named('/report.pdf'), /has no folder for it/],
    ['begins as a folder, and is beside it', 'http', () => named('/protectedreport.pdf'), /has no folder for it/],
    ['is a named location', 'http', () => named('@fallback'), /has no folder for it/],
    ['is none', 'http', () => named(''), /has no folder for it/],
    ['lies outside', 'http', () => named('/protected/../secret.txt'), /begin with a dot/],
    ['is a link that leads out', 'http', () => named('/protected/out.txt'), /a link leads out/],
    ['begins with a dot', 'http', () => named('/protected/.env'), /begin with a dot/],
    ['is a folder', 'http', () => named('/protected/deep'), /that is a folder/],
    ['is the folder itself', 'http', () => named('/protected/'), /that is a folder/],
    ['is a pipe', 'http', () => named('/protected/pipe'), /no such file/],
    ['is below a file', 'http', () => named('/protected/report.pdf/x'), /no such file/],
    ['has a null byte', 'http', () => named('/protected/report.pdf%00'), /no such file/],
    ['is no UTF-8', 'http', () => named('/protected/%ff'), /no such file/],
    ['is too long', 'http', () => named(`/protected/${'a'.repeat(5000)}`), /no such file/],
    [
      'is one of two',
      'http',
      () => named('/protected/report.pdf', ['X-Accel-Redirect: /protected/in.pdf']),
      /more than one/,
    ],
    ['is the path of another machine', 'http', () => sendfile('/etc/passwd'), /has no folder for it/],
    ['has a relative path', 'http', () => sendfile('report.pdf'), /has no folder for it/],
  ];
  for (const [what, host, answer, why] of refused)
    test(`${what}: the application is at fault, and the client does not learn the name`, async () => {
      const response = await ask(host, answer());
      assert.equal(response.status, 502);
      assert.doesNotMatch(`${text(response)} ${JSON.stringify(response.headers)}`, /secret|protected|passwd|fallback/);
      const record = await edge.record(response);
      assert.deepEqual(
        [record.cause, record.whose, record.upstream],
        ['response_file_not_found', 'application', 'app'],
      );
      assert.match(record.detail ?? '', why);
    });

  test('is named in the record', async () => {
    const record = await edge.record(await ask('http', named('/protected/none%20such.pdf')));
    assert.match(
      record.detail ?? '',
      /^127\.0\.0\.1:\d+ answered with X-Accel-Redirect: "\/protected\/none%20such.pdf", and there is no such file/,
    );
  });
});

describe('the rest of a response that names a file', { concurrency: true }, () => {
  test('is waited for, while it comes', async () => {
    const response = await ask('http', (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nX-Accel-Redirect: /protected/report.pdf\r\nContent-Length: 4\r\n\r\nab');
      setImmediate(() => socket.write('cd'));
    });
    assert.equal(text(response), '0123456789');
    assert.equal((await edge.record(response)).attempts[0]?.bytes_from_endpoint, 4);
  });

  for (const [what, rest] of [
    ['is long', Buffer.alloc(500_000)],
    ['does not come', Buffer.from('ab')],
  ] as const)
    test(`is given up where it ${what}: the file is sent, and the connection is closed`, async () => {
      let isClosed = false;
      const response = await ask('http', (socket) => {
        socket.on('close', () => (isClosed = true));
        socket.write('HTTP/1.1 200 OK\r\nX-Accel-Redirect: /protected/report.pdf\r\nContent-Length: 1000000\r\n\r\n');
        socket.write(rest);
      });
      assert.equal(text(response), '0123456789');
      await until('the connection is closed', () => isClosed);
      const { cause, attempts } = await edge.record(response);
      assert.deepEqual([cause, attempts[0]?.cause], [null, null]);
    });

  test('may be cut: the file is sent', async () => {
    const response = await ask('http', (socket) =>
      socket.end('HTTP/1.1 200 OK\r\nX-Accel-Redirect: /protected/report.pdf\r\nContent-Length: 10\r\n\r\nab'),
    );
    assert.equal(text(response), '0123456789');
  });
});

test('the rest of a response that names a file is read, and its connection is used again', async () => {
  const before = origin.connections;
  for (let asked = 0; asked < 3; asked++)
    assert.equal(
      text(await ask('http', named('/protected/report.pdf', [], undefined, 'x'.repeat(10_000)))),
      '0123456789',
    );
  assert.ok(origin.connections <= before + 1);
});

describe('a PHP program', () => {
  const say = (...lines: string[]) => {
    php.answer = answerWith(Buffer.from([...lines, '', 'body'].join('\r\n'), 'latin1'));
  };

  test('has files sent in place of what it writes', async () => {
    say('Content-Type: application/pdf', 'X-Accel-Redirect: /protected/report.pdf', 'Set-Cookie: a=1');
    const response = await edge.send(requestText('GET', '/a', ['Host: fastcgi.test', 'Range: bytes=1-2']));
    assert.deepEqual([response.status, text(response), headerOf(response, 'set-cookie')], [206, '12', 'a=1']);
    assert.deepEqual(
      [headerOf(response, 'content-type'), headerOf(response, 'x-accel-redirect')],
      ['application/pdf', null],
    );
    assert.equal((await edge.record(response)).upstream, 'php');
  });

  test('has the file sent also where it writes on and on', async () => {
    php.answer = (_, socket) => {
      socket.write(stdout('X-Sendfile: /report.pdf\r\nContent-Type: application/pdf\r\n\r\n'));
      socket.write(stdout(Buffer.alloc(300_000)));
    };
    const response = await edge.send(requestText('GET', '/a', ['Host: php.test']));
    assert.equal(text(response), '0123456789');
  });

  test('is at fault where it names none, and where it names a program', async () => {
    for (const name of ['/none.pdf', '/config.php', '/config.php/x']) {
      say(`X-Accel-Redirect: ${name}`);
      const response = await edge.send(requestText('GET', '/a', ['Host: php.test']));
      assert.deepEqual([response.status, (await edge.record(response)).cause], [502, 'response_file_not_found'], name);
    }
  });
});

test('a file does not count as a request of its application, and is closed when its client leaves', async () => {
  const isOpen = async (): Promise<boolean> => {
    const all = await readdir('/proc/self/fd');
    const links = await Promise.all(all.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
    return links.some((link) => link.endsWith('/left.bin'));
  };
  // More than the buffers of the system take while the client reads nothing.
  await writeFile(join(edge.folder, 'protected/left.bin'), Buffer.alloc(12_000_000));
  const index = answers.push(named('/protected/left.bin')) - 1;
  const socket = connect(edge.address());
  socket.write(requestText('GET', `/${index}`, ['Host: one.test']));
  await until('the file is open', isOpen);
  assert.equal(text(await ask('one', ok('the next one'))), 'the next one');
  socket.resetAndDestroy();
  await until('the file is closed', async () => !(await isOpen()));
});
