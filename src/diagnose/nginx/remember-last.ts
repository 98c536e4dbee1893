/**
 * The same reader, which does not read the line again that it has read last: a line is shown to several dialects, and
 * then to the one that has recognised it.
 */
export function rememberLast<T>(read: (line: string) => T): (line: string) => T {
  let last: { readonly line: string; readonly result: T } | null = null;
  return (line) => {
    if (last === null || last.line !== line) last = { line, result: read(line) };
    return last.result;
  };
}
