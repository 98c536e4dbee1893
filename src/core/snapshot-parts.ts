import type { RouteSpec } from './route-spec.ts';
import type { Snapshot, UpstreamSnapshot } from './snapshot.ts';

/** The part of a snapshot that a worker takes in one turn of its event loop: fifty routes or endpoints take about a millisecond. */
export interface SnapshotPart {
  /** If the first has the id of the last one of the part before, it continues that upstream's endpoints. */
  readonly upstreams: readonly UpstreamSnapshot[];
  readonly routes: readonly RouteSpec[];
}

/** A snapshot without upstreams and routes, which follow in parts. */
interface SnapshotInParts {
  readonly snapshot: Snapshot;
  readonly parts: readonly SnapshotPart[];
}

/** Routes or endpoints in one part. Measured: a worker needs some 15 µs for each, mostly to clone the message; garbage collection not included. */
export const partMax = 50;

/**
 * Divides a snapshot, so that no worker clones and compiles thousands of routes while its clients wait. Upstreams come first, since
 * routes lead to them. A small snapshot stays whole.
 */
export function splitSnapshot(snapshot: Snapshot): SnapshotInParts {
  const { upstreams, routes } = snapshot;
  const endpoints = upstreams.reduce((sum, upstream) => sum + upstream.endpoints.length, 0);
  if (routes.length + Math.max(endpoints, upstreams.length) <= partMax) return { snapshot, parts: [] };
  return {
    snapshot: { ...snapshot, upstreams: [], routes: [] },
    parts: [...upstreamParts(upstreams), ...routeParts(routes)],
  };
}

function routeParts(routes: readonly RouteSpec[]): SnapshotPart[] {
  const parts: SnapshotPart[] = [];
  for (let at = 0; at < routes.length; at += partMax)
    parts.push({ upstreams: [], routes: routes.slice(at, at + partMax) });
  return parts;
}

function upstreamParts(upstreams: readonly UpstreamSnapshot[]): SnapshotPart[] {
  const parts: SnapshotPart[] = [];
  let part: UpstreamSnapshot[] = [];
  let size = 0;
  const end = (): void => {
    if (part.length > 0) parts.push({ upstreams: part, routes: [] });
    part = [];
    size = 0;
  };
  for (const upstream of upstreams) {
    let at = 0;
    do {
      const endpoints = upstream.endpoints.slice(at, at + partMax - size);
      part.push(at === 0 && endpoints.length === upstream.endpoints.length ? upstream : { ...upstream, endpoints });
      at += endpoints.length;
      size += Math.max(1, endpoints.length);
      if (size >= partMax) end();
    } while (at < upstream.endpoints.length);
  }
  end();
  return parts;
}
