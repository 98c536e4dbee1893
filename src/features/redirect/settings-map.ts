import type { VariableSource } from '../../core/variables.ts';
import type { RedirectSpec } from './settings.ts';

interface FoundRedirect {
  readonly status: number;
  /** With variables. */
  readonly location: string;
}

/** The redirect of a request; null: there is none for it. */
export function redirectOf({ status, location, map }: RedirectSpec): (request: VariableSource) => FoundRedirect | null {
  const otherwise = location === null ? null : { status, location };
  const lines = map === undefined ? null : linesByFrom(map.lines);
  return lines === null ? () => otherwise : (request) => inMap(lines, request) ?? otherwise;
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
function inMap(lines: Lines, { path, target }: VariableSource): FoundRedirect | null {
  const mark = target.indexOf('?');
  const line = (mark < 0 ? undefined : lines.get(path + target.slice(mark))) ?? lines.get(path);
  return line === undefined ? null : { status: Number(line.slice(0, 3)), location: line.slice(4) };
}
