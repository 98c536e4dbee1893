import type { Delivery, Shape, Whose } from './shape.ts';
import type { Stage } from './stage.ts';

/** The words for people of what every failure has. One table per union, so that the compiler finds a missing one. */

export const shapeWords: Record<Shape, string> = {
  unreachable: 'unreachable',
  too_slow: 'too slow',
  reset: 'reset',
  garbage: 'garbage',
  refused_by_gateway: 'refused by the gateway',
  app_error: "the application's own error",
  // Of sums too: most of them left, others got a 4xx.
  client_abort: 'the client left, or its request was wrong',
  none: 'nothing went wrong',
};

export const whoseWords: Record<Whose, string> = {
  application: 'the application',
  network: 'the network',
  gateway: 'the gateway',
  operator: 'the operator',
  client: 'the client',
};

export const stageWords: Record<Stage, string> = {
  request: 'while the request was read from the client',
  route: 'while a route was chosen',
  filter: 'while the filters of the route had the request',
  queue: 'while it waited for a connection of the upstream',
  dns: 'while the address was looked up',
  connect: 'while the connection was opened',
  tls: 'during the TLS handshake',
  send: 'while the request was sent',
  response: 'while waiting for the response head',
  body: 'while the response body was forwarded',
  flush: 'while the client read the rest',
};

export const deliveryWords: Record<Delivery, string> = {
  not_sent: 'No. No byte of the request can have reached the application.',
  partial: 'Unlikely. Only a part of the request was sent.',
  sent_unknown: 'Perhaps. The whole request was sent and no answer came.',
  refused_by_peer: 'No. The endpoint said that it did not process the request.',
  response_started: 'Yes. The application began to answer.',
};
