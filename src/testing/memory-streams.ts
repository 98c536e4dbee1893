/**
 * A second implementation of both sides of an exchange, in memory and multiplexed: headers are pairs, every stream has its
 * own credit, and aborting one stream leaves the others open. Code that assumes HTTP/1 fails here.
 *
 * Delivery never happens inside a call: time must move, if only by 0 ms. Bytes lent to a handler are overwritten when it
 * returns.
 */
export { MemoryClientStream, type MemoryRequest } from './memory-client-stream.ts';
export { MemoryEndpointStream } from './memory-endpoint-stream.ts';
export { MemoryEndpointConnection } from './memory-endpoint-connection.ts';
