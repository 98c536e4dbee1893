// Starts processes: the fault origin is a program too.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type FaultOrigin, startFaultOrigin } from './fault-origin.ts';
import { faults } from './all-faults.ts';
import { fin, reset, send } from './origin-script.ts';
import { RawClient, type RawOutcome, sendRaw } from './raw-client.ts';
import { headerOf } from './raw-response.ts';

// Every test here sends bytes over loopback, and checks the bytes that come back and how the connection ends.

let origin: FaultOrigin;
before(async () => {
  origin = await startFaultOrigin();
});
after(() => origin.close());

const limitMs = 5000;

function get(target: string, headers = ''): string {
  return `GET ${target} HTTP/1.1\r\nHost: origin.test\r\n${headers}\r\n`;
}

function post(target: string, body: string, headers = ''): string {
  return `POST ${target} HTTP/1.1\r\nHost: origin.test\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;
}

function ask(bytes: string): Promise<RawOutcome> {
  return sendRaw({ ...origin.address, bytes, limitMs });
}

/** What a fault sends: exact bytes or a pattern; then FIN, RST, or a connection that stays open. */
type Trace = readonly [bytes: string | RegExp, end: 'fin' | 'reset' | 'open'];

const okHead = 'HTTP/1.1 200 OK\r\n';
const lengthHead = `${okHead}Content-Type: text/plain\r\nContent-Length: 100\r\n\r\n`;
const chunkedHead = `${okHead}Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n`;

const traces: Readonly<Record<string, Trace>> = {
  'close-before-head': ['', 'fin'],
  'reset-before-head': ['', 'reset'],
  silent: ['', 'open'],
  'stop-reading': ['', 'open'],
  'close-on-reuse': [/^HTTP\/1\.1 200 OK\r\n.*first\n$/s, 'open'],
  'reset-on-reuse': [/^HTTP\/1\.1 200 OK\r\n.*first\n$/s, 'open'],
  'close-when-idle': [/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nok\n$/s, 'fin'],
  'early-hints-then-close': [/^HTTP\/1\.1 103 Early Hints\r\nLink: [^\r]+\r\n\r\n$/, 'fin'],
  'early-413-then-reset': [/^HTTP\/1\.1 413 .*\r\n\r\ntoo large\n$/s, 'reset'],
  'close-mid-head': [`${okHead}Content-Type: text/pl`, 'fin'],
  'reset-mid-head': [`${okHead}Content-Type: text/pl`, 'reset'],
  'stall-mid-head': [`${okHead}Content-Type: text/pl`, 'open'],
  'drip-head': [/^HTTP\/1\.1 200 OK\r\n(X-Drip-[0-9]+: x\r\n){2,}$/, 'open'],
  'bad-status-code': [/^HTTP\/1\.1 abc OK\r\n/, 'open'],
  'status-99': [/^HTTP\/1\.1 99 Low\r\n/, 'open'],
  'status-999': [/^HTTP\/1\.1 999 High\r\n/, 'open'],
  'http-3.7': [/^HTTP\/3\.7 200 OK\r\n/, 'open'],
  'space-in-field-name': [/\r\nBad Field: x\r\n/, 'open'],
  'line-without-colon': [/\r\nno colon here\r\n/, 'open'],
  'nul-in-field-value': [/\r\nX-Nul: a\0b\r\n/, 'open'],
  'huge-field-section': [/^HTTP\/1\.1 200 OK\r\n(X-Field-[0-9]+: x{1000}\r\n){2048}/, 'open'],
  'huge-field': [/\r\nX-Huge: x{2097152}\r\n/, 'open'],
  'length-and-chunked': [/\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n0\r\n\r\n$/, 'open'],
  'two-lengths': [/\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nok\n\.\.$/, 'open'],
  'negative-length': [/\r\nContent-Length: -1\r\n\r\nok\n$/, 'open'],
  'unknown-transfer-coding': [/\r\nTransfer-Encoding: shuffled, chunked\r\n/, 'open'],
  'unsolicited-101': [/^HTTP\/1\.1 101 .*Upgrade: websocket\r\n\r\n\x81\x02hi$/s, 'open'],
  'ssh-banner': [/^SSH-2\.0-OpenSSH_9\.2p1 [^\r]*\r\n$/, 'open'],
  binary: [/^\x9c[^]{255}$/, 'open'],
  'html-without-head': [/^<!doctype html>/, 'fin'],
  'tls-alert': ['\x15\x03\x03\x00\x02\x02\x46', 'fin'],
  'http2-settings': ['\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64', 'open'],
  'json-without-head': [/^\{"error":/, 'fin'],
  'stack-trace': [/^Traceback \(most recent call last\):\n/, 'fin'],
  'short-length-close': [`${lengthHead}hello`, 'fin'],
  'short-length-reset': [`${lengthHead}hello`, 'reset'],
  'stall-mid-content': [`${lengthHead}hello`, 'open'],
  'chunked-cut': [`${chunkedHead}20\r\nhello`, 'fin'],
  'chunked-reset': [`${chunkedHead}20\r\nhello`, 'reset'],
  'chunked-without-end': [`${chunkedHead}5\r\nhello\r\n`, 'fin'],
  'chunked-stall': [`${chunkedHead}5\r\nhello\r\n`, 'open'],
  'bad-chunk-size': [`${chunkedHead}5\r\nhello\r\nxyz\r\nhello\r\n`, 'open'],
  'bad-chunk-end': [`${chunkedHead}5\r\nhello\r\n2\r\nhello\r\n`, 'open'],
  'close-delimited-reset': [/\r\nConnection: close\r\n\r\nhello$/, 'reset'],
  'surplus-content': [/\r\n\r\nok\nHTTP\/1\.1 200 OK\r\n.*\r\n\r\nsurplus\n$/s, 'open'],
  'http-1.0-close': ['HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello\n', 'fin'],
  'http-1.9': [/^HTTP\/1\.9 200 OK\r\n.*\r\n\r\nok\n$/s, 'open'],
  'early-hints': [/^HTTP\/1\.1 103 .*\r\n\r\nHTTP\/1\.1 200 OK\r\n.*hinted\n$/s, 'open'],
  'slow-drip': [/\r\n\r\n\.{50}$/, 'open'],
  'own-502': [/^HTTP\/1\.1 502 Bad Gateway\r\n.*My own backend is gone/s, 'open'],
  'own-503': [/^HTTP\/1\.1 503 .*\r\nRetry-After: 120\r\n/s, 'open'],
  'own-504': [/^HTTP\/1\.1 504 /, 'open'],
  'early-413': [/^HTTP\/1\.1 413 .*\r\n\r\ntoo large\n$/s, 'fin'],
};

/** All faults run at once, and two of them send megabytes that are searched as they come. A busy machine needs a while. */
const allAtOnceMs = 60_000;

/** A connection that is open for this long counts as staying open. */
const staysOpenMs = 150;

test('every fault sends exactly the expected bytes, and ends as expected', { concurrency: true }, async (t) => {
  assert.deepEqual(
    Object.keys(traces).sort(),
    faults.map((fault) => fault.name).sort(),
    'a trace for each, and no other',
  );
  await Promise.all(
    faults.map((fault) =>
      t.test(`${fault.name}: ${fault.does}`, async () => {
        const [bytes, end] = traces[fault.name]!;
        const client = new RawClient(origin.address);
        client.write(get(`/fault/${fault.name}`));
        const came = (): string => client.bytes.toString('latin1');
        const matches = (): boolean => (typeof bytes === 'string' ? came() === bytes : bytes.test(came()));
        await client.waitFor(() => client.state !== 'open' || (end === 'open' && matches()), allAtOnceMs);
        if (end === 'open') await client.waitFor(() => client.state !== 'open', staysOpenMs);
        if (typeof bytes === 'string') assert.equal(came(), bytes);
        else assert.match(came(), bytes);
        assert.equal(client.state, end);
        client.close();
      }),
    ),
  );
});

test('names are kebab-case and unique, and each description continues "The origin …"', () => {
  assert.equal(new Set(faults.map((fault) => fault.name)).size, faults.length);
  for (const { name, does } of faults) {
    assert.match(name, /^[a-z0-9][a-z0-9.]*(-[a-z0-9.]+)*$/);
    assert.match(does, /^[a-z].*[^.]$/);
  }
});

test('a head before a fault is sent well before the fault', async () => {
  const client = new RawClient(origin.address);
  client.write(get('/fault/short-length-reset'));
  await client.waitFor(() => client.state !== 'open', limitMs);
  const [head, body] = client.parts;
  assert.ok(body!.atMs - head!.atMs >= 40, `${body!.atMs - head!.atMs} ms`);
  assert.ok(client.endedAtMs! - body!.atMs >= 40);
});

for (const [name, end] of [
  ['close-on-reuse', 'fin'],
  ['reset-on-reuse', 'reset'],
] as const) {
  test(`${name} ends the connection when its second request arrives, whatever the first was`, async () => {
    const client = new RawClient(origin.address);
    client.write(get('/ok'));
    assert.equal((await client.response('GET', limitMs)).response?.status, 200);
    client.forget();
    client.write(get(`/fault/${name}`));
    const outcome = await client.response('GET', limitMs);
    assert.equal(outcome.bytes.length, 0);
    assert.equal(outcome.state, end);
    client.close();
  });
}

test('stop-reading makes an upload fill the socket buffers', async () => {
  const client = new RawClient(origin.address);
  client.write(`POST /fault/stop-reading HTTP/1.1\r\nHost: o\r\nX-Fault-Id: stuck\r\nContent-Length: 33554432\r\n\r\n`);
  for (let i = 0; i < 32; i++) client.write(Buffer.alloc(1_048_576));
  assert.equal(await client.waitFor(() => client.state !== 'open', staysOpenMs), false);
  const seen = origin.requests.find((request) => request.faultId === 'stuck')!;
  assert.ok(seen.bodyBytes < 1_048_576, `${seen.bodyBytes}`);
  assert.equal(seen.complete, false);
  client.close();
});

test('early-413 answers before the body has come, and continues to read', async () => {
  const client = new RawClient(origin.address);
  client.write('POST /fault/early-413 HTTP/1.1\r\nHost: o\r\nX-Fault-Id: early\r\nContent-Length: 100000\r\n\r\n');
  const outcome = await client.response('POST', limitMs);
  assert.equal(outcome.response?.status, 413);
  client.write(Buffer.alloc(100_000));
  await client.waitFor(() => client.state !== 'open', limitMs);
  assert.equal(client.state, 'fin');
  client.close();
});

test('the header X-Fault requests a fault on any path', async () => {
  const outcome = await ask(get('/ok', 'X-Fault: reset-before-head\r\n'));
  assert.equal(outcome.state, 'reset');
});

test('an unknown fault is a 404, on a connection that stays usable', async () => {
  const outcome = await ask(get('/fault/no-such-thing'));
  assert.equal(outcome.response?.status, 404);
  assert.equal(outcome.state, 'open');
});

const wellAnswered: readonly [target: string, status: number, body: string | number, type: RegExp][] = [
  ['/', 200, /It works/.source, /text\/html/],
  ['/ok', 200, /It works/.source, /text\/html/],
  ['/ok?x=1', 200, /It works/.source, /text\/html/],
  ['/bytes/0', 200, 0, /octet-stream/],
  ['/bytes/1', 200, 1, /octet-stream/],
  ['/bytes/1000000', 200, 1_000_000, /octet-stream/],
  ['/status/404', 404, /404/.source, /text\/plain/],
  ['/status/503', 503, /503/.source, /text\/plain/],
  ['/slow/30', 200, /30 ms/.source, /text\/plain/],
  ['/nowhere', 404, /no such page/.source, /text\/html/],
];

for (const [target, status, body, type] of wellAnswered) {
  test(`GET ${target} is answered with ${status}`, async () => {
    const { response, state } = await ask(get(target));
    assert.equal(response?.status, status);
    assert.equal(response.complete, true);
    assert.equal(state, 'open');
    assert.match(headerOf(response, 'content-type') ?? '', type);
    if (typeof body === 'number') assert.equal(response.body.length, body);
    else assert.match(response.body.toString(), new RegExp(body));
  });
}

test('a response without a body has none, and the connection stays usable', async () => {
  for (const bytes of [get('/status/204'), get('/status/304'), get('/ok').replace('GET', 'HEAD')]) {
    const { response, state } = await ask(bytes);
    assert.equal(response?.complete, true);
    assert.equal(response.rest.length, 0);
    assert.equal(state, 'open');
  }
});

test('/slow answers no earlier than asked', async () => {
  const { elapsedMs } = await ask(get('/slow/80'));
  assert.ok(elapsedMs >= 80, `${elapsedMs} ms`);
});

test('/echo returns the request body, with a length or chunked', async () => {
  const sized = await ask(post('/echo', 'hello', 'Content-Type: text/x-test\r\n'));
  assert.equal(sized.response?.body.toString(), 'hello');
  assert.equal(headerOf(sized.response, 'content-type'), 'text/x-test');
  assert.equal(headerOf(sized.response, 'x-echo-method'), 'POST');
  const chunked = await ask(
    'PUT /echo HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: x\r\n\r\n',
  );
  assert.equal(chunked.response?.body.toString(), 'abcde');
});

test('/sse sends events one after the other', async () => {
  const client = new RawClient(origin.address);
  client.write(get('/sse'));
  assert.equal(await client.waitFor(() => client.bytes.includes('id: 2\ndata: tick'), limitMs), true);
  client.close();
});

test('a request with Expect: 100-continue gets 100 Continue', async () => {
  const client = new RawClient(origin.address);
  client.write('POST /echo HTTP/1.1\r\nHost: o\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
  await client.waitFor(() => client.bytes.includes('100 Continue'), limitMs);
  client.write('ok');
  const { response } = await client.response('POST', limitMs);
  assert.deepEqual(response?.interim, [100]);
  assert.equal(response?.body.toString(), 'ok');
  client.close();
});

test('pipelined requests are answered in order', async () => {
  const client = new RawClient(origin.address);
  client.write(post('/echo', 'one') + post('/echo', 'two') + get('/ok'));
  await client.waitFor(() => client.bytes.includes('It works'), limitMs);
  const text = client.bytes.toString();
  assert.ok(text.indexOf('one') < text.indexOf('two') && text.indexOf('two') < text.indexOf('It works'));
  client.close();
});

test('a request that comes byte by byte is understood', async () => {
  const client = new RawClient(origin.address);
  for (const byte of post('/echo', 'slowly')) client.write(byte);
  const { response } = await client.response('POST', limitMs);
  assert.equal(response?.body.toString(), 'slowly');
  client.close();
});

test('a client that has sent FIN still gets its response', async () => {
  const client = new RawClient(origin.address);
  client.write(get('/slow/30'));
  client.finish();
  const { response } = await client.response('GET', limitMs);
  assert.equal(response?.status, 200);
  client.close();
});

test('a silent connection is closed when its peer has closed it', async () => {
  const other = await startFaultOrigin();
  for (const name of ['silent', 'stall-mid-head', 'ssh-banner']) {
    const client = new RawClient(other.address);
    client.write(get(`/fault/${name}`, `X-Fault-Id: ${name}\r\n`));
    await other.seen(name);
    client.finish();
    await client.waitFor(() => client.state === 'fin', limitMs);
    assert.equal(client.state, 'fin');
    client.close();
  }
  await other.close();
});

test('bytes that are no request are answered with 400', async () => {
  const { response } = await ask('hello there\r\n\r\n');
  assert.equal(response?.status, 400);
});

test('every request is counted by its id, so that a retry is visible', async () => {
  await ask(post('/echo', 'a', 'X-Fault-Id: once\r\n'));
  await ask(post('/echo', 'a', 'X-Fault-Id: twice\r\n'));
  await ask(post('/echo', 'a', 'X-Request-Id: twice\r\n'));
  assert.equal(origin.count('once'), 1);
  assert.equal(origin.count('twice'), 2);
  assert.equal(origin.count('never'), 0);
  const seen = origin.requests.find((request) => request.faultId === 'once')!;
  assert.deepEqual(
    [seen.method, seen.target, seen.fault, seen.numberOnConnection, seen.bodyBytes, seen.complete],
    ['POST', '/echo', null, 1, 1, true],
  );
});

const atAccepts: readonly [what: string, script: Parameters<typeof startFaultOrigin>[0], bytes: string, end: string][] =
  [
    ['close', { atAccept: () => [fin] }, '', 'fin'],
    ['reset', { atAccept: () => [reset] }, '', 'reset'],
    ['talk first', { atAccept: () => [send('220 mail.test ESMTP\r\n')] }, '220 mail.test ESMTP\r\n', 'open'],
  ];

for (const [what, options, bytes, end] of atAccepts) {
  test(`an origin can ${what} as soon as a connection is accepted`, async () => {
    const other = await startFaultOrigin(options);
    const client = new RawClient(other.address);
    await client.waitFor(() => client.state !== 'open' || (bytes !== '' && client.bytes.toString() === bytes), limitMs);
    assert.equal(client.bytes.toString(), bytes);
    assert.equal(client.state, end);
    client.close();
    await other.close();
  });
}

test('close() ends open connections and frees the port', async () => {
  const other = await startFaultOrigin();
  const client = new RawClient(other.address);
  client.write(get('/fault/silent', 'X-Fault-Id: last\r\n'));
  await other.seen('last');
  await other.close();
  await client.waitFor(() => client.state !== 'open', limitMs);
  assert.notEqual(client.state, 'open');
  assert.equal(other.connectionsOpen, 0);
  const next = await startFaultOrigin({ port: other.address.port });
  await next.close();
});

test('a port that is taken is reported at once', async () => {
  await assert.rejects(startFaultOrigin({ port: origin.address.port }), { code: 'EADDRINUSE' });
});

test('as a program it uses PORT, prints its address on one line, and ends on SIGTERM', async () => {
  const main = fileURLToPath(new URL('./fault-origin-main.ts', import.meta.url));
  const program = spawn(process.execPath, [main], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(program.stdout, 'data')) as [Buffer];
  const port = Number(/127\.0\.0\.1:([0-9]+)/.exec(line.toString())?.[1]);
  const { response } = await sendRaw({ host: '127.0.0.1', port, bytes: get('/ok'), limitMs });
  assert.equal(response?.status, 200);
  program.kill('SIGTERM');
  const [code] = (await once(program, 'exit')) as [number];
  assert.equal(code, 0);
});
