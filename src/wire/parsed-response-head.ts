import type { Guess } from '#failures/failure.ts';
import type { ResponseHead, Framing } from '../core/message.ts';
import type { ResponseRule } from '#failures/rules.ts';
import type { ParsedHeaders } from './parsed-headers.ts';

/** Why a response is not taken: a cause of `#failures/failure.ts` with its evidence, but for the address. */
export type ResponseRefusal =
  | { readonly cause: 'response_not_http'; readonly firstBytes: string; readonly guess: Guess }
  | { readonly cause: 'response_status_line'; readonly firstBytes: string; readonly rule: ResponseRule }
  | { readonly cause: 'response_version'; readonly version: string }
  | { readonly cause: 'response_header'; readonly rule: ResponseRule; readonly name: string }
  | { readonly cause: 'response_framing'; readonly rule: ResponseRule }
  | { readonly cause: 'response_transfer_coding'; readonly coding: string }
  | {
      readonly cause: 'response_head_too_large';
      readonly bytes: number;
      readonly limit: number;
      readonly longest: string;
    }
  | { readonly cause: 'response_too_many_headers'; readonly limit: number };

/** A response head of HTTP/1. Its headers are not to be asked once the parser has been reset. */
export interface ParsedResponseHead extends ResponseHead {
  readonly headers: ParsedHeaders;
  readonly framing: Framing;
  /** Whether the endpoint lets the connection live on (RFC 9112 §9.3), and no bytes may follow that are not counted. */
  readonly keepAlive: boolean;
  /** Keep-Alive: timeout=N: how long it will keep it idle; null when it did not say. */
  readonly keepAliveTimeoutS: number | null;
}
