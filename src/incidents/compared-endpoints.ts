import { emptyForm, redirectForm, sizeCells, unsafeKey, upgradeKey } from '../core/content-kind.ts';
import { answerParts, type RouteTraffic } from '../core/route-traffic.ts';
import { chanceExponent } from './chance.ts';

/** The last seconds, of which so many have such answers. */
const widthS = 60;
const badSecondsMin = 8;

/** The others answer so much more seldom so. */
const oftenerMin = 5;

/** No chance: one of the routes and endpoints of a month. */
const chanceMin = 14;

/** While a release is rolled out, old and new endpoints differ for a while as they are meant to. One that has answered nothing for a while may be another one. */
const settledS = 60;
const awayS = 10;

const pairsMax = 2000;

interface Second {
  readonly second: number;
  answered: number;
  bad: number;
}

interface Endpoint {
  since: number;
  last: number;
  seconds: Second[];
  /** Those of the last minute with such answers. */
  readonly bad: Second[];
}

/** 4xx, nothing, and what clients cannot read: whatever a client asks for, it may get these at one endpoint only if it gets them at the others. */
const isBad = (form: number): boolean => form === emptyForm || form > redirectForm;

/**
 * Compares what the endpoints of a route answer. Where each request goes to an endpoint by chance, the requests of all are alike, so that even few answers that
 * one endpoint alone gives are its own doing, and those of one client as well.
 */
export class ComparedEndpoints {
  readonly #routes = new Map<string, Map<string, Endpoint>>();
  #size = 0;

  add(
    { upstream, route, endpoint, answers = [] }: Pick<RouteTraffic, 'upstream' | 'route' | 'endpoint' | 'answers'>,
    second: number,
  ): void {
    const known = this.#endpointOf(`${upstream}\n${route}`, endpoint, second);
    if (known === null) return;
    if (second - known.last > awayS) known.since = second;
    known.last = second;
    if (second - known.since < settledS) return;
    let newest = known.seconds.at(-1);
    if (newest?.second !== second) {
      known.seconds.push((newest = { second, answered: 0, bad: 0 }));
      if (known.seconds.length > 2 * widthS) known.seconds = known.seconds.slice(-widthS);
    }
    for (let at = 0; at < answers.length; at += answerParts) {
      const [key, count] = [answers[at] as number, answers[at + 1] as number];
      if (key >= upgradeKey) continue;
      newest.answered += count;
      if (!isBad(Math.floor((key % unsafeKey) / sizeCells))) continue;
      newest.bad += count;
      if (known.bad.at(-1) !== newest) known.bad.push(newest);
    }
    while ((known.bad[0] ?? newest).second <= second - widthS) known.bad.shift();
  }

  #endpointOf(route: string, name: string, second: number): Endpoint | null {
    let endpoints = this.#routes.get(route);
    const known = endpoints?.get(name);
    if (known !== undefined) return known;
    if (this.#size >= pairsMax) this.#forget(second);
    if (this.#size >= pairsMax) return null;
    if (endpoints === undefined) this.#routes.set(route, (endpoints = new Map()));
    const added: Endpoint = { since: second, last: second, seconds: [], bad: [] };
    endpoints.set(name, added);
    this.#size += 1;
    return added;
  }

  #forget(second: number): void {
    for (const [route, endpoints] of this.#routes) {
      for (const [name, { last }] of endpoints) if (last < second - widthS && endpoints.delete(name)) this.#size -= 1;
      if (endpoints.size === 0) this.#routes.delete(route);
    }
  }

  /** When an endpoint of an upstream began to answer otherwise than its siblings; null: none does. */
  judge(second: number, upstream: string): number | null {
    for (const [route, endpoints] of this.#routes) {
      if (endpoints.size < 2 || !route.startsWith(`${upstream}\n`)) continue;
      if (![...endpoints.values()].some(({ bad }) => bad.length >= badSecondsMin)) continue;
      const all = [...endpoints.values()].map((one) => sumOf(one, second));
      const whole = all.reduce((sum, one) => ({ answered: sum.answered + one.answered, bad: sum.bad + one.bad }), {
        answered: 0,
        bad: 0,
      });
      for (const one of all) if (isAlone(one, whole)) return one.since;
    }
    return null;
  }
}

interface Sum {
  readonly answered: number;
  readonly bad: number;
}

function sumOf({ seconds }: Endpoint, second: number): Sum & { readonly badSeconds: number; readonly since: number } {
  let [answered, bad, badSeconds, since] = [0, 0, 0, second];
  for (let index = seconds.length - 1; index >= 0; index--) {
    const one = seconds[index] as Second;
    if (one.second <= second - widthS) break;
    answered += one.answered;
    if (one.bad === 0) continue;
    bad += one.bad;
    badSeconds += 1;
    since = one.second;
  }
  return { answered, bad, badSeconds, since };
}

function isAlone({ answered, bad, badSeconds }: Sum & { readonly badSeconds: number }, whole: Sum): boolean {
  if (badSeconds < badSecondsMin) return false;
  const others = { answered: whole.answered - answered, bad: whole.bad - bad };
  // Where the others answer hardly anything, nothing is known of what they would.
  if (others.answered < answered / 4 || bad * others.answered < oftenerMin * others.bad * answered) return false;
  return chanceExponent(bad, whole.bad, answered / whole.answered) >= chanceMin;
}
