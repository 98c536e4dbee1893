import type { ConnectionUse, Expectation, TortureRequest } from './torture-case.ts';

/** A line of the tables: the fault, what is expected, with which requests, on which connections (default: both). */
export type Row = readonly [
  fault: string,
  expects: Expectation,
  requests: readonly TortureRequest[],
  on?: readonly ConnectionUse[],
  /** Before the next request, so that what the origin does to the idle connection has come. Default: 0. */
  restMs?: number,
];

/** More than the 50 ms after which the origin does something to an idle connection. */
export const untilIdleMs = 150;
export const both: readonly ConnectionUse[] = ['fresh', 'reused'];

export const get: readonly TortureRequest[] = [{ method: 'GET', contentBytes: 0 }];
export const head: readonly TortureRequest[] = [{ method: 'HEAD', contentBytes: 0 }];
/** Small content, that every gateway keeps whole in one buffer. */
export const post: readonly TortureRequest[] = [{ method: 'POST', contentBytes: 11 }];
export const getAndPost: readonly TortureRequest[] = [...get, ...post];

export function upload(contentBytes: number): readonly TortureRequest[] {
  return [{ method: 'POST', contentBytes }];
}
