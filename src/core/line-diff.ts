export interface DiffLine {
  /** `position`: where the lines that follow stand in both texts, as in a unified diff. */
  readonly kind: 'added' | 'removed' | 'same' | 'position';
  readonly text: string;
}

/** Lines that stay and are shown around each change. */
const contextLines = 3;

/** Two texts with more changes than this are shown as one removed and one added: the search takes memory that grows with its square. */
const changesMax = 1000;

/** What to change in one text to get the other, line by line; empty if they are equal. */
export function diffOfTexts(before: string, after: string): readonly DiffLine[] {
  const [old, now] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  const middle = editsOf(old.slice(start, old.length - end), now.slice(start, now.length - end));
  const same = (text: string): DiffLine => ({ kind: 'same', text });
  const [head, tail] = [old.slice(0, start).map(same), old.slice(old.length - end).map(same)];
  return withPositions([...head, ...middle, ...tail]);
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** The shortest list of edits (Myers, "An O(ND) Difference Algorithm and Its Variations", 1986). */
function editsOf(old: readonly string[], now: readonly string[]): readonly DiffLine[] {
  const removed = old.map((text): DiffLine => ({ kind: 'removed', text }));
  const added = now.map((text): DiffLine => ({ kind: 'added', text }));
  if (old.length === 0 || now.length === 0) return [...removed, ...added];
  const steps = furthestPoints(old, now);
  return steps === null ? [...removed, ...added] : walkBack(old, now, steps);
}

/** For each number of edits the furthest line of `old` on each diagonal; null: there are too many. */
function furthestPoints(old: readonly string[], now: readonly string[]): Int32Array[] | null {
  const steps: Int32Array[] = [];
  let before = new Int32Array(3);
  for (let edits = 0; edits <= Math.min(changesMax, old.length + now.length); edits++) {
    const points = new Int32Array(2 * edits + 3);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = edits === 0 ? 0 : startOn(before, edits, diagonal);
      while (x < old.length && x - diagonal < now.length && old[x] === now[x - diagonal]) x++;
      points[diagonal + edits + 1] = x;
      if (x >= old.length && x - diagonal >= now.length) return [...steps, points];
    }
    steps.push(points);
    before = points;
  }
  return null;
}

/** Where a diagonal begins after one more edit: below or to the right of the point that is further. `before` has one edit less. */
function startOn(before: Int32Array, edits: number, diagonal: number): number {
  return isDown(before, edits, diagonal)
    ? pointOn(before, edits, diagonal + 1)
    : pointOn(before, edits, diagonal - 1) + 1;
}

function isDown(before: Int32Array, edits: number, diagonal: number): boolean {
  if (diagonal === -edits) return true;
  return diagonal !== edits && pointOn(before, edits, diagonal - 1) < pointOn(before, edits, diagonal + 1);
}

function pointOn(before: Int32Array, edits: number, diagonal: number): number {
  return before[diagonal + edits] as number;
}

function walkBack(old: readonly string[], now: readonly string[], steps: readonly Int32Array[]): readonly DiffLine[] {
  const lines: DiffLine[] = [];
  let [x, y] = [old.length, now.length];
  for (let edits = steps.length - 1; edits >= 0; edits--) {
    const diagonal = x - y;
    const before = steps[edits - 1];
    const down = before !== undefined && isDown(before, edits, diagonal);
    const from = before === undefined ? 0 : startOn(before, edits, diagonal);
    while (x > from) lines.push({ kind: 'same', text: old[(y--, --x)] as string });
    if (before === undefined) break;
    if (down) lines.push({ kind: 'added', text: now[--y] as string });
    else lines.push({ kind: 'removed', text: old[--x] as string });
  }
  return lines.reverse();
}

/** Leaves out lines that stay, apart from those around changes, and says where each part stands. */
function withPositions(lines: readonly DiffLine[]): readonly DiffLine[] {
  const shown = new Set<number>();
  for (const [at, { kind }] of lines.entries()) {
    if (kind === 'same') continue;
    for (let near = at - contextLines; near <= at + contextLines; near++) shown.add(near);
  }
  const result: DiffLine[] = [];
  let [oldLine, newLine, isGap] = [1, 1, true];
  for (const [at, line] of lines.entries()) {
    const isShown = shown.has(at);
    if (isShown && isGap) result.push({ kind: 'position', text: `@@ -${oldLine} +${newLine} @@` });
    if (isShown) result.push(line);
    isGap = !isShown;
    if (line.kind !== 'added') oldLine += 1;
    if (line.kind !== 'removed') newLine += 1;
  }
  return result;
}
