import type { HeadStorage } from '../../wire/head-storage.ts';
import type { HeadLimits } from '../../wire/limits.ts';
import { ResponseHeadParser } from '../../wire/response-head.ts';

/** As many as are rarely free at a time: each has some hundred bytes. */
const freeMax = 64;

const free: ResponseHeadParser[] = [];

/**
 * A parser that no connection uses, or a new one. Most connections have one request: a parser of its own could not know the head that comes
 * with each response.
 */
export function acquireParser(limits: HeadLimits, storage: HeadStorage): ResponseHeadParser {
  const last = free.pop();
  return last?.limits === limits && last.storage === storage ? last : new ResponseHeadParser(limits, storage);
}

export function releaseParser(parser: ResponseHeadParser): void {
  parser.reset();
  if (free.length < freeMax) free.push(parser);
}
