import type { SeededRandom } from '../../../src/testing/seeded-random.ts';
import { loadCases } from '../../conformance/load-cases.ts';
import { changed } from '../fuzz-wire.ts';

/** One action of a peer. */
export type Step =
  | { readonly kind: 'send'; readonly bytes: string }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'fin' | 'reset' | 'stop-reading' | 'read-on' };

/** The actions of every peer of one gateway, and the properties of the connections: data, so that it can be reduced. */
export interface EngineScenario {
  readonly seed: string;
  readonly clients: readonly (readonly Step[])[];
  /** What the nth connection to an endpoint meets; the list repeats. */
  readonly connections: readonly EndpointScript[];
  readonly windowBytes: number;
  readonly latencyMs: number;
  /** Bytes arrive in slices of at most this size; 0: as they come. */
  readonly pieceBytes: number;
}

export interface EndpointScript {
  readonly refuses: boolean;
  /** At once, with or without a request. */
  readonly first: readonly Step[];
  /** For the nth request; the list repeats; empty: silence. */
  readonly answers: readonly (readonly Step[])[];
}

/** Stands for a mark that differs each time it is sent, with the same length: it shows whose bytes they are. */
export const markPlace = '@@@@@@@@@@';

const host = 'Host: example.org\r\n';
const hello = `x${markPlace}y`; // 12 bytes.

/** Valid requests, to be mutated. */
const requests: readonly string[] = [
  `GET /a?${markPlace} HTTP/1.1\r\n${host}\r\n`,
  `GET /a HTTP/1.1\r\n${host}X-Mark: ${markPlace}\r\nAccept: */*\r\n\r\n`,
  `HEAD /h HTTP/1.1\r\n${host}X-Mark: ${markPlace}\r\n\r\n`,
  `POST /p HTTP/1.1\r\n${host}Content-Length: 12\r\n\r\n${hello}`,
  `POST /p HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nc\r\n${hello}\r\n0\r\n\r\n`,
  `PUT /p HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nc;a=b\r\n${hello}\r\n3\r\nabc\r\n0\r\nX-Sum: ${markPlace}\r\n\r\n`,
  `POST /p HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 12\r\n\r\n${hello}`,
  `DELETE /d HTTP/1.1\r\n${host}X-Mark: ${markPlace}\r\nConnection: close\r\n\r\n`,
  `GET /old HTTP/1.0\r\nX-Mark: ${markPlace}\r\n\r\n`,
  `GET /old HTTP/1.0\r\nConnection: keep-alive\r\nX-Mark: ${markPlace}\r\n\r\n`,
  `GET /ws HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  `OPTIONS * HTTP/1.1\r\n${host}\r\n`,
  `GET http://example.org/abs HTTP/1.1\r\n${host}X-Mark: ${markPlace}\r\n\r\n`,
  `POST /many HTTP/1.1\r\n${host}Content-Length: 12000\r\n\r\n${hello.repeat(1000)}`,
];

const answers: readonly string[] = [
  `HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n${hello}`,
  `HTTP/1.1 200 OK\r\nX-Mark: ${markPlace}\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n${hello}\r\n0\r\n\r\n`,
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n${hello}\r\n0\r\nX-Sum: ${markPlace}\r\n\r\n`,
  `HTTP/1.1 204 No Content\r\nX-Mark: ${markPlace}\r\n\r\n`,
  `HTTP/1.1 304 Not Modified\r\nX-Mark: ${markPlace}\r\nContent-Length: 12\r\n\r\n`,
  `HTTP/1.1 204 No Content\r\nX-Mark: ${markPlace}\r\nContent-Length: 12\r\n\r\n`,
  `HTTP/1.1 204 No Content\r\nX-Mark: ${markPlace}\r\nTransfer-Encoding: chunked\r\n\r\n`,
  `HTTP/1.1 205 Reset Content\r\nX-Mark: ${markPlace}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `HTTP/1.1 103 Early Hints\r\nLink: <${markPlace}>\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n${hello}`,
  `HTTP/1.1 103 Early Hints\r\nLink: <${markPlace}>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n${hello}`,
  `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nX-Mark: ${markPlace}\r\nContent-Length: 0\r\n\r\n`,
  `HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 12\r\n\r\n${hello}`,
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${hello}`,
  `HTTP/1.1 200 OK\r\nContent-Length: 36000\r\n\r\n${hello.repeat(3000)}`,
  `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n${hello}\r\n`,
  `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 12\r\n\r\n${hello}`,
  `HTTP/1.0 200 OK\r\nContent-Length: 12\r\n\r\n${hello}`,
  `HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 12\r\n\r\n${hello}`,
];

const untilClose = `HTTP/1.1 200 OK\r\nX-Mark: ${markPlace}\r\n\r\n${hello}`;

const cases = loadCases();
const ofKind = {
  request: cases.filter(({ kind, bytes }) => kind === 'request' && bytes.length < 3000),
  response: cases.filter(({ kind, bytes }) => kind === 'response' && bytes.length < 3000),
};

/** A random scenario: about half of the messages are valid. */
export function scenarioOf(seed: string, random: SeededRandom): EngineScenario {
  const clients = many(1 + random.integer(5), () => clientSteps(random));
  const connections = many(1 + random.integer(4), () => endpointScript(random));
  return {
    seed,
    clients,
    connections,
    windowBytes: random.pick([64, 1024, 8192, 65_536]),
    latencyMs: random.pick([0, 0, 1, 5]),
    pieceBytes: random.pick([0, 0, 3, 40, 700]),
  };
}

function clientSteps(random: SeededRandom): Step[] {
  const steps: Step[] = [{ kind: 'wait', ms: random.pick([0, 0, 1, 50, 500, 3000]) }];
  for (let n = 1 + random.integer(5); n > 0; n--) {
    const text = message(random, random.pick(requests), 'request', 0.25);
    steps.push(...sending(random, text), { kind: 'wait', ms: random.pick([0, 0, 1, 3, 30, 300, 2000]) });
  }
  return withEnd(random, steps);
}

function endpointScript(random: SeededRandom): EndpointScript {
  const first = random.next() < 0.05 ? sending(random, message(random, random.pick(answers), 'response', 0.5)) : [];
  const some = many(random.next() < 0.05 ? 0 : 1 + random.integer(4), () => {
    const wait: Step = { kind: 'wait', ms: random.pick([0, 0, 0, 1, 20, 400, 2500]) };
    if (random.next() < 0.06) return [wait, ...sending(random, untilClose), { kind: 'fin' as const }];
    const answer = sending(random, message(random, random.pick(answers), 'response', 0.4));
    return withEnd(random, [wait, ...answer, ...stray(random)], 0.15);
  });
  return { refuses: random.next() < 0.05, first, answers: some };
}

/** Bytes that no request asked for, after the answer. */
function stray(random: SeededRandom): Step[] {
  if (random.next() >= 0.1) return [];
  return [{ kind: 'wait', ms: random.pick([0, 1, 5, 40]) }, ...sending(random, random.pick(answers))];
}

/** The message, or a case of the documents, perhaps mutated. */
function message(random: SeededRandom, good: string, kind: 'request' | 'response', spoilt: number): string {
  const other = random.next() < 0.15 ? random.pick(ofKind[kind]).bytes : null;
  let bytes = other === null ? Buffer.from(good, 'latin1') : other;
  if (random.next() < spoilt) {
    for (let change = 1 + random.integer(3); change > 0; change--) bytes = changed(bytes, ofKind[kind], random);
  }
  return bytes.toString('latin1');
}

/** At once, or in a few slices with pauses between them. */
function sending(random: SeededRandom, text: string): Step[] {
  const steps: Step[] = [];
  let rest = text;
  while (random.next() < 0.3 && rest.length > 1) {
    const at = 1 + random.integer(rest.length - 1);
    steps.push({ kind: 'send', bytes: rest.slice(0, at) });
    steps.push({ kind: 'wait', ms: random.pick([0, 1, 20, 700, 4000]) });
    rest = rest.slice(at);
  }
  steps.push({ kind: 'send', bytes: rest });
  return steps;
}

/** Sometimes a peer leaves, or stops reading. */
function withEnd(random: SeededRandom, steps: readonly Step[], chance = 0.4): Step[] {
  if (random.next() >= chance) return [...steps];
  const kind = random.pick(['fin', 'fin', 'reset', 'stop-reading', 'cut'] as const);
  const at = random.next() < 0.5 ? steps.length : random.integer(steps.length + 1);
  const before = steps.slice(0, at);
  if (kind === 'cut') return before;
  if (kind !== 'stop-reading') return [...before, { kind }];
  const back: Step[] = random.next() < 0.6 ? [{ kind: 'wait', ms: random.pick([100, 5000]) }, { kind: 'read-on' }] : [];
  return [...before, { kind }, ...steps.slice(at), ...back];
}

function many<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}
