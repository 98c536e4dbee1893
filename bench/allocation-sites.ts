import { Session } from 'node:inspector';
import { getHeapStatistics } from 'node:v8';

/** Where bytes are allocated, and in which pieces. */
export interface AllocationSite {
  /** 'onRequest src/exchange/exchange.ts:59': the function, and where it begins. */
  readonly place: string;
  readonly bytes: number;
  /** Their sizes and how many there are of each, those first that make up most. */
  readonly pieces: readonly { readonly bytes: number; readonly count: number }[];
}

/** Bytes that V8 allocates while `run` runs. */
export function allocatedBy(run: () => void): number {
  const before = getHeapStatistics().total_allocated_bytes;
  run();
  return getHeapStatistics().total_allocated_bytes - before;
}

/**
 * Has V8 note each allocation of `run`, by the function that makes it: the innermost, also where that was inlined. What a
 * function creates by `new` counts as its own. The dearest first.
 */
export function allocationSites(run: () => void): AllocationSite[] {
  const session = new Session();
  session.connect();
  // Each allocation, exactly, and what is collected meanwhile too.
  session.post('HeapProfiler.startSampling', {
    samplingInterval: 1,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  run();
  let sites: AllocationSite[] = [];
  // The answer comes within the call: the session is of this thread.
  session.post('HeapProfiler.stopSampling', (_, { profile }) => {
    sites = sitesOf(profile as unknown as Profile);
  });
  session.disconnect();
  return sites;
}

/** As the protocol has it; Node's types lack the samples. */
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
  const file = url.replace(/^file:.*?\/(?=src\/|bench\/|test\/)/, '');
  return `${functionName} ${file}:${lineNumber + 1}`.trim();
}
