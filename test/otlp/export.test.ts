import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from '../gateway/raw-origin.ts';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { attributesOf, TestCollector } from './collector.ts';

// A gateway exports to a collector that validates each request by the schema of OTLP.

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const caller = '00f067aa0ba902b7';

let origin: RawOrigin;
let collector: TestCollector;
let edge: YamlGateway;

const yaml = (format: string): string => `
upstreams:
  app: { endpoints: "${origin.address}", check: none }
  gone: { endpoints: "127.0.0.1:1", check: none }
routes: [{ path: /gone, to: gone, id: gone }, { to: app, id: app }]
otlp:
  endpoint: ${collector.url}
  format: ${format}
  headers: { x-account: secret-of-the-account }
  resource: { deployment.environment.name: test }
  logs: all
  metrics: { interval: 200ms }
`;

before(async () => {
  origin = await RawOrigin.start(() => ok('here'));
  collector = await TestCollector.start();
  edge = await startFromYaml(yaml('protobuf'));
});
after(async () => {
  await edge.stop();
  await collector.close();
  await origin.close();
});

const spansOf = (requestId: string | null) => {
  const server = collector.spans.find((span) => attributesOf(span.attributes)['candor.request.id'] === requestId);
  const attempts = collector.spans.filter(
    (span) => span.parentSpanId !== undefined && span.parentSpanId === server?.spanId,
  );
  return { server, attempts };
};

test('an exchange becomes a span of its trace with a span for the attempt, which the application is told as its parent', async () => {
  const response = await edge.get('/products/7?token=abc', [`traceparent: 00-${trace}-${caller}-01`]);
  const sent = origin.last.headers.find(([name]) => name.toLowerCase() === 'traceparent')?.[1] ?? '';
  const id = headerOf(response, 'x-request-id');
  await until('the spans have come', () => spansOf(id).attempts.length === 1);
  const { server, attempts } = spansOf(id);
  const [attempt] = attempts;
  assert.ok(server !== undefined && attempt !== undefined);
  assert.deepEqual(
    [server.traceId, server.parentSpanId, server.name, server.kind, attempt.traceId, attempt.kind],
    [trace, caller, 'GET app', 2, trace, 3],
  );
  assert.equal(sent, `00-${trace}-${attempt.spanId}-01`);
  assert.equal(server.status, undefined);
  const attributes = attributesOf(server.attributes);
  assert.equal(attributes['http.response.status_code'], '200');
  assert.equal(attributes['url.path'], '/products/7');
  assert.equal(attributes['url.query'], 'token=…');
  assert.equal(attributes['candor.shape'], 'none');
  assert.equal(attributesOf(attempt.attributes)['server.port'], String(origin.port));
  assert.ok(BigInt(attempt.startTimeUnixNano) >= BigInt(server.startTimeUnixNano));
  assert.ok(BigInt(server.endTimeUnixNano) >= BigInt(server.startTimeUnixNano));
  const resource = attributesOf(server.resource.attributes);
  assert.equal(resource['service.name'], 'edge.test');
  assert.equal(resource['deployment.environment.name'], 'test');
});

test('a request without a trace begins one, which its record has too', async () => {
  const response = await edge.get('/begun');
  const { trace_id } = await edge.record(response);
  assert.match(trace_id ?? '', /^[0-9a-f]{32}$/);
  const sent = origin.last.headers.find(([name]) => name.toLowerCase() === 'traceparent')?.[1] ?? '';
  assert.ok(sent.startsWith(`00-${trace_id}-`) && sent.endsWith('-01'), sent);
  await until('the span has come', () => spansOf(headerOf(response, 'x-request-id')).server !== undefined);
  assert.equal(spansOf(headerOf(response, 'x-request-id')).server?.parentSpanId, undefined);
});

test('a failure of a trace that its caller does not sample is exported with what failed; a success is not', async () => {
  const success = await edge.get('/unsampled', [`traceparent: 00-${trace}-${caller}-00`]);
  const failure = await edge.get('/gone/x', [`traceparent: 00-${trace}-${caller}-00`]);
  const id = headerOf(failure, 'x-request-id');
  await until('the failure has come', () => spansOf(id).server !== undefined);
  const { server, attempts } = spansOf(id);
  assert.equal(server?.status?.code, 2);
  assert.match(server?.status?.message ?? '', /127\.0\.0\.1:1/);
  const attributes = attributesOf(server?.attributes ?? []);
  assert.deepEqual(
    ['error.type', 'candor.shape', 'candor.whose', 'candor.delivery'].map((name) => attributes[name]),
    ['connect_refused', 'unreachable', 'application', 'not_sent'],
  );
  assert.ok(attempts.length >= 1);
  assert.ok(attempts.every(({ status }) => status?.code === 2));
  assert.equal(spansOf(headerOf(success, 'x-request-id')).server, undefined);
});

test('each record becomes a log record of its trace, and events do too', async () => {
  const response = await edge.get('/gone/y', [`traceparent: 00-${trace}-${caller}-01`]);
  const id = headerOf(response, 'x-request-id');
  const found = () => collector.logRecords.find((one) => attributesOf(one.attributes)['candor.request.id'] === id);
  await until('the log record has come', () => found() !== undefined);
  const record = await edge.record(response);
  assert.deepEqual(
    [found()?.severityText, found()?.eventName, found()?.traceId, found()?.spanId, found()?.body],
    ['ERROR', 'candor.exchange', trace, spansOf(id).server?.spanId, { stringValue: record.detail }],
  );
  await until('an event has come', () =>
    collector.logRecords.some(({ eventName }) => eventName === 'candor.listener_opened'),
  );
});

test('the metrics of the admin API are exported under the same names', async () => {
  const named = (name: string) => collector.metrics.find((metric) => metric.name === name);
  await until('metrics have come', () => named('candor_stage_duration_seconds') !== undefined);
  assert.equal(named('candor_exchanges')?.sum?.isMonotonic, true);
  assert.ok(named('candor_uptime_seconds')?.gauge !== undefined);
  const stages =
    collector.metrics.findLast(({ name }) => name === 'candor_stage_duration_seconds')?.histogram?.dataPoints ?? [];
  assert.ok(stages.length > 0);
  for (const { bucketCounts, explicitBounds, count } of stages) {
    assert.equal(bucketCounts.length, explicitBounds.length + 1);
    assert.equal(
      bucketCounts.reduce((sum, one) => sum + BigInt(one), 0n),
      BigInt(count),
    );
  }
});

test('after a reload to JSON requests are still those of the schema, and headers go with each', async () => {
  const outcome = await edge.reload(yaml('json'));
  assert.equal(outcome.ok, true);
  const response = await edge.get('/json');
  const id = headerOf(response, 'x-request-id');
  await until('the span has come', () => spansOf(id).server !== undefined);
  assert.ok(collector.requests.some(({ headers }) => headers['content-type'] === 'application/json'));
  assert.ok(collector.requests.every(({ headers }) => headers['x-account'] === 'secret-of-the-account'));
});

for (const format of ['protobuf', 'json'])
  test(`after a reload to gzip and a header from a file requests are still those of the schema, in ${format}`, async () => {
    await writeFile(join(edge.folder, 'account.key'), 'secret-of-the-file\n', { mode: 0o600 });
    const outcome = await edge.reload(`${yaml(format)}  compression: gzip\n  header_files: { x-file: account.key }\n`);
    assert.equal(outcome.ok, true);
    const id = headerOf(await edge.get('/compressed'), 'x-request-id');
    await until('the span has come', () => spansOf(id).server !== undefined);
    const { headers } = collector.requests.findLast(({ signal }) => signal === 'traces') ?? {};
    assert.deepEqual(
      [headers?.['content-encoding'], headers?.['x-file'], headers?.['content-type']],
      ['gzip', 'secret-of-the-file', format === 'json' ? 'application/json' : 'application/x-protobuf'],
    );
    const seen = JSON.stringify([edge.gateway.status(), edge.events, await edge.gateway.findExchange(id ?? '')]);
    assert.ok(!/secret-of-the/.test(seen), 'no status, event or record has a value of a header');
  });

test('what the collector does not take is counted, and is a problem of the status until it takes it again', async () => {
  collector.answer = (_, reply) =>
    reply.writeHead(400, { 'content-type': 'application/json' }).end('{"message":"no room"}');
  await edge.get('/refused');
  await until('the event', () => edge.eventsOf('otlp_failing').some(({ to }) => to === 'failing'));
  assert.match(edge.eventsOf('otlp_failing')[0]?.reason ?? '', /it answered 400: no room/);
  assert.ok(edge.gateway.status().problems.some(({ kind }) => kind === 'otlp_failing'));
  collector.answer = (_, reply) => reply.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  await edge.get('/taken');
  await until('it is over', () => edge.eventsOf('otlp_failing').at(-1)?.to === 'exporting');
  assert.deepEqual(edge.gateway.status().problems, []);
  const { otlp } = edge.gateway.counts();
  const dropped = otlp.flatMap(({ dropped: reasons }) => reasons).filter(({ reason }) => reason === 'refused');
  assert.ok(dropped.some(({ count }) => count > 0));
});

test('what the collector rejects of a request is counted, and the status has its words', async () => {
  collector.answer = (signal, reply) => {
    const partialSuccess = { rejectedSpans: '1', errorMessage: 'too old' };
    const body = signal === 'traces' ? { partialSuccess } : { partialSuccess: null };
    reply.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const signal = (name: string) => edge.gateway.status().otlp?.signals.find((one) => one.signal === name);
  await edge.get('/rejected');
  await until('it is counted', () => (signal('traces')?.lastRejection ?? null) !== null);
  assert.equal(signal('traces')?.lastRejection?.message, 'too old');
  assert.ok((signal('traces')?.dropped.find(({ reason }) => reason === 'rejected')?.count ?? 0) >= 1);
  assert.equal(signal('logs')?.lastRejection, null);
  assert.ok(!edge.gateway.status().problems.some(({ kind }) => kind === 'otlp_failing'));
  collector.answer = (_, reply) => reply.writeHead(200, { 'content-type': 'application/json' }).end('{}');
});

test('what waits when the gateway stops is sent', async () => {
  const stopped = await startFromYaml(yaml('protobuf'));
  const id = headerOf(await stopped.get('/last'), 'x-request-id');
  await stopped.stop();
  assert.ok(spansOf(id).server !== undefined);
  assert.deepEqual(stopped.eventsOf('otlp_lost'), []);
});

test('no request was other than the schema says', () => {
  assert.deepEqual(collector.problems, []);
});
