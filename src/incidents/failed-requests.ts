import type { ExchangeCount } from '../core/counters.ts';
import type { AlikeRequests, LiveIncident } from '../core/live-incident.ts';
import { redactPath } from '../redact/target.ts';
import { TopCounts } from './top-counts.ts';

/** Nearly all of the requests that failed alike. */
const nearlyAll = 0.9;

/** They took one time, where the longest took so many times as long as the shortest, which is a timeout and no chance. */
const sameTimes = 1.2;
const sameMsMin = 100;

/** Which requests have failed: by route, method, status and whose it is, and by their paths too. */
export class FailedRequests {
  readonly #kinds = new TopCounts();
  readonly #paths = new TopCounts();
  #minMs = Infinity;
  #maxMs = 0;

  add({ route, shape, requests = [], durationMsMin, durationMsMax }: ExchangeCount): void {
    for (const { method, status, path, count } of requests) {
      const kind = [route, method, status, shape === 'app_error'].join(separator);
      this.#kinds.add(kind, count);
      if (path !== '') this.#paths.add(`${kind}${separator}${path}`, count);
    }
    this.#minMs = Math.min(this.#minMs, durationMsMin);
    this.#maxMs = Math.max(this.#maxMs, durationMsMax);
  }

  addAll(other: FailedRequests): void {
    this.#kinds.addAll(other.#kinds);
    this.#paths.addAll(other.#paths);
    this.#minMs = Math.min(this.#minMs, other.#minMs);
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
  }

  /** What most of them have in common; empty: nothing is known. */
  most(): Pick<LiveIncident, 'most'> {
    const { top } = this.#kinds;
    if (top === null) return {};
    const [route = '', method = '', status, isOfApplication] = top.name.split(separator);
    const isSame = this.#minMs >= sameMsMin && this.#maxMs <= sameTimes * this.#minMs;
    const most: AlikeRequests = {
      ...{ route, method, status: Number(status), isOfApplication: isOfApplication === 'true', failed: top.count },
      path: this.#pathOf(top.name, nearlyAll * top.count),
      tookMs: isSame ? this.#minMs : null,
    };
    return { most };
  }

  #pathOf(kind: string, countMin: number): string | null {
    const start = `${kind}${separator}`;
    const found = this.#paths.all.find(({ name, count }) => name.startsWith(start) && count >= countMin);
    return found === undefined ? null : redactPath(found.name.slice(start.length));
  }
}

/** No name and no target has one. */
const separator = '\n';
