import type { VariableSource } from '../../core/variables.ts';
import { type LocationOf, locationOf } from './settings-location.ts';
import type { RedirectSpec } from './settings.ts';

interface FoundRedirect {
  readonly status: number;
  /** Null: it names the request's host, and the request has none. */
  readonly location: string | null;
}

/** The redirect of a request; null: there is none for it. */
export function redirectOf({ status, location, map }: RedirectSpec): (request: VariableSource) => FoundRedirect | null {
  const otherwise = location === null ? null : locationOf(location);
  const lines = map === undefined ? null : linesByFrom(map.lines);
  return (request) => {
    const found = lines === null ? null : inMap(lines, request);
    if (found !== null) return { status: found.status, location: found.locationOf(request) };
    return otherwise === null ? null : { status, location: otherwise(request) };
  };
}

/** Most lines are asked for never or seldom: they stay text. */
type Lines = ReadonlyMap<string, string>;

function linesByFrom(text: string): Lines {
  const lines = new Map<string, string>();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) lines.set(line.slice(0, space), line.slice(space + 1));
  }
  return lines;
}

/** A line with the query of the request comes before one with its path alone. */
function inMap(lines: Lines, { path, target }: VariableSource): { status: number; locationOf: LocationOf } | null {
  const mark = target.indexOf('?');
  const line = (mark < 0 ? undefined : lines.get(path + target.slice(mark))) ?? lines.get(path);
  return line === undefined ? null : { status: Number(line.slice(0, 3)), locationOf: locationOf(line.slice(4)) };
}
