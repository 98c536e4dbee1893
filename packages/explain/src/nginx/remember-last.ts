/**
 * Returns a reader that keeps the result for its last line: several dialects ask about the same line in turn, and the one
 * that recognises the line reads it once more.
 */
export function rememberLast<T>(read: (line: string) => T): (line: string) => T {
  let last: { readonly line: string; readonly result: T } | null = null;
  return (line) => {
    if (last === null || last.line !== line) last = { line, result: read(line) };
    return last.result;
  };
}
