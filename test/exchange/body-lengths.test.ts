import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Http1Settings, Http1World } from './http1-world.ts';
import { upperCase } from './test-filters.ts';
import type { ArrivedRequest, WorldOptions } from './world.ts';

/** What an endpoint is told of a body's framing: Content-Length and Transfer-Encoding. */
function framingOf(request: ArrivedRequest | undefined): (string | null | undefined)[] {
  return [request?.header('content-length'), request?.header('transfer-encoding')];
}

const sides: readonly Http1Settings[] = [
  {},
  { clients: 'h2' },
  { endpoints: 'h2' },
  { clients: 'h2', endpoints: 'h2' },
];

const buffers: readonly [name: string, buffer: NonNullable<WorldOptions['buffer']>][] = [
  ['with the usual buffer', {}],
  ['without a buffer', { requestBytesMax: 0 }],
  ['where no body of unknown length is waited for', { requestWaitMs: 0 }],
];

function endOf(world: Http1World): void {
  for (const arrived of world.endpoint('a').arrived) {
    assert.equal(arrived.whole, true, 'the endpoint has the end of the body');
    arrived.answer(200);
  }
  world.pass(3000);
  world.verifyAtRest();
}

for (const settings of sides) {
  const { clients = 'http/1.1', endpoints = 'http/1.1' } = settings;
  const unknown = endpoints === 'h2' ? [null, null] : [null, 'chunked'];

  describe(`a body of unknown length from ${clients} to ${endpoints}`, () => {
    for (const [name, buffer] of buffers) {
      for (const [method, body, length] of [
        ['POST', 'eleven byte', '11'],
        ['DELETE', 'eleven byte', '11'],
        ['POST', '', '0'],
        ['PUT', '', '0'],
        ['PATCH', '', '0'],
        ['GET', '', null],
        ['HEAD', '', null],
        ['DELETE', '', null],
      ] as const)
        it(`is sent with its length where it comes with its head, ${name}: ${method} of ${body.length} bytes`, () => {
          const world = new Http1World({ buffer }, settings);
          sendAtOnce(world, method, body);
          world.pass(10);
          const [arrived] = world.endpoint('a').arrived;
          assert.deepEqual(framingOf(arrived), [length, null]);
          assert.equal(arrived?.body.toString(), body);
          endOf(world);
        });

      it(`keeps its trailers, and so its coding, ${name}`, () => {
        const world = new Http1World({ buffer }, settings);
        const client = world.request({ method: 'POST', expects: 'chunked', headers: { Trailer: 'x-sum' } });
        client.write('all');
        client.end({ 'X-Sum': '3' });
        world.pass(10);
        const [arrived] = world.endpoint('a').arrived;
        assert.deepEqual([...framingOf(arrived), arrived?.trailers.get('x-sum')], [...unknown, '3']);
        endOf(world);
      });
    }

    for (const [name, options, endsAfterMs, bytes, isKnown] of [
      ['that ends while it is waited for has its length', {}, 30, 9, true],
      ['that ends later streams', {}, 80, 9, false],
      ['that is larger than the buffer streams', {}, 0, 100 * 1024, false],
      ['that fits a larger buffer has its length', { buffer: { requestBytesMax: 256 * 1024 } }, 0, 100 * 1024, true],
      ['that is waited for longer has its length', { buffer: { requestWaitMs: 1000 } }, 900, 9, true],
      ['of a stream is not waited for', { grpc: true }, 0, 9, false],
    ] as const)
      it(name, () => {
        const { grpc = false, ...more } = options as WorldOptions & { grpc?: boolean };
        const world = new Http1World(more, settings);
        const headers = grpc ? { 'Content-Type': 'application/grpc' } : {};
        const client = world.request({ method: 'POST', expects: 'chunked', headers });
        client.write('x'.repeat(bytes));
        world.pass(endsAfterMs);
        client.end();
        world.pass(20);
        const [arrived] = world.endpoint('a').arrived;
        assert.deepEqual(framingOf(arrived), isKnown ? [String(bytes), null] : unknown);
        assert.equal(arrived?.body.length, bytes);
        endOf(world);
      });

    it('that comes when the client has been told to continue has its length', () => {
      const world = new Http1World({}, settings);
      const client = world.request({ method: 'PUT', expects: 'chunked', headers: { Expect: '100-continue' } });
      world.pass(10);
      assert.deepEqual([client.informed, world.endpoint('a').arrived.length], [[100], 0]);
      client.write('eleven byte');
      client.end();
      world.pass(20);
      assert.deepEqual(framingOf(world.endpoint('a').arrived[0]), ['11', null]);
      endOf(world);
    });

    it('that ends while the connection is made has its length', () => {
      const world = new Http1World({}, { ...settings, connectMs: () => 100 });
      const client = world.request({ method: 'POST', expects: 'chunked' });
      client.write('begun ');
      world.pass(80); // No longer waited for.
      client.write('ended');
      client.end();
      world.pass(100);
      assert.deepEqual(framingOf(world.endpoint('a').arrived[0]), ['11', null]);
      endOf(world);
    });

    it('that has come while no endpoint was ready has its length', () => {
      const world = new Http1World({}, { ...settings, whenNoneReady: { waitMs: 1000, waitersMax: 10 } });
      world.endpoint('a').setState('starting');
      const client = world.request({ method: 'POST', expects: 'chunked' });
      client.write('eleven byte');
      client.end();
      world.pass(100);
      assert.equal(world.endpoint('a').arrived.length, 0);
      world.endpoint('a').setState('healthy');
      world.pass(100);
      assert.deepEqual(framingOf(world.endpoint('a').arrived[0]), ['11', null]);
      endOf(world);
    });

    it('that had not ended at the first attempt has its length at the second', () => {
      const world = new Http1World(
        { endpoints: ['a', 'b'] },
        {
          ...settings,
          connectMs: () => 60,
          connectFault: (address) => (address.startsWith('10.0.0.1:') ? 'ECONNREFUSED' : null),
        },
      );
      const client = world.request({ method: 'PUT', expects: 'chunked' });
      client.write('begun ');
      world.pass(100);
      client.write('ended');
      client.end();
      world.pass(200);
      const arrived = world.endpoint('b').arrived[0];
      assert.deepEqual([...framingOf(arrived), arrived?.body.toString()], ['11', null, 'begun ended']);
      arrived?.answer(200);
      endOf(world);
    });

    it('that a filter changes has its length', () => {
      const world = new Http1World({ filters: [upperCase] }, settings);
      for (const body of ['eleven byte', 'x']) world.request({ method: 'POST', body }, { connection: body });
      world.pass(20);
      assert.deepEqual(world.endpoint('a').arrived.map(framingOf), [
        ['11', null],
        ['1', null],
      ]);
      endOf(world);
    });
  });
}

/** Head, body and end in one write of the client. */
function sendAtOnce(world: Http1World, method: string, body: string): void {
  if (world.settings.clients === 'h2') {
    const request = world.request({ method, expects: 'chunked' });
    if (body !== '') request.write(body);
    return request.end();
  }
  const { client } = world.connect();
  client.listener = { onBytes() {}, onEnd: () => client.end(), onWritten() {}, onClosed() {} };
  const chunk = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`;
  const head = `${method} / HTTP/1.1\r\nHost: example.org\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const bytes = Buffer.from(`${head}${chunk}0\r\n\r\n`, 'latin1');
  client.write(bytes, 0, bytes.length, 'borrowed');
}
