import { findImports, isTest } from './rules.ts';
import type { Source } from './source.ts';

/** Groups of files that import each other in a circle, type-only imports included: 'a -> b -> a'. */
export function findCycles(sources: readonly Source[]): string[] {
  const graph = importGraph(sources);
  const done = new Set<string>();
  const cycles: string[] = [];
  for (const start of [...graph.keys()].sort()) {
    const cycle = done.has(start) ? null : wayBack(start, graph, done);
    if (cycle === null) continue;
    for (const path of cycle) done.add(path);
    cycles.push(cycle.join(' -> '));
  }
  return cycles;
}

function importGraph(sources: readonly Source[]): ReadonlyMap<string, readonly string[]> {
  const files = sources.filter(({ path }) => !isTest(path));
  return new Map(
    files.map((source) => [
      source.path,
      findImports(source)
        .filter(({ isLoaded }) => isLoaded)
        .map(({ to }) => to),
    ]),
  );
}

/** The shortest way from a file back to itself, without the files of cycles that are known. */
function wayBack(
  start: string,
  graph: ReadonlyMap<string, readonly string[]>,
  without: ReadonlySet<string>,
): readonly string[] | null {
  const from = new Map<string, string>();
  const queue = [start];
  for (const path of queue) {
    for (const next of graph.get(path) ?? []) {
      if (next === start) return pathTo(path, from, start);
      if (from.has(next) || without.has(next)) continue;
      from.set(next, path);
      queue.push(next);
    }
  }
  return null;
}

function pathTo(last: string, from: ReadonlyMap<string, string>, start: string): readonly string[] {
  const path = [start];
  for (let at: string | undefined = last; at !== undefined; at = at === start ? undefined : from.get(at))
    path.unshift(at);
  return path;
}

/** Every file that is loaded with one of `starts`, those included. */
export function loadedWith(sources: readonly Source[], starts: readonly string[]): ReadonlySet<string> {
  const graph = importGraph(sources);
  const loaded = new Set(starts);
  for (const path of loaded) for (const next of graph.get(path) ?? []) loaded.add(next);
  return loaded;
}
