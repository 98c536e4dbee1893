/** A summary of V8's `--trace-gc` output. */
export interface Garbage {
  readonly collections: number;
  readonly pauseMsMax: number;
  readonly pauseMsTotal: number;
  /** For all isolates: bytes allocated between the end of one collection and the beginning of the next. */
  readonly allocatedBytes: number;
}

/**
 * `[13:0x7f81] 1000 ms: Scavenge 15.6 (20.1) -> 7.9 (20.1) MB, pooled: 0 MB, 3.2 / 0.0 ms …`: before, after, pause. The time
 * counts from the start of the isolate, which for a worker is later than that of the process, so it is not used.
 */
const line =
  /^\[\d+:(0x[0-9a-f]+)\] +\d+ ms: .*? ([\d.]+) \([\d.]+\) -> ([\d.]+) \([\d.]+\) MB, .*?([\d.]+) \/ [\d.]+ ms/;

/** Summarizes the lines `during`. The lines `before` say how much each isolate had left. */
export function garbageIn(before: string, during: string): Garbage {
  const left = new Map(readLines(before).map(({ isolate, leftMb }) => [isolate, leftMb]));
  let [collections, pauseMsMax, pauseMsTotal, allocatedMb] = [0, 0, 0, 0];
  for (const { isolate, foundMb, leftMb, pauseMs } of readLines(during)) {
    collections++;
    pauseMsMax = Math.max(pauseMsMax, pauseMs);
    pauseMsTotal += pauseMs;
    allocatedMb += Math.max(0, foundMb - (left.get(isolate) ?? foundMb));
    left.set(isolate, leftMb);
  }
  return { collections, pauseMsMax, pauseMsTotal, allocatedBytes: allocatedMb * 1024 * 1024 };
}

function readLines(text: string) {
  return text.split('\n').flatMap((one) => {
    const [, isolate, found, left, pause] = line.exec(one) ?? [];
    if (isolate === undefined) return [];
    return [{ isolate, foundMb: Number(found), leftMb: Number(left), pauseMs: Number(pause) }];
  });
}
