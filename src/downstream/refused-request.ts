import { type HttpVersion, noBody, type RequestHead } from '../core/message.ts';
import { ParsedHeaders } from '../wire/parsed-headers.ts';
import type { ParsedRequestHead } from '../wire/parsed-request-head.ts';

const noHeaders = new ParsedHeaders(Buffer.alloc(0), new Int32Array(0), 0, 0, 0);

/**
 * Stands for a request that could not be read, with the method and target as far as they were read: its exchange is
 * recorded like any other. Its properties stand in the order in which the parser sets them, so that V8 gives both one
 * hidden class.
 */
export function refusedRequest(
  method: string,
  target: string,
  scheme: 'http' | 'https',
  version: HttpVersion = 'HTTP/1.1',
): RequestHead {
  const head: ParsedRequestHead = {
    method,
    scheme,
    authority: '',
    target,
    version,
    headers: noHeaders,
    framing: noBody,
    keepAlive: false,
    expectContinue: false,
    upgrade: null,
    takesTrailers: false,
  };
  return head;
}
