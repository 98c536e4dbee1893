import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '#failures/failure.ts';
import { OtlpSampler } from './otlp-sampler.ts';
import { createRecordRing, createWakeWord, RecordRingReader, RecordRingWriter } from './record-ring.ts';
import { failedExchange, sampleExchange } from './sample-exchange.test-support.ts';
import { RecordWriter } from './write-record.ts';

const spanId = '00f067aa0ba902b7';
const of = (flags: string, parentId = '') => sampleExchange({ span: { spanId, parentId, flags } });
const ring = (): RecordRingWriter => new RecordRingWriter(createRecordRing(createWakeWord()));

const cases = [
  ['a sampled success is a span', { share: 1, logs: 'failed' }, of('01'), false, `S ${spanId} - 01 `],
  [
    'its caller is named',
    { share: 1, logs: 'none' },
    of('03', 'b7ad6b7169203331'),
    false,
    `S ${spanId} b7ad6b7169203331 03 `,
  ],
  ['a success that is not sampled is none', { share: 1, logs: 'failed' }, of('00'), false, ''],
  ['other flags sample nothing', { share: 1, logs: 'none' }, of('fe'), false, ''],
  ['a failure is one in any case', { share: 0.01, logs: 'none' }, of('00'), true, `S ${spanId} - 00 `],
  ['failures are log records too', { share: 1, logs: 'failed' }, of('00'), true, `SL ${spanId} - 00 `],
  ['all are log records', { share: 1, logs: 'all' }, of('00'), false, `L ${spanId} - 00 `],
  ['without spans failures are log records', { share: null, logs: 'failed' }, sampleExchange(), true, 'L - - 00 '],
  ['without spans and log records there is nothing', { share: null, logs: 'none' }, sampleExchange(), true, ''],
] as const;

for (const [promise, selection, exchange, hasFailed, beginning] of cases)
  test(promise, () => assert.equal(new OtlpSampler(ring(), selection).choose(exchange, hasFailed), beginning));

test('an exported line is the line of the log behind its beginning, of an ordinary success and of a failure', () => {
  const exportedRing = createRecordRing(createWakeWord());
  const logRing = createRecordRing(createWakeWord());
  const exported = new OtlpSampler(new RecordRingWriter(exportedRing), { share: 1, logs: 'none' });
  const writer = new RecordWriter({
    ...{ deployment: 'edge', member: 'one', processStartedUnixMs: 0, processKey: 'k3f9xa', worker: 1 },
    ...{ queryAllowed: [], secretHeaders: [], ring: new RecordRingWriter(logRing), exported },
  });
  const span = { spanId, parentId: '', flags: '01' };
  writer.write(of('01'));
  writer.write(of('00'));
  writer.write({ ...failedExchange(fail('connect_refused', 'connect', { address: '127.0.0.1:3000' }), 502), span });
  const linesOf = (memory: typeof logRing): string[] =>
    new RecordRingReader(memory).take().flatMap(({ bytes }) => bytes.toString('latin1').trimEnd().split('\n'));
  const [first, , third] = linesOf(logRing);
  assert.deepEqual(linesOf(exportedRing), [`S ${spanId} - 01 ${first}`, `S ${spanId} - 01 ${third}`]);
});

test('a line that does not fit is counted, and disturbs nothing', () => {
  const memory = createRecordRing(createWakeWord(), { linesBytes: 1024, failuresBytes: 0 });
  const writer = new RecordRingWriter(memory);
  const sampler = new OtlpSampler(writer, { share: 1, logs: 'none' });
  for (let n = 0; n < 3; n += 1) sampler.passBytes('S - - 01 ', Buffer.from(`${'x'.repeat(400)}\n`));
  sampler.pass('S - - 01 ', `${'x'.repeat(400)}\n`);
  assert.equal(writer.dropped, 2);
});
