import type { CostlessTransport } from '../../bench/costless-transport.ts';
import { benchRoute, benchUpstream } from '../../bench/fixtures.ts';
import { type InMemoryGateway, type InMemorySettings, trustedAddress } from '../../bench/in-memory-gateway.ts';
import type { RouteSpec } from '../../src/core/route-spec.ts';
import type { EndpointId, RouteId } from '../../src/core/endpoint.ts';
import type { FeatureSpecs } from '../../src/core/feature.ts';
import type { UpstreamSnapshot } from '../../src/core/snapshot.ts';
import { after, type Clock } from '../../src/core/time.ts';
import { systemClock } from '../../src/system/system.ts';

const [firstEndpoint] = benchUpstream.endpoints;

const upstream: UpstreamSnapshot = {
  ...benchUpstream,
  endpoints: [3000, 3001, 3002].flatMap((port) => {
    if (firstEndpoint === undefined) return [];
    const id = `api/127.0.0.1:${port}` as EndpointId;
    return [{ ...firstEndpoint, id, address: { kind: 'tcp' as const, host: '127.0.0.1', port } }];
  }),
};

const routes: readonly RouteSpec[] = [
  {
    id: 'own',
    pathPrefix: '/own',
    action: { kind: 'feature', feature: 'respond' },
    features: { respond: { status: 200, contentType: 'text/plain', body: 'ok\n' } },
  },
  {
    id: 'moved',
    pathPrefix: '/moved',
    action: { kind: 'feature', feature: 'redirect' },
    features: { redirect: { status: 301, location: '/there' } },
  },
  { id: 'all', pathPrefix: '/', action: benchRoute.action, features: benchRoute.features ?? {} },
].map(({ id, pathPrefix, action, features }) => ({
  ...benchRoute,
  features: features as FeatureSpecs,
  id: id as RouteId,
  match: { ...benchRoute.match, pathPrefix },
  action: action as RouteSpec['action'],
}));

/** The system's clock, advanced by some of the exchanges. */
let skippedMs = 0;

const clock: Clock = {
  now: () => after(systemClock.now(), skippedMs),
  wallTime: () => systemClock.wallTime(),
  schedule: (at, fire, subject) => systemClock.schedule(after(at, -skippedMs), fire, subject),
};

/** After this time an endpoint that has refused a connection gets a request again. */
const refusalOverMs = 1000;

/** From the head of a request to its body, where that is recorded: from 1 ms on. */
const laterMs = 1.5;

/** The configuration of the gateway of `runVaried`. */
export const variedSettings: InMemorySettings = { routes, upstream, clock };

/** One exchange, or the end of one, as its client and its endpoint play it. */
interface Play {
  readonly request: Buffer;
  /** The rest of the request, which comes `laterMs` behind it. */
  readonly later?: Buffer;
  /** In slices; null if no endpoint gets a request. */
  readonly answer: readonly Buffer[] | null;
  /** The end of the connection on which the request was first sent; the answer then comes on the next one. */
  readonly loss?: 'fin' | 'ECONNRESET';
  /** Connections to endpoints that are refused before one is opened. */
  readonly refused?: number;
  /** The end of an early exchange: by its endpoint after the answer, or by its client instead of an answer. */
  readonly cut?: 'endpoint' | 'client';
  /** The client has to reconnect afterwards. */
  readonly last?: true;
}

function request(line: string, headers: readonly string[] = [], body = ''): Buffer {
  return Buffer.from([`${line} HTTP/1.1`, 'Host: www.example.org', ...headers, '', body].join('\r\n'), 'latin1');
}

function answer(line: string, headers: readonly string[] = [], body = ''): Buffer {
  return Buffer.from([`HTTP/1.1 ${line}`, ...headers, '', body].join('\r\n'), 'latin1');
}

const accept = ['Accept: text/html', 'User-Agent: Mozilla/5.0', 'Connection: keep-alive'];
const json = ['Content-Type: application/json', 'Accept: application/json'];
const date = 'Date: Sat, 21 Nov 2026 09:00:00 GMT';
const ok = answer('200 OK', [date, 'Content-Type: text/plain', 'Content-Length: 5'], 'hello');
const chunked = answer('200 OK', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n');

/** More than the response hold. */
const large = answer('200 OK', ['Content-Length: 200000'], 'x'.repeat(80_000));

/** Chunks of a request, with its head. */
const upload = request(
  'POST /upload',
  [...json, 'Transfer-Encoding: chunked'],
  '5\r\nhello\r\n3;a=b\r\nyou\r\n0\r\n\r\n',
);

const plays: readonly Play[] = [
  { request: request('GET /'), answer: [ok] },
  { request: request('GET /articles/latest?page=2&q=shoes', accept), answer: [ok] },
  { request: request('GET /articles/latest', accept), answer: [chunked] },
  { request: request('GET /in/pieces', accept), answer: [ok.subarray(0, 30), ok.subarray(30, 70), ok.subarray(70)] },
  { request: request('HEAD /articles', accept), answer: [answer('200 OK', [date, 'Content-Length: 1234'])] },
  { request: request('POST /orders', [...json, 'Content-Length: 7'], '{"a":1}'), answer: [ok] },
  { request: upload, answer: [answer('201 Created', ['Location: /upload/1', 'Content-Length: 0'])] },
  { request: request('GET /cached', ['If-None-Match: "a"']), answer: [answer('304 Not Modified', ['ETag: "a"'])] },
  { request: request('GET /nowhere'), answer: [answer('404 Not Found', ['Content-Length: 3'], 'no\n')] },
  { request: request('GET /broken?x'), answer: [answer('500 Internal Server Error', ['Content-Length: 0'])] },
  {
    request: request('GET /busy'),
    answer: [answer('503 Service Unavailable', ['Retry-After: 1', 'Content-Length: 0'])],
  },
  { request: request('DELETE /orders/7'), answer: [answer('204 No Content', [date])] },
  { request: request('GET /hint'), answer: [Buffer.concat([answer('103 Early Hints', ['Link: </a.css>']), ok])] },
  { request: request('GET /once', ['Connection: close']), answer: [ok], last: true },
  { request: request('POST /slowly', [...json, 'Content-Length: 7']), later: Buffer.from('{"a":1}'), answer: [ok] },
  {
    request: request('GET /old', accept),
    answer: [answer('200 OK', ['Connection: close', 'Content-Length: 2'], 'ok')],
  },
  { request: request('GET /own/answer', accept), answer: null },
  { request: request('GET /moved/away'), answer: null },
  { request: request('GET /traced', [`traceparent: 00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`]), answer: [ok] },
  { request: request('GET /retried'), answer: [ok], loss: 'fin' },
  { request: request('GET /retried/too'), answer: [ok], loss: 'ECONNRESET' },
  { request: request('GET /elsewhere'), answer: [ok], refused: 1 },
  { request: request('GET /nobody/there'), answer: null, refused: 3 },
  { request: request('GET /large'), answer: [large, large.subarray(0, 40_000)], cut: 'endpoint', last: true },
  { request: request('GET /impatient'), answer: null, cut: 'client', last: true },
  { request: request('GET /garbage', accept), answer: [Buffer.from('SSH-2.0-OpenSSH_9.6\r\n', 'latin1')] },
  { request: request('GET /one two'), answer: null, last: true },
  { request: Buffer.from('GET / HTTP/1.0\r\n\r\n', 'latin1'), answer: [ok], last: true },
];

/** Each round has some of these, so that most exchanges are ordinary ones, as in production. */
const ordinary = plays.slice(0, 12);

const trustedHeaders = request('GET /trusted', [
  'X-Forwarded-For: 192.0.2.7',
  'X-Forwarded-Proto: https',
  'X-Request-Id: 3f6e1d8a-1111-4222-8333-444455556666',
]);

/**
 * Plays at least `count` exchanges of all kinds with the gateway, by 16 clients and one trusted client, some of them at
 * the same time. Their order changes from round to round.
 */
export function runVaried(gateway: InMemoryGateway, count: number): void {
  const clients = Array.from({ length: 16 }, () => gateway.connect());
  const trusted = gateway.connect(trustedAddress);
  let played = 0;
  for (let round = 0; played < count; round++) {
    for (const [index, play] of plays.entries()) {
      const place = (round * 7 + index) % clients.length;
      playOne(gateway, clients, place, play);
      playTogether(gateway, clients, round + index);
      played += 1 + togetherMax;
    }
    playOne(gateway, [trusted], 0, { request: trustedHeaders, answer: [ok] });
    played++;
  }
  for (const client of [...clients, trusted]) client.listener.onEnd();
}

function playOne(gateway: InMemoryGateway, clients: CostlessTransport[], place: number, play: Play): void {
  const client = clients[place] as CostlessTransport;
  const { refused = 0 } = play;
  if (refused > 0) gateway.parts.upstream.closeIdle();
  gateway.refuseNext(refused);
  let endpoint = gateway.send(client, play.request);
  if (play.later !== undefined) {
    skippedMs += laterMs;
    endpoint = gateway.send(client, play.later);
  }
  if (endpoint !== null && play.loss !== undefined) {
    endpoint = gateway.lose(endpoint, play.loss === 'fin' ? null : play.loss);
  }
  gateway.refuseNext(0);
  if (refused > 0) skippedMs += refusalOverMs;
  if (play.cut === 'client') client.listener.onClosed('ECONNRESET');
  // A malformed answer is retried at another endpoint.
  for (let again = 0; endpoint !== null && again < attemptsMax; again++) endpoint = answerWith(gateway, endpoint, play);
  if (play.last !== true && !client.over) return;
  if (play.cut !== 'client') client.listener.onEnd();
  clients[place] = gateway.connect();
}

const attemptsMax = 4;

/** Returns the connection on which the request was then retried, or null. */
function answerWith(gateway: InMemoryGateway, endpoint: CostlessTransport, play: Play): CostlessTransport | null {
  let next: CostlessTransport | null = null;
  for (const piece of play.answer ?? []) next = gateway.answer(endpoint, piece) ?? next;
  if (play.cut === 'endpoint') next = gateway.lose(endpoint, 'ECONNRESET');
  return next;
}

const togetherMax = 12;

/** Ordinary exchanges that are in flight at the same time. */
function playTogether(gateway: InMemoryGateway, clients: readonly CostlessTransport[], from: number): void {
  const asked: (CostlessTransport | null)[] = [];
  for (let index = 0; index < togetherMax; index++) {
    const play = ordinary[(from + index) % ordinary.length] as Play;
    asked.push(gateway.send(clients[(from + index) % clients.length] as CostlessTransport, play.request));
  }
  for (let index = 0; index < togetherMax; index++) {
    const play = ordinary[(from + index) % ordinary.length] as Play;
    const endpoint = asked[index] ?? null;
    if (endpoint !== null) answerWith(gateway, endpoint, play);
  }
}
