import type { UpstreamStream } from '../src/core/stream.ts';
import type { Transport } from '../src/core/transport.ts';
import { anyClient, anyRequest } from '../src/upstream/any-request.test-support.ts';
import { ClientTimeouts, type ClientTimeoutsOwner } from '../src/downstream/timeouts.ts';
import type { Exchange } from '../src/exchange/exchange.ts';
import { ForwardedRequest, ForwardedResponse } from '../src/exchange/forward.ts';
import type { Route } from '../src/exchange/ports.ts';
import type { LiveEndpoint } from '../src/upstream/endpoint.ts';
import { requestLimits } from '../src/wire/request-limits.test-support.ts';
import { responseLimits } from '../src/wire/limits.ts';
import { HeadStorage } from '../src/wire/head-storage.ts';
import type { Composer } from '../src/wire/byte-writer.ts';
import { RequestHeadParser } from '../src/wire/request-head.ts';
import { ResponseHeadParser } from '../src/wire/response-head.ts';
import { type ParsedResponseHead } from '../src/wire/parsed-response-head.ts';
import { writeRequestHead, writeResponseHead } from '../src/wire/write-head.ts';
import { CostlessTransport } from './costless-transport.ts';
import { benchLimits, requestBytes, responseBytes } from './fixtures.ts';
import { type InMemoryGateway, startInMemoryGateway } from './in-memory-gateway.ts';
import { NewEachTime } from './new-each-time.ts';
import { SmallGets } from './small-gets.ts';

/** A part of an exchange, run alone with the functions that an exchange runs. */
export interface StageWork {
  readonly name: string;
  /** The functions in it. */
  readonly what: string;
  /** Runs the part once, for the exchange `index`. */
  readonly once: (index: number) => void;
}

/** This many connections and exchanges take turns, so that no cache sees the same one twice in a row. */
const many = 64;

/** The body of the small response comes with its head. */
const responseHeadBytes = responseBytes.indexOf('\r\n\r\n') + 4;

/** The stages of a small GET, in order. */
export function stageWorks(): readonly StageWork[] {
  const held = heldExchanges();
  return [
    parseRequest(held),
    admit(held),
    route(held),
    choose(held),
    writeRequest(held),
    parseResponse(held),
    writeResponse(held),
    record(),
  ];
}

/** The cost of heads if nothing in them is repeated; otherwise they are recognized (`src/wire/parsed-head-memo.ts`). */
export function newHeadWorks(): readonly StageWork[] {
  const storage = new HeadStorage();
  const [requests, responses] = [new NewEachTime(requestBytes), new NewEachTime(responseBytes)];
  return [
    {
      name: 'a request head whose headers are new',
      what: 'each byte is read one time; framing, authority, target',
      once: parsesRequest(storage, () => requests.next()),
    },
    {
      name: 'a response head that is new',
      what: 'each byte is read one time; framing, persistence',
      once: parsesResponse(storage, () => responses.next()),
    },
  ];
}

/** The whole exchange, in the same loop. Returns the function that plays a number of them. */
export function wholeWork(heads: 'same' | 'new' = 'same'): SmallGets {
  return new SmallGets(startInMemoryGateway(), many, heads);
}

/** Exchanges that wait for the response of their endpoint, so that heads can be parsed. */
interface Held {
  readonly gateway: InMemoryGateway;
  /** The total of all. */
  readonly found: Route;
  readonly exchanges: readonly Exchange[];
  readonly transport: Transport;
}

function heldExchanges(): Held {
  const exchanges: Exchange[] = [];
  const gateway = startInMemoryGateway({ onBegun: (exchange) => void exchanges.push(exchange) });
  for (let index = 0; index < many; index++) gateway.send(gateway.connect(), requestBytes);
  const { request, client } = exchanges[0] as Exchange;
  const found = gateway.parts.serving.router.route(request, client) as Route;
  return { gateway, found, exchanges, transport: new CostlessTransport({ written: null }, '127.0.0.1', 1, 2) };
}

function parseRequest({ gateway: { parts } }: Held): StageWork {
  return {
    name: 'parse the request head',
    what: 'request line; headers by one comparison with those of the previous request',
    once: parsesRequest(parts.storage, () => requestBytes),
  };
}

function parsesRequest(storage: HeadStorage, bytesNow: () => Buffer): StageWork['once'] {
  const parsers = Array.from({ length: many }, () => new RequestHeadParser(requestLimits, storage));
  return (index) => {
    const parser = parsers[index % many] as RequestHeadParser;
    parser.push(bytesNow(), 0, requestBytes.length);
    parser.reset();
  };
}

function parseResponse({ gateway: { parts } }: Held): StageWork {
  return {
    name: 'parse the response head',
    what: 'by one comparison with the one before',
    once: parsesResponse(parts.storage, () => responseBytes),
  };
}

function parsesResponse(storage: HeadStorage, bytesNow: () => Buffer): StageWork['once'] {
  const parsers = Array.from({ length: many }, () => new ResponseHeadParser(responseLimits, storage));
  return (index) => {
    const parser = parsers[index % many] as ResponseHeadParser;
    parser.expect('GET');
    parser.push(bytesNow(), 0, responseHeadBytes);
    parser.reset();
  };
}

function route({ gateway, exchanges }: Held): StageWork {
  const { router } = gateway.parts.serving;
  return {
    name: 'route',
    what: 'host, path, method, headers: one route',
    once(index) {
      const { request, client } = exchanges[index % many] as Exchange;
      router.route(request, client);
    },
  };
}

function admit({ gateway: { parts }, transport }: Held): StageWork {
  const owner: ClientTimeoutsOwner = { bytesReceived: () => 0, onOverdue() {}, onWriteStalled() {} };
  const all = Array.from(
    { length: many },
    () => new ClientTimeouts(transport, benchLimits, parts.clock, { look() {} }, owner),
  );
  return {
    name: 'admit',
    what: 'clock, trusted peers, deadlines',
    once(index) {
      const timeouts = all[index % many] as ClientTimeouts;
      parts.clock.now();
      parts.clock.wallTime();
      parts.isTrusted('127.0.0.1');
      timeouts.await('nothing');
      timeouts.endWriteWatch();
      timeouts.await('next-request');
    },
  };
}

/** Uses a pool as large as that of a gateway with this many concurrent exchanges. */
function choose({ found: { timeouts } }: Held): StageWork {
  const gateway = startInMemoryGateway();
  new SmallGets(gateway, many).play(many);
  const { upstream, clock } = gateway.parts;
  const waiter = {
    client: anyClient,
    needsHttp1: false,
    needsPrivate: false,
    stream: null as UpstreamStream | null,
    onStageDone() {},
    onNoStream() {},
    onStream(stream: unknown) {
      this.stream = stream as UpstreamStream;
    },
  };
  return {
    name: 'choose',
    what: 'an endpoint, a connection of its pool, and giving it back',
    once() {
      const endpoint = upstream.choose([], anyRequest) as LiveEndpoint;
      endpoint.acquire(waiter, timeouts, 'any');
      clock.now(); // As after the last byte of a response.
      waiter.stream?.cancel(); // No byte was sent, so the connection goes back to the pool.
    },
  };
}

function writeRequest({ gateway, found, exchanges, transport }: Held): StageWork {
  const { writer, upstream, ids } = gateway.parts;
  const endpoint = upstream.choose([], anyRequest) as LiveEndpoint;
  const composer: Composer = { transport };
  return {
    name: 'write the request head',
    what: 'forwarded headers; Via, X-Forwarded-*, request id, trace',
    once(index) {
      const exchange = exchanges[index % many] as Exchange;
      writer.claim(composer);
      writeRequestHead(writer, new ForwardedRequest(exchange, found, endpoint, ids));
      writer.flush(composer);
    },
  };
}

function writeResponse({ gateway, found, exchanges, transport }: Held): StageWork {
  const { writer, storage, clock } = gateway.parts;
  const composer: Composer = { transport };
  const heads = exchanges.map(() => {
    const parser = new ResponseHeadParser(responseLimits, storage);
    parser.expect('GET');
    parser.push(responseBytes, 0, responseHeadBytes);
    return parser.head as ParsedResponseHead;
  });
  return {
    name: 'write the response head',
    what: 'forwarded headers; request id, framing, persistence',
    once(index) {
      const exchange = exchanges[index % many] as Exchange;
      const head = heads[index % many] as ParsedResponseHead;
      writer.claim(composer);
      const forwarded = new ForwardedResponse(head, exchange, found, clock);
      writeResponseHead(writer, forwarded, { persistent: true, version: 'HTTP/1.1' }, 'GET');
      writer.flush(composer);
    },
  };
}

function record(): StageWork {
  const ended: Exchange[] = [];
  const gateway = startInMemoryGateway({ onEnded: (exchange) => void ended.push(exchange) });
  new SmallGets(gateway, many).play(many);
  const { counters, outcomes, recorder } = gateway.parts;
  return {
    name: 'record',
    what: 'the line of the log, counts for metrics and health',
    once(index) {
      const exchange = ended[index % many] as Exchange;
      counters.count(exchange);
      outcomes.count(exchange);
      recorder.write(exchange);
    },
  };
}
