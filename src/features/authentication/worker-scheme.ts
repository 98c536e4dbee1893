/** What a scheme of authentication is in a worker. Each scheme is a folder beside this file; `worker-schemes.ts` names them. */
import type { User } from '../../core/exchange.ts';
import type { FilterAnswer, FilterContext, FilterResponseHead } from '../../core/filter.ts';
import type { FeaturePorts } from '../worker-feature.ts';
import type { SchemeCondition } from './settings.ts';
import type { SchemeCredentials } from './worker-scheme-credentials.ts';
import { fail, type Failure } from '#failures/failure.ts';

/** What was wrong with credentials, for metrics: a scheme has a few of its own, such as 'expired'. */
type FaultName = string;

export type SchemeDecision =
  /** The request has no credentials of this scheme: the next one is asked. */
  | { readonly kind: 'absent' }
  /** It may pass, if `require` of the route holds. */
  | {
      readonly kind: 'user';
      readonly user: User;
      /** For `onResponseHead` of the scheme. */
      readonly note?: unknown;
      /** What endpoints are told: names that are in the scheme's `headersSet`, and values of headers (`header-value.ts`). */
      readonly headerValues?: readonly (readonly [name: string, value: string])[];
    }
  /** Its credentials are not valid, and a clause says why, without any part of them. The next scheme is asked. */
  | { readonly kind: 'refused'; readonly fault: FaultName; readonly because: string }
  /** It could not be found out. The next scheme is asked; if none admits the request, it ends with `failure`. */
  | { readonly kind: 'failed'; readonly fault: FaultName; readonly failure: Failure }
  /** The answer for this client, such as a redirect to a login. No other scheme is asked. */
  | { readonly kind: 'answer'; readonly fault: FaultName; readonly answer: FilterAnswer };

/** A request whose decision takes time. */
export interface PendingDecision {
  /** Once. */
  settle(decision: SchemeDecision): void;
  /** Is called if the request has ended before. */
  onCancelled: (() => void) | null;
}

/** A scheme of one route in one revision of the configuration. */
export interface SchemePart {
  /** How people call what it asks for: 'a password'. */
  readonly asksFor: string;
  /** For WWW-Authenticate; '': none. */
  readonly challenge: string;
  /** Absent: what clients send for it is for the application too. */
  readonly credentials?: SchemeCredentials;
  /** Where a browser logs in with another account, a path and its query; absent: it cannot. */
  readonly loginPath?: string;
  /** Null: `pending.settle` will be called, which may not happen before this returns. */
  authenticate(exchange: FilterContext, pending: PendingDecision): SchemeDecision | null;
  /** Before the head of a response to a request that it has admitted is sent, such as for cookies. */
  onResponseHead?(exchange: FilterContext, head: FilterResponseHead, note: unknown): void;
  /** What it has from a service, for the status, and for workers that begin later. */
  condition?(): SchemeCondition;
  /** The `state` that another worker, or this one, has told last. */
  onState?(state: object): void;
  activate?(): void;
  discard?(): void;
  close?(): void;
}

export interface SchemePorts extends Pick<FeaturePorts, 'clock' | 'random' | 'deadlines' | 'pool' | 'ask'> {
  /** The id of the route, for names of subrequests. */
  readonly route: string;
  readonly realm: string;
}

export interface AuthenticationScheme<S extends object = object, P extends SchemePart = SchemePart> {
  readonly name: string;
  /** Loads what `prepare` needs of a spec, such as a library, by `import()`; null: everything is there. */
  load?(spec: S): Promise<unknown> | null;
  /** `previous`: the part of the same scheme and route in the revision in force. */
  prepare(spec: S, ports: SchemePorts, previous: P | null): P;
}

/** The scheme, as the registry has it: only its own files know its spec. */
export function authenticationScheme<S extends object, P extends SchemePart>(
  scheme: AuthenticationScheme<S, P>,
): AuthenticationScheme {
  return scheme as unknown as AuthenticationScheme;
}

/** For decisions that take time: whatever goes wrong in them ends the request, and does not let it pass. */
export function settleLater(pending: PendingDecision, decision: Promise<SchemeDecision>): void {
  decision.then(
    (settled) => pending.settle(settled),
    (error: unknown) => pending.settle({ kind: 'failed', fault: 'fault', failure: faultOf(error) }),
  );
}

export function faultOf(error: unknown): Failure {
  const what = error instanceof Error ? error.message : String(error);
  return fail('gateway_fault', 'filter', { invariant: `the filter authentication does not throw (${what})` });
}
