/** The lines of a text that its errors name, as in `candor.yaml:3:5: …`, with what is wrong there. */
export function errorsByLine(errors: readonly string[]): ReadonlyMap<number, readonly string[]> {
  const byLine = new Map<number, string[]>();
  for (const error of errors) {
    const [, line, , what] = /^[^\n]*?:(\d+):(\d+): (.*)$/s.exec(error) ?? [];
    if (line === undefined || what === undefined) continue;
    const number = Number(line);
    byLine.set(number, [...(byLine.get(number) ?? []), what]);
  }
  return byLine;
}
