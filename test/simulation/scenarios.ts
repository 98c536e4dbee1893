import { after } from '../../src/core/time.ts';
import type { MemoryTransport } from '../../src/testing/memory-transport.ts';
import { pattern } from '../exchange/cases.ts';
import type { Http1Settings, Http1World } from '../exchange/http1-world.ts';
import { delayingBothBodies, suspendingFor } from '../exchange/test-filters.ts';
import { type ArrivedRequest, type ClientActor, defaultRetry, type WorldOptions } from '../exchange/world.ts';
import { PlainClient } from './plain-client.ts';

/** A few exchanges that succeed, so that each of their effects can fail in turn. */
export interface Scenario {
  readonly name: string;
  readonly options?: WorldOptions;
  readonly settings?: Pick<Http1Settings, 'named' | 'tls' | 'queueMax'>;
  /** Its endpoint answers in bytes of HTTP/1, or changes the protocol. */
  readonly onlyHttp1?: true;
  readonly play: (world: Http1World) => readonly Sent[];
}

/** A request, and the intended answer of its endpoint. */
export interface Sent {
  readonly target: string;
  readonly method: string;
  readonly client: Pick<ClientActor, 'status' | 'state' | 'body'>;
  readonly answer: Buffer;
  /** The status, if it is not 200. */
  readonly status?: number;
  /** The endpoint aborts its answer. */
  readonly isCut?: true;
  /** The body of the request. */
  readonly body: Buffer;
}

const nothing = Buffer.alloc(0);
const names = ['a', 'b'];

export const scenarios: readonly Scenario[] = [
  {
    name: 'a GET',
    play(world) {
      answerAll(world);
      const sent = [ask(world, '/only')];
      world.pass(50);
      return sent;
    },
  },
  {
    name: 'requests that wait for the only connection',
    options: { endpoints: ['a'], connectionsMax: 1 },
    settings: { queueMax: 4 },
    play(world) {
      answerAll(world);
      const sent = ['/first', '/second', '/third'].map((target) => ask(world, target));
      world.pass(100);
      return sent;
    },
  },
  {
    name: 'a POST that a filter suspends, with transforms in both directions',
    options: { filters: [suspendingFor(5), delayingBothBodies] },
    play(world) {
      answerAll(world);
      const body = pattern(20_000, 1);
      const client = world.request({ method: 'POST', target: '/filtered', body });
      world.pass(300);
      return [{ target: '/filtered', method: 'POST', client, answer: answerTo('/filtered'), body }];
    },
  },
  {
    name: 'a POST with a body',
    play(world) {
      answerAll(world);
      const body = pattern(900, 1);
      const client = world.request({ method: 'POST', target: '/post', body });
      world.pass(50);
      return [{ target: '/post', method: 'POST', client, answer: answerTo('/post'), body }];
    },
  },
  {
    name: 'an upload in slices with trailers',
    play(world) {
      answerAll(world);
      return [upload(world, 'POST', '/up', {})];
    },
  },
  {
    name: 'an upload that waits for 100 Continue',
    play(world) {
      answerAll(world);
      return [upload(world, 'PUT', '/continue', { Expect: '100-continue' })];
    },
  },
  {
    name: 'a response that streams while its request does',
    options: { buffer: { requestBytesMax: 0 } },
    play(world) {
      const client = world.request({ method: 'PUT', target: '/both', expects: 'chunked' });
      for (const name of names) world.endpoint(name).onRequest = (request) => request.head(200, null);
      const [up, down] = [pattern(1200, 2), pattern(2000, 3)];
      for (let turn = 0; turn < 4; turn++) {
        world.pass(5);
        client.write(up.subarray(turn * 300, (turn + 1) * 300));
        for (const name of names) world.endpoint(name).arrived[0]?.write(down.subarray(turn * 500, (turn + 1) * 500));
      }
      client.end({ 'X-Sum': '1' });
      for (const name of names) world.endpoint(name).arrived[0]?.end({ 'X-Sum': '2' });
      world.pass(50);
      return [{ target: '/both', method: 'PUT', client, answer: down, body: up }];
    },
  },
  {
    name: 'two requests one after the other on the same connections',
    play(world) {
      answerAll(world);
      const first = ask(world, '/1', 'one');
      world.pass(50);
      const second = ask(world, '/2', 'one');
      world.pass(50);
      return [first, second];
    },
  },
  {
    name: 'three requests at once on one connection',
    play(world) {
      answerAll(world);
      const sent = ['/p', '/q', '/r'].map((target) => ask(world, target, 'one'));
      world.pass(80);
      return sent;
    },
  },
  {
    name: 'an attempt at another endpoint, within a limit on the whole exchange',
    options: { timeouts: { exchangeMs: 15_000 } },
    play(world) {
      answerAll(world);
      for (const name of names) {
        const endpoint = world.endpoint(name);
        const answer = endpoint.onRequest;
        endpoint.onRequest = (request) => {
          const isFirst = names.every((other) => world.endpoint(other).arrived.length <= (other === name ? 1 : 0));
          if (isFirst) request.breakOff('closed');
          else answer(request);
        };
      }
      const sent = [ask(world, '/elsewhere')];
      world.pass(80);
      return sent;
    },
  },
  ...(
    [
      ['a status that is retried', (request) => request.answer(503, 'x'.repeat(3000))],
      ['an attempt that has no answer in time', () => {}],
    ] satisfies [string, (request: ArrivedRequest) => void][]
  ).map(
    ([name, first]): Scenario => ({
      name,
      options: { retry: { ...defaultRetry, statuses: [503], attemptMs: 40, attemptsMax: 3, attemptHeaders: true } },
      play(world) {
        answerAll(world);
        playFirst(world, first);
        const body = pattern(900, 5);
        const client = world.request({ method: 'PUT', target: '/retried', body });
        world.pass(300);
        return [{ target: '/retried', method: 'PUT', client, answer: answerTo('/retried'), body }];
      },
    }),
  ),
  {
    name: 'a connection that is closed just as it is reused',
    options: { endpoints: ['a'] },
    play(world) {
      answerAll(world);
      const first = ask(world, '/1');
      world.pass(50);
      const endpoint = world.endpoint('a');
      const answer = endpoint.onRequest;
      endpoint.onRequest = (request) => {
        endpoint.onRequest = answer;
        request.breakOff('reset');
      };
      const second = ask(world, '/2');
      world.pass(50);
      return [first, second];
    },
  },
  {
    name: 'early hints before the answer',
    play(world) {
      for (const name of names) {
        world.endpoint(name).onRequest = (request) => {
          request.inform(103, { Link: '</x.css>' });
          request.inform(102);
          request.answer(200, answerTo(request.target));
        };
      }
      const sent = [ask(world, '/hints')];
      world.pass(50);
      return sent;
    },
  },
  {
    name: 'an answer that ends with its connection',
    onlyHttp1: true,
    play(world) {
      for (const name of names) {
        world.endpoint(name).onRequest = (request) => {
          request.raw('HTTP/1.0 200 Fine\r\n\r\n');
          request.write(answerTo(request.target));
          request.breakOff('closed');
        };
      }
      const sent = [ask(world, '/until-close')];
      world.pass(50);
      return sent;
    },
  },
  {
    name: 'a large download to a slow client',
    play(world) {
      const answer = pattern(300_000);
      for (const name of names) world.endpoint(name).onRequest = (request) => request.answer(200, answer);
      const client = world.request({ target: '/large' }, { windowBytes: 8192 });
      client.stopReading();
      world.pass(100);
      client.readOn();
      world.pass(200);
      return [{ target: '/large', method: 'GET', client, answer, body: nothing }];
    },
  },
  {
    name: 'a reload between two requests, while one is in flight',
    play(world) {
      answerAll(world);
      const first = ask(world, '/1', 'one');
      world.pass(2);
      world.changedTls({ serverName: 'other.test', verify: false } as Parameters<typeof world.changedTls>[0]);
      world.pass(50);
      world.changedTls(null);
      world.endpoint('a').setState('draining');
      const second = ask(world, '/2', 'one');
      world.pass(50);
      return [first, second];
    },
  },
  {
    name: 'an answer in the middle of an upload, by an endpoint that then closes',
    play(world) {
      const answer = Buffer.from('too much');
      for (const name of names) {
        world.endpoint(name).onRequest = (request) => {
          request.answer(413, answer, { Connection: 'close' });
          request.stopReading();
          world.clock.schedule(later(world, 8), call, () => request.breakOff('reset'));
        };
      }
      const client = world.request({ method: 'POST', target: '/early', expects: 'chunked' });
      const body = pattern(40_000, 5);
      for (let piece = 0; piece < 8; piece++) {
        client.write(body.subarray(piece * 5000, (piece + 1) * 5000));
        world.pass(2);
      }
      client.end();
      world.pass(50);
      return [{ target: '/early', method: 'POST', client, answer, body, status: 413 }];
    },
  },
  {
    name: 'an answer in slices that is held until it is complete',
    play(world) {
      const answer = pattern(6000, 6);
      for (const name of names) world.endpoint(name).onRequest = (request) => inPieces(world, request, answer, 'whole');
      const client = world.request({ target: '/held' });
      world.pass(60);
      return [{ target: '/held', method: 'GET', client, answer, body: nothing }];
    },
  },
  {
    name: 'an answer that breaks while it is held, and the attempt after it',
    play(world) {
      const answer = pattern(6000, 6);
      let asked = 0;
      for (const name of names) {
        world.endpoint(name).onRequest = (request) => inPieces(world, request, answer, asked++ === 0 ? 'cut' : 'whole');
      }
      const client = world.request({ target: '/again' });
      world.pass(100);
      return [{ target: '/again', method: 'GET', client, answer, body: nothing }];
    },
  },
  {
    name: 'an answer that breaks after it has been forwarded',
    play(world) {
      const answer = pattern(150_000, 7);
      for (const name of names) world.endpoint(name).onRequest = (request) => inPieces(world, request, answer, 'cut');
      const client = world.request({ target: '/cut' });
      world.pass(100);
      return [{ target: '/cut', method: 'GET', client, answer, body: nothing, isCut: true }];
    },
  },
  {
    name: 'a client of HTTP/1.0, whose answer ends with its connection',
    play(world) {
      const answer = pattern(3000, 8);
      for (const name of names) world.endpoint(name).onRequest = (request) => inPieces(world, request, answer, 'whole');
      const client = new PlainClient(world.connect().client);
      client.send('GET /old HTTP/1.0\r\nHost: example.org\r\n\r\n');
      world.pass(60);
      return [{ target: '/old', method: 'GET', client, answer, body: nothing }];
    },
  },
  {
    name: 'a client of HTTP/1.0, whose answer breaks off',
    play(world) {
      const answer = pattern(150_000, 9);
      for (const name of names) world.endpoint(name).onRequest = (request) => inPieces(world, request, answer, 'cut');
      const client = new PlainClient(world.connect().client);
      client.send('GET /old HTTP/1.0\r\nHost: example.org\r\n\r\n');
      world.pass(100);
      return [{ target: '/old', method: 'GET', client, answer, body: nothing, isCut: true }];
    },
  },
  {
    name: 'a tunnel that both sides use and end',
    onlyHttp1: true,
    play: playTunnel,
  },
  {
    name: 'a tunnel over TLS to a name',
    onlyHttp1: true,
    settings: { named: true, tls: true },
    play: playTunnel,
  },
  {
    name: 'a name to look up and a handshake to make',
    settings: { named: true, tls: true },
    play(world) {
      answerAll(world);
      const sent = [ask(world, '/secret')];
      world.pass(50);
      return sent;
    },
  },
];

/** Both sides send before and after the change, and end by themselves: a tunnel that one side forgets lasts an hour. */
function playTunnel(world: Http1World): readonly Sent[] {
  answerAll(world);
  for (const name of names) world.endpoint(name).serves = (endpoint) => switchOver(world, endpoint);
  const client = new PlainClient(world.connect().client);
  client.send('GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nearly');
  world.pass(10);
  client.send(' and late');
  world.pass(10);
  client.finish();
  world.pass(50);
  for (const name of names) world.endpoint(name).serves = null;
  const answer = Buffer.from('hello early and late');
  return [{ target: '/tunnel', method: 'GET', client, answer, body: nothing, status: 101 }];
}

function switchOver(world: Http1World, endpoint: MemoryTransport): void {
  let isTunnel = false;
  const send = (bytes: Buffer): void => {
    if (!endpoint.closed) endpoint.write(bytes, 0, bytes.length, 'borrowed');
  };
  endpoint.listener = {
    onBytes(bytes, start, end) {
      if (isTunnel) return send(Buffer.from(bytes.slice(start, end)));
      isTunnel = true; // One small request, which comes in one slice.
      send(Buffer.from('HTTP/1.1 101 Echo\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello '));
      world.clock.schedule(later(world, 35), call, () => {
        if (!endpoint.closed) endpoint.end();
      });
    },
    onEnd() {},
    onWritten() {},
    onClosed() {},
  };
}

/** Chunks, some milliseconds apart; the last one may be missing. */
function inPieces(world: Http1World, request: ArrivedRequest, answer: Buffer, ends: 'whole' | 'cut'): void {
  request.head(200, null);
  const size = answer.length / 3;
  for (let piece = 0; piece < 3; piece++) {
    const bytes = answer.subarray(piece * size, (piece + 1) * size);
    world.clock.schedule(later(world, 3 * (piece + 1)), call, () => {
      if (piece === 2 && ends === 'cut') return request.breakOff('closed');
      request.write(bytes);
      if (piece === 2) request.end();
    });
  }
}

function later({ clock }: Http1World, ms: number): ReturnType<Http1World['clock']['now']> {
  return after(clock.now(), ms);
}

function call(what: () => void): void {
  what();
}

function ask(world: Http1World, target: string, connection?: string): Sent {
  const client = world.request({ target }, connection === undefined ? {} : { connection });
  return { target, method: 'GET', client, answer: answerTo(target), body: nothing };
}

function upload(world: Http1World, method: string, target: string, headers: Readonly<Record<string, string>>): Sent {
  const client = world.request({ method, target, expects: 'chunked', headers });
  const body = pattern(12_000, 4);
  for (let piece = 0; piece < 4; piece++) {
    world.pass(5);
    client.write(body.subarray(piece * 3000, (piece + 1) * 3000));
  }
  client.end({ 'X-Sum': '1' });
  world.pass(50);
  return { target, method, client, answer: answerTo(target), body };
}

function answerTo(target: string): Buffer {
  return Buffer.from(`to ${target}`);
}

/** Every endpoint answers each complete request. */
/** The next request that arrives is played in this way; those after it as before. */
function playFirst(world: Http1World, play: (request: ArrivedRequest) => void): void {
  let isFirst = true;
  for (const name of names) {
    const endpoint = world.endpoint(name);
    const usual = endpoint.onRequest;
    endpoint.onRequest = (request) => {
      if (!isFirst) return usual(request);
      isFirst = false;
      play(request);
    };
  }
}

function answerAll(world: Http1World): void {
  for (const name of names) {
    if (world.options.endpoints?.includes(name) === false) continue;
    const endpoint = world.endpoint(name);
    endpoint.onRequest = (request) => answerWhenWhole(world, request, 60);
  }
}

function answerWhenWhole(world: Http1World, request: ArrivedRequest, looks: number): void {
  if (request.whole) return request.answer(200, answerTo(request.target));
  if (looks === 0 || request.gone) return;
  const again = (): void => answerWhenWhole(world, request, looks - 1);
  world.clock.schedule((world.clock.now() + 1) as ReturnType<typeof world.clock.now>, again, null);
}
