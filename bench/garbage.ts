/** What V8 says of its work with `--trace-gc`, summed up. */
export interface Garbage {
  readonly collections: number;
  readonly pauseMsMax: number;
  readonly pauseMsTotal: number;
  /** Of every isolate: what has come between the end of one collection and the begin of the next. */
  readonly allocatedOctets: number;
}

/** `[13:0x7f81] 1000 ms: Scavenge 15.6 (20.1) -> 7.9 (20.1) MB, pooled: 0 MB, 3.2 / 0.0 ms …`: before, after, pause. */
const line =
  /^\[\d+:(0x[0-9a-f]+)\] +(\d+) ms: .*? ([\d.]+) \([\d.]+\) -> ([\d.]+) \([\d.]+\) MB, .*?([\d.]+) \/ [\d.]+ ms/;

/** Lines that V8 wrote from `fromMs` to `toMs` after the process began. */
export function garbageIn(text: string, fromMs: number, toMs: number): Garbage {
  const after = new Map<string, number>();
  let [collections, pauseMsMax, pauseMsTotal, allocatedMb] = [0, 0, 0, 0];
  for (const found of text.split('\n').map((one) => line.exec(one))) {
    if (found === null) continue;
    const [, isolate = '', at, before, left, pause] = found;
    const last = after.get(isolate);
    after.set(isolate, Number(left));
    if (Number(at) < fromMs || Number(at) > toMs) continue;
    collections++;
    pauseMsMax = Math.max(pauseMsMax, Number(pause));
    pauseMsTotal += Number(pause);
    if (last !== undefined) allocatedMb += Math.max(0, Number(before) - last);
  }
  return { collections, pauseMsMax, pauseMsTotal, allocatedOctets: allocatedMb * 1024 * 1024 };
}
