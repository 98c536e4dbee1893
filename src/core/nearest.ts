import { plainKey } from './plain-key.ts';

/** How many characters must be changed, left out, put in or swapped with their neighbour (Damerau, restricted). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const differs = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + differs);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}

/** The names that `written` was probably meant to be, nearest first, at most `most` of them. */
export function nearest(written: string, names: Iterable<string>, most = 3): string[] {
  // Names are short; beyond this nothing is a typing mistake, and the cost of comparing grows with the square.
  if (written.length > 64) return [];
  const plain = plainKey(written);
  const allowance = Math.max(1, Math.floor(written.length / 3));
  return (
    [...names]
      .filter((name) => name.length <= 64)
      .map((name) => ({ name, key: plainKey(name) }))
      // A character is put in or left out for each by which they differ in length.
      .filter(({ key }) => Math.abs(key.length - plain.length) <= allowance)
      .map(({ name, key }) => ({ name, distance: editDistance(plain, key) }))
      .filter(({ distance }) => distance <= allowance)
      .toSorted((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
      .slice(0, most)
      .map(({ name }) => name)
  );
}
