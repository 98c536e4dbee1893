/** A table of numbers: a row for each key, a column for each figure. */
export function table(what: string, rows: Readonly<Record<string, object>>): string {
  const columns = Object.keys(Object.values(rows)[0] ?? {});
  const lines = [
    [what, ...columns],
    ...Object.entries(rows).map(([name, row]) => [name, ...Object.values(row).map((value) => String(value ?? '-'))]),
  ];
  const widths = lines[0]!.map((_, at) => Math.max(...lines.map((line) => (line[at] ?? '').length)));
  return lines
    .map((line) =>
      line.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join('  '),
    )
    .join('\n');
}

/** Reports progress on standard error, at most this often. */
export function everySeconds<T extends readonly unknown[]>(
  seconds: number,
  text: (...how: T) => string,
): (...how: T) => void {
  let saidAt = performance.now();
  return (...how) => {
    if (performance.now() - saidAt < seconds * 1000) return;
    saidAt = performance.now();
    console.error(text(...how));
  };
}

/** The exit code, and its meaning. `again` is the command that repeats the run. */
export function conclude(broken: readonly string[], again: string): number {
  if (broken.length === 0) {
    console.error('every promise kept');
    return 0;
  }
  for (const promise of broken) console.error(`not kept: ${promise}`);
  console.error(`once more: ${again}`);
  return 1;
}
