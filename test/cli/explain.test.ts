import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { exitCodes } from '../../src/cli/command-failure.ts';
import { evidenceLines, renderExplanation, hexdump } from '../../src/cli/explanation.ts';
import { verdictOf } from '../../src/diagnose/record-verdict.ts';
import { plain, styleFor } from '../../src/cli/style.ts';
import type { AttemptRecord, ExchangeRecord } from '../../src/core/schemas/record.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { failedRecord, goodRecord } from '../fakes/samples.ts';
import { assertFits, assertGolden } from './golden.ts';

const attempt = failedRecord.attempts[1]!;
const evidence = (facts: object): AttemptRecord['evidence'] => facts as AttemptRecord['evidence'];

/** A GET whose last attempt failed with `what`. */
function failing(what: Partial<AttemptRecord>, verdict: Partial<ExchangeRecord>, before: AttemptRecord[] = []) {
  const last = { ...attempt, retry_reason: 'nowhere_else', ...what } as AttemptRecord;
  const { cause, stage } = last;
  return {
    ...goodRecord,
    attempts: [...before, last],
    received_status: null,
    cause,
    stage,
    ...verdict,
  } as ExchangeRecord;
}

const banner = Buffer.from('SSH-2.0-OpenSSH_9.9 Debian-3\r\n\u0000\u0001\u0002').toString('hex');

const pictures: Readonly<Record<string, ExchangeRecord>> = {
  'explain-garbage.txt': failing(
    {
      head_ms: null,
      ended_ms: 3.4,
      cause: 'response_not_http',
      stage: 'response',
      evidence: { address: '10.0.0.6:3000', first_bytes: banner, guess: 'ssh' },
    },
    {
      status: 502,
      shape: 'garbage',
      type: 'http_protocol_error',
      whose: 'operator',
      detail: '10.0.0.6:3000 answered with something that is not HTTP; it looks like an SSH server.',
      end: 'generated',
      duration_ms: 3.6,
    },
  ),
  'explain-reset.txt': failing(
    {
      started_ms: 3,
      connected_ms: 3.8,
      sent_ms: 4,
      ended_ms: 190,
      cause: 'reset_before_response',
      stage: 'response',
      evidence: { address: '10.0.0.6:3000', reused: false, idle_ms: 0, errno: 'ECONNRESET' },
      exit: { code: null, signal: 'SIGKILL', oom: true, before_ms: 12, last_line: 'Killed' },
    },
    {
      status: 502,
      shape: 'reset',
      type: 'connection_terminated',
      whose: 'application',
      detail: '10.0.0.6:3000 reset the connection (ECONNRESET) before it answered.',
      delivery: 'sent_unknown',
      end: 'generated',
      duration_ms: 190.4,
    },
    [
      {
        ...attempt,
        reused: true,
        idle_ms: 4980,
        started_ms: 0.2,
        connected_ms: null,
        sent_ms: 0.4,
        ended_ms: 2.9,
        cause: 'closed_before_response',
        evidence: { address: '10.0.0.6:3000', reused: true, idle_ms: 4980 },
        retry: true,
        retry_reason: 'idempotent',
      },
    ],
  ),
  'explain-truncated.txt': failing(
    {
      head_ms: 11,
      ended_ms: 1260,
      status: 200,
      cause: 'response_body_short',
      stage: 'body',
      evidence: { address: '10.0.0.6:3000', bytes_received: 4096, bytes_expected: 1_048_576, how: 'reset' },
      retry_reason: 'committed',
    },
    {
      status: 200,
      received_status: 200,
      shape: 'reset',
      type: 'http_response_incomplete',
      whose: 'application',
      detail: '10.0.0.6:3000 promised 1048576 bytes of content and reset the connection after 4096 bytes.',
      end: 'truncated',
      bytes_out: 4096,
      duration_ms: 1261,
      tls: { version: 'TLSv1.3', sni: 'shop.example.org', cipher: null },
    },
  ),
  'explain-tunnel.txt': {
    ...failing(
      {
        head_ms: 4,
        ended_ms: 65_000,
        status: 101,
        cause: 'response_body_reset',
        stage: 'body',
        evidence: { address: '10.0.0.6:3000', bytes_received: 4096, errno: 'ECONNRESET' },
        retry_reason: 'committed',
      },
      {
        status: 101,
        received_status: 101,
        shape: 'reset',
        type: 'http_response_incomplete',
        whose: 'application',
        detail: '10.0.0.6:3000 reset the connection (ECONNRESET) after 4096 bytes.',
        end: 'truncated',
        bytes_in: 812,
        bytes_out: 4096,
        duration_ms: 65_001,
      },
    ),
    kind: 'tunnel',
  },
  'explain-chunked-cut.txt': failing(
    {
      head_ms: 11,
      ended_ms: 1260,
      status: 200,
      cause: 'response_chunked_truncated',
      stage: 'body',
      evidence: { address: '10.0.0.6:3000', bytes_received: 4096, how: 'closed' },
      retry_reason: 'committed',
    },
    {
      status: 200,
      received_status: 200,
      shape: 'reset',
      type: 'http_response_incomplete',
      whose: 'application',
      end: 'truncated',
      bytes_out: 4096,
      duration_ms: 1261,
    },
  ),
  'explain-client-gone.txt': failing(
    {
      head_ms: 20,
      ended_ms: 480,
      status: 200,
      cause: 'client_gone',
      stage: 'body',
      evidence: { bytes_sent: 65_536, how: 'reset' },
      retry_reason: 'client_left',
    },
    {
      status: 200,
      received_status: 200,
      shape: 'client_abort',
      type: null,
      whose: 'client',
      end: 'abandoned',
      bytes_out: 65_536,
      duration_ms: 480.2,
    },
  ),
};

describe('a picture for each shape', () => {
  for (const [name, record] of Object.entries(pictures)) {
    test(name, () => {
      const text = renderExplanation(record, plain);
      assertFits(text);
      assertGolden(name, text);
      const coloured = new FakeProcessContext('/', { terminal: true });
      assertFits(renderExplanation(record, styleFor(coloured.stdout, coloured.env)));
    });
  }

  test('a reset tunnel is described as a tunnel, also if no byte had come through it', () => {
    const tunnel = pictures['explain-tunnel.txt']!;
    const words = (bytes_out: number): string => verdictOf({ ...tunnel, bytes_out }).sentence;
    assert.match(words(0), /\. The tunnel was reset \(ECONNRESET\) before any byte had come through it\.$/);
    assert.match(words(4096), /\. The tunnel was reset \(ECONNRESET\) after 4,?096 bytes had come through it\.$/);
  });

  test('bytes are dumped unchanged, sixteen a line, within 80 columns', () => {
    const lines = hexdump(Buffer.from(Array.from({ length: 40 }, (_, place) => 60 + place * 3)), '      ');
    assert.equal(lines.length, 3);
    assertFits(lines.join('\n'));
    assert.equal(lines[0], '      0000  3c 3f 42 45 48 4b 4e 51  54 57 5a 5d 60 63 66 69  |<?BEHKNQTWZ]`cfi|');
    assert.deepEqual(hexdump(Buffer.alloc(0)), []);
  });

  test('unknown evidence of a newer version is printed under its key, without control characters', () => {
    const facts = evidence({
      address: 'a',
      new_fact: 'x\u001b[2J',
      waited_ms: 1500,
      nested: { more: 1 },
      nothing: null,
    });
    const [line, ...more] = evidenceLines({ ...attempt, cause: 'connect_refused', evidence: facts }, null, '  ');
    assert.equal(line, '  cause connect_refused, new fact x, waited 1.50 s');
    assert.deepEqual(more, []);
  });
});

describe('candor explain without a gateway', () => {
  let folder: string;
  let context: FakeProcessContext;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'candor-explain-'));
    context = new FakeProcessContext(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const lineOf = (id: string): string => `${JSON.stringify({ ...goodRecord, id })}\n`;

  const packed = (name: string, text: string): string | Buffer => {
    if (name.endsWith('.gz')) return gzipSync(text);
    return name.endsWith('.zst') ? zstdCompressSync(text) : text;
  };
  const logNames = ['app.log', 'app.log.1', 'app.log.7.gz', 'app.log.3.zst', 'app.log-20260101', 'app.log-20260101.gz'];
  for (const name of logNames) {
    test(`finds an exchange in ${name}`, async () => {
      writeFileSync(join(folder, 'app.log'), lineOf('newest'));
      const text = `${lineOf('one')}not ours\n${lineOf('wanted')}${lineOf('two')}`;
      writeFileSync(join(folder, name), packed(name, text));
      assert.equal(await context.candor('explain', 'wanted', '--log', 'app.log'), 0, context.stderr.text);
      assert.match(context.stdout.text, /wanted/);
    });
  }

  test('finds an exchange in a compressed file that --log names, whatever its name says', async () => {
    writeFileSync(join(folder, 'old'), zstdCompressSync(lineOf('wanted')));
    assert.equal(await context.candor('explain', 'wanted', '--log', 'old'), 0, context.stderr.text);
    writeFileSync(join(folder, 'app.log.2.gz'), zstdCompressSync(lineOf('misnamed')));
    writeFileSync(join(folder, 'app.log.3.zst'), lineOf('plain'));
    for (const id of ['misnamed', 'plain'])
      assert.equal(await context.candor('explain', id, '--log', 'app.log'), 0, id);
  });

  test('says which file is truncated, damaged, or compressed in a format that it does not read', async () => {
    writeFileSync(join(folder, 'app.log.2.zst'), zstdCompressSync(lineOf('one')).subarray(0, -3));
    const damaged = Buffer.concat([gzipSync(lineOf('two')), Buffer.from('1f8bffffffffffffffffffff', 'hex')]);
    writeFileSync(join(folder, 'app.log.3.gz'), damaged);
    writeFileSync(join(folder, 'app.log.4.xz'), Buffer.from('fd377a585a0000', 'hex'));
    assert.equal(await context.candor('explain', 'none', '--log', 'app.log'), 9);
    const said = context.stderr.text.replaceAll(/\s+/g, ' ');
    assert.match(
      said,
      /app\.log\.2\.zst: last written 0 s ago; the zstd archive is truncated; the part that was read counts/,
    );
    assert.match(said, /app\.log\.3\.gz: last written 0 s ago; the gzip archive is damaged/);
    assert.match(said, /app\.log\.4\.xz: .*`xz -dc FILE \| candor explain -`/);
  });

  describe('candor explain with a prefix of an id', () => {
    const ids = ['0197f3a0-1111-7000-8000-000000000001', '0197f3a0-2222-7000-8000-000000000002'] as const;
    beforeEach(() => {
      writeFileSync(join(folder, 'app.log.1.gz'), gzipSync(lineOf(ids[0]) + lineOf('other')));
      writeFileSync(join(folder, 'app.log'), lineOf(ids[1]));
    });

    test('finds the only record whose id begins with it, also in a rotated log', async () => {
      assert.equal(await context.candor('explain', ids[0].slice(0, 12), '--log', 'app.log'), 0, context.stderr.text);
      assert.ok(context.stdout.text.includes(ids[0]));
    });

    test('counts and lists the ids that begin with it, within 80 columns', async () => {
      assert.equal(await context.candor('explain', ids[0].slice(0, 8), '--log', 'app.log'), exitCodes.ambiguous);
      assert.match(
        context.stderr.text,
        /^2 exchanges have an id that begins with 0197f3a0\.\nWrite more of the id that you mean; the newest are:\n/,
      );
      for (const id of ids) assert.ok(context.stderr.text.includes(`  ${id}  2026-01-01T12:00:03.250Z  200  GET`), id);
      assertFits(context.stderr.text);
    });

    test('lists no more than five of them', async () => {
      const many = Array.from({ length: 7 }, (_, index) => `0197f3a0-3333-7000-8000-00000000000${index}`);
      writeFileSync(join(folder, 'many.log'), many.map(lineOf).join(''));
      assert.equal(await context.candor('explain', '0197f3a0-3333', '--log', 'many.log'), exitCodes.ambiguous);
      assert.match(context.stderr.text, /^At least 5 exchanges have an id/);
      assert.equal(context.stderr.text.match(/ {2}0197f3a0-3333-/g)?.length, 5);
    });

    test('rejects a prefix that is too short', async () => {
      assert.equal(await context.candor('explain', ids[0].slice(0, 7), '--log', 'app.log'), 9);
      assert.match(context.stderr.text, /No exchange with the id 0197f3a was found/);
    });

    test('with --json prints the record and the verdict', async () => {
      assert.equal(await context.candor('explain', ids[1].slice(0, 10), '--json', '--log', 'app.log'), 0);
      const { record, verdict } = JSON.parse(context.stdout.text) as { record: ExchangeRecord; verdict: object };
      assert.deepEqual([record.id, Object.keys(verdict)], [ids[1], ['sentence', 'usual_causes', 'next_step']]);
    });
  });

  test('says for an unknown id which logs it searched, when they begin and how old they are, and ends with 9', async () => {
    const path = join(folder, 'app.log');
    writeFileSync(path, lineOf('known'));
    writeFileSync(`${path}.1`, '');
    writeFileSync(`${path}.2.gz`, 'no gzip');
    writeFileSync(join(folder, 'app.logs'), lineOf('another log'));
    const now = Date.now() / 1000;
    utimesSync(path, now, now - 180);
    assert.equal(await context.candor('explain', 'unknown', '--log', 'app.log'), 9);
    assert.match(context.stderr.text, /No exchange with the id unknown was found\. Looked here:/);
    assert.match(context.stderr.text, /app\.log: from 2026-01-01T12:00:03\.250Z on,\s+last\s+written 3 min ago/);
    assert.match(context.stderr.text, /app\.log\.1: it is empty/);
    assert.match(context.stderr.text, /app\.log\.2\.gz: last written 0 s ago/);
    assert.doesNotMatch(context.stderr.text, /app\.logs/);
  });

  test('says that a log is missing or unreadable', async () => {
    assert.equal(await context.candor('explain', 'unknown', '--log', 'no.log'), 9);
    assert.match(context.stderr.text, /no\.log: there is no such log/);
  });

  test('searches the log of the configuration and says that no gateway answers', async () => {
    writeFileSync(join(folder, 'candor.yaml'), 'upstreams: { api: "127.0.0.1:3000" }\n');
    writeFileSync(join(folder, 'candor.log'), lineOf('known'));
    assert.equal(await context.candor('explain', 'unknown'), 9);
    assert.match(context.stderr.text, /no running gateway: none answers\n {2}.*candor\.log: from/);
    assert.doesNotMatch(context.stderr.text, /log\.format/);
  });

  test('says that a log in the combined format has no ids, and what to set', async () => {
    const log = 'log: { path: app.log, format: combined }\n';
    writeFileSync(join(folder, 'candor.yaml'), `upstreams: { api: "127.0.0.1:3000" }\n${log}`);
    writeFileSync(
      join(folder, 'app.log'),
      '192.0.2.17 - - [21/Nov/2026:08:42:18 +0000] "GET / HTTP/1.1" 502 6 "-" "-"\n',
    );
    assert.equal(await context.candor('explain', 'unknown'), 9);
    const said = context.stderr.text.replaceAll(/\s+/g, ' ');
    assert.match(said, /app\.log: it is in the combined format, which has no request ids;/);
    assert.match(
      said,
      /The lines of `log\.format` in the configuration have neither ids nor causes: with `log\.format: json` they do\./,
    );
  });
});
