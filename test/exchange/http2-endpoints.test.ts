import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointState } from '../../src/core/endpoint.ts';
import type { EndedExchange } from '../../src/core/exchange.ts';
import { explain, specOf } from '#failures/failure-texts.ts';
import type { Failure } from '#failures/failure.ts';
import type { Attempt } from '../../src/exchange/attempt.ts';
import { anyRequest } from '../../src/upstream/any-request.test-support.ts';
import { errorNames, errorNumber, settingIds } from '../../src/wire/h2/protocol.ts';
import { statusOf } from '../../src/wire/h2/response-head.ts';
import { pattern, unbuffered } from './cases.ts';
import type { Http2Arrived, Http2EndpointLine } from './http2-endpoint.ts';
import { type Http1Settings, Http1World } from './http1-world.ts';
import type { ClientActor, RequestText, WorldOptions } from './world.ts';

function worldOf(options: WorldOptions = {}, settings: Http1Settings = {}): Http1World {
  return new Http1World(options, { endpoints: 'h2', queueMax: 10, ...settings });
}

function ask(world: Http1World, request: RequestText = {}): ClientActor {
  const client = world.request(request);
  world.pass(5);
  return client;
}

function arrived(world: Http1World, index = 0, name = 'a'): Http2Arrived {
  return (world.endpoint(name).arrived[index] as Http2Arrived | undefined) ?? assert.fail(`no request ${index}`);
}

function lineOf(world: Http1World, index = 0): Http2EndpointLine {
  return (
    (world.endpoint('a') as unknown as { http2Lines: Http2EndpointLine[] }).http2Lines[index] ??
    assert.fail(`no connection ${index}`)
  );
}

function allowStreams({ session: { sender } }: Http2EndpointLine, streams: number): void {
  sender.writer.settings([[settingIds.maxConcurrentStreams, streams]]);
  sender.touch();
}

function end(world: Http1World): void {
  world.pass(200_000);
  world.verifyAtRest();
}

function comeBackFrom(world: Http1World, state: EndpointState): void {
  world.endpoint('a').setState(state);
  world.pass(1000);
  world.endpoint('a').setState('healthy');
}

/** Nothing listens at the endpoint for a moment, in which a request comes. */
function refuseOnce(world: Http1World): void {
  const endpoint = world.endpoint('a');
  endpoint.die('closed');
  endpoint.accepts = 'refuses';
  ask(world);
  world.pass(100);
  endpoint.accepts = 'yes';
}

/** The cause, the delivery, and the evidence beyond the address of the nth attempt. */
function attemptOf({ attempts }: EndedExchange, index = 0): unknown[] {
  const { failure, delivery, retryReason } = (attempts[index] ?? assert.fail(`no attempt ${index}`)) as Attempt;
  const { address: _, ...evidence } = (failure?.evidence ?? {}) as Record<string, unknown>;
  return [failure?.cause, delivery, retryReason, evidence];
}

describe('HTTP/2 with an endpoint', () => {
  it('carries requests that come at the same time on one connection, also while it is being made', () => {
    const world = worldOf();
    const clients = Array.from({ length: 100 }, () => world.request({}));
    world.pass(10);
    assert.deepEqual([world.endpoint('a').connectionsMade, world.endpoint('a').arrived.length], [1, 100]);
    for (const request of world.endpoint('a').arrived) request.answer(200, 'ok');
    world.pass(10);
    assert.ok(clients.every(({ status }) => status === 200));
    end(world);
  });

  it('knows no status but of three digits, from 100 on', () => {
    for (const text of ['', '99', '099', '1000', '2xx', '+99', ' 99', '9.9']) assert.equal(statusOf(text), 0, text);
    assert.deepEqual(['100', '599', '600', '999'].map(statusOf), [100, 599, 600, 999]);
  });

  it('passes on a status beyond 599, which clients take for a server error', () => {
    const world = worldOf();
    for (const status of [600, 999]) {
      const client = ask(world);
      world.endpoint('a').arrived.at(-1)?.answer(status, 'odd');
      world.pass(10);
      assert.deepEqual([client.status, client.body.toString()], [status, 'odd']);
    }
    end(world);
  });

  it('dials once more for each hundred requests that come while a connection is being made', () => {
    const world = worldOf();
    for (let number = 0; number < 101; number++) world.request({});
    world.pass(10);
    assert.equal(world.endpoint('a').connectionsMade, 2);
    for (const request of world.endpoint('a').arrived) request.answer(200);
    end(world);
  });

  it('lets requests wait for streams when the endpoint allows no more, and dials no more than connections.max', () => {
    const world = worldOf({ connectionsMax: 1 }, { queueMax: 40 });
    const clients = Array.from({ length: 130 }, () => world.request({}));
    world.pass(10);
    assert.equal(world.endpoint('a').arrived.length, 128);
    arrived(world, 0).answer(200);
    arrived(world, 1).answer(200);
    world.pass(10);
    assert.equal(world.endpoint('a').arrived.length, 130);
    for (const request of world.endpoint('a').arrived.slice(2)) request.answer(200);
    world.pass(10);
    assert.ok(clients.every(({ status }) => status === 200));
    assert.equal(world.endpoint('a').connectionsMade, 1);
    end(world);
  });

  it('opens no stream on a connection whose endpoint allows none any more, idle or busy (RFC 9113 §5.1.2)', () => {
    for (const isBusy of [false, true]) {
      const world = worldOf();
      const first = ask(world);
      if (!isBusy) arrived(world).answer(200, 'first');
      world.pass(10);
      allowStreams(lineOf(world), 0);
      world.pass(10);
      const [second, third] = [ask(world), ask(world, { method: 'POST', body: 'abc' })];
      assert.deepEqual([world.endpoint('a').connectionsMade, lineOf(world).requests.length], [2, 1]);
      for (const index of [1, 2]) arrived(world, index).answer(200, 'later');
      world.pass(10);
      if (isBusy) arrived(world).answer(200, 'first');
      world.pass(10);
      const bodies = [first, second, third].map(({ body }) => body.toString());
      assert.deepEqual(bodies, ['first', 'later', 'later']);
      assert.equal(lineOf(world).transport.closed, true, 'the connection ends with its last stream');
      assert.ok(world.records.every(({ attempts }) => attempts.length === 1));
      end(world);
    }
  });

  it('asks on connections of their own where the endpoint allows no stream by its first SETTINGS', () => {
    const world = worldOf({ connectionsMax: 2 });
    const endpoint = world.endpoint('a');
    endpoint.onRequest = (request) => {
      allowStreams((request as Http2Arrived).line, 0);
      request.answer(200, 'ok');
    };
    for (let number = 1; number <= 4; number++) {
      const client = ask(world);
      world.pass(20);
      assert.deepEqual([client.body.toString(), endpoint.connectionsMade], ['ok', number]);
    }
    end(world);
  });

  it('a dial that fails fails every request that shares it', () => {
    const world = worldOf();
    world.endpoint('a').accepts = 'refuses';
    const clients = Array.from({ length: 3 }, () => world.request({}));
    world.pass(10);
    assert.deepEqual(
      clients.map(({ status }) => status),
      [502, 502, 502],
    );
    end(world);
  });

  it('a client that leaves while a connection is being made leaves it to the others', () => {
    const world = worldOf();
    const [first, second] = [world.request({}), world.request({})];
    world.pass(0);
    first.leave();
    world.pass(10);
    arrived(world).answer(200);
    world.pass(10);
    assert.deepEqual([second.status, world.endpoint('a').connectionsMade], [200, 1]);
    end(world);
  });

  it('says method, scheme, authority and path, and the length of the body', () => {
    const world = worldOf();
    ask(world, { method: 'POST', target: '/x?y', body: 'abc', headers: { te: 'trailers', connection: 'te' } });
    const { method, scheme, authority, target } = arrived(world);
    assert.deepEqual([method, scheme, authority, target], ['POST', 'http', 'example.org', '/x?y']);
    assert.deepEqual(
      ['content-length', 'te', 'host', 'connection'].map((name) => arrived(world).header(name)),
      ['3', 'trailers', null, null],
    );
    arrived(world).answer(200);
    end(world);
  });

  it('a response that is whole before its request ends the request by RST_STREAM', () => {
    const world = worldOf(unbuffered);
    const client = ask(world, { method: 'POST', expects: 1000 });
    client.write('some');
    world.pass(5);
    arrived(world).answer(413, 'too much');
    world.pass(5);
    assert.deepEqual([client.status, client.body.toString()], [413, 'too much']);
    assert.equal(arrived(world).resetBy, errorNumber('CANCEL'));
    assert.equal(world.records[0]?.failure, null);
    end(world);
  });

  it('a client that leaves is RST_STREAM(CANCEL), and the connection carries the next request', () => {
    const world = worldOf();
    ask(world).leave();
    world.pass(5);
    assert.equal(arrived(world).resetBy, errorNumber('CANCEL'));
    ask(world);
    arrived(world, 1).answer(200);
    world.pass(5);
    assert.equal(world.endpoint('a').connectionsMade, 1);
    end(world);
  });

  it('one client that reads nothing does not stop the others', () => {
    const world = worldOf({ limits: { writeMs: 100_000 } }, { clients: 'h2' });
    const slow = Array.from({ length: 20 }, (_, number) => {
      const client = world.request({}, { connection: `slow ${number}`, windowBytes: 1024 });
      client.stopReading();
      return client;
    });
    world.pass(5);
    for (const request of world.endpoint('a').arrived) {
      request.head(200, 1_000_000);
      request.write(pattern(1_000_000));
    }
    world.pass(100);
    const quick = ask(world);
    arrived(world, 20).answer(200, 'quick');
    world.pass(20);
    assert.equal(quick.body.toString(), 'quick');
    assert.equal(world.endpoint('a').connectionsMade, 1);
    for (const client of slow) client.leave();
    end(world);
  });
});

describe('an endpoint that ends a stream', () => {
  for (const name of errorNames.filter((one) => one !== 'REFUSED_STREAM' && one !== 'HTTP_1_1_REQUIRED')) {
    it(`before its answer, by ${name}: the code is told`, () => {
      const world = worldOf();
      const client = ask(world, { method: 'POST' });
      arrived(world).reset(name);
      world.pass(200);
      assert.equal(client.status, 502);
      assert.deepEqual(attemptOf(world.records[0] as EndedExchange), [
        'reset_before_response',
        'sent_unknown',
        'not_idempotent',
        { reused: false, idleMs: 0, errno: '', stream: name },
      ]);
      assert.match(explain(world.records[0]?.failure as never), new RegExp(`RST_STREAM \\(${name}\\)`));
      assert.equal(world.endpoint('a').connectionsMade, 1);
      end(world);
    });
  }

  for (const [what, length, cause, rest] of [
    ['of known length', 100, 'response_body_short', { bytesExpected: 100 }],
    ['of unknown length', null, 'response_stream_cut', {}],
  ] as const) {
    it(`within content ${what}: the client can see it, and the code is told`, () => {
      const world = worldOf();
      const client = ask(world);
      arrived(world).head(200, length);
      arrived(world).write('part');
      world.pass(100);
      arrived(world).reset('INTERNAL_ERROR');
      world.pass(20);
      assert.deepEqual([client.status, client.body.toString(), client.state], [200, 'part', 'cut']);
      const evidence = { bytesReceived: 4, how: 'reset', stream: 'INTERNAL_ERROR', ...rest };
      assert.deepEqual(attemptOf(world.records[0] as EndedExchange), [
        cause,
        'response_started',
        'committed',
        evidence,
      ]);
      end(world);
    });
  }

  it('in order, but before its announced length', () => {
    const world = worldOf();
    const client = ask(world);
    arrived(world).head(200, 100);
    arrived(world).write('part');
    world.pass(100);
    arrived(world).endEarly();
    world.pass(20);
    assert.equal(client.state, 'cut');
    const evidence = { bytesReceived: 4, bytesExpected: 100, how: 'reset', stream: 'END_STREAM' };
    assert.deepEqual(attemptOf(world.records[0] as EndedExchange).at(-1), evidence);
    end(world);
  });

  it('behind a longer body than announced', () => {
    const world = worldOf({ commitDelayMs: 0 });
    const client = ask(world);
    arrived(world).head(200, 4, {});
    arrived(world).writeBeyond('too much');
    world.pass(20);
    assert.notEqual(client.state, 'whole');
    assert.equal(world.records[0]?.failure?.cause, 'response_framing');
    end(world);
  });

  for (const [what, method, status] of [
    ['HEAD', 'HEAD', 200],
    ['a 204', 'GET', 204],
    ['a 304', 'GET', 304],
  ] as const) {
    it(`with content behind ${what}: the record names the rule, and the connection carries the next request`, () => {
      const world = worldOf();
      const client = ask(world, { method });
      arrived(world).head(status, method === 'HEAD' ? 4 : null, {});
      arrived(world).writeBeyond('four');
      world.pass(20);
      assert.equal(client.status, 502);
      const failure = world.records[0]?.failure as Failure;
      assert.deepEqual(failure, {
        ...{ cause: 'response_framing', stage: 'body' },
        evidence: { address: world.records[0]?.attempts[0]?.address, rule: 'content-forbidden' },
      });
      assert.match(explain(failure), /longer than it may be: a body came with a 204, with a 304, or in answer to HEAD/);
      assert.match(specOf(failure).nextStep, /for HEAD add/);
      ask(world);
      arrived(world, 1).answer(200);
      world.pass(5);
      assert.equal(world.endpoint('a').connectionsMade, 1);
      end(world);
    });
  }

  it('whose connection closes within a body: a cut', () => {
    const world = worldOf();
    const client = ask(world);
    arrived(world).head(200, null);
    arrived(world).write('part');
    world.pass(100);
    world.endpoint('a').die('closed');
    world.pass(20);
    assert.equal(client.state, 'cut');
    assert.deepEqual(attemptOf(world.records[0] as EndedExchange)[0], 'response_stream_cut');
    end(world);
  });
});

describe('a request that the endpoint did not process', () => {
  for (const [what, request] of [
    ['POST without content', { method: 'POST' }],
    ['POST with content', { method: 'POST', body: pattern(20_000) }],
    ['PATCH', { method: 'PATCH', body: 'x' }],
    ['GET', {}],
  ] as const) {
    it(`${what}, refused by RST_STREAM: is sent again`, () => {
      const world = worldOf();
      const client = ask(world, request);
      arrived(world).reset('REFUSED_STREAM');
      world.pass(20);
      arrived(world, 1).answer(200, 'done');
      world.pass(20);
      assert.equal(client.body.toString(), 'done');
      if ('body' in request) assert.ok(arrived(world, 1).body.equals(Buffer.from(request.body)));
      const expected = ['stream_refused', 'refused_by_peer', 'refused_by_peer'];
      assert.deepEqual(attemptOf(world.records[0] as EndedExchange), [
        ...expected,
        { code: 'REFUSED_STREAM', frame: 'RST_STREAM' },
      ]);
      end(world);
    });
  }

  it('is refused for good when all attempts are refused, and says so', () => {
    const world = worldOf();
    world.endpoint('a').onRequest = (request) => (request as Http2Arrived).reset('REFUSED_STREAM');
    const client = ask(world, { method: 'POST' });
    world.pass(100);
    assert.deepEqual([client.status, world.records[0]?.delivery], [502, 'refused_by_peer']);
    assert.ok(world.endpoint('a').arrived.length <= 4);
    end(world);
  });

  it('is not sent again when its body is larger than what is kept', () => {
    const world = worldOf(unbuffered);
    const client = ask(world, { method: 'POST', body: pattern(40_000) });
    arrived(world).reset('REFUSED_STREAM');
    world.pass(20);
    assert.equal(client.status, 502);
    assert.equal(attemptOf(world.records[0] as EndedExchange)[2], 'body_not_held');
    end(world);
  });

  it('because it is behind the last stream of a GOAWAY: goes over a new connection, whatever its method', () => {
    const world = worldOf();
    const [first, second] = [ask(world), ask(world, { method: 'POST', body: 'once' })];
    lineOf(world).session.sender.writer.goAway(1, errorNumber('NO_ERROR'), 'restart');
    lineOf(world).session.sender.touch();
    world.pass(20);
    assert.equal(world.endpoint('a').connectionsMade, 2);
    arrived(world, 2).answer(200, 'second');
    arrived(world, 0).answer(200, 'first');
    world.pass(20);
    assert.deepEqual([first.body.toString(), second.body.toString()], ['first', 'second']);
    const record = world.records.find(({ attempts }) => attempts.length === 2) ?? assert.fail();
    const evidence = { code: 'NO_ERROR', frame: 'GOAWAY', lastStreamId: 1, text: 'restart' };
    assert.deepEqual(attemptOf(record), ['stream_refused', 'refused_by_peer', 'refused_by_peer', evidence]);
    assert.match(explain(record.attempts[0]?.failure as never), /GOAWAY NO_ERROR, "restart".*stream 1\.$/);
    world.pass(10);
    assert.equal(lineOf(world).transport.closed, true, 'the connection ends with its last stream');
    end(world);
  });

  it('because the endpoint holds too much of the connection already: a GET goes over a new one, and the others go on', () => {
    const world = worldOf();
    const [first, second] = [ask(world), ask(world)];
    arrived(world, 1).reset('ENHANCE_YOUR_CALM');
    world.pass(50);
    assert.equal(world.endpoint('a').connectionsMade, 2);
    arrived(world, 2).answer(200, 'second');
    arrived(world, 0).answer(200, 'first');
    world.pass(20);
    assert.deepEqual([first.body.toString(), second.body.toString()], ['first', 'second']);
    end(world);
  });

  for (const frame of ['RST_STREAM', 'GOAWAY'] as const) {
    it(`by HTTP_1_1_REQUIRED in clear text (${frame}): that request fails, and the next ones go over HTTP/2`, () => {
      const world = worldOf({ attemptsMax: 1 });
      const refused = ask(world);
      if (frame === 'RST_STREAM') arrived(world).reset('HTTP_1_1_REQUIRED');
      else {
        lineOf(world).session.sender.writer.goAway(0, errorNumber('HTTP_1_1_REQUIRED'), '');
        lineOf(world).session.sender.touch();
      }
      world.pass(20);
      assert.equal(refused.status, 502);
      const [cause, delivery, , evidence] = attemptOf(world.records[0] as EndedExchange);
      assert.deepEqual([cause, delivery], ['stream_refused', 'refused_by_peer']);
      assert.equal((evidence as { code: string }).code, 'HTTP_1_1_REQUIRED');
      const next = ask(world);
      arrived(world, 1).answer(200, 'by HTTP/2');
      world.pass(20);
      assert.equal(next.body.toString(), 'by HTTP/2');
      assert.equal((world.records[1]?.attempts[0] as Attempt | undefined)?.protocol, 'h2');
      end(world);
    });
  }

  it('goes over HTTP/1.1 where the endpoint wants that within TLS, for an hour', () => {
    const world = worldOf({}, { tls: true });
    const client = ask(world);
    world.settings.endpoints = 'http/1.1';
    arrived(world).reset('HTTP_1_1_REQUIRED');
    world.pass(20);
    world.endpoint('a').arrived[1]?.answer(200, 'by HTTP/1.1');
    world.pass(20);
    assert.equal(client.body.toString(), 'by HTTP/1.1');
    assert.deepEqual(
      world.records[0]?.attempts.map((attempt) => (attempt as Attempt).protocol),
      ['h2', 'http/1.1'],
    );
    world.pass(50 * 60_000);
    ask(world);
    world.endpoint('a').arrived[2]?.answer(200);
    world.settings.endpoints = 'h2';
    world.pass(20 * 60_000);
    ask(world);
    arrived(world, 3).answer(200);
    world.pass(20);
    assert.deepEqual(
      world.records.map(({ attempts }) => (attempts.at(-1) as Attempt).protocol),
      ['http/1.1', 'http/1.1', 'h2'],
    );
    end(world);
  });

  const replacements: readonly [what: string, replace: (world: Http1World) => void, protocol: string][] = [
    ['it has been unhealthy', (world) => comeBackFrom(world, 'unhealthy'), 'h2'],
    ['its instance has been started anew', (world) => comeBackFrom(world, 'starting'), 'h2'],
    ['a connection to it was refused', refuseOnce, 'h2'],
    ['it has only closed its connections', (world) => world.endpoint('a').die('closed'), 'http/1.1'],
    ['main says again what it said', (world) => world.changed(), 'http/1.1'],
  ];
  for (const [what, replace, protocol] of replacements)
    it(`goes over HTTP/1.1 where the endpoint wants that within TLS; and when ${what}, over ${protocol}`, () => {
      const world = worldOf({}, { tls: true });
      ask(world);
      world.settings.endpoints = 'http/1.1';
      arrived(world).reset('HTTP_1_1_REQUIRED');
      world.pass(20);
      world.endpoint('a').arrived[1]?.answer(200);
      world.pass(20);
      replace(world);
      world.pass(5000);
      world.settings.endpoints = protocol as 'h2' | 'http/1.1';
      ask(world);
      world.endpoint('a').arrived[2]?.answer(200);
      world.pass(20);
      const { attempts } = world.records.at(-1) as EndedExchange;
      assert.deepEqual(
        attempts.map((attempt) => [(attempt as Attempt).protocol, (attempt as Attempt).status]),
        [[protocol, 200]],
      );
      end(world);
    });
});

describe('an endpoint whose HTTP/2 is none', () => {
  for (const [what, bytes, guess] of [
    ['HTTP/1.1', 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n', /it is HTTP\/1,/],
    ['SSH', 'SSH-2.0-OpenSSH_9.6\r\n', /SSH server/],
    ['HTML', '<html>\nan error page</html>', /HTML/],
  ] as const) {
    it(`${what} is told by its first bytes`, () => {
      const world = worldOf();
      world.endpoint('a').serves = (endpoint) => {
        endpoint.listener = {
          onBytes: () => void endpoint.write(Buffer.from(bytes), 0, bytes.length, 'owned'),
          onEnd: () => endpoint.close('close'),
          onWritten() {},
          onClosed() {},
        };
      };
      const client = ask(world);
      world.pass(200);
      assert.equal(client.status, 502);
      const { failure } = world.records[0] as EndedExchange;
      assert.equal(failure?.cause, 'response_not_http2');
      assert.match(explain(failure as never), guess);
      end(world);
    });
  }

  const ofFirst = ['this_stream', 'another_stream'] as const;
  const connectionErrors = [
    ['a frame that is too long', [0x00, 0x40, 0x01, 0, 0, 0, 0, 0, 1], /a frame of 16385 bytes/, ofFirst],
    ['PUSH_PROMISE', [0, 0, 4, 5, 4, 0, 0, 0, 1, 0, 0, 0, 2], /PUSH_PROMISE/, ofFirst],
    [
      'DATA without a stream',
      [0, 0, 1, 0, 0, 0, 0, 0, 0, 65],
      /DATA without a stream/,
      ['connection', 'connection'],
    ] as const,
    ['a header block that cannot be decoded', [0, 0, 1, 1, 5, 0, 0, 0, 1, 0xff], /header block/, ofFirst],
    [
      'DATA on a stream that was never opened',
      [0, 0, 0, 0, 0, 0, 0, 0, 7],
      /DATA on a stream/,
      ['another_stream', 'another_stream'],
    ],
  ] as const;

  function sendFrame(world: Http1World, frame: readonly number[], line = 0): void {
    const bytes = Buffer.from(frame);
    lineOf(world, line).transport.write(bytes, 0, bytes.length, 'owned');
    world.pass(200);
  }

  for (const [what, frame, rule, frameOf] of connectionErrors)
    it(`${what}: all streams of the connection fail, and the record says whose frame it was`, () => {
      const world = worldOf();
      const clients = [ask(world, { method: 'POST' }), ask(world, { method: 'POST' })];
      sendFrame(world, frame);
      assert.deepEqual(
        clients.map(({ status }) => status),
        [502, 502],
      );
      for (const [index, record] of world.records.entries()) {
        const [cause, , retryReason, evidence] = attemptOf(record);
        assert.deepEqual([cause, retryReason], ['response_frames', 'not_idempotent']);
        const { streams, frameOf: found } = evidence as { streams?: number; frameOf?: string };
        assert.deepEqual([streams, found], [2, frameOf[index]]);
        const sentence = explain(record.failure as Failure);
        assert.match(sentence, rule);
        assert.match(sentence, /This connection error ended all 2 streams of the connection; the frame belongs to/);
      }
      end(world);
    });

  for (const [what, frame, , frameOf] of connectionErrors)
    it(`${what}: GETs whose frame it was not are sent once more, on a new connection`, () => {
      const world = worldOf();
      const clients = [ask(world), ask(world)];
      sendFrame(world, frame);
      for (const request of world.endpoint('a').arrived.slice(2)) request.answer(200);
      world.pass(20);
      const expected = frameOf.map((of) =>
        of === 'this_stream' ? ([502, 'nowhere_else'] as const) : [200, 'idempotent'],
      );
      assert.deepEqual(
        clients.map(({ status }) => status),
        expected.map(([status]) => status),
      );
      const reasons = world.records.map(({ attempts }) => attempts[0]?.retryReason);
      assert.deepEqual(new Set(reasons), new Set(expected.map(([, reason]) => reason)));
      assert.equal(world.endpoint('a').connectionsMade, 2);
      end(world);
    });

  it('a GET that a second connection error ends is not sent again', () => {
    const world = worldOf();
    const clients = [ask(world), ask(world)];
    const [, frame] = connectionErrors[2];
    sendFrame(world, frame);
    sendFrame(world, frame, 1);
    assert.deepEqual(
      clients.map(({ status }) => status),
      [502, 502],
    );
    for (const { attempts } of world.records)
      assert.deepEqual(
        attempts.map(({ retryReason }) => retryReason),
        ['idempotent', 'attempts_spent'],
      );
    end(world);
  });

  it('a connection error behind an earlier response may be its effect: a GET is sent once more', () => {
    const world = worldOf();
    ask(world);
    arrived(world).answer(200);
    world.pass(20);
    const client = ask(world);
    sendFrame(world, connectionErrors[2][1]);
    arrived(world, 2).answer(200);
    world.pass(20);
    assert.deepEqual([client.status, attemptOf(world.records[1] as EndedExchange)[2]], [200, 'idempotent']);
    end(world);
  });

  it('a connection error before any other request is not taken for that of another one', () => {
    const world = worldOf();
    const client = ask(world);
    sendFrame(world, connectionErrors[2][1]);
    assert.equal(client.status, 502);
    assert.equal(attemptOf(world.records[0] as EndedExchange)[2], 'nowhere_else');
    assert.match(explain(world.records[0]?.failure as Failure), /This connection error ended the connection\.$/);
    end(world);
  });
});

describe('a response that HTTP/2 does not allow', () => {
  for (const [what, status, headers, cause, rule] of [
    ['a 101', 101, {}, 'response_header', 'switch-in-http2'],
    ['a field for one connection', 200, { connection: 'close' }, 'response_header', 'connection-header'],
    ['Transfer-Encoding', 200, { 'transfer-encoding': 'chunked' }, 'response_header', 'connection-header'],
    ['two lengths', 200, { 'content-length': '1, 2' }, 'response_framing', 'content-length-differs'],
    ['a line break in a value', 200, { x: 'a\nb' }, 'response_header', 'header-value'],
  ] as const) {
    it(`${what}: 502 with the rule, and the connection carries the next request`, () => {
      const world = worldOf();
      const client = ask(world, { method: 'POST' });
      arrived(world).head(status, null, headers as Readonly<Record<string, string>>);
      world.pass(200);
      assert.equal(client.status, 502);
      const { failure, statusReceived, attempts } = world.records[0] as EndedExchange;
      const { rule: found } = (failure?.evidence ?? {}) as { rule?: string };
      assert.deepEqual([failure?.cause, found], [cause, rule]);
      assert.deepEqual([statusReceived, attempts[0]?.status], [status, status]);
      assert.equal(arrived(world).resetBy, errorNumber('PROTOCOL_ERROR'));
      ask(world);
      arrived(world, 1).answer(200);
      world.pass(5);
      assert.equal(world.endpoint('a').connectionsMade, 1);
      end(world);
    });
  }
});

describe('timeouts with an HTTP/2 endpoint', () => {
  it('a window that is never opened: 504, and the other streams go on', () => {
    const world = worldOf();
    world.endpoint('a').onRequest = (request) => request.stopReading();
    const client = ask(world, { method: 'POST', body: pattern(300_000) });
    const other = ask(world);
    arrived(world, 1).answer(200, pattern(100_000));
    world.pass(20);
    assert.equal(other.body.length, 100_000);
    world.pass(100_000);
    assert.deepEqual([client.status, world.records[1]?.failure?.cause], [504, 'request_write_timeout']);
    assert.equal(arrived(world).resetBy, errorNumber('CANCEL'));
    end(world);
  });

  it('an upload that its client sends slowly is not late', () => {
    const world = worldOf({ limits: { bodyMs: 1_000_000 }, timeouts: { idleMs: 10_000 } });
    const client = ask(world, { method: 'POST', expects: 4 });
    for (const part of 'slow') {
      world.pass(30_000);
      client.write(part);
    }
    world.pass(5);
    assert.equal(arrived(world).body.toString(), 'slow');
    arrived(world).answer(200);
    world.pass(20);
    assert.equal(client.status, 200);
    end(world);
  });
});

it('an endpoint may send a PING for each part of an upload, as those of gRPC do', () => {
  const world = worldOf({ ...unbuffered, limits: { bodyMs: 1_000_000 } });
  const client = ask(world, { method: 'POST', expects: 'chunked' });
  for (let part = 0; part < 300; part++) {
    client.write('part');
    world.pass(1);
    lineOf(world).session.ping();
    world.pass(1);
  }
  client.end();
  arrived(world).answer(200);
  world.pass(20);
  assert.deepEqual([client.status, lineOf(world).pongs], [200, 300]);
  end(world);
});

describe('a connection that has been silent', () => {
  function idleWorld(): Http1World {
    const world = worldOf();
    ask(world);
    arrived(world).answer(200);
    world.pass(5000);
    return world;
  }

  it('is asked by PING before a POST goes over it; requests that come meanwhile wait for the same answer', () => {
    const world = idleWorld();
    const clients = [world.request({ method: 'POST' }), world.request({ method: 'POST' })];
    world.pass(20);
    assert.deepEqual([world.endpoint('a').connectionsMade, world.endpoint('a').arrived.length], [1, 3]);
    for (const index of [1, 2]) arrived(world, index).answer(200);
    world.pass(20);
    assert.ok(clients.every(({ status }) => status === 200));
    assert.equal(world.records.at(-1)?.attempts[0]?.reused, true);
    end(world);
  });

  it('that does not answer the PING is replaced: the POST is sent once, over a new one', () => {
    const world = idleWorld();
    lineOf(world).transport.pause();
    const client = world.request({ method: 'POST', body: 'once' });
    world.pass(900);
    assert.equal(world.endpoint('a').connectionsMade, 1);
    world.pass(200);
    assert.equal(world.endpoint('a').connectionsMade, 2);
    arrived(world, 1).answer(200);
    world.pass(20);
    assert.deepEqual([client.status, world.records.at(-1)?.attempts.length], [200, 1]);
    end(world);
  });

  it('that ends while it is asked is replaced at once', () => {
    const world = idleWorld();
    lineOf(world).transport.pause();
    const client = world.request({ method: 'POST' });
    world.pass(10);
    world.endpoint('a').die('closed');
    world.pass(10);
    arrived(world, 1).answer(200);
    world.pass(20);
    assert.equal(client.status, 200);
    end(world);
  });

  it('a client that leaves while it is asked takes nothing with it', () => {
    const world = idleWorld();
    lineOf(world).transport.pause();
    world.request({ method: 'POST' }).leave();
    world.pass(10);
    lineOf(world).transport.resume();
    world.pass(10);
    assert.deepEqual([world.upstream.choose([], anyRequest)?.load, world.endpoint('a').arrived.length], [0, 1]);
    end(world);
  });

  for (const [what, silent, ping, says, made] of [
    [
      'whose application is slow',
      false,
      'answered',
      /; it answered a PING meanwhile, so that the connection works\.$/,
      1,
    ],
    ['whose endpoint is gone', true, 'unanswered', /nor answered a PING on its HTTP\/2 connection\.$/, 2],
  ] as const) {
    it(`${what} is told from the other: ${ping}`, () => {
      const world = worldOf({ timeouts: { responseHeadMs: 20_000 } });
      const client = ask(world);
      if (silent) lineOf(world).transport.pause();
      world.pass(25_000);
      assert.equal(client.status, 504);
      const failure = world.records[0]?.failure ?? assert.fail();
      assert.deepEqual([failure.cause, (failure.evidence as { ping?: string }).ping], ['response_head_timeout', ping]);
      assert.match(explain(failure), says);
      ask(world);
      arrived(world, 1).answer(200);
      world.pass(20);
      assert.equal(world.endpoint('a').connectionsMade, made, 'a silent connection gets no further request');
      end(world);
    });
  }

  it('within a body, while the client has not ended its request: both may rest, and the endpoint is not blamed for it', () => {
    const world = worldOf(unbuffered);
    ask(world, { method: 'POST', expects: 'chunked' });
    arrived(world).head(200, null);
    arrived(world).write('part');
    world.pass(101_000);
    const failure = world.records[0]?.failure ?? assert.fail();
    assert.deepEqual(
      [failure.cause, (failure.evidence as { requestOpen?: true }).requestOpen, specOf(failure).countsAgainstHealth],
      ['response_body_stalled', true, false],
    );
    end(world);
  });

  it('within a body: the same', () => {
    const world = worldOf();
    ask(world);
    arrived(world).head(200, null);
    arrived(world).write('part');
    world.pass(100);
    lineOf(world).transport.pause();
    world.pass(100_000);
    const failure = world.records[0]?.failure ?? assert.fail();
    assert.deepEqual(
      [failure.cause, (failure.evidence as { ping?: string }).ping],
      ['response_body_stalled', 'unanswered'],
    );
    end(world);
  });
});
