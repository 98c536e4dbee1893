import type { HeaderFilter } from '../../core/header-names.ts';
import type { MessageHeaders, OutgoingResponse } from '../../core/message.ts';
import type { HeaderBlockWriter } from '../../wire/h2/hpack-encoder.ts';

/** Composes the block of a response's head (RFC 9113 §8.3.2) for a request by `method`. */
export function writeResponseBlock(block: HeaderBlockWriter, response: OutgoingResponse, method: string): void {
  block.status(response.status);
  response.writeHeaders(block);
  const length = lengthOf(response, method);
  if (length >= 0) block.header('content-length', String(length));
}

/** What Content-Length says, as in HTTP/1 (RFC 9110 §8.6); −1: nothing. */
function lengthOf({ status, framing, contentLength }: OutgoingResponse, method: string): number {
  if (status < 200 || status === 204) return -1;
  if (method === 'HEAD' || status === 304) return contentLength;
  if (framing.kind === 'length') return framing.bytes;
  return framing.kind === 'none' ? 0 : -1;
}

/** Whether the head is the whole response. */
export function isHeadOnly({ status, framing }: OutgoingResponse, method: string): boolean {
  return method === 'HEAD' || status === 204 || status === 304 || framing.kind === 'none';
}

/** Composes the block of an interim response. */
export function writeInterimBlock(
  block: HeaderBlockWriter,
  status: number,
  headers: MessageHeaders,
  drop: HeaderFilter,
): void {
  block.status(status);
  headers.writeTo(block, drop);
}
