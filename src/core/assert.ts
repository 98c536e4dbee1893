/** Checks an invariant of our own code. Failures of networks, files and peers are values, never assertions. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new BrokenInvariant(invariant);
}

/** The text of a caught error, for the record. No code decides by it. */
export function invariantOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : 'a value that is no Error was thrown';
}

/** Marks a union case that the compiler has proven impossible. */
export function unreachable(value: never): never {
  throw new BrokenInvariant(`unreachable case ${JSON.stringify(value)}`);
}

/** Each program catches it in one place. An exchange in which it is thrown ends with the cause `gateway_fault`. */
class BrokenInvariant extends Error {
  override readonly name = 'BrokenInvariant';
}
