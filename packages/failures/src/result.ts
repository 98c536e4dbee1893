import type { Failure } from './failure.ts';

/** A value, or the failure that explains its absence. */
export type Result<T, F = Failure> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: F };

export function succeed<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function failWith<F>(failure: F): { readonly ok: false; readonly failure: F } {
  return { ok: false, failure };
}
