/**
 * What went wrong, in words for people. The four shapes of a gateway failure, then what is none.
 * Every RFC 9209 type belongs to exactly one shape (`proxy-error.ts`).
 */
export const shapes = [
  'unreachable', // no usable connection to the endpoint
  'too_slow', // connected, but no (complete) answer in time
  'reset', // connected, then closed before the answer was whole
  'garbage', // an answer came that is not acceptable HTTP
  'refused_by_gateway', // the gateway declined by itself
  'app_error', // the application's own 5xx, forwarded as it came
  'client_abort', // the client left, or sent what cannot be a request
  'none', // nothing went wrong
] as const;

export type Shape = (typeof shapes)[number];

/** Which side caused it. There is no "unknown": when we cannot say, it is ours. */
export const whoses = ['application', 'network', 'gateway', 'operator', 'client'] as const;

export type Whose = (typeof whoses)[number];

/** What is known of whether the request may have been executed. */
export const deliveries = [
  'not_sent', // no byte of the request can have reached the endpoint
  'partial', // some bytes were sent, not the whole request
  'sent_unknown', // the whole request was sent; nothing came back
  'refused_by_peer', // the endpoint said that it did not process it
  'response_started', // an answer had begun
] as const;

export type Delivery = (typeof deliveries)[number];
