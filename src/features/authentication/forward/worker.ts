/**
 * Asks a service about each request, as `forwardAuth` of Traefik, `forward_auth` of Caddy and `auth_request` of nginx do: without the body, and
 * with the method and URL in headers. 2xx lets the request pass, 401, 403 and redirects are the client's answer; anything else is none, and closes.
 */
import { explain } from '#failures/failure-texts.ts';
import { fail } from '#failures/failure.ts';
import type { UpstreamId } from '../../../core/endpoint.ts';
import type { FilterAnswer, FilterContext, FilterResponseHead } from '../../../core/filter.ts';
import { gatewayHeaderNames } from '../../../core/header-names.ts';
import { utf8Text } from '../../../core/utf8-text.ts';
import type { Subrequest, SubrequestAnswer } from '../../../core/subrequest.ts';
import type { Result } from '#failures/result.ts';
import { addSessionCookies, addSessionCookiesToFailure } from '../worker-session-cookies.ts';
import {
  authenticationScheme,
  type PendingDecision,
  type SchemeDecision,
  type SchemePart,
  type SchemePorts,
  settleLater,
} from '../worker-scheme.ts';
import { forwardName, type ForwardSpec } from './settings.ts';

/** A page that asks for a login, or tells why not. */
const bodyBytesMax = 256 * 1024;
/** A service that is out is mostly one that restarts. */
const retryAfterS = 5;

/** Where the service is this gateway itself, behind others, it finds the loop by them. */
const hopsPassed: ReadonlySet<string> = new Set(['via', 'cdn-loop']);

const answersForClients: ReadonlySet<number> = new Set([301, 302, 303, 307, 308, 401, 403]);

export const forward = authenticationScheme<ForwardSpec, SchemePart>({
  name: forwardName,
  prepare: (spec, ports) => new ForwardPart(spec, ports),
});

class ForwardPart implements SchemePart {
  readonly asksFor = 'a login';
  readonly challenge = '';
  readonly #spec: ForwardSpec;
  readonly #ports: SchemePorts;
  /** Of the service's answers, for the clients whose requests it has let pass. */
  readonly #cookies = new WeakMap<FilterContext, readonly string[]>();

  constructor(spec: ForwardSpec, ports: SchemePorts) {
    this.#spec = spec;
    this.#ports = ports;
  }

  authenticate(exchange: FilterContext, pending: PendingDecision): null {
    const wanted = new AbortController();
    pending.onCancelled = () => wanted.abort();
    const asked = this.#ports.ask(this.#subrequest(exchange), wanted.signal);
    settleLater(
      pending,
      asked.then((result) => this.#decide(exchange, result)),
    );
    return null;
  }

  onResponseHead(exchange: FilterContext, head: FilterResponseHead): void {
    addSessionCookies(head, this.#cookies.get(exchange) ?? []);
  }

  #subrequest(exchange: FilterContext): Subrequest {
    const { upstream, target, timeoutMs, requestHeaders } = this.#spec;
    const { request, client, path } = exchange;
    const headers: [string, string][] = [];
    request.headers.each((name, value) => {
      const known = name.toLowerCase();
      if (requestHeaders.includes(known) || hopsPassed.has(known)) headers.push([name, value]);
    });
    // The path in its normal form: a rule of the service must see the path by which the route was found, however the client has spelt it.
    const uri = path + (/\?.*/s.exec(request.target)?.[0] ?? '');
    return {
      ...{ upstream: upstream as UpstreamId, route: `authentication of ${this.#ports.route}` },
      ...{ method: 'GET', target, authority: request.authority, headers, body: null },
      ownHeaders: [
        ['X-Forwarded-Method', request.method],
        ['X-Forwarded-Uri', uri],
        ['X-Original-Method', request.method],
        ['X-Original-URL', `${client.scheme}://${request.authority}${uri}`],
      ],
      ...{ client, limitMs: timeoutMs, bodyBytesMax },
    };
  }

  #decide(exchange: FilterContext, result: Result<SubrequestAnswer>): SchemeDecision {
    if (!result.ok) return this.#unavailable(explain(result.failure).replace(/\.$/, ''), result.failure.cause);
    const answer = result.value;
    const { status } = answer;
    if (status >= 200 && status < 300) return this.#admit(exchange, answer);
    if (answersForClients.has(status))
      return { kind: 'answer', fault: status < 400 ? 'sent_to_login' : `answered_${status}`, answer: answerOf(answer) };
    return this.#unavailable(`it answered ${status}`);
  }

  #admit(exchange: FilterContext, answer: SubrequestAnswer): SchemeDecision {
    const { copyHeaders, userFrom, groupsFrom } = this.#spec;
    const headerValues = copyHeaders.flatMap((name) => {
      // What the client sends under this name is not the service's word, also where the service says nothing.
      exchange.removeRequestHeader(name);
      const value = answer.get(name.toLowerCase());
      return value === null ? [] : [[name, value] as const];
    });
    const cookies = answer.headers.flatMap(([name, value]) => (name === 'set-cookie' ? [value] : []));
    if (cookies.length > 0) this.#cookies.set(exchange, cookies);
    addSessionCookiesToFailure(exchange, cookies);
    const said = (header: string | null): string => utf8Text((header === null ? null : answer.get(header)) ?? '');
    const user = {
      ...{ name: said(userFrom), by: forwardName },
      // Authelia and oauth2-proxy write commas between them, Authentik "|".
      claims: {
        groups: said(groupsFrom)
          .split(/[,|]/)
          .flatMap((group) => group.trim() || []),
      },
    };
    return { kind: 'user', user, headerValues };
  }

  #unavailable(reason: string, askedCause?: string): SchemeDecision {
    const failure = fail('authentication_unavailable', 'filter', {
      ...{ service: this.#spec.upstream, reason, retryAfterS },
      ...(askedCause === undefined ? {} : { askedCause }),
    });
    return { kind: 'failed', fault: 'unavailable', failure };
  }
}

/** Those of one hop (RFC 9110 §7.6.1), and what the gateway writes. */
const ofHop: ReadonlySet<string> = new Set([
  ...[
    'connection',
    'keep-alive',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'content-length',
  ],
  ...['proxy-status', 'date', ...gatewayHeaderNames],
]);

function answerOf({ status, headers, body }: SubrequestAnswer): FilterAnswer {
  const kept = headers.filter(([name]) => !ofHop.has(name));
  // It is about this client at this moment.
  if (!kept.some(([name]) => name === 'cache-control'))
    return { status, headers: [...kept, ['cache-control', 'no-store']], body };
  return { status, headers: kept, body };
}
