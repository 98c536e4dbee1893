// Starts processes: the command reads pipes, and writes to outputs that close.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import * as fc from '../properties.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { assertFits } from './golden.ts';
import { candorProgram } from '../program.ts';

let folder: string;
let context: FakeProcessContext;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-log-'));
  context = new FakeProcessContext(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A line of HAProxy's for the `second`th second, with those flags of termination. */
function line(second: number, flags = '----', request = 'GET / HTTP/1.1'): string {
  const at = `21/Nov/2026:12:${String(Math.floor(second / 60)).padStart(2, '0')}:${String(second % 60).padStart(2, '0')}.655`;
  const [waits, status] = flags === 'SC--' ? ['10/0/-1/-1/109', 503] : ['10/0/30/69/109', 200];
  return `haproxy[14389]: 10.0.1.2:33317 [${at}] http-in static/srv1 ${waits} ${status} 2750 - - ${flags} 1/1/1/1/0 0/0 "${request}"\n`;
}

const good = line(1) + line(2);
const bad = line(1) + line(2, 'SC--') + line(3);

function write(name: string, content: string | Uint8Array): void {
  writeFileSync(join(folder, name), content);
}

describe('the exit code of candor explain for a log', () => {
  const codes: [what: string, argv: string[], content: string | Uint8Array, code: number][] = [
    ['no request failed', ['a.log'], good, 0],
    ['a gateway failed', ['a.log'], bad, 1],
    ['a gateway failed, as JSON', ['a.log', '--json'], bad, 1],
    ['no line is recognised', ['a.log'], 'hello\nworld\n', 3],
    ['the file is empty', ['a.log'], '', 3],
    ['there is no such file', ['b.log'], bad, 2],
    ['the argument is a folder', ['.'], bad, 2],
    ['one of several is missing', ['a.log', 'b.log'], bad, 2],
    ['a flag is unknown', ['a.log', '--nonsense'], bad, 2],
    ['the custom format is invalid', ['a.log', '--log-format', 'none'], bad, 2],
    ['the folder for the page does not exist', ['a.log', '--html', 'no/folder.html'], bad, 2],
    ['the file is compressed in another format', ['a.log'], Buffer.from('fd377a585a000004', 'hex'), 3],
    ['the file is a program', ['a.log'], Buffer.from('7f454c4602010100', 'hex'), 3],
  ];
  for (const [what, argv, content, code] of codes) {
    test(`is ${code} when ${what}`, async () => {
      write('a.log', content);
      assert.equal(await context.candor('explain', ...argv), code, context.stderr.text);
      assert.doesNotMatch(context.stderr.text, /mistake|^\s+at /m);
    });
  }
});

describe('the summary', () => {
  test('begins with the number of failures, and fits 80 columns', async () => {
    write('a.log', line(0) + Array.from({ length: 90 }, (_, place) => line(place, 'SC--')).join('') + 'unknown\n');
    assert.equal(await context.candor('explain', 'a.log'), 1);
    const { text } = context.stdout;
    assert.match(text, /^90 gateway failures in 92 lines\n/);
    for (const part of ['SHAPES', 'TIMELINE', 'UPSTREAMS', 'CAUSES AND FIXES'])
      assert.match(text, new RegExp(`^${part}`, 'm'));
    assert.match(text, /1 line in an unknown format/);
    assertFits(text);
  });

  const ours = '192.0.2.17 - - [21/Nov/2026:08:42:19 +0000] "GET /a HTTP/1.1" 502 512 "-" "curl/8.5"\n';
  const redacted = ours.replace('/a', '/a?b=***');
  const configuration = 'upstreams: { api: "127.0.0.1:3000" }\nlog: { path: a.log, format: combined }\n';
  const formats: readonly (readonly [
    what: string,
    name: string,
    lines: string,
    yaml: string | null,
    isOurs: boolean,
  ])[] = [
    ['the log of the configuration', 'a.log', ours, configuration, true],
    ['a rotated file of it', 'a.log.2', ours, configuration, true],
    ['another file', 'b.log', ours, configuration, false],
    ['a file without a configuration', 'a.log', ours, null, false],
    ['a file of a configuration with errors', 'a.log', ours, 'nonsense: 1\n', false],
    ['a file whose queries Candor has redacted', 'b.log', redacted, null, true],
  ];
  for (const [what, name, lines, yaml, isOurs] of formats)
    test(`advises ${isOurs ? 'log.format: json' : "nginx's variables"} for ${what} in the combined format`, async () => {
      write(name, lines);
      if (yaml !== null) write('candor.yaml', yaml);
      assert.equal(await context.candor('explain', name), 0, context.stderr.text);
      const { text } = context.stdout;
      assert.match(
        text.replaceAll(/\s+/g, ' '),
        isOurs ? /Set `log\.format: json` in the configuration/ : /\$upstream_addr/,
      );
      assert.match(text, /fix {2}See below how to log more/);
      // Lines of nginx's configuration are printed unwrapped, so that people can copy them.
      if (isOurs) assertFits(text);
    });

  test('shows the largest incident first, and only counts incidents that are small beside it', async () => {
    const few = Array.from({ length: 6 }, (_, place) => line(place * 30, 'SC--')).join('');
    const burst = Array.from({ length: 200 }, () => line(1200, 'sH--')).join('');
    write('a.log', few + burst);
    assert.equal(await context.candor('explain', 'a.log', '--html', 'a.html'), 1);
    const incidents = /^INCIDENTS\n((?: .*\n)+)/m.exec(context.stdout.text)?.[1] ?? '';
    assert.match(incidents, /^ {2}2026-11-21 12:20:00\n {4}200 failed requests at static\/srv1,/);
    assert.match(incidents, /\n {2}and 6 failures of 1 further incident\n$/);
    const page = readFileSync(join(folder, 'a.html'), 'utf8');
    assert.ok(page.indexOf('12:20:00</h3>') < page.indexOf('12:00:00 to 12:02:30</h3>'));
  });

  const refused =
    '2026/11/21 14:14:03 [error] 31#31: *5 connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.7, server: x, request: "GET /a HTTP/1.1", upstream: "http://10.0.0.1:80/a", host: "x"\n';
  const combined = (status: number, request = 'GET /a') =>
    `192.0.2.7 - - [21/Nov/2026:14:14:03 +0200] "${request} HTTP/1.1" ${status} 9 "-" "curl/8.5.0"\n`;
  const json =
    '{"time_iso8601":"2026-11-21T14:14:03+02:00","remote_addr":"192.0.2.7","request":"GET /a HTTP/1.1","status":"502","upstream_addr":"10.0.0.1:80","upstream_status":"502","request_time":"0.001"}\n';
  const joins: readonly (readonly [what: string, files: Record<string, string>, head: RegExp, notes: RegExp])[] = [
    [
      'the error log and the access log of one gateway report a failure once',
      { 'error.log': refused, 'access.log': combined(502) },
      /^1 gateway failure in 2 lines/,
      /1 line reported a failure that another line had reported/,
    ],
    [
      'a third log of the same requests adds none',
      {
        'error.log': refused + refused.replace('*5', '*6'),
        'access.log': combined(502).repeat(2),
        'third.log': json.repeat(2),
      },
      /^2 gateway failures in 6 lines/,
      /4 lines reported/,
    ],
    [
      'a failure of unknown cause is no certain failure',
      { 'access.log': combined(502) },
      /^No certain gateway failure in 1 line/,
      /1 failed request of which the log cannot show whose failure it was/,
    ],
    [
      'requests over a limit are no failures',
      {
        'error.log': refused
          .replace(/connect\(\).*upstream, /, 'limiting requests, excess: 5.9 by zone "z", ')
          .replace(/upstream: "[^"]*", /, ''),
      },
      /^No gateway failure in 1 line/,
      /1 request denied by a limit or a rule/,
    ],
  ];
  for (const [what, files, head, notes] of joins)
    test(`counts rightly: ${what}`, async () => {
      for (const [name, content] of Object.entries(files)) write(name, content);
      const code = await context.candor('explain', ...Object.keys(files));
      const { text } = context.stdout;
      assert.match(text, head);
      assert.match(text.replaceAll(/\s+/g, ' '), notes);
      assert.equal(code, text.startsWith('No') ? 0 : 1);
      assertFits(text.split('TO LOG MORE')[0] ?? '');
    });

  test('says "mostly" if more than half of the failures have one shape', async () => {
    for (const [flags, words] of [
      [['SC--', 'SC--', 'CC--'], 'unreachable'],
      [['SC--', 'SC--', 'SQ--'], 'mostly unreachable \\(2\\)'],
      [['SC--', 'SQ--'], 'unreachable \\(1\\) and others'],
    ] as const) {
      context = new FakeProcessContext(folder);
      write('a.log', flags.map((one, place) => line(place, one)).join(''));
      await context.candor('explain', 'a.log');
      assert.match(context.stdout.text, new RegExp(`^  static/srv1 +\\d +${words}$`, 'm'));
    }
  });

  test('calls no time UTC if the log names no time zone', async () => {
    const zoned = '192.0.2.7 - - [21/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 9 "-" "curl/8.5.0"\n';
    write('a.log', bad);
    write('b.log', zoned);
    await context.candor('explain', 'a.log');
    assert.match(context.stdout.text, /from 2026-11-21 12:00:01 to 12:00:03, by the server's clock\n/);
    await context.candor('explain', 'b.log');
    assert.match(context.stdout.text, /^ {2}at 2026-11-21 12:00:00 UTC$/m);
    context = new FakeProcessContext(folder);
    write('b.log', zoned.replace('+0000', '+0200').replace(':12:', ':14:'));
    await context.candor('explain', 'a.log', 'b.log');
    assert.match(context.stdout.text, /from 2026-11-21 10:00:01 to 12:00:00 UTC\n/);
    assert.match(context.stdout.text, /without a zone \(HAProxy HTTP log\) are read as \+02:00/);
  });

  test('says what to try if no line is recognised, and prints once what to log for unknown failures', async () => {
    write('a.log', 'hello\n');
    assert.equal(await context.candor('explain', 'a.log', '--html', 'a.html'), 3);
    assert.match(context.stdout.text, /`--log-format`/);
    assert.match(readFileSync(join(folder, 'a.html'), 'utf8'), /<code>--log-format<\/code>/);
    write('b.log', '192.0.2.7 - - [21/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 502 9 "-" "curl/8.5.0"\n');
    assert.equal(await context.candor('explain', 'b.log'), 0);
    assert.match(context.stdout.text, /^ {4}fix {2}See below how to log more$/m);
    assert.equal(context.stdout.text.split('log_format upstream').length, 2);
  });

  test('as a page begins with the fixes if the log has only a few lines', async () => {
    write('a.log', bad);
    write('b.log', bad + good.repeat(9));
    for (const [name, isFirst] of [
      ['a.log', true],
      ['b.log', false],
    ] as const) {
      await context.candor('explain', name, '--html', 'a.html');
      const page = readFileSync(join(folder, 'a.html'), 'utf8');
      assert.equal(page.split('<h2>Causes and fixes').length, 2);
      assert.equal(page.indexOf('<h2>Causes') < page.indexOf('<h2>When'), isFirst, name);
    }
  });

  test('prints no control characters of a log to the terminal', async () => {
    write('a.log', line(1, 'SC--', 'GET /\u001b]0;title\u0007\u001b[2J\u009b31m\u202e HTTP/1.1'));
    const outputs = [['a.log'], ['a.log', '--lines'], ['a.log', '--json'], ['a.log', '--lines', '--json']];
    for (const argv of outputs) assert.equal(await context.candor('explain', ...argv), 1);
    assert.doesNotMatch(context.stdout.text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  });

  test('is JSON with --json', async () => {
    write('a.log', bad);
    await context.candor('explain', 'a.log', '--json');
    const report = JSON.parse(context.stdout.text) as Record<string, unknown>;
    assert.deepEqual([report['lines'], report['recognised'], report['failures']], [3, 3, 1]);
  });

  test('has every member of its JSON described in the documents', async () => {
    const document = readFileSync(join(repositoryRoot, 'docs', 'explain', 'report.md'), 'utf8');
    write('a.log', bad + Array.from({ length: 20 }, (_, place) => line(place + 4, 'SC--')).join(''));
    await context.candor('explain', 'a.log', '--json');
    const fields = new Set([...context.stdout.text.matchAll(/^ *"(\w+)":/gm)].map(([, name = '']) => name));
    assert.ok(fields.has('per_minute') && fields.has('of_that_shape'), 'it has an incident and an upstream');
    for (const field of fields) {
      const described = field.replace(/^\w+(?=_left_out$)/, '…');
      assert.ok(document.split(/[^\w…]+/).includes(described), `${field} is not described`);
    }
  });

  test('is a page without a script, in which the log is plain text', async () => {
    write('a.log', line(1, 'SC--', 'GET /<script>alert(1)</script>"><img src=x> HTTP/1.1'));
    assert.equal(await context.candor('explain', 'a.log', '--html', 'report.html'), 1);
    const page = readFileSync(join(folder, 'report.html'), 'utf8');
    assert.match(page, /<title>1 gateway failure in a\.log<\/title>/);
    assert.match(page, /<svg /);
    assert.match(page, /&#60;script&#62;alert\(1\)/);
    assert.doesNotMatch(page, /<script|<img|\son\w+=|https?:\/\/(?!www\.w3\.org)/i);
  });

  test('as a page is readable by its owner alone, and never overwrites a log', async () => {
    write('a.log', bad);
    assert.equal(await context.candor('explain', 'a.log', '--html', 'report.html'), 1);
    assert.equal(statSync(join(folder, 'report.html')).mode & 0o777, 0o600);
    symlinkSync('a.log', join(folder, 'link.html'));
    for (const name of ['a.log', './a.log', 'link.html']) {
      assert.equal(await context.candor('explain', 'a.log', '--html', name), 2);
      assert.match(context.stderr.text, /--html would write over a\.log, a log\./);
    }
    assert.equal(readFileSync(join(folder, 'a.log'), 'utf8'), bad);
  });

  test('names the file of each line if it reads several, whether or not a file ends with a line end', async () => {
    write('a.log', bad.trimEnd());
    write('b.log', bad);
    assert.equal(await context.candor('explain', 'a.log', 'b.log', '--lines'), 1);
    assert.deepEqual(context.stdout.text.match(/^\w\.log:\d+:/gm), ['a.log:2:', 'b.log:2:']);
    context = new FakeProcessContext(folder);
    await context.candor('explain', 'a.log', 'b.log');
    assert.match(context.stdout.text, /^ {4}a\.log:2: haproxy/m);
  });

  test('reads several files as one log, in the order of their times', async () => {
    const seconds = Array.from({ length: 60 }, (_, second) => second);
    const some = (isIn: (second: number) => boolean): string =>
      seconds
        .filter(isIn)
        .map((one) => line(one, 'SC--'))
        .join('');
    write(
      'all.log',
      some(() => true),
    );
    write(
      'odd.log',
      some((second) => second % 2 === 1),
    );
    write('even.log', gzipSync(some((second) => second % 2 === 0)));
    const reports: unknown[] = [];
    for (const names of [['all.log'], ['odd.log', 'even.log'], ['even.log', 'odd.log']]) {
      context = new FakeProcessContext(folder);
      await context.candor('explain', '--json', ...names);
      const { incidents, failures } = JSON.parse(context.stdout.text) as {
        incidents: { count: number }[];
        failures: number;
      };
      reports.push([failures, incidents.map(({ count }) => count)]);
    }
    assert.deepEqual(reports, [
      [60, [60]],
      [60, [60]],
      [60, [60]],
    ]);
  });
});

describe('archives', () => {
  const large = Array.from({ length: 3000 }, (_, place) =>
    line(place % 3000, place % 100 === 0 ? 'SC--' : '----'),
  ).join('');
  const archives: [name: string, bytes: Buffer][] = [
    ['gzip', gzipSync(large)],
    ['gzip, in two parts', Buffer.concat([gzipSync(large.slice(0, 99_999)), gzipSync(large.slice(99_999))])],
    ['zstd', zstdCompressSync(large)],
    [
      'zstd, in two frames',
      Buffer.concat([zstdCompressSync(large.slice(0, 99_999)), zstdCompressSync(large.slice(99_999))]),
    ],
    ['UTF-16', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(large, 'utf16le')])],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${large}`)],
  ];
  for (const [name, bytes] of archives) {
    test(`${name} is read like the text in it`, async () => {
      write('plain', large);
      write('packed', bytes);
      const other = new FakeProcessContext(folder);
      assert.equal(await context.candor('explain', 'plain', '--json'), 1);
      assert.equal(await other.candor('explain', 'packed', '--json'), 1);
      assert.equal(other.stdout.text.replaceAll('packed', 'plain'), context.stdout.text);
      assert.equal(other.stderr.text, '');
    });
  }

  for (const [name, bytes] of archives.filter(([name]) => /^(?:gzip|zstd)$/.test(name))) {
    test(`of ${name} that are truncated: the part that was read counts`, async () => {
      write('packed', bytes.subarray(0, bytes.length >> 1));
      assert.equal(await context.candor('explain', 'packed', '--json'), 1);
      assert.match(context.stderr.text, /^packed: the \w+ archive is truncated; the part that was read counts\.$/m);
      assert.ok((JSON.parse(context.stdout.text) as { lines: number }).lines > 100);
    });

    test(`of ${name} that are damaged: the part that was read counts, and the message says damaged`, async () => {
      const damaged = Buffer.from(bytes);
      damaged.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 64);
      write('packed', damaged);
      await context.candor('explain', 'packed', '--json');
      assert.match(context.stderr.text, /^packed: the \w+ archive is damaged; the part that was read counts\.$/m);
    });
  }

  test('truncated anywhere end with a sentence and never with a stack trace', { timeout: 20_000 }, async () => {
    const small = gzipSync(bad.repeat(20));
    await fc.assert(
      fc.asyncProperty(fc.nat(small.length), fc.uint8Array({ maxLength: 20 }), async (at, then) => {
        write('packed', Buffer.concat([small.subarray(0, at), then]));
        const one = new FakeProcessContext(folder);
        assert.ok([0, 1, 3].includes(await one.candor('explain', 'packed')));
        assert.doesNotMatch(one.stderr.text, /mistake|^\s+at /m);
      }),
      { numRuns: 40 },
    );
  });

  test('of random bytes end with a sentence and never with a stack trace', { timeout: 20_000 }, async () => {
    const heads = fc.constantFrom('', '1f8b0800', '28b52ffd', 'fffe', 'feff', 'efbbbf', '7b22');
    await fc.assert(
      fc.asyncProperty(heads, fc.uint8Array({ maxLength: 3000 }), fc.boolean(), async (head, bytes, json) => {
        write('random', Buffer.concat([Buffer.from(head, 'hex'), bytes]));
        const one = new FakeProcessContext(folder);
        assert.ok([0, 1, 3].includes(await one.candor('explain', 'random', ...(json ? ['--lines', '--json'] : []))));
        assert.doesNotMatch(one.stderr.text, /mistake|^\s+at /m);
        assert.doesNotMatch(one.stdout.text + one.stderr.text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      }),
      { numRuns: 60 },
    );
  });
});

describe('lines', () => {
  test('as text: one for each failure', async () => {
    write('a.log', bad);
    assert.equal(await context.candor('explain', 'a.log', '--lines'), 1);
    assert.match(
      context.stdout.text,
      /^2: 2026-11-21 12:00:02 HAProxy 503 unreachable \(\w+\) at static\/srv1 for GET \/[^\n]*: [^\n]+\n$/,
    );
  });

  test('as JSON: one object for each line, in order, recognised or not', async () => {
    write('a.log', `${bad}unknown\n`);
    assert.equal(await context.candor('explain', 'a.log', '--lines', '--json'), 1);
    const objects = context.stdout.text
      .trimEnd()
      .split('\n')
      .map((one) => JSON.parse(one) as Record<string, unknown>);
    assert.deepEqual(
      objects.map(({ line: number, gateway, kind, shape }) => [number, gateway, kind, shape]),
      [
        [1, 'haproxy', 'access', 'none'],
        [2, 'haproxy', 'access', 'unreachable'],
        [3, 'haproxy', 'access', 'none'],
        [4, null, null, 'unknown'],
      ],
    );
    for (const object of objects)
      assert.deepEqual(Object.keys(object), Object.keys(objects[0] ?? {}), 'all have the same fields');
  });

  test('that are pasted are explained directly', async () => {
    assert.equal(await context.candor('explain', line(2, 'SC--').trimEnd()), 1);
    assert.match(context.stdout.text, /^VERDICT {2}unreachable$/m);
    assert.match(context.stdout.text, /evidence +SC--/);
    assertFits(context.stdout.text);
  });

  test('that a terminal has broken are joined, and others are left alone', async () => {
    const failed =
      '2026/11/21 21:14:03 [error] 31#31: *5 connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.7, server: x, request: "GET /a HTTP/1.1", upstream: "http://10.0.0.1:80/a", host: "x"';
    for (const whole of [failed, line(2, 'SC--').trimEnd()])
      for (const width of [40, 80, 120]) {
        context = new FakeProcessContext(folder);
        const broken = whole.replace(new RegExp(`.{${width}}`, 'g'), '$&\n');
        assert.equal(await context.candor('explain', `${broken}\n${whole}`), 1);
        assert.equal(context.stdout.text.match(/^VERDICT {2}unreachable$/gm)?.length, 2, context.stdout.text);
        assert.doesNotMatch(context.stdout.text, /Not known/);
      }
    context = new FakeProcessContext(folder);
    assert.equal(await context.candor('explain', `${failed}\nweb-1 | ready`), 1);
    assert.match(context.stdout.text, /^Not known: web-1 \| ready$/m);
  });

  test('without a failure are only counted beside one with a failure', async () => {
    assert.equal(await context.candor('explain', `${good}${line(3, 'SC--')}${good}`), 1);
    assert.equal(context.stdout.text.match(/^VERDICT/gm)?.length, 1);
    assert.match(context.stdout.text, /\n\n4 further lines without a failure\n$/);
  });

  test('that are truncated get a note', async () => {
    await context.candor('explain', '2026/11/21 21:14:03 [error] 31#31: *5 recv() failed (104: Connection reset by …');
    assert.match(context.stdout.text, /^ {2}The line is truncated; the complete line may show more\.$/m);
  });

  test('of an error log without a failure are not called a success', async () => {
    const missing =
      '[error] 31#31: *5 open() "/srv/x" failed (2: No such file or directory), client: 192.0.2.7, server: x';
    assert.equal(await context.candor('explain', `2026/11/21 21:14:03 ${missing}`), 0);
    assert.match(context.stdout.text, /^ {2}a line of nginx error log, 2026-11-21 21:14:03$/m);
    assert.match(context.stdout.text, /^VERDICT {2}no gateway failure in this line$/m);
  });

  test('without a failure end with 0, unrecognised ones with 3', async () => {
    assert.equal(await context.candor('explain', line(2).trimEnd()), 0);
    assert.equal(await context.candor('explain', 'what is that'), 3);
    assert.match(context.stderr.text, /nor a line of a log that Candor recognises/);
  });

  test('in a custom format are read with its text', async () => {
    const text = '$remote_addr|$status|$upstream_status|$request_time|[$time_local]|"$request"';
    const own = '10.0.0.1|200|200|0.100|[21/Nov/2026:12:00:00 +0000]|"GET / HTTP/1.1"';
    assert.equal(await context.candor('explain', own, '--log-format', text), 0, context.stderr.text);
    assert.match(context.stdout.text, /nginx/);
  });
});

describe('on a terminal', () => {
  test('a progress bar is drawn if reading takes longer than a second, and removed at the end', async () => {
    const terminal = new FakeProcessContext(folder, { terminal: true, env: { NO_COLOR: '1' } });
    let now = 0;
    Object.assign(terminal, { clock: { ...terminal.clock, now: () => (now += 600) } });
    write('a.log', bad.repeat(3000));
    await terminal.candor('explain', 'a.log');
    assert.match(terminal.stderr.text, /^(?:\r\u001b\[Ka\.log │█* *│ +\d+ % {2}[\d.]+ MB)+\r\u001b\[K$/);
  });
});

describe('candor explain for an argument that is no log', () => {
  const given: [what: string, argv: string[], code: number, says: RegExp][] = [
    ['a missing file', ['missing.log'], 2, /There is no file missing\.log\./],
    ['the path of a missing file', ['/no/such/place'], 2, /There is no file/],
    ['a word', ['unknown'], 8, /./],
    ['an id, with a flag for ids', ['0197f3a0', '--log', 'no.log'], 9, /no such log/],
    ['an id, with flags for logs', ['0197f3a0', '--lines'], 2, /there is no file 0197f3a0/],
    ['a line, with flags for logs', [line(1).trimEnd(), '--html', 'a.html'], 2, /this is a line of a log/],
    ['only a space', [' '], 2, /There is no input/],
    ['a name with control characters', ['\u001b[2Ja/b'], 2, /There is no file a\/b/],
    ['text that is longer than a file name may be', ['x'.repeat(5000)], 8, /./],
  ];
  for (const [what, argv, code, says] of given) {
    test(`${what}: ends with ${code}`, async () => {
      assert.equal(await context.candor('explain', ...argv), code, context.stderr.text);
      assert.match(context.stderr.text, says);
      assert.doesNotMatch(context.stderr.text, /mistake|\u001b|^\s+at /m);
    });
  }
});

describe('candor explain as a process', () => {
  const children: ChildProcess[] = [];
  after(() => {
    for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  });

  test('reads standard input, and loses nothing if the reader of its output is slow', async () => {
    const child = candor(['explain', '-', '--lines', '--json']);
    child.process.stdin?.end(bad.repeat(1000));
    assert.equal(await child.code, 1);
    assert.equal(child.out().split('\n').length, 3001);
  });

  for (const width of [60, 80, 100])
    test(`joins lines of a file that a terminal of ${width} columns has broken, and keeps the numbers of the others`, async () => {
      const broken = line(2, 'SC--').replace(new RegExp(`.{${width}}`, 'g'), '$&\n');
      const rows = broken.trimEnd().split('\n').length;
      const file = join(folder, 'broken.log');
      writeFileSync(file, `${broken}${line(4, 'SC--')}`);
      const child = candor(['explain', file, '--json']);
      assert.equal(await child.code, 1);
      const { lines, failures, by_cause } = JSON.parse(child.out()) as Record<string, unknown>;
      assert.deepEqual([lines, failures], [rows + 1, 2]);
      const numbers = JSON.stringify(by_cause).match(/(?<="line":)\d+/g);
      assert.deepEqual(numbers, ['1', String(rows + 1)]);
    });

  for (const width of [60, 80, 100])
    test(`joins pasted lines of standard input that a terminal of ${width} columns has broken`, async () => {
      const failed =
        '2026/11/21 21:14:03 [error] 31#31: *5 connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.7, server: x, request: "GET /a HTTP/1.1", upstream: "http://10.0.0.1:80/a", host: "x"';
      const child = candor(['explain', '-', '--json']);
      child.process.stdin?.end(`${failed.replace(new RegExp(`.{${width}}`, 'g'), '$&\n')}\n`);
      assert.equal(await child.code, 1);
      const { lines, failures, upstreams } = JSON.parse(child.out()) as Record<string, unknown>;
      assert.deepEqual([lines, failures], [1, 1]);
      assert.match(JSON.stringify(upstreams), /10\.0\.0\.1:80/);
    });

  test('follows a log when it is renamed and truncated, and sums up at SIGINT', { timeout: 30_000 }, async () => {
    const log = join(folder, 'a.log');
    writeFileSync(log, bad);
    const child = candor(['explain', '-f', log]);
    await child.said(/^2: /m);
    appendFileSync(log, line(4, 'SC--').slice(0, 30));
    appendFileSync(log, line(4, 'SC--').slice(30));
    await child.said(/^4: /m);
    renameSync(log, `${log}.1`);
    appendFileSync(`${log}.1`, line(5, 'SC--'));
    await child.said(/^5: /m);
    writeFileSync(log, line(6) + line(7, 'SC--'));
    await child.said(/^7: /m);
    truncateSync(log, 0);
    appendFileSync(log, line(8, 'SC--'));
    await child.said(/^8: /m);
    child.process.kill('SIGINT');
    assert.equal(await child.code, 1);
    assert.match(child.out(), /^5 gateway failures in 8 lines$/m);
    assert.equal(child.err(), '');
  });

  for (const [command, code] of [
    ['explain', 130],
    ['whose', null],
  ] as const) {
    test(`${command} of a pipe without a writer ends at SIGINT`, {
      timeout: 30_000,
      skip: process.platform !== 'linux',
    }, async () => {
      const pipe = join(folder, 'pipe');
      execFileSync('mkfifo', [pipe]);
      const child = candor([command, pipe]);
      // Opened without waiting for a writer: one that waited within the call would not hear the signal.
      await until(() => openFiles(child.process.pid ?? 0).includes(pipe));
      child.process.kill('SIGINT');
      assert.equal(await child.code, code);
    });
  }

  function candor(argv: readonly string[]) {
    const process_ = spawn(process.execPath, [candorProgram, ...argv], { cwd: folder });
    children.push(process_);
    const said = { out: '', err: '' };
    process_.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
    process_.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
    const ended = once(process_, 'close') as Promise<[number | null]>;
    return {
      process: process_,
      code: ended.then(([code]) => code),
      out: () => said.out,
      err: () => said.err,
      async said(pattern: RegExp): Promise<void> {
        while (!pattern.test(said.out)) {
          assert.equal(process_.exitCode, null, said.err);
          await once(process_.stdout, 'data');
        }
      },
    };
  }
});

/** Of another process, by their paths. */
function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(join(folder, fd))];
    } catch {
      return []; // It has been closed meanwhile.
    }
  });
}

async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setTimeout(resolve, 10));
}
