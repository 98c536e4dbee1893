import type { RequestHead, Framing } from '../core/message.ts';
import type { RequestRule } from '#failures/rules.ts';
import type { Http1Fields } from './http1-fields.ts';

/** Why a request is refused: the rule, and what broke it, printable and short. */
export interface RequestRefusal {
  readonly rule: RequestRule;
  readonly at: string;
}

/** A request head of HTTP/1. Its strings live on; its fields are not to be asked once the parser has been reset. */
export interface Http1RequestHead extends RequestHead {
  readonly fields: Http1Fields;
  readonly framing: Framing;
  /** Whether the client lets the connection live on (RFC 9112 §9.3). */
  readonly keepAlive: boolean;
  /** Whether the client waits for "100 Continue" before it sends its content. */
  readonly expectContinue: boolean;
}
