import type { ConnectionUse, Expectation, TortureRequest } from './torture-case.ts';

/** A row of the tables: the fault, the expectation, the requests, and the connections (default: both). */
export type Row = readonly [
  fault: string,
  expects: Expectation,
  requests: readonly TortureRequest[],
  on?: readonly ConnectionUse[],
  /** Time before the next request, in which the origin acts on the idle connection. Default: 0. */
  restMs?: number,
];

/** More than the 50 ms after which the origin acts on an idle connection. */
export const untilIdleMs = 150;
export const both: readonly ConnectionUse[] = ['fresh', 'reused'];

export const get: readonly TortureRequest[] = [{ method: 'GET', bodyBytes: 0 }];
export const head: readonly TortureRequest[] = [{ method: 'HEAD', bodyBytes: 0 }];
/** A small body, which every gateway holds in one buffer. */
const post: readonly TortureRequest[] = [{ method: 'POST', bodyBytes: 11 }];
export const getAndPost: readonly TortureRequest[] = [...get, ...post];

export function upload(bodyBytes: number): readonly TortureRequest[] {
  return [{ method: 'POST', bodyBytes }];
}
