import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { stagesOf } from '../../src/diagnose/attempt-stages.ts';
import { jsonEvents, readableEvents } from '../../src/cli/event-lines.ts';
import { renderExplanation } from '../../src/cli/explanation.ts';
import type { VerdictState } from '../../src/core/service-verdict.ts';
import { verdictOf } from '../../src/diagnose/record-verdict.ts';
import { levelOf } from '../../src/core/event-level.ts';
import { elapsedText, alignColumns, durationText, harmless, wrap, harmlessJson } from '../../src/cli/layout.ts';
import { renderStatus, type ShownStatus } from '../../src/cli/status-table.ts';
import type { CertificateStatus, GatewayStatus } from '../../src/core/schemas/status.ts';
import { plain, type Style, styleFor } from '../../src/cli/style.ts';
import type { Event } from '../../src/core/event.ts';
import { explain } from '#failures/failure-texts.ts';
import { fail } from '#failures/failure.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import type { RequestRule } from '#failures/rules.ts';
import { causesOf } from '../fakes/causes.ts';
import { FakeEvents } from '../fakes/fake-gateway.ts';
import { SimulatedClock } from '../../src/testing/testing.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { failedRecord, goodRecord, statusSample } from '../fakes/samples.ts';
import { assertFits, assertGolden } from './golden.ts';

process.env['TZ'] = 'UTC';

test('the status tells the rate of the last seconds where it differs, and how many requests their clients left', () => {
  const lastMinute = { ...statusSample.lastMinute, requestsPerS: 284.2, recentPerS: 589.3, abandoned: 41_320 };
  const text = render({ ...statusSample, lastMinute }, plain);
  const below = '  589 requests/s in the last 10 s, 41320 requests left by clients (58 %)';
  assert.ok(
    text.includes(`  284 requests/s, 142 errors (0.2 %), p50 2.3 ms, p99 42 ms (last minute)\n${below}\n`),
    text,
  );
});

test('the first line of the status says how the gateway serves, and the second one why it does not', () => {
  const quiet = { ...statusSample, incidents: [], lastMinute: { ...statusSample.lastMinute, errors: 0 } };
  const words = {
    failing: 'failing',
    degraded: 'degraded',
    maintenance: 'maintenance',
    idle: 'serving',
    unknown: 'serving',
  };
  for (const [state, word] of Object.entries(words)) {
    const verdict = { state: state as VerdictState, reason: 'because' };
    const [first = '', second = ''] = render({ ...quiet, verdict }, plain).split('\n');
    assert.equal(first, `shop ${word}, up 1 h 2 min, configuration revision 3`);
    assert.match(second, new RegExp(`^  .  ${state}: because$`));
  }
  const ok = { state: 'ok', reason: '' } as const;
  assert.match(render({ ...quiet, verdict: ok }, plain), /^shop serving, up [^\n]*\n  candor 0\.1\.0/);
  assert.match(render({ ...statusSample, state: 'draining' }, plain), /^shop draining, up /);
});

test('a status shows the generation of the state folder, if there is one', () => {
  assert.match(render(statusSample, plain), /pid 4711, generation 3\n/);
  assert.doesNotMatch(render({ ...statusSample, generation: null }, plain), /generation/);
});

test('the status has the last line of an instance that is not ready once', () => {
  const [line] = statusSample.applications.flatMap(({ instances }) => instances).at(-1)?.lastLines ?? [];
  assert.ok(line);
  const saying = (reason: string): string => {
    const applications = statusSample.applications.map((application) => ({
      ...application,
      instances: application.instances.map((one) => (one.lastLines[0] === line ? { ...one, reason } : one)),
    }));
    return render({ ...statusSample, applications }, plain).replaceAll(/\s+/g, ' ');
  };
  assert.equal(saying('no check has come back yet').split(line).length, 2);
  assert.equal(saying(`refused; the application wrote last: "${line}"`).split(line).length, 2);
});

test('the status does not mark an instance that a signal has stopped as well', () => {
  const rowOf = (stopped: object): string => {
    const applications = statusSample.applications.map((application) => ({
      ...application,
      instances: application.instances.map(({ usage, ...one }) => ({
        ...one,
        usage: usage === null ? null : { ...usage, ...stopped },
      })),
    }));
    const text = render({ ...statusSample, applications }, plain);
    return text.split('\n').find((line) => line.includes('web/1')) ?? '';
  };
  assert.match(rowOf({}), /✔ {2}web\/1 {2}ready /);
  assert.match(rowOf({ stoppedPid: 4720 }), /… {2}web\/1 {2}ready /);
  assert.match(rowOf({ stoppedPid: 4720, stoppedPids: [4720] }), /✖ {2}web\/1 {2}stopped by a signal /);
  assert.match(rowOf({}), / for \d/);
  assert.doesNotMatch(rowOf({ stoppedPids: [4720] }), / for \d/, 'since when a signal has stopped it is not known');
});

test('an attempt whose response was followed by more bytes says so', () => {
  const [attempt] = goodRecord.attempts;
  assert.ok(attempt !== undefined);
  const explained = (surplus: object): string =>
    renderExplanation({ ...goodRecord, attempts: [{ ...attempt, ...surplus }] }, plain).replace(/\s+/g, ' ');
  assert.match(explained({ surplus_bytes: 5 }), /The endpoint sent 5 bytes more behind the end of this response; /);
  assert.match(explained({ surplus_bytes: 1 }), /sent 1 byte more behind/);
  assert.doesNotMatch(explained({}), /behind the end/);
});

test('an explanation names the release, and while two run which one it is', () => {
  const shown = (changes: Partial<ExchangeRecord>): string =>
    renderExplanation({ ...failedRecord, ...changes }, plain).replaceAll(/\s+/g, ' ');
  assert.match(shown({ release: 'r6' }), / release r6, configuration revision /);
  assert.match(
    shown({ release: 'r7', arm: 'new', weight: 0.05 }),
    / release r7, the new one of two, with 5 % of the requests, configuration revision /,
  );
});

test('a failed attempt says how much of the bodies had passed', () => {
  const reset = { cause: 'closed_before_response', stage: 'response', evidence: null } as const;
  const [attempt] = goodRecord.attempts;
  assert.ok(attempt !== undefined);
  const explained = (passed: object): string =>
    renderExplanation({ ...goodRecord, attempts: [{ ...attempt, ...reset, ...passed }] }, plain).replace(/\s+/g, ' ');
  assert.match(explained({ bytes_to_endpoint: 1 }), / The connection had taken 1 byte of the request's body\. /);
  assert.match(
    explained({ bytes_to_endpoint: 2000, bytes_from_endpoint: 9 }),
    / had taken 2,?000 bytes of the request's body, and 9 bytes of the response's body had come\. /,
  );
  assert.doesNotMatch(explained({}), /had taken/);
  assert.match(explained({ bytes_from_endpoint: 9 }), / 9 bytes of the response's body had come\. /);
});

test('docs/cli.md shows the status that the command prints', () => {
  const shown = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');
  assert.ok(shown('../../docs/cli.md').includes(shown('golden/status.txt')));
});

function certificateSample(names: readonly string[], from: string, until: string, issuer: string): CertificateStatus {
  return { names, notBefore: `${from}T00:00:00.000Z`, notAfter: `${until}T00:00:00.000Z`, issuer };
}

/** Without an admin API. */
function render(status: GatewayStatus, style: Style): string {
  return renderStatus({ ...status, admin: { socket: null, url: null, certificate: null } }, style);
}

const statusWithTls: ShownStatus = {
  ...statusSample,
  listeners: [
    ...statusSample.listeners,
    {
      ...{ id: 'https', address: '127.0.0.1:8443', state: 'open' },
      certificates: [
        certificateSample(['shop.example.org', 'www.shop.example.org'], '2025-12-01', '2026-03-02', 'R11'),
        certificateSample(
          ['a-long-name.of-a-department.example.org'],
          '2025-12-01',
          '2026-01-14',
          'A Long Authority G2',
        ),
        certificateSample(['soon.example.org'], '2026-02-01', '2027-02-01', 'self-signed'),
        certificateSample(['old.example.org'], '2025-01-01', '2025-12-31', 'R11'),
      ],
    },
  ],
  admin: {
    ...{ socket: '/run/candor/admin.sock', url: 'https://10.0.0.4:9000' },
    certificate: certificateSample(['gw.example.org'], '2025-12-01', '2027-03-02', 'self-signed'),
  },
};

const refusedByGateway = { attempts: [], received_status: null, delivery: 'not_sent', end: 'generated' } as const;

function refusedRecord(rule: RequestRule, status: number): ExchangeRecord {
  const failure = fail('request_refused', 'request', { rule, status, at: '' });
  return {
    ...{ ...goodRecord, ...refusedByGateway, status, shape: 'client_abort', cause: failure.cause },
    ...{ type: 'http_request_error', whose: 'client', stage: 'request', detail: explain(failure) },
    evidence: { rule, status, at: '' },
  };
}

const drainedWebSocket: ExchangeRecord = ((): ExchangeRecord => {
  const failure = fail('drained', 'body', { reason: 'gateway_stopping', what: 'tunnel', retryAfterS: 5 });
  return {
    ...{ ...goodRecord, kind: 'tunnel', status: 101, received_status: 101, shape: 'refused_by_gateway' },
    ...{ cause: failure.cause, type: 'destination_unavailable', whose: 'operator', stage: 'body', end: 'truncated' },
    ...{ detail: explain(failure), evidence: { reason: 'gateway_stopping', what: 'tunnel', retry_after_s: 5 } },
    tunnel: { protocol: 'websocket', how: 'drained', by: 'gateway', close_code: 1001 },
  };
})();

describe('at 80 columns', () => {
  const pictures: [name: string, text: string][] = [
    ['status.txt', renderStatus(statusWithTls, plain)],
    ['explain-failed.txt', renderExplanation(failedRecord, plain)],
    ['explain-good.txt', renderExplanation(goodRecord, plain)],
    [
      'explain-app-error.txt',
      renderExplanation(
        { ...goodRecord, status: 500, received_status: 500, shape: 'app_error', whose: 'application' },
        plain,
      ),
    ],
    ['explain-misdirected.txt', renderExplanation(refusedRecord('misdirected', 421), plain)],
    ['explain-plain-on-tls-port.txt', renderExplanation(refusedRecord('plain-on-tls-port', 400), plain)],
    ['explain-drained-websocket.txt', renderExplanation(drainedWebSocket, plain)],
    [
      'explain-no-attempt.txt',
      renderExplanation(
        {
          ...goodRecord,
          attempts: [],
          status: 503,
          received_status: null,
          shape: 'refused_by_gateway',
          cause: 'maintenance',
          type: 'destination_unavailable',
          whose: 'operator',
          stage: 'route',
          delivery: 'not_sent',
          end: 'generated',
          detail: 'The route is closed for maintenance.',
        },
        plain,
      ),
    ],
  ];
  for (const [name, text] of pictures) {
    test(name, () => {
      assertFits(text);
      assertGolden(name, text);
    });
  }

  test('colours do not change the text, and are absent with NO_COLOR', () => {
    const coloured = new FakeProcessContext('/', { terminal: true });
    const text = render(statusSample, styleFor(coloured.stdout, coloured.env));
    assert.match(text, /\u001b\[/);
    assertFits(text);
    assert.equal(styleFor(coloured.stdout, { NO_COLOR: '1' }), plain);
    assert.equal(styleFor(coloured.stdout, { TERM: 'dumb' }), plain);
    assert.equal(styleFor(new FakeProcessContext('/').stdout, {}), plain);
  });
});

describe('an explanation', () => {
  test('has a verdict for every cause', () => {
    for (const cause of causesOf()) {
      const verdict = verdictOf({ ...failedRecord, cause, detail: null });
      assert.ok(verdict.sentence.length > 3, cause);
      assert.ok(verdict.usualCauses.length > 0 || verdict.nextStep !== null, cause);
    }
  });

  test('of a newer log with an unknown cause prints what the record contains', () => {
    const record = {
      ...failedRecord,
      cause: 'constructor' as 'dns_failed',
      attempts: [{ ...failedRecord.attempts[1]!, cause: 'constructor' as 'dns_failed' }],
    };
    const text = renderExplanation(record, plain);
    assert.match(text, /No response head came/);
    assert.match(text, /✖ constructor/);
  });

  test('prints no control characters from the wire', () => {
    const text = renderExplanation(
      { ...failedRecord, path: '/\u001b[2J\u001b]0;gone\u0007', detail: 'a\rb\u202e' },
      plain,
    );
    assert.doesNotMatch(text, /[\u001b\r\u0007\u202e]/);
  });

  test('shows the stages of a reused connection without a connect stage', () => {
    const stages = stagesOf({ ...failedRecord.attempts[1]!, reused: true });
    assert.deepEqual(
      stages.map(({ name }) => name),
      ['send', 'wait'],
    );
    assert.deepEqual(stages.at(-1), { name: 'wait', fromMs: 1.5, toMs: 2001.6 });
  });
});

describe('layout', () => {
  const ages: [seconds: number, text: string][] = [
    [0, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [3_754, '1 h 2 min'],
    [90_000, '1 d 1 h'],
    [-5, '0 s'],
  ];
  for (const [seconds, text] of ages)
    test(`${seconds} s is printed as ${text}`, () => assert.equal(elapsedText(seconds), text));

  const durations: [ms: number, text: string][] = [
    [0.42, '0.4 ms'],
    [12.4, '12 ms'],
    [999, '999 ms'],
    [2001, '2.00 s'],
  ];
  for (const [ms, text] of durations)
    test(`${ms} ms is printed as ${text}`, () => assert.equal(durationText(ms), text));

  test('lines break between words, and a longer word gets its own line', () => {
    assert.deepEqual(
      wrap(`${'word '.repeat(20)}${'x'.repeat(90)} end`, '  ').map((line) => line.length),
      [76, 26, 92, 5],
    );
  });

  test('columns are aligned by visible width', () => {
    assert.deepEqual(
      alignColumns([
        ['\u001b[31ma\u001b[39m', 'b'],
        ['aaa', 'b'],
      ]),
      ['\u001b[31ma\u001b[39m    b', 'aaa  b'],
    );
  });

  test('control characters become spaces', () => assert.equal(harmless('a\u0000b\u0085c\u001b[31md'), 'a b cd'));

  const hidden: [string, string][] = [
    ['\u001b]0;title\u0007a\u001b]8;;http://x.example\u001b\\b', 'ab'],
    ['\u009d0;title\u009ca\u009b31mb', 'ab'],
    ['\u001b(Ba\u001bPq\u001b\\b', 'ab'],
    ['\u001b\u001b[31m[2Ja', ' [2Ja'],
    ['\u001b]0;without an end', ' ]0;without an end'],
    ['a\u202eb\u200fc\u200bd\ufeffe\u{e0041}f\u2028g', 'a b c d e f g'],
  ];
  for (const [text, shown] of hidden)
    test(`${JSON.stringify(text)} is made harmless for a terminal`, () => assert.equal(harmless(text), shown));

  test('many beginnings of sequences take linear time', () => {
    for (const part of ['\u001b]', '\u001b]a;', '\u001b[0;', '\u009d', '\u001b ']) {
      const from = performance.now();
      harmless(part.repeat(200_000 / part.length));
      harmless(`${part}${part.slice(-1).repeat(200_000)}`);
      assert.ok(performance.now() - from < 500, part);
    }
  });

  test('JSON has no characters that control a terminal, and parses to the same value', () => {
    const value = { text: 'a\u202eb\u009bc\u{e0041}d\u200fe\u001bf\u{1f600}' };
    const text = harmlessJson(value);
    assert.match(text, /^[\u0020-\u007e\u{1f600}]+$/u);
    assert.deepEqual(JSON.parse(text), value);
  });
});

/** The client left while it waited. */
const leftRecord: ExchangeRecord = {
  ...failedRecord,
  status: null,
  shape: 'client_abort',
  cause: 'client_gone',
  whose: 'client',
  detail: 'The client closed its connection before anything was sent to it.',
};

describe('events', () => {
  const events = new FakeEvents('run-1');
  const told: Event[] = [];
  events.subscribe((event) => told.push(event));
  events.tell({
    kind: 'process_started',
    subject: 'gateway',
    reason: 'Candor 0.1.0 started.',
    evidence: { pid: 1, version: '0.1.0', node: '26.10.0' },
  });
  events.tell({
    kind: 'endpoint_state',
    subject: 'endpoint:api/10.0.0.6:3000',
    from: 'healthy',
    to: 'unhealthy',
    reason: 'Three checks failed: connection refused.',
    evidence: { address: '10.0.0.6:3000', check: 'tcp' },
  });
  events.tell({
    kind: 'instance_exited',
    subject: 'instance:web/1',
    from: 'ready',
    to: 'backing_off',
    reason: 'It was killed by SIGKILL.',
    evidence: { pid: 5, code: null, signal: 'SIGKILL', outOfMemory: false, afterMs: 900, output: ['last words'] },
  });
  events.tell({
    kind: 'instance_restarting',
    subject: 'instance:web/1',
    from: 'exited',
    to: 'backing_off',
    reason: 'It was killed by SIGKILL; starts again after 1.8 s (failed 4 times in a row)',
    evidence: { afterMs: 1800, failures: 4 },
  });

  test('for people show time, subject, reason, and the command for more, in 80 columns', () => {
    const context = new FakeProcessContext('/');
    const clock = new SimulatedClock(Date.UTC(2026, 0, 1, 12));
    const writer = readableEvents(context.stdout, context.stderr, plain, 'npx candor explain', clock);
    for (const event of told) writer.event(event);
    writer.failed?.({ ...failedRecord, cause: 'gateway_stopping' }); // The intended answer to a load balancer.
    writer.failed?.(failedRecord);
    writer.failed?.(leftRecord);
    for (let more = 0; more < 39; more += 1) writer.failed?.(failedRecord);
    clock.advanceSync(10_000);
    assertFits(context.stderr.text);
    assertGolden('events.txt', context.stderr.text);
  });

  test('with --json are one object each, with level, kind, time and evidence', () => {
    const context = new FakeProcessContext('/');
    const writer = jsonEvents(context.stdout, context.stderr, () => 0);
    assert.ok(!('failed' in writer) && !('recorded' in writer), 'no record is read for it');
    for (const event of told) writer.event(event);
    const lines = context.stderr.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ level, kind }) => [level, kind]),
      [
        ['info', 'process_started'],
        ['warn', 'endpoint_state'],
        ['error', 'instance_exited'],
        ['warn', 'instance_restarting'],
      ],
    );
    assert.deepEqual(lines[2].evidence.output, ['last words']);
    assert.equal(lines[0].at, '2026-01-01T12:00:01.000Z');
    assert.equal(lines[1].reason, 'Three checks failed: connection refused.');
  });

  test('what applications print has no secret in it, also where its name is in the line before', () => {
    const context = new FakeProcessContext('/');
    const writer = jsonEvents(context.stdout, context.stderr, () => 0);
    const printed = ["  'x-api-key':", "    'c4nary',", "  'Cookie',", "  'c4nary',", 'password: |', '  c4nary', 'end'];
    for (const line of printed)
      for (const stream of ['stdout', 'stderr'] as const) writer.printed('web/1', stream, line, false);
    const shown = ["  'x-api-key':", '…', "  'Cookie',", '…', 'password: |', '…', 'end'];
    assert.equal(context.stdout.text, shown.map((line) => `web/1 | ${line}\n`).join(''));
    assert.doesNotMatch(context.stderr.text, /c4nary/);
  });

  test('with --json summarize failures with their level and number', () => {
    const context = new FakeProcessContext('/');
    const writer = jsonEvents(context.stdout, context.stderr, () => Date.UTC(2026, 0, 1, 12));
    writer.failing({
      cause: 'connect_refused',
      level: 'error',
      subject: 'endpoint:api/10.0.0.6:3000',
      count: 12,
      withinMs: 10_000,
      reason: 'The application refused the connection, 12 times within 10 s',
    });
    assert.deepEqual(JSON.parse(context.stderr.text), {
      level: 'error',
      at: '2026-01-01T12:00:00.000Z',
      kind: 'failures',
      cause: 'connect_refused',
      subject: 'endpoint:api/10.0.0.6:3000',
      count: 12,
      within_ms: 10_000,
      reason: 'The application refused the connection, 12 times within 10 s',
    });
  });

  test('the exit of an instance that was stopped is no error', () => {
    const stopped = { ...told[2]!, from: 'stopping' } as Event;
    assert.equal(levelOf(stopped), 'info');
  });
});

describe('check', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'candor-check-'));
    writeFileSync(
      join(folder, 'bad.yaml'),
      'deploymnt: 7\nlisteners:\n  http: ":99999"\nroutes:\n  - path: api\n    to: nobody\n',
    );
    writeFileSync(join(folder, 'good.yaml'), 'upstreams:\n  api: 127.0.0.1:3000\n');
  });
  after(() => rmSync(folder, { recursive: true }));

  test('shows all errors with line and caret, and ends with 4', async () => {
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor('check', '-c', 'bad.yaml'), 4);
    assertFits(context.stdout.text);
    assertGolden('check.txt', context.stdout.text);
    assert.equal(context.stderr.text, 'bad.yaml has errors and cannot be used.\n');
  });

  test('with --json lists the same errors', async () => {
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor('check', '-c', 'bad.yaml', '--json'), 4);
    const { valid, errors } = JSON.parse(context.stdout.text);
    assert.equal(valid, false);
    assert.ok(errors.length >= 3);
    assert.equal(errors[0].line, 1);
  });

  test('of a valid file ends with 0', async () => {
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor('check', '-c', 'good.yaml'), 0);
    assert.match(context.stdout.text, /good\.yaml is valid/);
  });

  test('tells programs of connections that this machine loses with a worker, and leaves people to the start', async () => {
    const context = new FakeProcessContext(folder);
    context.machine.kernelSetting = () => '0';
    assert.equal(await context.candor('check', '-c', 'good.yaml'), 0);
    assert.equal(context.stderr.text, '');
    assert.equal(await context.candor('check', '-c', 'good.yaml', '--json'), 0);
    const { machine } = JSON.parse(context.stdout.text.slice(context.stdout.text.indexOf('{')));
    assert.equal(machine[0].setting, 'net.ipv4.tcp_migrate_req');
  });

  test('of a missing file prints a sentence and ends with 4', async () => {
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor('check', '-c', 'goood.yaml'), 4);
    assert.match(context.stdout.text, /did you mean "good\.yaml"/);
  });
});
