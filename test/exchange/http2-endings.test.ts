import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explain } from '#failures/failure-texts.ts';
import { fail } from '#failures/failure.ts';
import { after, type Clock } from '../../src/core/time.ts';
import { Http2ClientConnection } from '../../src/downstream/h2/connection.ts';
import { assertRecord, unbuffered } from './cases.ts';
import { Http2Client, type Http2Line } from './http2-client.ts';
import { Http1Arrived, Http1World } from './http1-world.ts';
import { defaultLimits, type WorldOptions } from './world.ts';
import {
  data,
  errorOf,
  flags,
  framesOf,
  headersFrame,
  preface,
  requestHeaders,
  type SeenFrame,
  setting,
  settings,
  types,
} from '../http2/frames.ts';

function world(connectMs = 1, options: WorldOptions = {}): Http1World {
  return new Http1World(options, { clients: 'h2', connectMs: () => connectMs });
}

function lineOf(one: Http1World, name: string): Http2Line {
  return one.http2Lines.get(name) ?? assert.fail(`no line ${name}`);
}

describe('a request over HTTP/2 whose body ends', () => {
  it('without a byte before its endpoint is connected is complete for the endpoint', () => {
    const one = world(20);
    const client = one.request({ method: 'POST', expects: 'chunked' });
    one.pass(1);
    client.end();
    one.pass(30);
    const [arrived] = one.endpoint('a').arrived;
    assert.equal(arrived?.whole, true);
    arrived?.answer(200, 'empty');
    one.pass(10);
    assert.deepEqual([client.state, client.body.toString()], ['whole', 'empty']);
    one.verifyAtRest();
  });

  it('with trailers alone before its endpoint is connected is complete, with them', () => {
    const one = world(20);
    const client = one.request({ method: 'POST', expects: 'chunked' });
    client.end({ 'x-sum': '1' });
    one.pass(30);
    const [arrived] = one.endpoint('a').arrived;
    assert.deepEqual([arrived?.whole, arrived?.trailers.get('x-sum')], [true, '1']);
    arrived?.answer(200);
    one.pass(10);
    assert.equal(client.state, 'whole');
    one.verifyAtRest();
  });

  for (const [what, announced, body] of [
    ['too early', '100', 'short'],
    ['too late', '3', 'much too long'],
  ] as const)
    it(`${what} is answered with the rule, and recorded`, () => {
      const one = world();
      const client = one.request({ method: 'POST', expects: 'chunked', headers: { 'content-length': announced } });
      one.pass(10);
      client.write(body);
      client.end();
      one.pass(50);
      assert.deepEqual([client.status, client.state], [400, 'whole']);
      assert.match(client.body.toString(), /Content-Length/);
      assertRecord(one, { end: 'generated', cause: 'request_refused', status: 400 });
      one.verifyAtRest();
    });

  it('wrongly is an error of its stream, behind the whole answer (RFC 9113 §8.1.1)', () => {
    const one = world();
    const { frames, send } = rawClient(one);
    send(
      headersFrame(1, requestHeaders({ ':method': 'POST' }, [['content-length', '9']]), false),
      data(1, 'short', true),
    );
    one.pass(50);
    const seen = frames().filter(({ streamId }) => streamId === 1);
    assert.deepEqual(
      seen.map(({ type, flags: set }) => [type, set & flags.endStream]),
      [
        [types.headers, 0],
        [types.data, flags.endStream],
        [types.rstStream, 0],
      ],
    );
    assert.equal(errorOf(seen.at(-1) as SeenFrame), 'PROTOCOL_ERROR');
    const { failure } = assertRecord(one, { end: 'generated', cause: 'request_refused', status: 400 });
    assert.equal(failure?.cause === 'request_refused' ? failure.evidence.code : null, 'PROTOCOL_ERROR');
    one.verifyAtRest();
  });

  it('wrongly is reset in time, also where the answer waits for a window that the client does not open', () => {
    const one = world();
    const { frames, send } = rawClient(one, setting(4, 0));
    send(headersFrame(1, requestHeaders({}, [['A', 'b']])));
    one.pass(50);
    const of = (streamId: number): SeenFrame[] => frames().filter((frame) => frame.streamId === streamId);
    assert.deepEqual(
      of(1).map(({ type }) => type),
      [types.headers],
    );
    one.pass(defaultLimits.writeMs + 2000);
    assert.deepEqual(
      of(1).map(({ type }) => type),
      [types.headers, types.rstStream],
    );
    assert.equal(errorOf(of(1).at(-1) as SeenFrame), 'PROTOCOL_ERROR');
    assertRecord(one, { end: 'truncated', cause: 'response_not_read', status: 400 });
    one.verifyAtRest();
  });

  it('wrongly behind the beginning of the response cuts the response, and is recorded', () => {
    const one = world(1, unbuffered);
    const client = one.request({ method: 'POST', expects: 'chunked', headers: { 'content-length': '100' } });
    one.pass(10);
    one.endpoint('a').arrived[0]?.head(200, null);
    one.endpoint('a').arrived[0]?.write('begun');
    one.pass(100);
    client.write('short');
    client.end();
    one.pass(50);
    assert.deepEqual([client.status, client.state], [200, 'cut']);
    assert.equal(one.records.length, 1);
    one.verifyAtRest();
  });
});

describe('what comes in one read with the head of a request', () => {
  const refused = { end: 'generated', cause: 'request_refused', status: 400 } as const;
  for (const [what, announced, body] of [
    ['too little content', '100', 'short'],
    ['too much content', '3', 'much too long'],
    ['no content, where some is announced', '3', ''],
  ] as const)
    it(`is judged with it: an endpoint gets no request with ${what}`, () => {
      const one = world();
      const client = one.request({ method: 'POST', expects: 'chunked', headers: { 'content-length': announced } });
      if (body !== '') client.write(body);
      client.end();
      one.pass(50);
      assert.deepEqual([client.status, client.state, one.endpoint('a').arrived.length], [400, 'whole', 0]);
      assertRecord(one, refused);
      one.verifyAtRest();
    });

  it('is judged with it: an endpoint gets no request that its client resets', () => {
    const one = world();
    const line = one.request({}, { connection: 'one' });
    lineOf(one, 'one').session.eachStream((stream) => lineOf(one, 'one').session.reset(stream, 'CANCEL'));
    one.pass(50);
    assert.deepEqual([line.status, one.endpoint('a').arrived.length], [0, 0]);
    assertRecord(one, { end: 'abandoned', cause: 'client_gone' });
    one.verifyAtRest();
  });

  it('is judged with it while the gateway drains: an endpoint gets no request whose reset ends the connection', () => {
    const one = world();
    one.endpoint('a').onRequest = (request) => request.answer(200);
    one.request({}, { connection: 'one' });
    one.pass(50);
    const connection = one.gatewayEnds[0]?.listener;
    assert.ok(connection instanceof Http2ClientConnection);
    connection.announceClose();
    one.request({}, { connection: 'one' });
    const { session } = lineOf(one, 'one');
    session.sender.writer.ping(true, Buffer.alloc(8), 0);
    session.eachStream((stream) => session.reset(stream, 'CANCEL'));
    session.sender.flush();
    one.pass(50);
    assert.deepEqual([lineOf(one, 'one').closed, one.endpoint('a').arrived.length], [true, 1]);
    const [, reset] = one.records;
    assert.deepEqual([reset?.endKind, reset?.failure?.cause, reset?.attempts], ['abandoned', 'client_gone', []]);
    one.pass(3000);
    one.verifyAtRest();
  });

  it('is forwarded with it', () => {
    const one = world();
    one.endpoint('a').onRequest = (request) => request.answer(200, 'thanks');
    const client = one.request({ method: 'POST', body: 'whole' });
    one.pass(50);
    assert.deepEqual([client.status, client.body.toString()], [200, 'thanks']);
    assert.equal(one.endpoint('a').arrived[0]?.body.toString(), 'whole');
    one.verifyAtRest();
  });
});

describe('a client that ends its HTTP/2 connection', () => {
  it('some time after its request has left: the exchange ends at once', () => {
    const one = world();
    one.endpoint('a').onRequest = () => {};
    one.request({}, { connection: 'one' });
    one.pass(100);
    lineOf(one, 'one').transport.end();
    one.pass(20);
    assert.equal(one.endpoint('a').arrived[0]?.gone, true);
    assertRecord(one, { end: 'abandoned', cause: 'client_gone' });
    one.verifyAtRest();
  });

  it('right behind its request has left too: it could open no window and answer no PING', () => {
    const one = world();
    one.endpoint('a').onRequest = () => {};
    one.request({}, { connection: 'one' });
    one.pass(0);
    lineOf(one, 'one').transport.end();
    one.pass(20);
    assertRecord(one, { end: 'abandoned', cause: 'client_gone' });
    assert.notEqual(one.endpoint('a').arrived[0]?.gone, false);
    one.verifyAtRest();
  });

  for (const [what, close] of [
    ['by FIN', (line: Http2Line) => line.transport.end()],
    ['by RST', (line: Http2Line) => line.transport.close('reset')],
  ] as const)
    it(`${what} leaves all of its requests but one behind, which are counted, and told where its address waits for it`, () => {
      const counted: (readonly [string, number])[] = [];
      const noteAbandoned = (address: string, count: number): number => (counted.push([address, count]) > 1 ? 250 : 0);
      const one = new Http1World({}, { clients: 'h2', noteAbandoned });
      one.endpoint('a').onRequest = () => {};
      for (const [connection, requests] of Object.entries({ first: 5, single: 1, next: 3 })) {
        for (let count = 0; count < requests; count++) one.request({}, { connection, address: '192.0.2.7' });
        one.pass(100);
        close(lineOf(one, connection));
        one.pass(20);
      }
      assert.deepEqual(counted, [
        ['192.0.2.7', 4],
        ['192.0.2.7', 2],
      ]);
      assert.deepEqual(one.http2Limits, ['abandoned 250']);
      one.verifyAtRest();
    });
});

/** RST_STREAM has 4 bytes (RFC 9113 §6.4). */
const shortReset = Buffer.from([0, 0, 1, 3, 0, 0, 0, 0, 1, 0]);
const skippedSettings = Buffer.concat(Array.from({ length: 30 }, () => Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])));
const emptyData = Buffer.from([0, 0, 0, 0, 1, 0, 0, 0, 1]);

function send({ session, transport }: Http2Line, bytes: Buffer): void {
  session.sender.flush();
  transport.write(bytes, 0, bytes.length, 'owned');
}

describe('a request over HTTP/2 that ends with its stream or connection', () => {
  const resetAll = ({ session }: Http2Line): void => {
    session.eachStream((stream) => session.reset(stream, 'CANCEL'));
    session.sender.flush();
  };
  const brokenFrame = {
    rule: 'http2-connection',
    status: 400,
    at: 'RST_STREAM is not 4 bytes long',
    code: 'FRAME_SIZE_ERROR',
  };
  const flood = { rule: 'http2-limit', status: 400, at: 'too many: settings', code: 'ENHANCE_YOUR_CALM' };
  const behindEnd = {
    rule: 'http2-stream',
    status: 400,
    at: 'DATA behind the end of the stream',
    code: 'STREAM_CLOSED',
  };
  const table: readonly (readonly [
    what: string,
    end: (line: Http2Line) => void,
    endKind: string,
    cause: string,
    evidence: object,
    sentence: RegExp,
  ])[] = [
    [
      'a frame that ends the connection',
      (line) => send(line, shortReset),
      'truncated',
      'request_refused',
      brokenFrame,
      /broke a rule of HTTP\/2, so that the gateway closed the connection \(.*; the gateway sent GOAWAY with FRAME_SIZE_ERROR\)/,
    ],
    [
      'a flood that ends the connection',
      (line) => send(line, skippedSettings),
      'truncated',
      'request_refused',
      flood,
      /reached a limit of HTTP\/2.* too many: settings; the gateway sent GOAWAY with ENHANCE_YOUR_CALM/,
    ],
    [
      'a frame that ends the stream',
      (line) => send(line, emptyData),
      'truncated',
      'request_refused',
      behindEnd,
      /a frame of its stream .* RST_STREAM with STREAM_CLOSED/,
    ],
    [
      'RST_STREAM of the client',
      resetAll,
      'abandoned',
      'client_gone',
      { bytesSent: 0, how: 'cancelled', code: 'CANCEL' },
      /^The client cancelled the request \(RST_STREAM, CANCEL\) before/,
    ],
    [
      'FIN of the client',
      (line) => line.transport.end(),
      'abandoned',
      'client_gone',
      { bytesSent: 0, how: 'closed' },
      /^The client closed its connection before/,
    ],
    [
      'RST of the client',
      (line) => line.transport.close('reset'),
      'abandoned',
      'client_gone',
      { bytesSent: 0, how: 'reset' },
      /^The client reset its connection before/,
    ],
  ];
  for (const [what, end, endKind, cause, evidence, sentence] of table) {
    const moments = what.endsWith('of the client') ? ['while it waits'] : ['while it waits', 'with its head'];
    for (const when of moments)
      it(`by ${what}, ${when}, says so, and that nothing was sent`, () => {
        const one = world();
        one.request({}, { connection: 'one' });
        if (when === 'while it waits') one.pass(100);
        end(lineOf(one, 'one'));
        one.pass(50);
        const { failure } = assertRecord(one, {
          end: endKind as 'truncated',
          cause: cause as 'client_gone',
          status: 0,
        });
        assert.deepEqual(failure?.evidence, evidence);
        assert.match(explain(failure ?? assert.fail()), sentence);
        const errors = evidence === brokenFrame ? ['FRAME_SIZE_ERROR'] : [];
        assert.deepEqual(one.http2Errors, errors, 'which is counted');
        one.verifyAtRest();
      });

    it(`by ${what}, when its response has come and waits for the client's window, ends at once`, () => {
      const one = world();
      one.endpoint('a').onRequest = (request) => request.answer(200, 'x'.repeat(200_000));
      const client = one.request({}, { connection: 'one' });
      assert.ok(client instanceof Http2Client);
      client.holdWindow();
      one.pass(500);
      assert.equal(one.records.length, 0, 'it waits');
      end(lineOf(one, 'one'));
      one.pass(50);
      const { bytesToClient } = assertRecord(one, {
        ...{ end: endKind as 'truncated', cause: cause as 'client_gone', status: 200 },
      });
      assert.ok(client.body.length > 0 && client.body.length < 200_000);
      assert.equal(bytesToClient, client.body.length, 'what the window held back is not counted');
      one.verifyAtRest();
    });
  }

  it('by a client that reads nothing of another response says that, and not that the client left', () => {
    const one = world(1, { limits: { writeMs: 5000 } });
    one.endpoint('a').onRequest = (request) => {
      if (request.target === '/large') request.answer(200, 'x'.repeat(400_000));
    };
    const client = one.request({ target: '/large' }, { connection: 'one', windowBytes: 1000 });
    one.request({ target: '/waits' }, { connection: 'one' });
    client.stopReading();
    one.pass(20_000);
    const [large, waits] = one.records.map(({ failure }) => failure);
    assert.equal(large?.cause, 'response_not_read');
    assert.deepEqual(waits?.cause === 'response_not_read' ? [waits.stage, waits.evidence] : waits, [
      'response',
      { bytesSent: 0, bytesPerS: 0, bytesPerSMin: 0, overMs: 5000, begun: false },
    ]);
    assert.match(explain(waits ?? assert.fail()), /of other responses .*; this one had not begun\.$/);
    assert.deepEqual(
      one.records.map(({ endKind, statusSent }) => [endKind, statusSent]),
      [
        ['truncated', 200],
        ['truncated', 0],
      ],
    );
    one.verifyAtRest();
  });

  it('by a client that reads nothing leaves a response whole that the system had before the bytes of others', () => {
    const one = world(1, { limits: { writeMs: 5000 } });
    one.endpoint('a').onRequest = (request) =>
      request.answer(200, 'x'.repeat(request.target === '/large' ? 400_000 : 300));
    const small = one.request({ target: '/small' }, { connection: 'one', windowBytes: 1000 });
    const large = one.request({ target: '/large' }, { connection: 'one' });
    small.stopReading();
    one.pass(20_000);
    assert.deepEqual(
      one.records.map(({ endKind, bytesToClient, failure }) => [endKind, bytesToClient, failure?.cause]).slice(0, 1),
      [['forwarded', 300, undefined]],
    );
    assert.equal(one.records[1]?.failure?.cause, 'response_not_read');
    small.readOn();
    one.pass(100);
    assert.deepEqual([small.state, small.body.length, large.state], ['whole', 300, 'cut']);
    one.verifyAtRest();
  });

  it('by a defect of the gateway says so', () => {
    const one = world();
    one.request({}, { connection: 'one' });
    one.pass(100);
    const connection = one.gatewayEnds[0]?.listener;
    assert.ok(connection instanceof Http2ClientConnection);
    connection.session.receive = () => {
      throw new Error('a defect');
    };
    send(lineOf(one, 'one'), emptyData);
    one.pass(50);
    assertRecord(one, { end: 'truncated', cause: 'gateway_fault', status: 0 });
    one.verifyAtRest();
  });

  it('by FIN within its body is recorded, without a status', () => {
    const one = world();
    const client = one.request({ method: 'POST', expects: 100 }, { connection: 'one' });
    one.pass(10);
    client.write('short');
    one.pass(10);
    lineOf(one, 'one').transport.end();
    one.pass(50);
    assertRecord(one, { end: 'abandoned', cause: 'request_body_truncated', status: 0 });
    one.verifyAtRest();
  });

  it('by a frame that ends the connection within its body does not say that the client did', () => {
    const one = world();
    const client = one.request({ method: 'POST', expects: 100 }, { connection: 'one' });
    one.pass(10);
    client.write('short');
    one.pass(10);
    send(lineOf(one, 'one'), shortReset);
    one.pass(50);
    assertRecord(one, { end: 'truncated', cause: 'request_refused', status: 0 });
    one.verifyAtRest();
  });
});

describe('a client over HTTP/2 that leaves with many requests', () => {
  const many = 100;

  it('ends each of them once, and as lost, also those that are answered meanwhile', () => {
    const one = world();
    for (let index = 0; index < many; index++) one.request({ target: `/${index}` }, { connection: 'leaves' });
    one.pass(50);
    const { arrived } = one.endpoint('a');
    assert.equal(arrived.length, many);
    lineOf(one, 'leaves').transport.close('reset');
    one.pass(1);
    assert.ok(one.records.length > 0 && one.records.length < many / 2, 'a few at a time');
    for (const request of arrived) request.answer(200, 'nobody gets it');
    one.pass(100);
    assert.equal(one.records.length, many);
    assert.deepEqual(
      new Set(one.records.map(({ endKind, failure }) => `${endKind} ${failure?.cause}`)),
      new Set(['abandoned client_gone']),
    );
    one.verifyAtRest();
  });

  /** A world in which each record takes 0.25 ms of the worker's time, and a connection whose requests wait. */
  function working(): Http1World {
    let workedMs = 0;
    const gatewayClock = (clock: Clock): Clock => ({
      now: () => after(clock.now(), workedMs),
      wallTime: () => clock.wallTime(),
      schedule: (at, fire, subject) => clock.schedule(after(at, -workedMs), fire, subject),
    });
    const one = new Http1World({}, { clients: 'h2', connectMs: () => 1, gatewayClock });
    const push = one.records.push.bind(one.records);
    one.records.push = (record) => {
      workedMs += 0.25;
      return push(record);
    };
    for (let index = 0; index < many; index++) one.request({ target: `/${index}` }, { connection: 'leaves' });
    one.pass(50);
    return one;
  }

  for (const [what, end, afterMs, recordedMin, recordedMax] of [
    ['in a tenth of the time', ({ transport }: Http2Line) => transport.close('reset'), 100, 45, 60],
    ['in less of it if the gateway ends them', (line: Http2Line) => send(line, shortReset), 100, 3, 15],
  ] as const)
    it(`ends them ${what}, and in half of it once the drain is over`, () => {
      const one = working();
      end(lineOf(one, 'leaves'));
      one.pass(afterMs);
      const { length } = one.records;
      assert.ok(length >= recordedMin && length <= recordedMax, `${length}`);
      one.forceClose(fail('drained', 'request', { reason: 'gateway_stopping', what: 'request', retryAfterS: 1 }));
      one.pass(60);
      assert.equal(one.records.length, many);
    });

  for (const [what, length] of [
    ['large responses', 2_000_000],
    ['responses that a buffer may hold', 200_000],
    ['responses of unknown length', null],
  ] as const)
    it(`reads no more of their ${what}, and counts nothing of them as sent`, () => {
      const one = world();
      for (let index = 0; index < many; index++) one.request({ target: `/${index}` }, { connection: 'leaves' });
      one.pass(50);
      const arrived = one.endpoint('a').arrived.filter((request) => request instanceof Http1Arrived);
      const all = Buffer.alloc(length ?? 200_000);
      for (const request of arrived) request.head(200, length);
      one.pass(60); // The heads have been passed on.
      lineOf(one, 'leaves').transport.close('reset');
      one.pass(1);
      const left = arrived.filter(({ transport }) => !transport.closed);
      assert.ok(left.length > many / 2);
      for (const request of left) request.write(all);
      one.pass(1);
      const waiting = left.filter(({ transport }) => !transport.closed);
      assert.ok(waiting.length > 0);
      // One read, and what the system holds.
      for (const { transport } of waiting)
        assert.ok(transport.pendingBytes >= all.length - 2 * 65_536, `${transport.pendingBytes}`);
      assert.equal(one.bufferedBytes(), 0);
      one.pass(100);
      assert.deepEqual(new Set(one.records.map(({ bytesToClient }) => bytesToClient)), new Set([0]));
      one.verifyAtRest();
    });

  it('counts nothing as sent of the answers that it would have got', () => {
    const one = world();
    for (let index = 0; index < many; index++) one.request({ target: `/${index}` }, { connection: 'leaves' });
    one.pass(50);
    lineOf(one, 'leaves').transport.close('reset');
    one.pass(1);
    one.endpoint('a').die('reset');
    one.pass(200);
    assert.equal(one.records.length, many);
    assert.deepEqual(new Set(one.records.map(({ bytesToClient }) => bytesToClient)), new Set([0]));
    one.verifyAtRest();
  });
});

/** A client that sends the frames it is given, on a connection of its own. */
function rawClient(
  one: Http1World,
  ...with_: Buffer[]
): { frames: () => readonly SeenFrame[]; send: (...parts: Buffer[]) => void } {
  const { client } = one.connect();
  let received: Buffer = Buffer.alloc(0);
  client.listener = {
    onBytes: (bytes, start, end) => void (received = Buffer.concat([received, bytes.slice(start, end)])),
    onEnd: () => client.end(),
    onWritten() {},
    onClosed() {},
  };
  const send = (...parts: Buffer[]): void => {
    const bytes = Buffer.concat(parts);
    client.write(bytes, 0, bytes.length, 'borrowed');
  };
  send(preface, settings(...with_));
  return { frames: () => framesOf(received, 0).frames, send };
}
