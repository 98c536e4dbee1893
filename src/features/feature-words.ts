/** What people read of a feature. Commands and the main thread load these files: they need nothing but `core/`. */
import type { FeatureSpecs } from '../core/feature.ts';
import type { VariableSource } from '../core/variables.ts';
import type { UpstreamSpec } from '../core/upstream-spec.ts';
import type { WaitingCount } from '../core/waiting-requests.ts';

export interface FlatSettings {
  readonly [key: string]: string | number | boolean | null;
}

/** What `candor route` shows of a feature: what it answers in an application's place, how attempts are repeated, what is rewritten, who may enter, sizes, queues and bounds, and what it does with headers. */
interface ShownSettings {
  readonly answer?: FlatSettings;
  readonly retry?: FlatSettings;
  readonly rewrite?: FlatSettings;
  readonly limits?: FlatSettings;
  readonly headers?: FlatSettings;
  /** Who may enter. */
  readonly access?: FlatSettings;
  /** Where its requests find a program. */
  readonly programs?: FlatSettings;
}

export interface AskedRequest {
  readonly request: VariableSource;
  /** Fills in a location (`core/location-text.ts`), which not every command loads that reads words. */
  readonly locationOf: (text: string) => (request: VariableSource) => string | null;
}

/** A line of `candor status`. */
export interface StatusRow {
  readonly tone: 'good' | 'warn' | 'bad';
  /** In columns with those of the other rows; one alone is a sentence. */
  readonly cells: readonly string[];
  /** The last column, which matters least. */
  readonly note?: string;
  /** A sentence below; '': none. */
  readonly reason?: string;
  readonly waiting?: readonly WaitingCount[];
}

/** `Shown`: its sections of the status. */
export interface FeatureWords<Shown extends object = object> {
  /** Of a route, and of the upstream that gets its requests; null: the route answers by itself. `asked`: the request that is asked about. */
  readonly settings?: (
    ofRoute: FeatureSpecs | undefined,
    upstream: UpstreamSpec | null,
    asked: AskedRequest,
  ) => ShownSettings;
  readonly status?: { readonly title: string; readonly rows: (status: Shown) => readonly StatusRow[] };
}

/** The `settings` of a feature that says something of routes that have it, by its spec. */
export function settingsOf(
  name: string,
  shown: (spec: never, asked: AskedRequest) => ShownSettings,
): NonNullable<FeatureWords['settings']> {
  return (ofRoute, _, asked) => {
    const spec = ofRoute?.[name];
    return spec === undefined ? {} : shown(spec as never, asked);
  };
}

/** The words, as the registry has them. */
export function featureWords<Shown extends object>(words: FeatureWords<Shown>): FeatureWords {
  return words as unknown as FeatureWords;
}
