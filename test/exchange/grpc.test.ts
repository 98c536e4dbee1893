import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { specOf } from '#failures/failure-texts.ts';
import type { Failure } from '#failures/failure.ts';
import { Http1World } from './http1-world.ts';
import { StreamWorld } from './stream-world.ts';
import { shapeOfExchange } from '../../src/record/exchange-shape.ts';
import { assertRecord } from './cases.ts';
import type { ClientActor, World } from './world.ts';

const grpc = { 'content-type': 'application/grpc+proto' };

/** A POST with these headers to an endpoint that is not there. */
function refused(world: World, headers: Readonly<Record<string, string>>): ClientActor {
  world.endpoint('a').accepts = 'refuses';
  const client = world.request({ method: 'POST', headers });
  world.pass(100);
  return client;
}

describe('a gRPC request whose endpoint is not there', () => {
  it('is answered by trailers alone over HTTP/2 where the client said te: trailers', () => {
    const world = new StreamWorld();
    const client = refused(world, { ...grpc, te: 'trailers' });
    assert.deepEqual([client.status, client.body.length], [200, 0]);
    assert.deepEqual([client.header('grpc-status'), client.header('content-type')], ['14', 'application/grpc+proto']);
    assert.equal(assertRecord(world, { end: 'generated', cause: 'connect_refused' }).grpcStatus, 14);
  });

  for (const [what, world, headers] of [
    ['over HTTP/2 without te: trailers', new StreamWorld(), grpc],
    ['over HTTP/1.1', new Http1World(), grpc],
    ['over HTTP/1.1 with TE: trailers', new Http1World(), { ...grpc, connection: 'te', te: 'trailers' }],
  ] as const) {
    it(`is answered 502 as any other ${what}`, () => {
      const client = refused(world, headers);
      assert.deepEqual([client.status, client.header('grpc-status')], [502, null]);
      assert.equal(assertRecord(world, { end: 'generated', cause: 'connect_refused' }).grpcStatus, null);
      assert.match(client.header('proxy-status') ?? '', /error=connection_refused/);
      assert.equal(client.header('content-type'), 'application/problem+json');
    });
  }
});

describe('the deadline of a gRPC client (grpc-timeout)', () => {
  const timed = { ...grpc, te: 'trailers', 'grpc-timeout': '500m' };
  /** A call whose endpoint does not answer. */
  function waiting(world: World, headers: Readonly<Record<string, string>>, passMs = 600): ClientActor {
    const client = world.request({ method: 'POST', headers });
    world.pass(passMs);
    return client;
  }

  it('ends the attempt, answers DEADLINE_EXCEEDED in trailers alone, and is recorded as the limit', () => {
    const world = new StreamWorld();
    const client = waiting(world, timed);
    assert.deepEqual([client.status, client.header('grpc-status'), client.state], [200, '4', 'whole']);
    assert.equal(world.endpoint('a').arrived[0]?.gone, true);
    const { failure, grpcStatus } = assertRecord(world, {
      ...{ end: 'generated', cause: 'exchange_timeout', delivery: 'sent_unknown' },
    });
    assert.equal(grpcStatus, 4);
    assert.deepEqual(failure?.evidence, { address: world.endpoint('a').address, limitMs: 500, setBy: 'client' });
  });

  it("is answered before an endpoint is chosen where it is over at the start, and is the client's", () => {
    const world = new StreamWorld();
    const client = waiting(world, { ...timed, 'grpc-timeout': '0S' }, 5);
    assert.deepEqual([client.status, client.header('grpc-status')], [200, '4']);
    assert.equal(world.endpoint('a').arrived.length, 0);
    const { failure, attempts } = assertRecord(world, {
      end: 'generated',
      cause: 'exchange_timeout',
      delivery: 'not_sent',
    });
    assert.deepEqual(failure?.evidence, { address: null, limitMs: 0, setBy: 'client', overAtStart: true });
    assert.equal(attempts.length, 0);
    assert.equal(specOf(failure as Failure, null).whose, 'client');
  });

  it('ends a call of gRPC-Web over HTTP/1.1', () => {
    const client = waiting(new Http1World(), { 'content-type': 'application/grpc-web', 'grpc-timeout': '500m' });
    assert.deepEqual([client.status, client.header('grpc-status')], [504, null]);
  });

  /** A call whose endpoint begins its response with these headers, and sends no more. */
  function begun(headers: Readonly<Record<string, string>>, length: number | null = null): [World, ClientActor] {
    const world = new StreamWorld();
    world.endpoint('a').onRequest = (request) => {
      request.head(200, length, headers);
      request.write('part');
    };
    return [world, waiting(world, timed)];
  }

  it('ends a response that has begun by trailers of DEADLINE_EXCEEDED', () => {
    const [world, client] = begun(grpc);
    assert.deepEqual([client.state, client.body.toString()], ['whole', 'part']);
    assert.equal(client.trailers?.get('grpc-status'), '4');
    assert.match(client.trailers?.get('grpc-message') ?? '', /took longer/);
    assert.equal(world.endpoint('a').arrived[0]?.gone, true);
    assert.equal(assertRecord(world, { end: 'truncated', cause: 'exchange_timeout' }).grpcStatus, 4);
  });

  for (const [what, headers, length] of [
    ['has a length', grpc, 100],
    ['is not one of gRPC', { 'content-type': 'application/json' }, null],
  ] as const)
    it(`truncates a response that has begun and ${what}`, () => {
      const [world, client] = begun(headers, length);
      assert.equal(client.state, 'cut');
      assertRecord(world, { end: 'truncated', cause: 'exchange_timeout' });
    });

  for (const [exchangeMs, limitMs, setBy] of [
    [200, 200, undefined],
    [500, 500, undefined],
    [800, 500, 'client'],
  ] as const)
    it(`holds together with the limit of the route: ${exchangeMs} ms gives ${limitMs}`, () => {
      const world = new StreamWorld({ timeouts: { exchangeMs } });
      waiting(world, timed, 1000);
      const { failure } = assertRecord(world, { end: 'generated', cause: 'exchange_timeout' });
      const evidence = failure?.cause === 'exchange_timeout' ? failure.evidence : null;
      assert.deepEqual([evidence?.limitMs, evidence?.setBy], [limitMs, setBy]);
    });

  for (const [why, headers] of [
    ['it is malformed', { ...timed, 'grpc-timeout': '500' }],
    ['the request is not one of gRPC', { ...timed, 'content-type': 'application/json' }],
  ] as const)
    it(`limits nothing where ${why}`, () => {
      const world = new StreamWorld();
      const client = waiting(world, headers);
      assert.equal(client.status, 0);
      world.endpoint('a').arrived[0]?.answer(200, 'late', headers);
      world.pass(100);
      assert.deepEqual(
        [client.status, world.endpoint('a').arrived[0]?.header('grpc-timeout')],
        [200, headers['grpc-timeout']],
      );
    });
});

describe("an application's own gRPC status", () => {
  for (const [status, shape] of [
    ['0', 'none'],
    ['5', 'none'],
    ['14', 'app_error'],
  ] as const)
    it(`of ${status} gives its exchange the shape ${shape}, as a 5xx would`, () => {
      const world = new StreamWorld();
      world.endpoint('a').onRequest = (request) => {
        request.head(200, null, grpc);
        request.end({ 'grpc-status': status });
      };
      world.request({ method: 'POST', headers: { ...grpc, te: 'trailers' } });
      world.pass(100);
      const record = assertRecord(world, { end: 'forwarded' });
      assert.deepEqual([record.grpcStatus, shapeOfExchange(record)], [Number(status), shape]);
    });
});
