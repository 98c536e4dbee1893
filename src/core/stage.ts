/**
 * How far an exchange had come, in the order of the journey. What the endpoint may have been sent does not follow from
 * it: that is the delivery (`shape.ts`). While a request's content arrives its beginning can be at the endpoint
 * already, so a failure of stage `request` can have the delivery `partial`.
 */
export const stages = [
  'request', // reading the request from the client, its content included
  'route', // choosing a route and an upstream
  'queue', // waiting for a place at the upstream
  'dns', // looking up the endpoint's address
  'connect', // opening the connection
  'tls', // handshaking
  'send', // writing the request to the endpoint
  'response', // waiting for the response head
  'content', // forwarding response content
  'flush', // the endpoint is done; the client is still reading
] as const;

export type Stage = (typeof stages)[number];
