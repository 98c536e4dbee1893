import type { Result } from '#failures/result.ts';
import type { UpstreamId } from './endpoint.ts';
import type { ClientFacts } from './exchange.ts';

/** A request that the gateway itself makes at one of its upstreams, such as to a service that decides who may enter. */
export interface Subrequest {
  readonly upstream: UpstreamId;
  /** Its name in the log, in place of a route's: 'authentication of /admin'. */
  readonly route: string;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** What the endpoint is told as host, in X-Forwarded-Host and, with `hostSent: 'client'`, in Host. */
  readonly authority: string;
  /** As `RouteRewrite.host`; absent: 'endpoint'. */
  readonly hostSent?: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** What endpoints believe, and clients could not say: written as the gateway's own. Absent: nothing. */
  readonly ownHeaders?: readonly (readonly [name: string, value: string])[];
  /** Null: none. */
  readonly body: Uint8Array | null;
  /** On whose behalf: the endpoint is told of it in X-Forwarded-For. */
  readonly client: ClientFacts;
  /** For the whole of it, attempts and body. */
  readonly limitMs: number;
  /** Of the response's body. One that is larger is a failure. */
  readonly bodyBytesMax: number;
}

export interface SubrequestAnswer {
  readonly status: number;
  /** All values of a header, joined by ", "; null: there is none. `name` is lowercase. */
  get(name: string): string | null;
  /** Every line, names lowercase. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/** An AbortSignal, as far as it is used: core knows no platform. */
interface CancelSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Never rejects. `signal`: it is not wanted any more, and resolves with `client_gone`. */
export type AskUpstream = (request: Subrequest, signal?: CancelSignal) => Promise<Result<SubrequestAnswer>>;
