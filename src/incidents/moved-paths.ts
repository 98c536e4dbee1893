import type { RouteAnswer } from './route-answer.ts';

/** What is asked for at a path after a new configuration, on another route, was answered before it for so long. */
const knownS = 40;
/** Workers get a configuration one after the other, and main tells of it last: its requests come from so long before until so long after. */
const earlyS = 10;
const lateS = 60;
/** More patterns of the gateway are not followed. */
const patternsMax = 2048;
const unusedS = 300;

/** To requests with GET, and to those that may change something. */
export type PartAnswers = readonly [reading: RouteAnswer, changing: RouteAnswer];

interface Known {
  readonly route: string;
  readonly answers: PartAnswers;
  readonly since: number;
  usedAt: number;
}

interface NewPart {
  readonly route: string;
  readonly pattern: string;
  readonly second: number;
  readonly take: (answers: PartAnswers) => void;
}

/**
 * What the paths of all upstreams are usually answered. A new configuration may send paths to another route, and another application: what they were answered
 * before it is compared with what they are answered after it.
 */
export class MovedPaths {
  readonly #known = new Map<string, Known>();
  #new: NewPart[] = [];
  #appliedAt = -Infinity;

  onApplied(second: number): void {
    this.#appliedAt = second;
    for (const one of this.#new) if (one.second >= second - earlyS) this.#move(one);
    this.#new = [];
  }

  /** A route has its first requests for such paths, or the first since long. `take`: gets the answers of the route that had them before. */
  add(part: NewPart, answers: PartAnswers): void {
    if (part.second <= this.#appliedAt + lateS) return this.#move(part) ? undefined : this.#learn(part, answers);
    this.#new = [...this.#new.filter(({ second }) => second >= part.second - earlyS), part];
    this.#learn(part, answers);
  }

  /** Once a second, of each that had requests. */
  use(route: string, pattern: string, second: number): void {
    const known = this.#known.get(pattern);
    if (known?.route === route) known.usedAt = second;
  }

  #move({ route, pattern, second, take }: NewPart): boolean {
    const known = this.#known.get(pattern);
    if (known === undefined || known.route === route || known.since > this.#appliedAt - knownS) return false;
    if (known.usedAt < second - unusedS) return false;
    take(known.answers);
    return true;
  }

  #learn({ route, pattern, second }: NewPart, answers: PartAnswers): void {
    const known = this.#known.get(pattern);
    if (known !== undefined && known.route !== route && known.usedAt >= second - unusedS) return;
    if (known === undefined && this.#known.size >= patternsMax) this.#forget(second);
    if (known !== undefined || this.#known.size < patternsMax)
      this.#known.set(pattern, { route, answers, since: second, usedAt: second });
  }

  #forget(second: number): void {
    for (const [pattern, { usedAt }] of this.#known) if (usedAt < second - unusedS) this.#known.delete(pattern);
  }
}
