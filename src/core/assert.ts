/** For what the programmer promised, never for what the world did: the world's failures are values. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new BrokenInvariant(invariant);
}

/** What a caught error says of the invariant that it breaks: for the record, never for a decision. */
export function invariantOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : 'something that is no Error was thrown';
}

/** Marks a union case that the compiler has proven impossible. */
export function unreachable(value: never): never {
  throw new BrokenInvariant(`unreachable case ${JSON.stringify(value)}`);
}

/** Caught in one place per program; an exchange that meets one ends as `gateway_fault`. */
export class BrokenInvariant extends Error {
  override readonly name = 'BrokenInvariant';
}
