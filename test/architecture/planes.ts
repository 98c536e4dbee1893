import { loadedWith } from './cycles.ts';
import { planes } from './rooms.ts';
import { findImports, isTest, roomOf } from './rules.ts';
import type { Source } from './source.ts';

/** Where the control plane and the workers know more of each other than messages. */
export function findPlaneBreaches(sources: readonly Source[]): string[] {
  return [
    ...loadedAcross(sources, planes.control.entries, planes.worker.room),
    ...loadedAcross(sources, planes.worker.entries, planes.control.room),
    ...startedElsewhere(sources),
    ...unreachable(sources, planes.control),
    ...unreachable(sources, planes.worker),
  ];
}

function loadedAcross(sources: readonly Source[], entries: readonly string[], other: string): string[] {
  return [...loadedWith(sources, entries)]
    .filter((path) => roomOf(path) === other)
    .map((path) => `${path} is loaded with ${entries.join(' or ')}: send a message instead (core/worker-messages.ts)`);
}

function startedElsewhere(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => !isTest(path) && path !== planes.starter && roomOf(path) !== planes.worker.room)
    .flatMap((source) => findImports(source))
    .filter(({ to }) => roomOf(to) === planes.worker.room && to.startsWith('src/'))
    .map(({ from, to, line }) => `${from}:${line} names ${to}: only ${planes.starter} does`);
}

/** A file of a plane that its own entries do not load is dead, or belongs to another room. */
function unreachable(sources: readonly Source[], plane: { room: string; entries: readonly string[] }): string[] {
  const loaded = loadedWith(sources, plane.entries);
  return sources
    .filter(({ path }) => roomOf(path) === plane.room && path.startsWith('src/') && !isTest(path) && !loaded.has(path))
    .map(({ path }) => `${path} is not loaded with ${plane.entries.join(' or ')}: it belongs to another room`);
}
