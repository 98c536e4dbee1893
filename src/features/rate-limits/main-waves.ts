import type { EventSink } from '../../core/event.ts';
import { type FeatureScope, scopeKey } from '../../core/feature.ts';
import type { LimitReport } from './settings.ts';

/** So many refusals between two looks, and this share of the requests that the limit has seen, are a wave. */
const wave = { refusedMin: 100, shareMin: 0.1 } as const;
/** It is over after so many looks in a row with fewer refusals than this. */
const over = { refusedMax: 20, looks: 2 } as const;
/** Keys that are told apart between two looks: what more of them have counts for all keys together. */
const keysMax = 200;
/** A key with less has not made the wave. */
const ofOneKeyMin = 0.5;

interface Seen {
  readonly scope: FeatureScope;
  readonly name: string;
  admitted: number;
  refused: number;
  readonly keys: Map<string, number>;
  isWave: boolean;
  quietLooks: number;
}

/** Tells when a limit begins to refuse many requests, whether one client has made most of them, and when that is over. */
export class RefusalWaves {
  readonly #events: EventSink;
  readonly #seen = new Map<string, Seen>();

  constructor(events: EventSink) {
    this.#events = events;
  }

  /** The limits of a configuration. Of those that it does not have any more the waves are over. */
  use(limits: readonly { readonly scope: FeatureScope; readonly name: string }[]): void {
    const before = new Map(this.#seen);
    this.#seen.clear();
    for (const { scope, name } of limits) {
      const key = `${scopeKey(scope)} ${name}`;
      const fresh: Seen = { scope, name, admitted: 0, refused: 0, keys: new Map(), isWave: false, quietLooks: 0 };
      this.#seen.set(key, before.get(key) ?? fresh);
      before.delete(key);
    }
    for (const gone of before.values()) if (gone.isWave) this.#end(gone);
  }

  note(key: string, { admitted, refused, keys }: LimitReport): void {
    const seen = this.#seen.get(key);
    if (seen === undefined) return;
    seen.admitted += admitted;
    seen.refused += refused;
    if (refused === 0) return;
    for (const [shown, count] of keys)
      if (seen.keys.has(shown) || seen.keys.size < keysMax) seen.keys.set(shown, (seen.keys.get(shown) ?? 0) + count);
  }

  /** Once in ten seconds. */
  look(): void {
    for (const seen of this.#seen.values()) {
      const { admitted, refused } = seen;
      const isMany = refused >= wave.refusedMin && refused >= wave.shareMin * (admitted + refused);
      seen.quietLooks = refused < over.refusedMax ? seen.quietLooks + 1 : 0;
      if (!seen.isWave && isMany) this.#begin(seen);
      else if (seen.isWave && seen.quietLooks >= over.looks) this.#end(seen);
      seen.admitted = seen.refused = 0;
      seen.keys.clear();
    }
  }

  #begin(seen: Seen): void {
    seen.isWave = true;
    const { admitted, refused, keys } = seen;
    const [top = ['', 0] as const] = [...keys].toSorted(([, one], [, other]) => other - one);
    const isOne = top[1] >= ofOneKeyMin * refused;
    const whose = isOne
      ? `, ${Math.round((100 * Math.min(top[1], refused)) / refused)} % of them of one client, ${top[0]}`
      : ', of many clients';
    const route = seen.scope.id;
    this.#events.emit({
      kind: 'limit_refusals',
      subject: subjectOf(seen),
      to: 'many',
      reason: `the limit ${seen.name} of the route ${route} has refused ${refused} of ${admitted + refused} requests in ten seconds${whose}`,
      evidence: {
        ...{ route, limit: seen.name, admitted, refused },
        ...{ client: isOne ? top[0] : null, ofClient: isOne ? Math.min(top[1], refused) : null },
        fix: isOne
          ? 'Nothing, if this client is to have no more: the application gets none of these requests. If it is one of yours, let it send less, or raise the limit.'
          : 'See with `candor logs cause:rate_limited` whom the limit refuses: if these are visitors, it is too low.',
      },
    });
  }

  #end(seen: Seen): void {
    seen.isWave = false;
    seen.quietLooks = 0;
    const { route, limit } = { route: seen.scope.id, limit: seen.name };
    this.#events.emit({
      ...{ kind: 'limit_refusals', subject: subjectOf(seen), from: 'many', to: 'few' },
      reason: `the limit ${limit} of the route ${route} refuses few requests again`,
      evidence: {
        route,
        limit,
        admitted: seen.admitted,
        refused: seen.refused,
        client: null,
        ofClient: null,
        fix: null,
      },
    });
  }
}

const subjectOf = ({ scope, name }: Seen): string => `limit:${scope.id}.${name}`;
