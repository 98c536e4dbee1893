/** A copy of `base` with what `source` has, but for what is undefined. */
export function fill<T extends object>(base: T | undefined, source: object | null | undefined): T {
  const filled = { ...base } as Record<string, unknown>;
  for (const [name, value] of Object.entries(source ?? {})) if (value !== undefined) filled[name] = value;
  return filled as T;
}
