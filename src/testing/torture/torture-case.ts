import type { ProxyErrorType } from '#failures/proxy-error.ts';

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

/** How well a client can understand the response without other information, from best to worst. */
export type TortureVerdict = 'right' | 'acceptable' | 'misleading' | 'dangerous';

/** Whether both connections are new, or have both just carried a successful exchange. */
export type ConnectionUse = 'fresh' | 'reused';

/** Whether a cause that the gateway named is the real one. */
export type CauseNamed = 'right' | 'wrong';

/** The request to send. `contentBytes` counts its body. */
export interface TortureRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly bodyBytes: number;
  /** Asks for an upgrade to WebSocket. */
  readonly upgrade?: boolean;
}

/** A verdict with its sentence. */
export interface TortureJudgement {
  readonly verdict: TortureVerdict;
  /** One sentence, for people. */
  readonly why: string;
}

/** The verdict on each response that a gateway may give. */
export interface Expectation {
  /** Statuses of the gateway's own that are right, and those that are acceptable. */
  readonly right: readonly number[];
  readonly acceptable: readonly number[];
  /** Types of RFC 9209 §2.3 that name the cause. They are counted separately: no verdict depends on them. */
  readonly errors: readonly ProxyErrorType[];
  /** What any other status says of the fault, to be read after "A 503 says …". */
  readonly cause: string;
  /** The origin's response as it should arrive, one of these; empty if the origin sends no complete one. */
  readonly answers: readonly OriginAnswer[];
  /** The verdict on passing such a response on completely. */
  readonly passed: TortureJudgement;
  /** The verdict on passing its head on and visibly breaking off the body. */
  readonly cut: TortureJudgement;
  /** Bytes that must never reach a client, and why. Searched for in all bytes, as Latin-1. */
  readonly poison: { readonly pattern: RegExp; readonly judged: TortureJudgement } | null;
  /**
   * The verdict on closing a reused connection without a response, after which a client may simply retry; null if that is
   * not allowed.
   */
  readonly closed: TortureJudgement | null;
  /** Interim statuses that the client should receive. */
  readonly interim: readonly number[];
}

interface OriginAnswer {
  readonly status: number;
  readonly body: string;
}

/** The point of the journey at which the origin fails, in this order. */
export const tortureParts = {
  reaching: 'Reaching the origin',
  tls: 'TLS to the origin',
  answering: 'Before an answer, or without one',
  head: 'The head of the answer',
  garbage: 'What is no HTTP',
  body: 'The content of the answer',
} as const;

export type TorturePart = keyof typeof tortureParts;

export interface TortureCase {
  /** The name of the fault, or of the group if the group is the fault. */
  readonly id: string;
  /** To be read after "The origin …". */
  readonly does: string;
  readonly part: TorturePart;
  /** The part of the torture origin that is asked. */
  readonly group: string;
  /** The last segment of the path, which is `/<group>/fault/<asks>`. */
  readonly asks: string;
  readonly requests: readonly TortureRequest[];
  readonly on: readonly ConnectionUse[];
  readonly expects: Expectation;
  /** How long the connections rest before the next request. */
  readonly restMs: number;
}

/** The observation of one request by client and origin. */
export interface TortureObservation {
  /** Null if no head of a final response came. */
  readonly status: number | null;
  readonly interim: readonly number[];
  /**
   * `complete`: a message that reached its end. `cut`: it broke off visibly. `closed`: the connection ended without a
   * response. `waiting`: neither side ended it within the time limit. `not_http`: bytes that are no HTTP/1 response.
   */
  readonly completeness: 'complete' | 'cut' | 'closed' | 'waiting' | 'not_http';
  readonly elapsedMs: number;
  /** How often the origin saw the request. */
  readonly originSaw: number;
  /** Whether the origin's connection had carried another request before. */
  readonly reusedAtOrigin: boolean;
  /** As Latin-1; after a 101, the bytes of the new protocol. */
  readonly body: string;
  /** Bytes after a complete message. */
  readonly strayBytes: number;
  /** Whether bytes that must stay in the gateway reached the client. */
  readonly poisoned: boolean;
  /** Types named in Proxy-Status. */
  readonly named: readonly string[];
  readonly proxyStatus: string | null;
  readonly server: string | null;
  /**
   * A plain request right afterwards: answered successfully, not at all or with a failure, or with the response to another
   * request.
   */
  readonly neighbour: 'fine' | 'failed' | 'mixed_up';
}
