import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { whoseOf } from '#failures/failure-texts.ts';
import { Http1World } from './http1-world.ts';
import type { Http2Line } from './http2-client.ts';
import type { ClientActor } from './world.ts';

/** More than the gateway reads of one connection in a turn. */
const many = 100;

function world(hasFlooded = (): boolean => false, connectionsMax = 2 * many): Http1World {
  const made = new Http1World({ connectionsMax }, { clients: 'h2', hasFlooded });
  made.endpoint('a').onRequest = (request) => request.answer(200, `to ${request.target}`);
  return made;
}

describe('a client that resets each of many requests at once', () => {
  it('makes the gateway send none of them, wherever a slice of what it reads ends', () => {
    const one = world();
    for (let index = 0; index < many; index++) {
      one.request({ target: `/${index}` }, { connection: 'busy' });
      const { session } = one.http2Lines.get('busy') ?? assert.fail();
      session.eachStream((stream) => session.reset(stream, 'CANCEL'));
    }
    one.pass(200);
    const sent = one.records.filter(({ attempts }) => attempts.length > 0);
    assert.deepEqual([one.records.length, sent.length], [many, 0]);
    one.verifyAtRest();
  });
});

describe('a client that comes near a limit', () => {
  it('pauses only for requests that are sent, so that it reaches the limit by those that it resets at once', () => {
    const one = world();
    for (let index = 0; index < 400; index++) {
      one.request({}, { connection: 'busy' });
      const { session } = one.http2Lines.get('busy') ?? assert.fail();
      session.eachStream((stream) => session.reset(stream, 'CANCEL'));
    }
    one.pass(300);
    assert.deepEqual(
      one.http2Lines.get('busy')?.goAways.map(({ text }) => text),
      ['too many: resets'],
    );
    assert.ok(one.records.length > 200 && one.records.length < 220, `${one.records.length}`);
    one.pass(3000);
    one.verifyAtRest();
  });

  it('has four requests begun every 25 ms, however many it has sent, and all of them in the end', () => {
    const one = world();
    const line = (): Http2Line => one.http2Lines.get('busy') ?? assert.fail();
    for (let index = 0; index < 150; index++) {
      one.request({}, { connection: 'busy' });
      line().session.eachStream((stream) => line().session.reset(stream, 'CANCEL'));
    }
    one.pass(200);
    const endpoint = one.endpoint('a');
    assert.equal(endpoint.arrived.length, 0, 'all of them were reset');
    for (let index = 0; index < many; index++) one.request({ target: `/${index}` }, { connection: 'busy' });
    for (let turn = 1; turn <= 10; turn++) {
      one.pass(25);
      assert.ok(endpoint.arrived.length <= 4 * turn + 4, `${endpoint.arrived.length} after ${25 * turn} ms`);
    }
    one.pass(500);
    assert.equal(endpoint.arrived.length, many);
    assert.deepEqual([line().goAways, line().closed], [[], false]);
    one.verifyAtRest();
  });
});

describe('clients that flood at once', () => {
  /** Requests that are sent to an endpoint, and reset later: so the pauses behind them are the longest. */
  function reset(one: Http1World, connection: string, count: number): void {
    one.endpoint('a').onRequest = () => {};
    for (let index = 0; index < count; index += 50) {
      for (let request = 0; request < Math.min(50, count - index); request++) one.request({}, { connection });
      const { session } = one.http2Lines.get(connection) ?? assert.fail();
      session.eachStream((stream) => session.reset(stream, 'CANCEL'));
    }
  }

  for (const clients of [3, 4, 12])
    it(`each end at the limit within seconds, though ${clients} of them share the turns of those that are read slowly`, () => {
      const one = world(undefined, 1000);
      const names = Array.from({ length: clients }, (_, index) => `flood${index}`);
      for (const name of names) reset(one, name, 3000);
      one.pass(8000);
      for (const name of names)
        assert.deepEqual(
          one.http2Lines.get(name)?.goAways.map(({ text }) => text),
          ['too many: resets'],
          name,
        );
      assert.ok(one.records.length < clients * 600, `${one.records.length}`);
      one.pass(60_000);
      one.verifyAtRest();
    });

  it('do not end one that has come near the limit in one burst, and goes on slowly', () => {
    const one = world();
    reset(one, 'honest', 150);
    for (let index = 0; index < 3; index++) reset(one, `flood${index}`, 3000);
    for (let second = 0; second < 10; second++) {
      reset(one, 'honest', 10);
      one.request({ target: `/${second}` }, { connection: 'honest' });
      one.pass(1000);
    }
    const line = one.http2Lines.get('honest') ?? assert.fail();
    assert.deepEqual([line.goAways, line.closed], [[], false]);
    assert.equal(one.http2Lines.get('flood0')?.goAways.length, 1);
    one.pass(60_000);
    one.verifyAtRest();
  });
});

describe('a client whose address has flooded', () => {
  const method = 'POST';

  /** 20 requests with bodies on one connection: eight wait for their responses, the others for those. */
  function waiting(): { readonly one: Http1World; readonly line: Http2Line; readonly clients: readonly ClientActor[] } {
    const one = world(() => true);
    one.endpoint('a').onRequest = () => {};
    const clients = Array.from({ length: 20 }, (_, index) => {
      const client = one.request({ method, target: `/${index}`, expects: 5 }, { connection: 'busy' });
      client.write('twice');
      return client;
    });
    // All have been read, and no other begins yet because of the time.
    one.pass(150);
    return { one, line: one.http2Lines.get('busy') ?? assert.fail(), clients };
  }

  const targets = (one: Http1World): string[] => one.endpoint('a').arrived.map(({ target }) => target);

  it('has another request begun every 100 ms, though none ends', () => {
    const one = world(() => true);
    one.endpoint('a').onRequest = () => {};
    for (let index = 0; index < 20; index++) one.request({ target: `/${index}` }, { connection: 'busy' });
    // They are read within 200 ms.
    for (const [ms, begun] of [
      [1000, 18],
      [1000, 20],
    ] as const) {
      one.pass(ms);
      assert.ok(targets(one).length >= begun - 2 && targets(one).length <= begun, `${targets(one).length}`);
    }
    assert.equal(targets(one).length, 20);
    for (const request of one.endpoint('a').arrived) request.answer(200);
    one.pass(100);
    one.verifyAtRest();
  });

  it('has eight requests at a time, and the next one begins, with its body, when one ends', () => {
    const { one, clients } = waiting();
    const { arrived } = one.endpoint('a');
    for (let ended = 0; ended < 20; ended++) {
      assert.equal(arrived.length, Math.min(20, ended + 8));
      arrived[ended]?.answer(200, `to ${arrived[ended]?.body.toString()}`);
      one.pass(2);
    }
    assert.deepEqual(
      targets(one),
      clients.map((_, index) => `/${index}`),
    );
    assert.deepEqual(new Set(clients.map(({ body }) => body.toString())), new Set(['to twice']));
    one.verifyAtRest();
  });

  it('is served as others are once the flood is a minute ago, and so are its requests that wait', () => {
    let isRecent = true;
    const one = world(() => isRecent);
    one.endpoint('a').onRequest = () => {};
    for (let index = 0; index < 60; index++) one.request({ target: `/${index}` }, { connection: 'busy' });
    one.pass(1000);
    assert.ok(targets(one).length < 30, `${targets(one).length}`);
    isRecent = false;
    one.pass(1100);
    assert.deepEqual(
      targets(one),
      Array.from({ length: 60 }, (_, index) => `/${index}`),
    );
    one.request({ target: '/60' }, { connection: 'busy' });
    one.pass(2);
    assert.equal(targets(one).length, 61);
    for (const request of one.endpoint('a').arrived) request.answer(200);
    one.pass(100);
    one.verifyAtRest();
  });

  it('has its uploads passed on, though those that wait use up the window of the connection', () => {
    const one = world(() => true);
    one.endpoint('a').onRequest = () => {};
    const body = Buffer.alloc(60_000, 'x');
    const clients = Array.from({ length: 40 }, (_, index) => {
      const client = one.request({ method, target: `/${index}`, expects: body.length }, { connection: 'busy' });
      client.write(body);
      return client;
    });
    one.pass(4000);
    const { arrived } = one.endpoint('a');
    assert.deepEqual([arrived.length, arrived.filter(({ whole }) => whole).length], [40, 40]);
    for (const request of arrived) request.answer(200);
    one.pass(100);
    assert.deepEqual(new Set(clients.map(({ status }) => status)), new Set([200]));
    one.verifyAtRest();
  });

  it('has requests recorded that it resets while they wait, and the gateway sends none of them', () => {
    const { one, line, clients } = waiting();
    line.session.eachStream((stream) => stream.id > 16 && line.session.reset(stream, 'CANCEL'));
    one.pass(500);
    assert.deepEqual(
      one.records.map(({ attempts }) => attempts.length),
      Array(12).fill(0),
    );
    for (const request of one.endpoint('a').arrived) request.answer(200, 'here');
    one.pass(100);
    assert.deepEqual([targets(one).length, clients[7]?.body.toString()], [8, 'here']);
    one.verifyAtRest();
  });

  it('has its wait recorded as that for its turn, and not as one for the body that had come', () => {
    const { one, clients } = waiting();
    one.pass(2000);
    for (const request of one.endpoint('a').arrived) request.answer(200);
    one.pass(100);
    assert.deepEqual(new Set(clients.map(({ status }) => status)), new Set([200]));
    const waits = one.records.map(({ turnMs = -1, bodyMs }) => [Math.round(turnMs / 100), bodyMs]);
    // One begins every 100 ms.
    assert.deepEqual(
      waits.slice(8),
      Array.from({ length: 12 }, (_, index) => [index + 1, -1]),
    );
    assert.deepEqual(new Set(one.records.slice(0, 8).map(({ turnMs }) => turnMs)), new Set([-1]));
    one.verifyAtRest();
  });

  it('is answered, and no endpoint gets the request, where its turn comes after the deadline of its gRPC client', () => {
    const one = world(() => true);
    one.endpoint('a').onRequest = () => {};
    const connection = 'busy';
    for (let index = 0; index < 30; index++) one.request({ target: `/${index}` }, { connection });
    const headers = { 'content-type': 'application/grpc', te: 'trailers', 'grpc-timeout': '2S' };
    const clients = Array.from({ length: 10 }, () => one.request({ method, headers }, { connection }));
    one.pass(5000);
    assert.equal(targets(one).length, 30);
    assert.deepEqual(new Set(clients.map((client) => client.header('grpc-status'))), new Set(['4']));
    assert.equal(one.records.length, 10);
    for (const { failure, attempts, turnMs } of one.records) {
      assert.ok(failure?.cause === 'exchange_timeout' && attempts.length === 0);
      const { queuedMs, ...evidence } = failure.evidence;
      assert.deepEqual([failure.stage, evidence], ['queue', { address: null, limitMs: 2000, setBy: 'client' }]);
      assert.ok(queuedMs !== undefined && queuedMs >= 2000 && queuedMs === turnMs);
      assert.equal(whoseOf(failure), 'gateway');
    }
    for (const request of one.endpoint('a').arrived) request.answer(200);
    one.pass(100);
    one.verifyAtRest();
  });

  for (const [name, lose] of [
    ['leaves', ({ transport }: Http2Line) => transport.close('reset')],
    ['breaks a rule of the connection', ({ session }: Http2Line) => session.sender.writer.windowUpdate(0, 0)],
  ] as const)
    it(`has each request recorded once where it ${name}, and the gateway sends none that waited`, () => {
      const { one, line } = waiting();
      lose(line);
      line.session.sender.flush();
      one.pass(500);
      assert.deepEqual([one.records.length, targets(one).length], [20, 8]);
      assert.equal(one.records.filter(({ attempts }) => attempts.length > 0).length, 8);
      one.verifyAtRest();
    });
});

describe('a client that sends many requests at once', () => {
  it('gets all of its responses', () => {
    const one = world();
    const clients = Array.from({ length: many }, (_, index) =>
      one.request({ target: `/${index}` }, { connection: 'busy' }),
    );
    one.pass(200);
    assert.deepEqual(
      clients.map(({ body }) => body.toString()),
      clients.map((_, index) => `to /${index}`),
    );
    one.verifyAtRest();
  });

  it('lets other clients have their turn before its last requests', () => {
    const one = world();
    for (let index = 0; index < many; index++) one.request({ target: `/${index}` }, { connection: 'busy' });
    one.request({ target: '/quiet' }, { connection: 'quiet' });
    one.pass(200);
    const order = one.endpoint('a').arrived.map(({ target }) => target);
    assert.equal(order.length, many + 1);
    assert.ok(order.indexOf('/quiet') < many / 2, `it was number ${order.indexOf('/quiet')}`);
    one.verifyAtRest();
  });

  it('is not cut by a drain before all that has come is read', () => {
    const one = world();
    const clients = Array.from({ length: many }, (_, index) =>
      one.request({ target: `/${index}` }, { connection: 'busy' }),
    );
    // Behind the first part, before the rest.
    one.clock.schedule(one.clock.now(), () => one.closeIdle(), null);
    one.pass(500);
    assert.deepEqual(new Set(clients.map(({ status }) => status)), new Set([200]));
    one.verifyAtRest();
  });
});

describe('clients whose frames the gateway reads late', () => {
  for (const bodyRateMin of [0, 200])
    it(`are not said to send their content too slowly while it has not read it (minimum rate: ${bodyRateMin})`, () => {
      const bodyMs = 5000;
      const limits = { bodyMs, bodyRateMin, rateGraceMs: bodyMs };
      const one = new Http1World({ connectionsMax: 200, limits }, { clients: 'h2', hasFlooded: () => true });
      one.endpoint('a').onRequest = (request) => request.answer(200);
      const clients = Array.from({ length: 150 }, (_, index) => {
        const connection = `busy${index}`;
        const client = one.request({ method: 'POST', expects: 10 }, { connection });
        client.write('first');
        const { session } = one.http2Lines.get(connection) ?? assert.fail();
        // Strained, and below the limit.
        for (let count = 0; count < 900; count++) session.sender.writer.windowUpdate(0, 1);
        client.write('other');
        return client;
      });
      const { arrived } = one.endpoint('a');
      one.pass(bodyMs + 100);
      assert.equal(arrived.length, 0, 'none has been read to its end');
      one.pass(30_000);
      assert.deepEqual(new Set(clients.map(({ status }) => status)), new Set([200]));
      assert.deepEqual(new Set(arrived.map(({ body }) => body.toString())), new Set(['firstother']));
      one.verifyAtRest();
    });
});
