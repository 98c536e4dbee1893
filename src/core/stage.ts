/**
 * How far an exchange had come, in the order of the journey. One comparison answers the question that every
 * second attempt turns on: can the endpoint have been sent anything?
 */
export const stages = [
  'request', // reading the request from the client
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
