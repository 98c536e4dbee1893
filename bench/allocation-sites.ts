import { Session } from 'node:inspector';
import { getHeapStatistics } from 'node:v8';

/** A function that allocates memory, with the sizes of its allocations. */
export interface AllocationSite {
  /** The function and where it begins: 'onRequest src/exchange/exchange.ts:59'. */
  readonly place: string;
  readonly bytes: number;
  /** The sizes and the number of allocations of each, by total bytes, largest first. */
  readonly pieces: readonly { readonly bytes: number; readonly count: number }[];
}

/** Measures the bytes that V8 allocates while `run` runs. */
export function allocatedBy(run: () => void): number {
  const before = getHeapStatistics().total_allocated_bytes;
  run();
  return getHeapStatistics().total_allocated_bytes - before;
}

/**
 * Samples every allocation of `run`, by the innermost function, also if that was inlined. Objects that a function creates by
 * `new` count as its own. Functions with most bytes come first.
 */
export function allocationSites(run: () => void): AllocationSite[] {
  const session = new Session();
  session.connect();
  // Samples every allocation, including objects that are collected meanwhile.
  session.post('HeapProfiler.startSampling', {
    samplingInterval: 1,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  run();
  let sites: AllocationSite[] = [];
  // The session belongs to this thread, so the answer comes within the call.
  session.post('HeapProfiler.stopSampling', (_, { profile }) => {
    sites = sitesOf(profile as unknown as Profile);
  });
  session.disconnect();
  return sites;
}

/** As in the protocol; Node's types lack the samples. */
interface Profile {
  readonly head: ProfileNode;
  readonly samples: readonly { readonly nodeId: number; readonly size: number }[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children: readonly ProfileNode[];
}

function sitesOf({ head, samples }: Profile): AllocationSite[] {
  const places = new Map<number, string>();
  const nodes = [head];
  for (const node of nodes) {
    places.set(node.id, placeOf(node));
    nodes.push(...node.children);
  }
  const counts = new Map<string, Map<number, number>>();
  for (const { nodeId, size } of samples) {
    const place = places.get(nodeId) ?? '';
    const sizes = counts.get(place) ?? new Map<number, number>();
    counts.set(place, sizes.set(size, (sizes.get(size) ?? 0) + 1));
  }
  return [...counts]
    .map(([place, sizes]) => {
      const pieces = [...sizes]
        .map(([bytes, count]) => ({ bytes, count }))
        .toSorted((a, b) => b.bytes * b.count - a.bytes * a.count);
      return { place, bytes: pieces.reduce((sum, { bytes, count }) => sum + bytes * count, 0), pieces };
    })
    .toSorted((a, b) => b.bytes - a.bytes);
}

function placeOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const file = url.replace(/^file:.*?\/(?=(?:packages\/\w+\/)?src\/|bench\/|test\/)/, '');
  return `${functionName} ${file}:${lineNumber + 1}`.trim();
}
