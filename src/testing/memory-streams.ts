/**
 * A second implementation of both sides of an exchange, in memory and multiplexed: fields are pairs, every stream has its
 * own credit, and the abort of one leaves the others alone. Code that silently assumes HTTP/1 fails here.
 *
 * Nothing is delivered from inside a call: time must move, if only by 0 ms. Bytes lent to a handler are overwritten when it
 * returns.
 */
export { type ClientStreamOptions, MemoryClientStream, type MemoryRequest } from './memory-client-stream.ts';
export { type EndpointStreamOptions, MemoryEndpointStream } from './memory-endpoint-stream.ts';
export { type EndpointConnectionOptions, MemoryEndpointConnection } from './memory-endpoint-connection.ts';
