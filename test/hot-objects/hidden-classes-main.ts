/**
 * Run with `--allow-natives-syntax`: plays varied exchanges and prints how many hidden classes the instances of each
 * hot class have, soon after construction and at the end of their lives, as JSON.
 */
import { runInThisContext } from 'node:vm';
import { CostlessTransport } from '../../bench/costless-transport.ts';
import { startInMemoryGateway } from '../../bench/in-memory-gateway.ts';
import { Http1ClientConnection } from '../../src/downstream/http1/connection.ts';
import { ClientTimeouts } from '../../src/downstream/timeouts.ts';
import { Preface } from '../../src/downstream/preface.ts';
import { RequestReader } from '../../src/downstream/http1/request-reader.ts';
import { ResponseWriter } from '../../src/downstream/http1/response-writer.ts';
import { Attempt } from '../../src/exchange/attempt.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { ForwardedRequest, ForwardedResponse } from '../../src/exchange/forward.ts';
import { Http1Connection } from '../../src/upstream/http1-connection.ts';
import { Http1Stream } from '../../src/upstream/http1-stream.ts';
import { BodyReader } from '../../src/wire/body-reader.ts';
import { ParsedHeaders } from '../../src/wire/parsed-headers.ts';
import { RequestHeadParser } from '../../src/wire/request-head.ts';
import { ResponseHeadParser } from '../../src/wire/response-head.ts';
import { playRoundTrips } from './socket-round-trips.ts';
import { runVaried, variedSettings } from './varied-exchanges.ts';

/** Only V8's own parser accepts natives syntax, and it parses this. */
const haveSameShape = runInThisContext('(a, b) => %HaveSameMap(a, b)') as (a: object, b: object) => boolean;

/** More hidden classes are not distinguished. */
const shapesMax = 8;

/** Objects that all had different hidden classes when they were observed. */
class Shapes {
  readonly #told: object[] = [];

  see(object: object): void {
    if (this.#told.length >= shapesMax || this.#told.some((other) => haveSameShape(other, object))) return;
    this.#told.push(object);
  }

  get count(): number {
    return this.#told.length;
  }
}

class Watched {
  readonly atFirst = new Shapes();
  readonly atLast = new Shapes();
  /** In the order in which they came, including those of the warm-up: connections outlive it. */
  readonly instances = new Set<object>();
}

const watched = new Map<string, Watched>();
let isWarm = false;

function see(name: string, object: object): void {
  let one = watched.get(name);
  if (one === undefined) watched.set(name, (one = new Watched()));
  if (one.instances.has(object)) return;
  one.instances.add(object);
  if (isWarm) one.atFirst.see(object);
}

/** Runs twice: to warm up, and to observe. */
const exchanges = 3000;
const sockets = 12;

type Method = (this: object, ...given: unknown[]) => unknown;

/** Observes each instance, or an object found from it, when its `method` is called: for most the first call. */
function watch(
  prototype: object,
  method: string,
  name: string,
  found: (instance: object, given: readonly unknown[]) => object = (instance) => instance,
): void {
  const methods = prototype as Record<string, Method>;
  const original = methods[method] as Method;
  methods[method] = function (...given) {
    see(name, found(this, given));
    return original.apply(this, given);
  };
}

const firstCalls: readonly (readonly [{ readonly name: string; readonly prototype: object }, string])[] = [
  [CostlessTransport, 'deliver'],
  [Preface, 'onBytes'],
  [Http1ClientConnection, 'onBytes'],
  [RequestReader, 'push'],
  [RequestHeadParser, 'push'],
  [BodyReader, 'begin'],
  [ResponseWriter, 'begin'],
  [ClientTimeouts, 'await'],
  [Exchange, 'onRequest'],
  [Attempt, 'onStream'],
  [ForwardedRequest, 'writeHeaders'],
  [ForwardedResponse, 'writeHeaders'],
  [Http1Connection, 'openStream'],
  [Http1Stream, 'send'],
  [ResponseHeadParser, 'push'],
  [ParsedHeaders, 'writeTo'],
];
for (const [{ name, prototype }, method] of firstCalls) watch(prototype, method, name);

watch(Attempt.prototype, 'onResponse', 'response head', (_, [response]) => response as object);

const gateway = startInMemoryGateway({
  ...variedSettings,
  onEnded(exchange) {
    see('request head', exchange.request);
    see('client facts', exchange.client);
    see('identity', exchange.identity);
    for (const attempt of exchange.attempts) see(Attempt.name, attempt);
  },
});
async function play(): Promise<void> {
  runVaried(gateway, exchanges);
  await playRoundTrips(sockets, (transport) => see(transport.constructor.name, transport));
}

await play();
isWarm = true;
const before = new Map([...watched].map(([name, { instances }]) => [name, instances.size]));
await play();

const counts: Record<string, { first: number; last: number; instances: number }> = {};
for (const [name, { atFirst, atLast, instances }] of watched) {
  // Objects that lived only in the warm-up may keep a hidden class that no later object gets.
  const late = [...instances].slice(before.get(name) ?? 0);
  for (const instance of late) atLast.see(instance);
  counts[name] = { first: atFirst.count, last: atLast.count, instances: late.length };
}
process.stdout.write(JSON.stringify(counts), () => process.exit(0));
