import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { probeLines, wayRows } from '../../src/cli/probe/probe-text.ts';
import { plain } from '../../src/cli/style.ts';
import { snakeKey } from '#failures/json-case.ts';
import { unicodeText } from '../unicode-text.ts';
import { type FaultOrigin, startFaultOrigin, startTlsFaultOrigin } from '../../src/testing/testing.ts';
import * as fc from '../properties.ts';
import { assertFits } from '../cli/golden.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { probeUrl } from './probe-options.ts';

let origin: FaultOrigin;
let folder: string;
let context: FakeProcessContext;
before(async () => {
  origin = await startFaultOrigin();
});
after(() => origin.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-probe-'));
  context = new FakeProcessContext(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Control characters but for line feeds, and characters that change how a text is read. */
const unsafe =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/;

describe('candor probe', () => {
  test('exits with 0 for an application that works, and prints one way', async () => {
    assert.equal(await context.candor('probe', `${origin.url}/ok`), 0);
    assert.match(context.stdout.text, /✔ works\n {12}It works: the response is 200\./);
    assert.match(context.stdout.text, /^GET {9}200 OK, HTTP\/1\.1, /m);
    assert.doesNotMatch(context.stdout.text, /THROUGH/);
    assert.equal(context.stderr.text, '');
    assertFits(context.stdout.text);
  });

  test('exits with 1 for a failure, and says the layer, the stage, the shape and the next step', async () => {
    assert.equal(await context.candor('probe', `${origin.url}/fault/chunked-cut`), 1);
    assert.match(context.stdout.text, /✖ the application fails: reset, at body\n/);
    assert.match(context.stdout.text, /^ {2}cause {5}response_chunked_truncated$/m);
    assert.match(context.stdout.text, /^ {2}next {6}/m);
    assertFits(context.stdout.text);
  });

  test('prints both ways side by side, and takes the path of the target', async () => {
    assert.equal(await context.candor('probe', `${origin.url}/ok`, '--via', origin.url, '--write'), 0);
    assert.match(context.stdout.text, /^ {12}DIRECT +THROUGH THE GATEWAY$/m);
    assert.match(context.stdout.text, /^WebSocket +200 OK.* 200 OK/m);
    assertFits(context.stdout.text);
    assert.equal(origin.requests.at(-1)?.target, '/ok');
  });

  test('prints JSON with keys in snake_case', async () => {
    assert.equal(await context.candor('probe', `${origin.url}/status/503`, '--json'), 1);
    const report = JSON.parse(context.stdout.text);
    assert.deepEqual(Object.keys(report), ['direct', 'gateway', 'verdict', 'process']);
    assert.deepEqual([report.verdict.shape, report.verdict.layer], ['app_error', 'application']);
    assert.doesNotMatch(context.stdout.text, /"[a-z]+[A-Z]\w*":/);
    assert.doesNotMatch(context.stdout.text, /\d\.\d{4}/, 'durations to a microsecond');
  });

  test('names the process on the port, its open files and its memory', async (t) => {
    if (process.platform !== 'linux') return t.skip('no /proc');
    await context.candor('probe', `${origin.url}/ok`, '--json');
    const { usage, port } = JSON.parse(context.stdout.text).process;
    assert.deepEqual([usage.pid, port], [process.pid, origin.address.port]);
    assert.ok(usage.open_files > 0 && usage.memory_bytes > 0);
  });

  test('says in words that the process is not known on another system', async () => {
    const elsewhere = Object.assign(new FakeProcessContext(folder), {
      machine: { platform: 'darwin', cores: 2, kernelSetting: () => null },
    });
    await elsewhere.candor('probe', `${origin.url}/ok`);
    assert.match(elsewhere.stdout.text, /process +which process listens is known on Linux only/);
  });

  test('uses colour on a terminal alone, and none under NO_COLOR', async () => {
    const terminal = new FakeProcessContext(folder, { terminal: true });
    await terminal.candor('probe', `${origin.url}/ok`);
    assert.ok(terminal.stdout.text.includes('\u001b[32m'));
    const quiet = new FakeProcessContext(folder, { terminal: true, env: { NO_COLOR: '1' } });
    await quiet.candor('probe', `${origin.url}/ok`);
    assert.ok(!quiet.stdout.text.includes('\u001b'));
  });

  test('shows its step on a terminal while it takes longer than a second, and clears it', async () => {
    const terminal = new FakeProcessContext(folder, { terminal: true });
    assert.equal(await terminal.candor('probe', `${origin.url}/fault/silent`, '--timeout', '1.5'), 1);
    assert.match(stripVTControlCharacters(terminal.stderr.text), /direct: GET/);
    assert.ok(terminal.stderr.text.endsWith('\r\u001b[K'));
    assert.match(terminal.stdout.text, /too_slow/);
  });

  test('neither sends nor prints the credentials of a URL', async () => {
    const url = origin.url.replace('//', '//somebody:hunter2@');
    assert.equal(await context.candor('probe', `${url}/ok`), 0);
    assert.doesNotMatch(context.stdout.text, /hunter2/);
    assert.ok(origin.requests.every(({ headers }) => !headers.has('authorization')));
  });

  test('reads authorities from a file, and says if it cannot', async () => {
    const secure = await startTlsFaultOrigin();
    try {
      writeFileSync(join(folder, 'ca.pem'), secure.authority.certificate);
      const { host, port } = secure.address;
      const url = `https://${host}:${port}/ok`;
      assert.equal(await context.candor('probe', url, '--ca-file', 'ca.pem', '--host', 'origin.test'), 0);
      assert.match(context.stdout.text, /SNI: origin\.test/);
      assert.equal(await context.candor('probe', url, '--ca-file', 'absent.pem'), 2);
      assert.match(context.stderr.text, /absent\.pem cannot be read/);
    } finally {
      await secure.close();
    }
  });

  const wrong: readonly (readonly string[])[] = [
    ['ftp://example.org/'],
    ['http://localhost:1', '--requests', '0'],
    ['http://localhost:1', '--requests', '1001'],
    ['http://localhost:1', '--timeout', '0'],
    ['http://localhost:1', '--host', 'a\r\nEvil: 1'],
    ['http://localhost:1', '--name-server', 'not-an-address'],
    ['http://localhost:1', '--via', 'http://'],
  ];
  for (const argv of wrong)
    test(`${JSON.stringify(argv)} is a wrong use`, async () => {
      assert.equal(await context.candor('probe', ...argv), 2);
      assert.equal(context.stdout.text, '');
    });
});

test('docs/probe.md explains every row, every layer and every key of the report', async () => {
  const document = readFileSync(join(import.meta.dirname, '../../docs/probe.md'), 'utf8');
  const report = await probeUrl(`${origin.url}/ok`, { allowsWrite: true });
  for (const label of wayRows(report.direct).keys())
    if (label !== '') assert.ok(document.includes(`\`${label}\``), label);
  for (const layer of ['application', 'between', 'gateway', 'direct'])
    assert.ok(document.includes(`(\`${layer}\`)`), layer);
  for (const key of [...Object.keys(report.direct), ...Object.keys(report.verdict)])
    assert.ok(document.includes(`\`${snakeKey(key)}\``), key);
});

describe('what a target sends', () => {
  /** A server that answers every request with these bytes, and closes. */
  async function serving(bytes: Buffer): Promise<Server> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(bytes));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }

  const bytes = fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array).toString('latin1'));
  const line = bytes.map((text) => text.replace(/[\r\n]/g, ''));
  const responses = fc.oneof(
    bytes,
    fc.tuple(line, line, bytes).map(([reason, value, body]) => {
      const location = `Location: ${value}\r\nServer: \u001b]0;owned\u0007${value}`;
      return `HTTP/1.1 200 \u009b31m${reason}\r\n${location}\r\nConnection: close\r\n\r\n${body}`;
    }),
    line.map(
      (value) => `HTTP/1.1 502 \u001b[31m\r\nProxy-Status: a; error=dns_error; details="${value}\u001b[2J"\r\n\r\n`,
    ),
  );

  test('reaches neither the terminal nor the JSON unescaped', async () => {
    await fc.assert(
      fc.asyncProperty(responses, fc.boolean(), async (response, asJson) => {
        const server = await serving(Buffer.from(response, 'latin1'));
        const shown = new FakeProcessContext(folder);
        const { port } = server.address() as { port: number };
        try {
          const argv = [`http://127.0.0.1:${port}/`, '--requests', '1', ...(asJson ? ['--json'] : [])];
          assert.ok([0, 1].includes(await shown.candor('probe', ...argv)), shown.stderr.text);
          assert.doesNotMatch(shown.stdout.text, unsafe);
          if (!asJson) assertFits(shown.stdout.text);
        } finally {
          server.close();
        }
      }),
      { numRuns: 60 },
    );
  });

  test('is harmless in whatever part of a report it stands, and the report fits a terminal', async () => {
    const secure = await startTlsFaultOrigin();
    const { host, port } = secure.addressOf('certificate-untrusted');
    const failing = await probeUrl(`https://${host}:${port}/ok`, { host: 'origin.test', requests: 1 });
    const working = await probeUrl(`${origin.url}/ok`, { allowsWrite: true, via: new URL(`${origin.url}/status/502`) });
    await secure.close();
    const text = unicodeText({ maxLength: 120 });
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 8 }), fc.boolean(), (texts, fails) => {
        let next = 0;
        const process = { port: 1, command: '', usage: null, unknown: 'x' };
        const report = replaced({ ...(fails ? failing : working), process }, () => texts[next++ % texts.length] ?? '');
        const shown = probeLines(report, plain).join('\n');
        assert.doesNotMatch(shown, unsafe);
        assertFits(shown);
      }),
    );
  });

  /** A copy in which every text of an outsider is another one. Words of Candor's own vocabulary stay. */
  function replaced<T>(value: T, text: () => string, key = ''): T {
    const own = /^(?:shape|stage|layer|cause|framing|end|withoutName|name)$/.test(key);
    if (typeof value === 'string') return (own ? value : text()) as T;
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((one) => replaced(one, text)) as T;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, replaced(inner, text, name)])) as T;
  }
});
