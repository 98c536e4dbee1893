/**
 * The steps of an exchange in their order. A stage does not say what the endpoint has received; the delivery does (`shape.ts`).
 * While the rest of a request body arrives from the client, its beginning may have reached the endpoint, so that a failure of
 * stage `request` can have the delivery `partial`.
 */
export const stages = [
  'request', // reading the request from the client, including its body
  'route', // choosing a route and an upstream
  'filter', // passing the filters of the route
  'queue', // waiting for a connection
  'dns', // looking up the endpoint's address
  'connect', // opening the connection
  'tls', // handshaking
  'send', // writing the request to the endpoint
  'response', // waiting for the response head
  'body', // forwarding the response body
  'flush', // the endpoint has finished; the client is still reading
] as const;

export type Stage = (typeof stages)[number];
