import type { OutputLineJson } from '../core/output-line.ts';
import type { RequestContextJson } from '../core/request-context.ts';

/** A line of an application as the page of a request shows it. */
export interface ShownOutput {
  readonly line: OutputLineJson;
  /** Whether it has the id of the request, or of its trace. */
  readonly hasId: boolean;
}

/** All lines in the order in which they were printed. */
export function shownOutput({ lines, nearby }: RequestContextJson): ShownOutput[] {
  const own = lines.map((line) => ({ line, hasId: true }));
  const others = nearby.map((line) => ({ line, hasId: false }));
  return [...own, ...others].toSorted((a, b) => Date.parse(a.line.at) - Date.parse(b.line.at));
}
