import type { RequestHead, Framing } from '../core/message.ts';
import type { RequestRule } from '#failures/rules.ts';
import type { ParsedHeaders } from './parsed-headers.ts';

/** Why a request is refused: the rule, and what broke it, printable and short. */
export interface RequestRefusal {
  readonly rule: RequestRule;
  readonly at: string;
}

/** A request head of HTTP/1. Its strings live on; its headers are not to be asked once the parser has been reset. */
export interface ParsedRequestHead extends RequestHead {
  readonly headers: ParsedHeaders;
  readonly framing: Framing;
  /** Whether the client lets the connection live on (RFC 9112 §9.3). */
  readonly keepAlive: boolean;
  /** Whether the client waits for "100 Continue" before it sends its body. */
  readonly expectContinue: boolean;
}
