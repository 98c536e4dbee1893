import {
  acceptedKey,
  contentKinds,
  declinedForm,
  deniedForm,
  emptyForm,
  jsonKind,
  limitedForm,
  lostForm,
  missingForm,
  optionsKey,
  redirectForm,
  sizeCells,
  strayForm,
  unaskedForm,
  unclosedForm,
  unfitForm,
  unreadableForm,
  unsafeKey,
  upgradeKey,
  withdrawnForm,
} from '../core/content-kind.ts';
import { formWords, optionsWords } from '../core/answer-words.ts';
import type { AnswerChange } from '../core/live-incident.ts';
import { answerParts, type RouteTraffic } from '../core/route-traffic.ts';
import { AddedRequests, refusedNewcomers } from './added-requests.ts';
import { ClientGroups } from './client-groups.ts';
import { ComparedEndpoints } from './compared-endpoints.ts';
import { type MovedRequests, MovedRequestsWatch } from './moved-requests.ts';
import { changedTogether } from './replaced-answers.ts';
import { RouteAnswer, type UnusualCount } from './route-answer.ts';
import { sliceS } from './unsettled-slices.ts';
import { UpgradeAnswers } from './upgrade-answers.ts';
import { short } from './usual-forms.ts';
import type { LastChange } from './what-is-over.ts';

const routesMax = 1000;

/** Requests that have moved to paths that never were stay the change for so long. */
const movedKeptS = 120;

/** Of few refused preflights: pages of origins that the application does not know send some. */
const nothingTells: ReadonlySet<number> = new Set();

const noneUnusual: UnusualCount = { unusual: 0, telling: 0 };

/**
 * Few of these tell something where several clients get them. Others may be pages that visitors have not asked for before: a crawler is many clients, and
 * a message with a link has many readers.
 */
const tellingOfReads: ReadonlySet<number> = new Set([
  ...[emptyForm, deniedForm, limitedForm, lostForm, unfitForm, strayForm, withdrawnForm],
  ...[unreadableForm, unclosedForm, unaskedForm, redirectForm + short],
  ...(['none', 'text', 'html', 'error'] as const).map((kind) => contentKinds.indexOf(kind)),
]);
/** Several clients that send what is declined have a new version, or the application has: nobody guesses what to send. */
const tellingOfChanges: ReadonlySet<number> = new Set([...tellingOfReads, declinedForm]);

/** What each route answers below 500, compared with the last hour of the same route: 4xx, other types, nothing, redirects, or much less than before. */
export class RouteAnswers {
  readonly #routes = new Map<string, AnsweredRoute>();
  readonly #besides = new AddedRequests();
  readonly #movedRequests = new MovedRequestsWatch();
  readonly #endpoints = new ComparedEndpoints();
  #firstSecond = Infinity;
  /** The last ones that were found. */
  #moved: MovedRequests | null = null;

  readonly #lastChange: LastChange | undefined;

  constructor(lastChange?: LastChange) {
    this.#lastChange = lastChange;
  }

  add(counted: RouteTraffic, second: number): UnusualCount {
    const { route, upstream, answers, patterns = [] } = counted;
    this.#firstSecond = Math.min(this.#firstSecond, second);
    if (answers === undefined || answers.length === 0) return noneUnusual;
    this.#movedRequests.add(counted, second);
    this.#endpoints.add(counted, second);
    let known = this.#routes.get(route);
    if (known === undefined) {
      if (this.#routes.size >= routesMax) return noneUnusual;
      this.#routes.set(
        route,
        (known = {
          ...{ upstream, upgrades: new UpgradeAnswers(this.#firstSecond) },
          ...{ readers: new ClientGroups(second), changers: new ClientGroups(second) },
          ...{
            reading: new RouteAnswer(second, tellingOfReads, 0, this.#lastChange),
            changing: new RouteAnswer(second, tellingOfChanges, 0, this.#lastChange),
            options: new RouteAnswer(second, nothingTells, 0, this.#lastChange),
          },
        }),
      );
    }
    known.upstream = upstream;
    known.readers.add(answers, 0, second);
    known.changers.add(answers, 1, second);
    const reading: number[] = [];
    const changing: number[] = [];
    const options: number[] = [];
    let refused = 0;
    for (let at = 0; at < answers.length; at += answerParts) {
      const key = answers[at] as number;
      const [count, clients] = [answers[at + 1] as number, answers[at + 2] as number];
      if (key >= optionsKey) options.push(key - optionsKey, count, clients);
      else if (key === acceptedKey) known.upgrades.addAccepted(count);
      else if (key >= upgradeKey)
        refused += known.upgrades.addRefused(Math.floor((key - upgradeKey) / sizeCells), count, clients, second);
      if (key >= upgradeKey) continue;
      const lane = key < unsafeKey ? reading : changing;
      lane.push(key % unsafeKey, count, clients);
    }
    const [readBesides, changedBesides] = this.#besides.add({ route, patterns }, second, known.reading.firstSecond);
    const [newRead, newChanged] = [refusedNewcomers(patterns, 0), refusedNewcomers(patterns, 1)];
    const read = known.reading.add(reading, second, newRead, readBesides);
    const changed = known.changing.add(changing, second, newChanged, changedBesides);
    if (options.length > 0) refused += known.options.add(options, second).unusual;
    return { unusual: read.unusual + changed.unusual + refused, telling: read.telling + changed.telling };
  }

  /** Since when the routes of an upstream answer otherwise: single ones, several together, and at one endpoint. `sendsByChance`: see `WatchedUpstream`. */
  judge(second: number, upstream: string, sendsByChance: () => boolean): readonly number[] {
    const found: number[] = [];
    const lanes: Parameters<typeof changedTogether>[0][number][] = [];
    for (const [route, known] of this.#routes) {
      if (known.upstream !== upstream) continue;
      for (const lane of [known.reading, known.changing, known.upgrades, known.options]) {
        const since = lane.changedSince(second);
        if (since !== null) found.push(since);
      }
      for (const clients of [known.readers, known.changers]) {
        const since = clients.refusedSince(second);
        if (since !== null) found.push(since);
      }
      for (const lane of [known.reading, known.changing])
        if (lane.isUnusualNow(second)) lanes.push({ route, replaced: (...of) => lane.replaced(...of) });
    }
    const moved = this.#movedRequests.judge(second, upstream);
    if (moved !== null) found.push(moved.second);
    this.#moved = moved ?? this.#moved;
    const alone = this.#endpoints.judge(second, upstream);
    if (alone !== null && sendsByChance()) found.push(alone);
    const together = lanes.length < 2 ? null : changedTogether(lanes, second);
    return together === null ? found : [...found, together];
  }

  /** See `AddedRequests`. */
  addedOn(route: string, since: number, second: number, widthS: number): number {
    return this.#besides.addedOn(route, since, second, widthS);
  }

  /** Once a second. `isUsual`: there is no incident at an upstream. */
  settle(second: number, isUsual: (upstream: string) => boolean): void {
    for (const { upstream, reading, changing, options } of this.#routes.values()) {
      const isWell = isUsual(upstream);
      if (second % sliceS !== 0 && isWell) continue;
      reading.settle(second, isWell);
      changing.settle(second, isWell);
      options.settle(second, isWell);
    }
  }

  /** The one with the most unusual answers of these routes. */
  change(routes: readonly string[], second: number, shown: AnswerChange | null): AnswerChange | null {
    const moved = this.#moved;
    if (moved !== null && moved.second > second - movedKeptS && routes.includes(moved.route))
      return { route: moved.route, now: formWords(missingForm), usual: formWords(jsonKind), missing: moved.from };
    const all = routes.flatMap((route) => {
      const known = this.#routes.get(route);
      return known === undefined
        ? []
        : [
            ...[known.reading, known.changing, known.upgrades].flatMap((lane) => lane.change(route, second) ?? []),
            ...optionsChange(known.options, route, second),
          ];
    });
    const [most] = all.sort((a, b) => b.count - a.count);
    if (most === undefined) return null;
    // Of several routes that change alike, another one has the most each second.
    const same = all.find(({ change }) => change.route === shown?.route && change.now === shown.now);
    return (same !== undefined && same.count >= most.count / 2 ? same : most).change;
  }
}

function optionsChange(
  options: RouteAnswer,
  route: string,
  second: number,
): readonly NonNullable<ReturnType<RouteAnswer['change']>>[] {
  const found = options.change(route, second);
  return found === null ? [] : [{ ...found, change: { ...found.change, usual: optionsWords } }];
}

interface AnsweredRoute {
  /** That its requests went to last: a reload may give the route another one. */
  upstream: string;
  /** Requests with GET, and those that may change something: they are answered otherwise. */
  readonly reading: RouteAnswer;
  readonly changing: RouteAnswer;
  /** Requests with OPTIONS: a form of those that succeed, and those of the others. */
  readonly options: RouteAnswer;
  readonly upgrades: UpgradeAnswers;
  /** Who sends the former two. */
  readonly readers: ClientGroups;
  readonly changers: ClientGroups;
}
