import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { ApplicationId } from '../core/endpoint.ts';
import {
  type InstanceRecord,
  type InstancesFile,
  instancesBytesMax,
  readInstances,
  writeInstances,
} from './instance-record.ts';
import { runKeyOf } from './supervisor.ts';

const bootId = '5d2b25e3-9e52-478b-8cc2-1be734dcf93d';

const record: InstanceRecord = {
  application: 'web' as ApplicationId,
  number: 2,
  runKey: 'a digest',
  command: ['node', 'server.js'],
  program: {
    process: { pid: 4711, startTicks: '123456', bootId },
    port: 40_001,
    stdout: '/state/output/1-2-3.out',
    stderr: '/state/output/1-2-3.err',
    guarded: true,
    stopMs: 10_000,
    unfinished: { stdout: 'aGFsZg==', stderr: '' },
  },
  phase: 'ready',
  sinceMs: 5,
  ranMs: 100,
  dueInMs: null,
  failures: 1,
  failedStarts: 0,
  restarts: 2,
  readiness: { path: '/up', intervalMs: 100, timeoutMs: 500, passes: 3, startMs: 5_000 },
  restart: { firstMs: 100, maxMs: 10_000, resetAfterMs: 60_000 },
  lines: ['listening', 'with "quotes" and ünïcode'],
  unknownFields: {},
};

const file: InstancesFile = {
  bootId,
  generation: 7,
  handOver: { atUptimeMs: 1_000, graceMs: 30_000 },
  instances: [record],
  unknownFields: {},
};

/** As it would be read by whoever reads JSON. */
const plainOf = (one: InstancesFile) => JSON.parse(writeInstances(one)) as Record<string, unknown>;

function read(text: string): InstancesFile {
  const found = readInstances(text);
  assert.ok(!('why' in found), 'why' in found ? found.why : '');
  return found;
}

test('an upgrade keeps the instances: the digest of the same settings stays the same', () => {
  const { readiness, restart } = record;
  const spec = { id: record.application, command: ['a'], directory: '/', environment: {}, instances: 1, port: null };
  const digest = runKeyOf({ ...spec, stopMs: 1, restart, readiness }, {});
  assert.equal(digest, 'H35QsffVNnjAmUYuELtpMbXkiVhAARN7xnlI_a_y_BE');
});

test('headers of a readiness check may be secrets: they are not written, and a connection is checked in their place', () => {
  const asked = {
    headers: [['Authorization', 'Bearer s3cret']] as const,
    expectBody: 's3cret',
    protocol: 'http2' as const,
  };
  const text = writeInstances({ ...file, instances: [{ ...record, readiness: { ...record.readiness, ...asked } }] });
  assert.doesNotMatch(text, /s3cret/);
  assert.deepEqual(read(text).instances[0]?.readiness, { ...record.readiness, protocol: 'http2', tcp: true });
});

test('a record that was written is read again unchanged', () => {
  for (const one of [file, { ...file, handOver: null }, { ...file, handOver: { atUptimeMs: 0, graceMs: null } }])
    assert.deepEqual(read(writeInstances(one)), one);
});

test('the file has the names that docs and other versions know', () => {
  const plain = plainOf(file);
  assert.deepEqual(Object.keys(plain), ['version', 'boot_id', 'generation', 'hand_over', 'instances']);
  const [instance] = plain['instances'] as Record<string, unknown>[];
  assert.deepEqual(
    [instance?.['pid'], instance?.['start_ticks'], instance?.['port'], instance?.['phase']],
    [4711, '123456', 40_001, 'ready'],
  );
});

test('fields that a later version has added are kept, in the file and in each instance', () => {
  const plain = plainOf(file);
  const [instance] = plain['instances'] as Record<string, unknown>[];
  const later = { ...plain, sealed: true, instances: [{ ...instance, colour: { shade: 'green' } }] };
  const found = read(JSON.stringify(later));
  assert.deepEqual(
    [found.unknownFields, found.instances[0]?.unknownFields],
    [{ sealed: true }, { colour: { shade: 'green' } }],
  );
  const again = plainOf(found);
  assert.deepEqual(again['sealed'], true);
  assert.deepEqual((again['instances'] as Record<string, unknown>[])[0]?.['colour'], { shade: 'green' });
});

const unusable: readonly (readonly [what: string, text: string, why: string])[] = [
  ['nothing', '', 'it is damaged'],
  ['half of it', writeInstances(file).slice(0, 200), 'it is damaged'],
  ['another kind of value', '[]', 'it is damaged'],
  ['a later version', '{"version":2}', 'it is of version 2, not 1'],
  ['no version', '{}', 'it is of version undefined, not 1'],
  ['no list', '{"version":1}', 'it lists no instances'],
];

for (const [what, text, why] of unusable) {
  test(`${what} is not used, and the reason is reported`, () => assert.deepEqual(readInstances(text), { why }));
}

const spoilt: readonly (readonly [what: string, change: Record<string, unknown>])[] = [
  ['no pid', { pid: undefined }],
  ['our own group as pid', { pid: 0 }],
  ['everybody as pid', { pid: 1 }],
  ['a negative pid', { pid: -4711 }],
  ['a fraction', { pid: 4711.5 }],
  ['no start time', { start_ticks: null }],
  ['no pipes', { stdout: null }],
  ['a phase without a program', { phase: 'backing_off' }],
  ['a phase of a later version', { phase: 'resting' }],
  ['a port that is none', { port: 70_000 }],
  ['no readiness', { readiness: {} }],
];

for (const [what, change] of spoilt) {
  test(`an instance with ${what} is left out, and its neighbours are not`, () => {
    const plain = plainOf(file);
    const [instance] = plain['instances'] as Record<string, unknown>[];
    const found = read(JSON.stringify({ ...plain, instances: [{ ...instance, ...change }, instance] }));
    assert.deepEqual(found.instances, [record]);
  });
}

test('reading any content does not throw, and every process that it names may be signalled', () => {
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom(4711, '123456', 'ready', record.readiness, record.restart));
  const plain = plainOf(file);
  const [instance = {}] = plain['instances'] as Record<string, unknown>[];
  const names = Object.keys(instance);
  const change = fc.dictionary(fc.constantFrom(...names), value);
  fc.assert(
    fc.property(change, fc.dictionary(fc.constantFrom(...Object.keys(plain)), value), (inner, outer) => {
      const found = readInstances(JSON.stringify({ ...plain, instances: [{ ...instance, ...inner }], ...outer }));
      if ('why' in found) return;
      for (const { program } of found.instances)
        assert.ok(Number.isInteger(program.process.pid) && program.process.pid > 1);
    }),
    { numRuns: 300 },
  );
  fc.assert(fc.property(fc.string(), (text) => void readInstances(text)));
});

test('a file that would be too large to read again is written without the output lines', () => {
  const lines = Array.from({ length: 200 }, () => 'x'.repeat(4096));
  const instances = Array.from({ length: 20 }, (_, n) => ({ ...record, number: n + 1, lines }));
  const text = writeInstances({ ...file, instances });
  assert.ok(Buffer.byteLength(text) < instancesBytesMax);
  const found = read(text).instances;
  assert.deepEqual([found.length, found[19]?.program.port, found[19]?.lines], [20, 40_001, []]);
});
