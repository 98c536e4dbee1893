import type { ProxyErrorType } from '../../core/proxy-error.ts';

/** What a client that knows nothing else can make of an answer. From the best to the worst. */
export type TortureVerdict = 'right' | 'acceptable' | 'misleading' | 'dangerous';

/** Whether both connections are new, or have both just carried a good exchange. */
export type ConnectionUse = 'fresh' | 'reused';

/** Whether a cause that the gateway named is the one that there was. */
export type CauseNamed = 'right' | 'wrong';

/** What is sent. The bytes are those of the request content. */
export interface TortureRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly contentBytes: number;
  /** Asks for an upgrade to WebSocket. */
  readonly upgrade?: boolean;
}

/** A verdict with its sentence. */
export interface TortureJudgement {
  readonly verdict: TortureVerdict;
  /** One sentence, for people. */
  readonly why: string;
}

/** What each answer that a gateway may give is worth. */
export interface Expectation {
  /** Statuses of the gateway's own that are right, and those that can be defended. */
  readonly right: readonly number[];
  readonly acceptable: readonly number[];
  /** Types of RFC 9209 §2.3 that name the cause. They are counted by themselves: no verdict depends on them. */
  readonly errors: readonly ProxyErrorType[];
  /** What a status that is none of these says of the fault, to be read after "A 503 says …". */
  readonly cause: string;
  /** The origin's answer as it should arrive, one of these; none where it has none that is whole. */
  readonly answers: readonly OriginAnswer[];
  /** What it is worth to pass such an answer on whole. */
  readonly passed: TortureJudgement;
  /** What it is worth to pass its head on and to cut the content visibly. */
  readonly cut: TortureJudgement;
  /** What must never reach a client, and why. Looked for in all bytes, as Latin-1. */
  readonly poison: { readonly pattern: RegExp; readonly judged: TortureJudgement } | null;
  /** What a close without a word on a used connection is worth where a client may simply ask again; null: nothing. */
  readonly closed: TortureJudgement | null;
  /** Interim statuses that the client should be given. */
  readonly interim: readonly number[];
}

export interface OriginAnswer {
  readonly status: number;
  readonly content: string;
}

/** Where in the journey the origin fails; in this order. */
export const tortureParts = {
  reaching: 'Reaching the origin',
  tls: 'TLS to the origin',
  answering: 'Before an answer, or without one',
  head: 'The head of the answer',
  garbage: 'What is no HTTP',
  content: 'The content of the answer',
} as const;

export type TorturePart = keyof typeof tortureParts;

export interface TortureCase {
  /** The name of the fault, or of the group where the group is the fault. */
  readonly id: string;
  /** To be read after "The origin …". */
  readonly does: string;
  readonly part: TorturePart;
  /** Which part of the torture origin is asked. */
  readonly group: string;
  /** And for what: the fault is `/<group>/fault/<asks>`. */
  readonly asks: string;
  readonly requests: readonly TortureRequest[];
  readonly on: readonly ConnectionUse[];
  readonly expects: Expectation;
  /** How long the connections then rest before the next request. */
  readonly restMs: number;
}

/** What came of one request, as client and origin saw it. */
export interface TortureObservation {
  /** Null: no head of a final response came. */
  readonly status: number | null;
  readonly interim: readonly number[];
  /**
   * `complete`: a message that reached its end. `cut`: it broke off, visibly. `closed`: no answer, and the connection
   * ended. `waiting`: nobody ended it within the time given. `not_http`: bytes that are no HTTP/1 response.
   */
  readonly completeness: 'complete' | 'cut' | 'closed' | 'waiting' | 'not_http';
  readonly elapsedMs: number;
  /** How often the origin saw the request. */
  readonly originSaw: number;
  /** The origin's connection had carried another request before. */
  readonly reusedAtOrigin: boolean;
  /** As Latin-1; behind a 101, what came in the new protocol. */
  readonly content: string;
  /** Bytes behind a whole message. */
  readonly strayBytes: number;
  /** The bytes that had to stay with the gateway reached the client. */
  readonly poisoned: boolean;
  /** Types named in Proxy-Status. */
  readonly named: readonly string[];
  readonly proxyStatus: string | null;
  readonly server: string | null;
  /** A plain request right afterwards: answered well, not at all or by a failure, or with something else's answer. */
  readonly neighbour: 'fine' | 'failed' | 'mixed_up';
}
