import type { OutgoingRequest } from '../../core/message.ts';
import type { HeaderBlockWriter } from '../../wire/h2/hpack-encoder.ts';

/** Composes the block of a request's head (RFC 9113 §8.3.1) behind `block.begin`. */
export function writeRequestBlock(block: HeaderBlockWriter, request: OutgoingRequest): void {
  const { method, framing } = request;
  block.pseudo(method, request.scheme, request.authority, request.target);
  request.writeHeaders(block);
  // RFC 9113 §8.2.2: the one value that TE may have.
  if (request.takesTrailers) block.header('te', 'trailers');
  if (framing.kind === 'length') block.header('content-length', String(framing.bytes));
  // As in HTTP/1 (`wire/write-head.ts`): some servers answer 411 else.
  else if (framing.kind === 'none' && (method === 'POST' || method === 'PUT' || method === 'PATCH'))
    block.header('content-length', '0');
}
