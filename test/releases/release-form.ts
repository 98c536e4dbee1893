// Releases of a small shop, for trying `candor deploy`. For each, `run.ts`
//
// 1. starts the stock service (`StockService`), writes the old release of `language` (`oldRelease`, `writeFiles`) to a folder, and
//    runs it behind the gateway as application `shop`: readiness path /healthz, environment `environmentOf(…)`. DATA_DIR names a
//    folder outside of both releases, so that they share the state. `node` in PATH is the one that runs the player;
// 2. starts `Traffic` at the gateway with the old release, 10 s at least, so that clients have pages, sessions and orders of it;
// 3. writes `files(old)` to another folder, without making any file executable, and deploys it:
//    `candor deploy shop --from FOLDER --strategy blue_green|canary`, with `command`, `environment` and `migration` where the release
//    has them. `migration` runs once in the new folder, before the new release starts, with its environment;
// 4. meanwhile does what `meanwhile` says: `Traffic` and `StockService` have what it needs;
// 5. waits until the deployment has ended, 60 s at most, or 10 minutes where `slow` is true, and compares with `expected`;
// 6. counts by `countAnswers(traffic.answers, harmed)` how many requests were harmed, by release, route and second.
//    A busy machine makes answers late too: compare their share with that of the old release before the deployment.
//
// `expected` says how a deployment must end: 'refused' (before clients reach the new release), 'rolled_back' (after it), 'either'
// of both, or 'promoted'. Every release names itself in the header x-test-version: its name, or `old`.

import type { Answer, FaultKind, RouteName } from './answer.ts';

/** The content of each file by its path. */
export type Files = Readonly<Record<string, string>>;

export type Language = 'node' | 'python';

/** What happens during the deployment, whichever release answers. */
type Meanwhile =
  | { readonly kind: 'stock_fails' | 'stock_is_slow'; readonly afterSeconds: number; readonly forSeconds: number }
  | { readonly kind: 'rate_doubles'; readonly afterSeconds: number }
  | { readonly kind: 'extra_client'; readonly client: 'broken' | 'retrying' };

export interface Release {
  readonly name: string;
  readonly kind: string;
  /** Of the old release. The new one may have another `command`. */
  readonly language: Language;
  readonly expected: 'refused' | 'rolled_back' | 'either' | 'promoted';
  /** The harm comes only after a time or under the whole load, or to less than ten requests in a minute. */
  readonly slow: boolean;
  /** The harm is small: few requests, a factor of 2 to 4, only after a time, or only under load. */
  readonly subtle: boolean;
  readonly files: (old: Files) => Files;
  readonly environment: Readonly<Record<string, string>>;
  readonly migration: readonly string[] | null;
  readonly command: readonly string[];
  readonly meanwhile: Meanwhile | null;
  /** After so many seconds of the whole traffic clients have met the harm. */
  readonly shownAfterSeconds: number;
  /** What visitors suffer, or what looks suspicious of a good release. */
  readonly what: string;
  /** Whether the client suffers from this release. */
  readonly harmed: (answer: Answer) => boolean;
}

interface ReleaseForm extends Pick<Release, 'what'>, Partial<Omit<Release, 'name' | 'kind' | 'what' | 'files'>> {
  readonly change: (old: Files) => Files;
}

export const oldCommands = { node: ['node', 'server.mjs'], python: ['python3', 'server.py'] } as const;

/** A release in the short form of the corpus. The version is written here. */
export function release(name: string, kind: string, form: ReleaseForm): Release {
  const { change, language = 'node', ...more } = form;
  return {
    name,
    kind,
    language,
    expected: 'rolled_back',
    slow: false,
    subtle: false,
    environment: {},
    migration: null,
    command: oldCommands[language],
    meanwhile: null,
    shownAfterSeconds: 6,
    harmed: isFaulty,
    ...more,
    files: (old) => ({ ...change(old), VERSION: `${name}\n` }),
  };
}

/** Replaces texts of one file. Throws where a text is not there, so that no release is the old one by accident. */
export function edit(path: string, ...changes: readonly (readonly [from: string, to: string])[]) {
  return (old: Files): Files => {
    let text = old[path];
    if (text === undefined) throw new Error(`the old release has no file ${path}`);
    for (const [from, to] of changes) {
      if (!text.includes(from)) throw new Error(`${path} does not contain ${from}`);
      text = text.replace(from, () => to);
    }
    return { ...old, [path]: text };
  };
}

/** Applies changes in their order. */
export function all(...changes: readonly ((old: Files) => Files)[]) {
  return (old: Files): Files => changes.reduce((files, change) => change(files), old);
}

export const isFaulty = ({ fault }: Answer): boolean => fault !== null;

/** Answers of these routes with one of these faults; with any fault where none is named. */
export function faultsOn(routes: readonly RouteName[], ...faults: readonly FaultKind[]) {
  return ({ route, fault }: Answer): boolean =>
    fault !== null && routes.includes(route) && (faults.length === 0 || faults.includes(fault));
}

/** Every faulty answer but these. */
export function faultsExcept(excused: (answer: Answer) => boolean) {
  return (answer: Answer): boolean => answer.fault !== null && !excused(answer);
}
