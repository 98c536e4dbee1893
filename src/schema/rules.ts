/** Settings that are understood and have no effect, because of another one beside them. */
import type { Findings, Path } from './findings.ts';

export interface EffectRule<Scope> {
  /** The key that has no effect. */
  readonly key: Path;
  readonly holds: (scope: Scope) => boolean;
  readonly warning: string;
  readonly suggestion: string;
}

export function warnWhere<Scope>(
  rules: readonly EffectRule<Scope>[],
  scope: Scope,
  path: Path,
  findings: Findings,
): void {
  for (const { key, holds, warning, suggestion } of rules)
    if (holds(scope)) findings.warnAtKey([...path, ...key], warning, suggestion);
}

/** What is written of a key that may be a switch or a word too. */
export function sectionOf<T>(read: T): Partial<Extract<T, object>> {
  return typeof read === 'object' && read !== null ? (read as Partial<Extract<T, object>>) : {};
}

export function isLonger(time: number | undefined, longest: number | undefined): boolean {
  return time !== undefined && longest !== undefined && time > longest;
}

export const longer = (what: string): string => `make "${what}" longer, or this shorter`;
