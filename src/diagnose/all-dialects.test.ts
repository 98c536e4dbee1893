import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { failureTable } from '#failures/failure-table.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { expandedRecord, type RecordFields } from '../core/record-defaults.ts';
import { proxyErrors } from '#failures/proxy-error.ts';
import type { Finding } from '#explain/finding.ts';
import { assertSurvives } from '#explain/mutated-lines.test-support.ts';
import { ByteLog, LogExplainer } from './diagnose.ts';
import { candorDialects } from './all-dialects.ts';

const golden = (name: string): string[] =>
  readFileSync(new URL(`../../test/golden/${name}`, import.meta.url), 'utf8')
    .trim()
    .split('\n');

const records = golden('record-v1.ndjson');

const processLine =
  '{"v":1,"kind":"process","process":"k3f9xa","at":"2026-11-21T08:00:00.000Z","deployment":"shop","member":"gw-1","started_at":"2026-11-20T22:15:00.000Z","version":"0.1.0","pid":4711}';

function read(line: string): Finding | null {
  return (
    candorDialects
      .find((dialect) => dialect.recognise(line) === 2)
      ?.open()
      .read(line) ?? null
  );
}

function changed(fields: object): string {
  return JSON.stringify({ ...(JSON.parse(records[3] as string) as object), ...fields });
}

describe("Candor's own log", () => {
  for (const line of records) {
    const record = expandedRecord(JSON.parse(line) as RecordFields) as unknown as ExchangeRecord;
    it(`reports the same as the record: ${record.cause ?? record.shape}`, () => {
      const finding = read(line);
      assert.equal(finding?.gateway, 'candor');
      assert.equal(finding.shape, record.shape);
      assert.equal(finding.type, record.type);
      assert.equal(finding.atMs, Date.parse(record.at));
      if (record.shape === 'none') return assert.equal(finding.sentence, '');
      assert.equal(finding.stage, record.stage);
      assert.equal(finding.whose, record.whose);
      assert.ok(finding.evidence.includes(`"shape":"${record.shape}"`));
      if (record.detail !== null) assert.equal(finding.sentence, record.detail);
      assert.match(finding.fix?.snippet ?? '', /^candor explain /);
      return undefined;
    });
  }

  it('says what to do about the rule that a request broke, and about evidence that is none', () => {
    const refused = { cause: 'request_refused', shape: 'client_abort', stage: 'request', detail: 'x', attempts: [] };
    const fixOf = (evidence: unknown): string => read(changed({ ...refused, evidence }))?.fix?.text ?? '';
    assert.match(fixOf({ rule: 'misdirected', status: 421, at: '' }), /proxy_ssl_server_name/);
    for (const odd of [undefined, null, 7, 'x', {}, { rule: 'toString' }, { rule: 'of another version' }])
      assert.match(fixOf(odd), /docs\/failures\.md/, JSON.stringify(odd));
  });

  it('knows a fix for every cause of the failure table', () => {
    for (const [cause, { type }] of Object.entries(failureTable)) {
      const shape = type === null ? 'client_abort' : proxyErrors[type].shape;
      const finding = read(changed({ cause, type, shape, detail: null, attempts: [] }));
      assert.equal(finding?.type, type);
      assert.notEqual(finding?.sentence, '', cause);
      assert.notEqual(finding?.fix?.text ?? '', '', cause);
    }
  });

  it('reads the known members of a record of a later version', () => {
    const finding = read(
      changed({ v: 2, cause: 'a_new_cause', type: 'a_new_type', shape: 'a_new_shape', detail: null, more: {} }),
    );
    assert.equal(finding?.shape, 'unknown');
    assert.equal(finding?.type, null);
    assert.notEqual(finding?.fix, null);
  });

  it('puts no text of a record into a command that people copy', () => {
    const { fix = null } =
      read(
        '{"v":1,"kind":"exchange","id":"`id`; rm x","deployment":"d","at":"2026-11-21T10:00:00.000Z","shape":"unreachable","cause":"connect_refused","status":502}',
      ) ?? {};
    assert.match(fix?.snippet ?? '', /^candor explain /);
    assert.doesNotMatch(`${fix?.text} ${fix?.snippet}`, /id`|\$\(|rm x/);
  });

  it('gives the same report by the fast path as by the slow one', () => {
    const bytes = new TextEncoder().encode([...records, ...records, ...golden('lost-v1.ndjson')].join('\n'));
    const reportOf = (options: ConstructorParameters<typeof ByteLog>[0]): unknown => {
      const log = new ByteLog(options);
      log.push(bytes);
      return log.end();
    };
    assert.deepEqual(reportOf({}), reportOf({ onLine: () => {} }));
  });

  it('says which record lost the members that decide', () => {
    const finding = read('{"v":1,"id":"0192","at":"2026-11-21T08:42:18.007Z","shape":null}');
    assert.equal(finding?.shape, 'unknown');
    assert.deepEqual(finding?.evidence, ['"id":"0192"']);
  });

  it('takes the lines of the control plane, and lost workers, for events', () => {
    const event =
      '{"level":"error","at":"2026-11-21T10:00:00.000Z","epoch":"e","seq":7,"kind":"instance_exited","member":"gw-1","subject":"instance:shop/1","evidence":{"pid":4711},"actor":"gateway","reason":"The instance was killed by SIGKILL."}';
    const failures =
      '{"level":"warn","at":"2026-11-21T10:00:00.000Z","kind":"failures","cause":"connect_refused","subject":"endpoint:shop/127.0.0.1:3000","count":3,"withinMs":10000,"reason":"The application refused the connection, 3 times within 10 s"}';
    for (const line of [event, failures, ...golden('lost-v1.ndjson'), processLine]) {
      const finding = read(line);
      assert.equal(finding?.kind, 'event');
      assert.equal(finding?.shape, 'none');
      assert.notEqual(finding?.evidence.length, 0);
    }
    assert.equal(read(failures)?.upstream, 'shop/127.0.0.1:3000');
  });

  it('reads any line without throwing', () => {
    assertSurvives(candorDialects, [...records, ...golden('lost-v1.ndjson'), processLine]);
    for (const attempts of ['x', [1], [{ cause: 'connect_refused', evidence: 7, stage: 1, exit: 3 }], [null]])
      assert.equal(read(changed({ attempts }))?.shape, 'unreachable');
  });
});

it('recognises a record after a line of any other gateway', () => {
  const explainer = new LogExplainer();
  const nginx =
    '{"remote_addr":"192.0.2.17","status":"502","upstream_addr":"10.0.0.4:80","upstream_status":"502","request_time":"0.001"}';
  for (const line of records) {
    assert.equal(explainer.read(nginx)?.gateway, 'nginx');
    assert.equal(explainer.read(line)?.gateway, 'candor');
  }
});
