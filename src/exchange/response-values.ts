import type { ClientFacts } from '../core/exchange.ts';
import { eachHeaderLine } from '../core/header-lines.ts';
import type { HeaderSink, MessageHeaders, RequestHead } from '../core/message.ts';
import type { AnsweredRequest, ResponseValues } from '../core/response-values.ts';
import type { Endpoint, Route } from './ports.ts';
import { authoritiesOf } from './webdav-headers.ts';

interface Answered {
  readonly request: RequestHead;
  readonly client: ClientFacts;
  readonly attempts: readonly { readonly chosenEndpoint: Pick<Endpoint, 'authority' | 'address'> }[];
}

/** A sink that gets the headers with their changed values; null: the route changes none of them. */
export function sinkOfChanged(
  sink: HeaderSink,
  headers: MessageHeaders,
  route: Route,
  answered: Answered,
): HeaderSink | null {
  const { responseValues } = route;
  if (responseValues === null || !responseValues.some(({ names }) => names.some((name) => headers.has(name))))
    return null;
  return new ChangingSink(sink, responseValues, answeredRequest(route, answered));
}

class ChangingSink implements HeaderSink {
  readonly #sink: HeaderSink;
  readonly #changes: readonly ResponseValues[];
  readonly #answered: AnsweredRequest;

  constructor(sink: HeaderSink, changes: readonly ResponseValues[], answered: AnsweredRequest) {
    this.#sink = sink;
    this.#changes = changes;
    this.#answered = answered;
  }

  header(name: string, value: string): void {
    const lowercase = name.toLowerCase();
    let changed = value;
    for (const change of this.#changes)
      if (change.names.includes(lowercase)) changed = change.changed(lowercase, changed, this.#answered);
    this.#sink.header(name, changed);
  }

  headerLines(bytes: Uint8Array, start: number, end: number): void {
    eachHeaderLine(bytes, start, end, (name, value) => this.header(name, value));
  }
}

function answeredRequest(route: Route, { request, client, attempts }: Answered): AnsweredRequest {
  const { hostSent } = route;
  const named = hostSent === 'client' || hostSent === 'endpoint' ? [] : [hostSent];
  const asked = attempts.flatMap(({ chosenEndpoint: { authority, address } }) => [authority, address]);
  return {
    scheme: client.scheme,
    authorities: authoritiesOf(request, client),
    schemeSent: route.upstream?.secure === true ? 'https' : 'http',
    ownAuthorities: [...new Set([...named, ...asked])],
  };
}
