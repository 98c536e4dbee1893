import type { ClientFacts } from '../../core/exchange.ts';
import type { Failure } from '#failures/failure.ts';
import type { RequestHead } from '../../core/message.ts';
import type { RequestRule } from '#failures/rules.ts';
import type { DecodedSection } from '../../wire/h2/decoded-section.ts';
import { Http2RequestReader } from '../../wire/h2/request-head.ts';
import { hostOf } from '../../wire/host.ts';
import { methodBytesMax } from '../../wire/limits.ts';
import { clientFacts } from '../client-facts.ts';
import { refusal, refusalOnStream } from '../client-failures.ts';
import type { ListenerSettings } from '../listener-settings.ts';
import type { Peer } from '../peer.ts';
import type { DownstreamPorts } from '../ports.ts';
import { refusedRequest } from '../refused-request.ts';

/** Reads the requests of one HTTP/2 connection, and decides which of them are refused before their exchange begins. */
export class RequestIntake {
  /** Why the request read last is refused; null: it is not. */
  failure: Failure | null = null;
  client: ClientFacts;
  readonly #peer: Peer;
  readonly #ports: DownstreamPorts;
  readonly #reader: Http2RequestReader;
  /** The last authority that was found to be served here. */
  #servedAuthority: string | null = null;
  /** Why every request on the connection is refused; null: they are not. */
  #refusesAll: Failure | null = null;

  constructor(peer: Peer, listener: ListenerSettings, ports: DownstreamPorts) {
    const { headBytesMax, headersMax, targetBytesMax } = listener.limits;
    this.#peer = peer;
    this.#ports = ports;
    this.client = clientFacts(peer, null, ports);
    this.#reader = new Http2RequestReader({ headBytesMax, headersMax, targetBytesMax, methodBytesMax });
  }

  refuseAll(rule: RequestRule, at: string): void {
    this.#refusesAll = refusal(rule, at);
  }

  /** The request of a header section. `failure` and `client` are this request's until the next one is read. */
  read(section: DecodedSection, endsStream: boolean): RequestHead {
    const { scheme } = this.#peer;
    const head = this.#reader.read(section, endsStream, scheme);
    const isRefused = 'rule' in head;
    const request = isRefused ? refusedRequest(section.method ?? '', section.path ?? '', scheme, 'HTTP/2') : head;
    const trusted = this.#ports.isTrusted(this.client.peerAddress);
    if (trusted || this.client.trusted) this.client = clientFacts(this.#peer, request.headers, this.#ports);
    this.failure = isRefused ? refusalOnStream(head.rule, head.at) : this.#failureOf(request, trusted);
    return request;
  }

  #failureOf({ authority }: RequestHead, trusted: boolean): Failure | null {
    const refused = this.#refusesAll ?? this.#ports.overload.failure;
    if (refused !== null) return refused;
    return trusted ? null : this.#misdirection(authority);
  }

  /** RFC 9110 §7.4: a connection whose certificate is another host's, unless it is of a trusted gateway. */
  #misdirection(authority: string): Failure | null {
    const { servesHost } = this.#peer;
    if (servesHost === null || authority === this.#servedAuthority) return null;
    if (!servesHost(hostOf(authority))) return refusal('misdirected', '');
    this.#servedAuthority = authority;
    return null;
  }
}
