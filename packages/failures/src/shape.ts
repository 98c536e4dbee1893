/**
 * The kinds of results, in words for people: the four shapes of a gateway failure, then the others.
 * Every RFC 9209 type belongs to exactly one shape (`proxy-error.ts`).
 */
export const shapes = [
  'unreachable', // no usable connection to the endpoint
  'too_slow', // connected, but no complete response in time
  'reset', // connected, then closed before the response was complete
  'garbage', // the response was not acceptable HTTP
  'refused_by_gateway', // the gateway itself refused the request
  'app_error', // the application's own 5xx, or a gRPC status that says the same, forwarded unchanged
  'client_abort', // the client left, or sent no valid request
  'none', // nothing went wrong
] as const;

export type Shape = (typeof shapes)[number];

/** Which side caused it. There is no "unknown": a failure without a known side is the gateway's. */
export const whoses = ['application', 'network', 'gateway', 'operator', 'client'] as const;

export type Whose = (typeof whoses)[number];

/** Whether the endpoint may have executed the request. */
export const deliveries = [
  'not_sent', // no byte of the request can have reached the endpoint
  'partial', // some bytes were sent, not the whole request
  'sent_unknown', // the whole request was sent; nothing came back
  'refused_by_peer', // the endpoint reported that it did not process it
  'response_started', // a response had begun
] as const;

export type Delivery = (typeof deliveries)[number];
