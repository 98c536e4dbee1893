import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fail } from '#failures/failure.ts';
import type { MemoryTransport, TransportPairOptions } from '../../src/testing/memory-transport.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { Http1World } from './http1-world.ts';
import { assertRecord, unbuffered } from './cases.ts';
import { upperCase } from './test-filters.ts';
import type { WorldOptions } from './world.ts';

// A request with a body asks for another protocol (RFC 9110 §7.8): the body goes first, as a body, and the protocol begins behind it.

const switches = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n';
const body = '{"Detach":false,"Tty":true} GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const early = 'GET /early HTTP/1.1\r\nHost: a\r\n\r\n';

type Framing = 'length' | 'chunked';

function head(method: string, framing: Framing, upgrade = 'echo/1'): string {
  const length = framing === 'length' ? `Content-Length: ${body.length}` : 'Transfer-Encoding: chunked';
  return `${method} /exec HTTP/1.1\r\nHost: example.org\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n${length}\r\n\r\n`;
}

/** As it is sent: whole, or the first of its two halves. */
function framed(framing: Framing, part: 'whole' | 'first' | 'second'): string {
  const [first, second] = [body.slice(0, 30), body.slice(30)];
  const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
  if (framing === 'length') return part === 'whole' ? body : part === 'first' ? first : second;
  const last = '0\r\n\r\n';
  return part === 'whole' ? chunk(body) + last : part === 'first' ? chunk(first) : chunk(second) + last;
}

const filtered: WorldOptions = { filters: [upperCase] };

/** Keeps what comes, and how it ended. */
class Peer {
  readonly transport: MemoryTransport;
  received = '';
  ended: string | null = null;

  constructor(transport: MemoryTransport, onBytes = (_: Peer): void => {}) {
    this.transport = transport;
    transport.listener = {
      onBytes: (bytes, start, end) => {
        this.received += Buffer.from(bytes.slice(start, end)).toString('latin1');
        onBytes(this);
      },
      onEnd: () => void (this.ended ??= 'fin'),
      onWritten() {},
      onClosed: (errno) => void (this.ended ??= errno ?? 'closed'),
    };
  }

  send(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    if (!this.transport.closed) this.transport.write(bytes, 0, bytes.length, 'borrowed');
  }

  get head(): string {
    return this.received.slice(0, this.received.indexOf('\r\n\r\n') + 4);
  }

  get behindHead(): string {
    return this.received.slice(this.received.indexOf('\r\n\r\n') + 4);
  }

  /** The body of the request that came, and what came behind it: read apart from our own reader. */
  get split(): { body: string; rest: string } {
    const length = /^content-length: (\d+)\r$/im.exec(this.head)?.[1];
    let left = this.behindHead;
    if (length !== undefined) return { body: left.slice(0, Number(length)), rest: left.slice(Number(length)) };
    let read = '';
    for (;;) {
      const line = left.indexOf('\r\n');
      const size = Number.parseInt(left.slice(0, line), 16);
      if (line < 0 || !(size > 0)) return { body: read, rest: left.slice(line + 4) };
      read += left.slice(line + 2, line + 2 + size);
      left = left.slice(line + size + 4);
    }
  }
}

/** A client, and the endpoint that answers `answer` once `when` says so. */
function worldOf(
  answer: string,
  when: (peer: Peer) => boolean,
  pairs: Partial<Record<'client' | 'endpoint', Partial<TransportPairOptions>>> = {},
  options: WorldOptions = {},
): { world: Http1World; client: Peer; endpoints: Peer[] } {
  const world = new Http1World(options, { pairOptions: (side) => pairs[side] ?? {} });
  const endpoints: Peer[] = [];
  for (const name of options.endpoints ?? ['a']) {
    world.endpoint(name).serves = (transport) => {
      let answered = false;
      endpoints.push(
        new Peer(transport, (peer) => {
          if (answered || !when(peer)) return;
          answered = true;
          peer.send(answer);
        }),
      );
    };
  }
  return { world, client: new Peer(world.connect().client), endpoints };
}

const atHead = (peer: Peer): boolean => peer.head !== '';
const atWhole = (peer: Peer): boolean => peer.split.body === body;

function atRest(world: Http1World, ...peers: Peer[]): void {
  for (const { transport } of peers) if (!transport.closed) transport.end();
  world.pass(20_000);
  world.verifyAtRest();
}

describe('an upgrade that is asked for with a body', () => {
  for (const method of ['POST', 'PUT'])
    for (const framing of ['length', 'chunked'] as const)
      for (const [name, when] of Object.entries({ atHead, atWhole }))
        it(`gets the body and then the bytes of the protocol, however cut: ${method}, ${framing}, ${name}`, () => {
          for (let seed = 0; seed < 12; seed++) {
            const random = new SeededRandom(`upgrade ${seed}`);
            const cut = { slices: { random, bytesMax: 1 + seed * 3 }, windowBytes: 40, latencyMs: 1 };
            const { world, client, endpoints } = worldOf(
              `${switches}greeting`,
              when,
              seed === 0 ? {} : { client: cut, endpoint: cut },
            );
            // Some clients begin at once, others when the head or the 101 has been read.
            client.send(head(method, framing) + framed(framing, 'first'));
            if (seed % 2 === 1) world.pass(200);
            client.send(framed(framing, 'second') + early);
            world.pass(300);
            client.send('later');
            world.pass(300);
            const endpoint = endpoints[0] as Peer;
            assert.match(endpoint.head, /\r\nUpgrade: echo\/1\r\nConnection: upgrade\r\n/, `seed ${seed}`);
            assert.deepEqual(endpoint.split, { body, rest: `${early}later` }, `seed ${seed}`);
            assert.match(client.head, /^HTTP\/1\.1 101 /);
            assert.equal(client.behindHead, 'greeting');
            assert.deepEqual([endpoints.length, world.records.length], [1, 0]);
            atRest(world, client, endpoint);
            assert.deepEqual([client.ended, endpoint.ended], ['fin', 'fin']);
            assertRecord(world, { end: 'forwarded', cause: null, status: 101 });
          }
        });

  it('tells the client of a 101 that comes before the body is whole', () => {
    const { world, client, endpoints } = worldOf(switches, atHead);
    client.send(head('POST', 'chunked') + framed('chunked', 'first'));
    world.pass(50);
    assert.match(client.head, /^HTTP\/1\.1 101 /);
    client.send(framed('chunked', 'second') + early);
    world.pass(50);
    assert.deepEqual(endpoints[0]?.split, { body, rest: early });
    atRest(world, client, endpoints[0] as Peer);
  });

  for (const framing of ['length', 'chunked'] as const)
    it(`that is refused leaves what follows to the framing: ${framing}`, () => {
      const { world, client, endpoints } = worldOf('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno', atWhole);
      client.send(head('POST', framing) + framed(framing, 'whole') + early);
      world.pass(50);
      assert.match(client.received, /^HTTP\/1\.1 200 OK\r\n/);
      const targets = world.created.map(({ target }) => target);
      assert.deepEqual(targets, ['/exec', '/early'], 'what the body says is no request, what stands behind it is one');
      assert.equal(endpoints[0]?.split.body, body);
      assert.equal(world.records[0]?.statusSent, 200);
      client.transport.close('reset');
      for (const { transport } of endpoints) transport.end();
      atRest(world);
    });

  it('that is refused before the body is whole ends the connection: nothing behind is read as a request', () => {
    for (const framing of ['length', 'chunked'] as const) {
      const { world, client, endpoints } = worldOf(
        'HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno',
        atHead,
        {},
        unbuffered,
      );
      client.send(head('POST', framing) + framed(framing, 'first'));
      world.pass(50);
      client.send(framed(framing, 'second') + early);
      world.pass(50);
      assert.match(client.received, /^HTTP\/1\.1 403 No\r\n[^]*Connection: close\r\n[^]*no$/);
      assert.ok(endpoints.every(({ received }) => !received.includes('/early')));
      atRest(world, client);
      assertRecord(world, { end: 'forwarded', cause: null, status: 403 });
    }
  });

  for (const [what, sends, cause, rule] of [
    ['is cut short', '', 'request_body_truncated', undefined],
    ['is no body', 'no chunk\r\n', 'request_refused', 'chunk-size'],
    ['is too large', `ffff\r\n${'x'.repeat(0xffff)}\r\n`, 'request_refused', 'content-too-large'],
  ] as const)
    it(`is broken off on both sides if the rest of the body ${what}`, () => {
      const { world, client, endpoints } = worldOf(switches, atHead, {}, { limits: { bodyBytesMax: 1000 } });
      client.send(head('POST', 'chunked') + framed('chunked', 'first'));
      world.pass(50);
      assert.match(client.head, /^HTTP\/1\.1 101 /);
      client.send(sends === '' ? '' : sends + early);
      if (sends === '') client.transport.end();
      world.pass(50);
      const [endpoint] = endpoints;
      assert.equal(endpoint?.ended, 'ECONNRESET', 'half a body is not taken for a whole one');
      assert.ok(!endpoint.received.includes('/early'));
      atRest(world, client);
      const { failure } = assertRecord(world, { end: 'truncated', cause, status: 101 });
      assert.equal(failure?.cause === 'request_refused' ? failure.evidence.rule : undefined, rule);
    });

  it('gets 100 (Continue) before the 101, if it expects that (RFC 9110 §7.8)', () => {
    const { world, client, endpoints } = worldOf(switches, atHead);
    client.send(head('POST', 'chunked').replace('Host:', 'Expect: 100-continue\r\nHost:'));
    world.pass(50);
    assert.match(client.received, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 101 /);
    client.send(framed('chunked', 'whole') + early);
    world.pass(50);
    assert.deepEqual(endpoints[0]?.split, { body, rest: early });
    atRest(world, client, endpoints[0] as Peer);
  });

  it('waits with the bytes of the protocol for an endpoint that has no room for the last of the body', () => {
    const { world, client, endpoints } = worldOf(switches, atHead, { endpoint: { windowBytes: 64 } });
    client.send(head('POST', 'chunked') + framed('chunked', 'first'));
    world.pass(100);
    const endpoint = endpoints[0] as Peer;
    endpoint.transport.pause();
    const [more, rest] = ['x'.repeat(0xff), early.repeat(20)];
    for (const sent of [`ff\r\n${more}\r\n`, framed('chunked', 'second'), rest]) {
      client.send(sent);
      world.pass(100);
    }
    endpoint.transport.resume();
    world.pass(1000);
    assert.deepEqual(endpoint.split, { body: body.slice(0, 30) + more + body.slice(30), rest });
    atRest(world, client, endpoint);
  });

  it('gets no close frame within the body', () => {
    const websocket = switches.replace('echo/1', 'websocket');
    const { world, client, endpoints } = worldOf(websocket, atHead);
    client.send(head('POST', 'chunked', 'websocket') + framed('chunked', 'first'));
    world.pass(50);
    const before = endpoints[0]?.received;
    world.endTunnels(fail('drained', 'response', { reason: 'gateway_stopping', what: 'tunnel', retryAfterS: 5 }));
    world.pass(50);
    assert.deepEqual([endpoints[0]?.received, endpoints[0]?.ended], [before, 'ECONNRESET']);
    atRest(world, client);
    assert.equal(world.records[0]?.failure?.cause, 'drained');
  });

  it('is not asked for where filters change the body, whose end they tell in their time', () => {
    const { world, client, endpoints } = worldOf(
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno',
      atHead,
      {},
      filtered,
    );
    client.send(head('POST', 'length') + framed('length', 'whole'));
    world.pass(50);
    assert.doesNotMatch(endpoints[0]?.head ?? '', /upgrade/i);
    assert.equal(endpoints[0]?.split.body, body.toUpperCase());
    atRest(world, client, endpoints[0] as Peer);
  });

  it('is not sent again once a byte of it was sent, and goes elsewhere before', () => {
    for (const refused of [false, true]) {
      const { world, client, endpoints } = worldOf(switches, atWhole, {}, { endpoints: ['a', 'b'] });
      if (refused) world.endpoint('a').accepts = 'refuses';
      else
        for (const name of ['a', 'b'])
          world.endpoint(name).serves = (transport) =>
            void endpoints.push(new Peer(transport, (peer) => peer.transport.close('reset')));
      client.send(head('PUT', 'length') + framed('length', 'whole'));
      world.pass(50);
      assert.equal(endpoints.length, 1);
      assert.match(client.head, refused ? /^HTTP\/1\.1 101 / : /^HTTP\/1\.1 502 /);
      atRest(world, client, ...endpoints);
    }
  });
});
