import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseRecord } from '../record/parse-record.ts';
import fc from '../../test/properties.ts';
import { LineDivider } from './line-divider.ts';
import { divideLine } from './stored-line.ts';

const golden = readFileSync(new URL('../../test/golden/record-v1.ndjson', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => parseRecord(line).ok);

/** As a worker writes an ordinary success. */
const success = (more: { path?: string; query?: string; client?: string; times?: string; host?: string }): string =>
  `{"v":1,"id":"019aa5d2-5f1c-7c3e-9f0b-000000000001","trace_id":"0af7651916cd43dd8448eb211c80319c","at":"2026-11-22T10:02:18.058Z","process":"k3f9xa","revision":3,"client":{"address":${JSON.stringify(more.client ?? '192.0.2.7')},"port":50312},"host":${JSON.stringify(more.host ?? 'shop.example.org')},"path":${JSON.stringify(more.path ?? '/')}${more.query === undefined ? '' : `,"query":${JSON.stringify(more.query).replaceAll('…', String.raw`\u2026`)}`},"attempts":[{"endpoint":"app/127.0.0.1:3000"${more.times ?? ''}}],"status":200,"bytes_out":6413,"duration_ms":12.3}`;

test('lines are divided as by their JSON, whatever stands in them and before them', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '/a","path":"/b',
      '","port":1',
      'page=…&token=…',
      '\\u2026',
      '\\',
      '"',
      '',
      ',"client":{"address":"',
    ),
  );
  const times = fc.constantFrom(
    '',
    ',"sent_ms":1',
    ',"idle_ms":0.5,"started_ms":1,"head_ms":10.25',
    ',"reused":false',
    ',"cause":null',
  );
  const line = fc.oneof(
    fc.constantFrom(...golden),
    fc
      .record({ path: text, query: text, client: text, host: text, times }, { requiredKeys: [] })
      .map((more) => success(more as Parameters<typeof success>[0])),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const divider = new LineDivider();
      for (const one of [...lines, ...lines]) assert.deepEqual(divider.divide(one), divideLine(one, null));
    }),
  );
});

test('lines of a process that runs get its constants, also those that are like earlier ones', () => {
  const constants = { process: 'k3f9xa', deployment: 'edge', member: 'one', started_at: 'now', version: '1', pid: 1 };
  const divider = new LineDivider();
  assert.deepEqual(divider.divide(success({})), divideLine(success({}), null));
  divider.use(constants);
  for (const path of ['/1', '/2', '/3'])
    assert.deepEqual(divider.divide(success({ path })), divideLine(success({ path }), constants));
});
