import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fail, type Failure } from '#failures/failure.ts';
import { assertRecord, pattern } from './cases.ts';
import { Http2Client, type Http2Line } from './http2-client.ts';
import { type Http1Settings, Http1World } from './http1-world.ts';
import type { WorldOptions } from './world.ts';

// Limits of clients whose streams share a connection: one that reaches a limit loses its stream alone.

function worldOf(options: WorldOptions = {}, settings: Http1Settings = {}): Http1World {
  return new Http1World(options, { clients: 'h2', connectMs: () => 1, ...settings });
}

function lineOf(world: Http1World, name: string): Http2Line {
  return world.http2Lines.get(name) ?? assert.fail(`no line ${name}`);
}

/** Another request on the same connection is served. */
function servesAnother(world: Http1World): void {
  world.endpoint('a').onRequest = (request) => request.answer(200, 'another');
  const other = world.request({}, { connection: 'one' });
  world.pass(50);
  assert.deepEqual([other.status, other.body.toString(), lineOf(world, 'one').goAways], [200, 'another', []]);
}

const rates = { bodyRateMin: 100, writeRateMin: 100_000, rateGraceMs: 1000, bodyMs: 60_000, writeMs: 60_000 };

describe('a stream whose client is slower than the minimum rate', () => {
  it('with the body of its request is answered 408, with the rate in the record, and its connection goes on', () => {
    const world = worldOf({ limits: rates });
    const client = world.request({ method: 'POST', expects: 10_000 }, { connection: 'one' });
    for (let turn = 0; turn < 40 && client.status === 0; turn++) {
      client.write('five!');
      world.pass(100);
    }
    assert.equal(client.status, 408);
    const { failure } = assertRecord(world, { end: 'generated', cause: 'request_body_timeout', status: 408 });
    const tells = failure?.cause === 'request_body_timeout' ? failure.evidence : assert.fail();
    assert.ok((tells.bytesPerS ?? 999) < 100, `${tells.bytesPerS} bytes per second`);
    assert.equal(tells.bytesPerSMin, 100);
    servesAnother(world);
  });

  it('and sends the body of its request just faster is served', () => {
    const world = worldOf({ limits: rates });
    world.endpoint('a').onRequest = (request) => {
      if (request.whole) request.answer(200);
    };
    const client = world.request({ method: 'POST', expects: 1000 }, { connection: 'one' });
    for (let turn = 0; turn < 80; turn++) {
      client.write('twelve bytes');
      world.pass(100);
    }
    assert.equal(client.status, 0, 'no 408');
    client.write('x'.repeat(1000 - 80 * 12));
    world.pass(50);
    world.endpoint('a').arrived[0]?.answer(200);
    world.pass(50);
    assert.equal(client.status, 200);
  });

  it('with the windows for its response is reset, with the rate in the record, and its connection goes on', () => {
    const world = worldOf({ limits: rates });
    const body = pattern(1_000_000);
    world.endpoint('a').onRequest = (request) => request.answer(200, body);
    const client = world.request({}, { connection: 'one' });
    assert.ok(client instanceof Http2Client);
    client.holdWindow();
    world.pass(6000);
    assert.deepEqual([client.state, client.resetBy], ['cut', 8], 'CANCEL is 8');
    const { failure } = assertRecord(world, { end: 'truncated', cause: 'response_not_read' });
    assert.equal(failure?.cause === 'response_not_read' && failure.evidence.bytesPerSMin, 100_000);
    servesAnother(world);
  });
});

describe('a worker that sheds load', () => {
  it('answers new streams 503, finishes those in flight, and closes the connection behind them', () => {
    const overload: { failure: Failure | null } = { failure: null };
    const world = worldOf({}, { overload });
    const early = world.request({ target: '/early' }, { connection: 'one' });
    world.pass(50);
    overload.failure = fail('shed', 'request', { what: 'the memory of a worker', limit: 1, retryAfterS: 5 });
    const late = world.request({ target: '/late' }, { connection: 'one' });
    world.pass(50);
    assert.deepEqual([late.status, late.header('retry-after'), early.state], [503, '5', 'open']);
    assertRecord(world, { end: 'generated', cause: 'shed', status: 503 });
    assert.equal(lineOf(world, 'one').closed, false);
    world.endpoint('a').arrived[0]?.answer(200, 'in flight');
    world.pass(50);
    assert.equal(early.body.toString(), 'in flight');
    assert.deepEqual([lineOf(world, 'one').goAways.map(({ code }) => code), lineOf(world, 'one').closed], [[0], true]);
  });
});
