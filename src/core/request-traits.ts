import { countedMethodOf, countedMethods } from './attempt-counts.ts';
import { sizeCellOf } from './content-kind.ts';
import type { EndedExchange } from './exchange.ts';

/** What may tell requests that fail from those that are served. */
export interface RequestTraits {
  /** The index in `countedMethods`. */
  readonly method: number;
  /** Cells of a size (`startOfSize`); 0: smaller than what is told apart. */
  readonly body: number;
  readonly head: number;
  /** The index in `versions`. */
  readonly version: number;
  /** The index in `connectionUses`. */
  readonly connection: number;
  /** 1: it took a second or more. */
  readonly slow: number;
}

export const versions = ['HTTP/1.1', 'HTTP/2', 'HTTP/1.0'] as const;
/** Of the connection to the endpoint. */
export const connectionUses = ['none', 'new', 'used'] as const;

/** Smaller ones are not told apart: a packet has room for them. */
const bodyMin = 512;
const headMin = 2048;
const slowMs = 1000;

const sizes = 128;
const factors = [connectionUses.length, versions.length, countedMethods.length, sizes, sizes] as const;

/** All traits of a request as one number, below 2^21. */
export function traitKey(exchange: EndedExchange): number {
  const { attempts, version, method, headBytes = 0, announcedBytes = 0, bytesFromClient } = exchange;
  const attempt = attempts.length === 0 ? undefined : attempts[attempts.length - 1];
  const connection = attempt === undefined ? 0 : attempt.reused ? 2 : 1;
  const body = Math.max(announcedBytes, bytesFromClient);
  let key = body < bodyMin ? 0 : sizeCellOf(body);
  key = key * sizes + (headBytes < headMin ? 0 : sizeCellOf(headBytes));
  key = key * countedMethods.length + countedMethods.indexOf(countedMethodOf(method));
  key = key * versions.length + versions.indexOf(version);
  key = key * connectionUses.length + connection;
  return key * 2 + (exchange.endedAt - exchange.startedAt >= slowMs ? 1 : 0);
}

export function traitsOf(key: number): RequestTraits {
  let left = Math.floor(key / 2);
  const [connection, version, method, head, body] = factors.map((factor) => {
    const value = left % factor;
    left = Math.floor(left / factor);
    return value;
  }) as [number, number, number, number, number];
  return { method, body, head, version, connection, slow: key % 2 };
}
