import type { CompiledText } from './template.ts';

/** What the log has of the exchanges of a route, where it has not all of them, or more. */
export interface Recording {
  /** The share of successes that are logged, from 0 to 1. */
  readonly share: number;
  /** Null: records have no values of their own. */
  readonly fields: readonly (readonly [name: string, text: CompiledText])[] | null;
}
