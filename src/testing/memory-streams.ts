/**
 * The two sides of an exchange once more, in memory and multiplexed: fields are pairs, every stream has its own
 * credit, and cutting one leaves the others alone. What an exchange assumes of HTTP/1 without saying so fails here.
 *
 * Nothing is delivered from inside a call: time must move, if only by 0 ms. Bytes lent to a handler are
 * overwritten when it returns.
 */
export { type ClientStreamOptions, MemoryClientStream, type MemoryRequest } from './memory-client-stream.ts';
export { type EndpointStreamOptions, MemoryEndpointStream } from './memory-endpoint-stream.ts';
export { type EndpointConnectionOptions, MemoryEndpointConnection } from './memory-endpoint-connection.ts';
