import { loadedWith } from './cycles.ts';
import { type Plane, planes, starter } from './rooms.ts';
import { findImports, isTest, roomOf } from './rules.ts';
import type { Source } from './source.ts';

/** Where a plane knows more of another one than messages. */
export function findPlaneBreaches(sources: readonly Source[]): string[] {
  return planes.flatMap((plane) => [
    ...planes.filter((other) => other !== plane).flatMap((other) => loadedAcross(sources, plane.entries, other)),
    ...(plane.room === 'control' ? [] : startedElsewhere(sources, plane)),
    ...unreachable(sources, plane),
  ]);
}

function loadedAcross(
  sources: readonly Source[],
  entries: readonly string[],
  { room, features = [] }: Plane,
): string[] {
  return [...loadedWith(sources, entries)]
    .filter((path) => [room, ...features].includes(roomOf(path)))
    .map(
      (path) =>
        `${path} is loaded with ${entries.join(' or ')}: send a message instead (core/worker-messages.ts, core/logger-messages.ts)`,
    );
}

function startedElsewhere(sources: readonly Source[], plane: Plane): string[] {
  return sources
    .filter(({ path }) => !isTest(path) && path !== starter && roomOf(path) !== plane.room)
    .flatMap((source) => findImports(source))
    .filter(({ to }) => roomOf(to) === plane.room && to.startsWith('src/'))
    .map(({ from, to, line }) => `${from}:${line} names ${to}: only ${starter} does`);
}

/** A file of a plane that its own entries do not load is dead, or belongs to another room. */
function unreachable(sources: readonly Source[], plane: Plane): string[] {
  const loaded = loadedWith(sources, plane.entries);
  return sources
    .filter(({ path }) => roomOf(path) === plane.room && path.startsWith('src/') && !isTest(path) && !loaded.has(path))
    .map(({ path }) => `${path} is not loaded with ${plane.entries.join(' or ')}: it belongs to another room`);
}
