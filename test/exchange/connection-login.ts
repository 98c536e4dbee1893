import type { MemoryTransport } from '../../src/testing/memory-transport.ts';
import type { EndpointActor } from './world.ts';
import type { Http1Arrived } from './http1-world.ts';

interface Login {
  /** The number in the challenge that was sent last; 0: none was. */
  challenge: number;
  user: string;
}

/** Challenges beside the one of the connection's scheme. */
export type OtherChallenges = readonly string[];

/** Lets the endpoint authenticate connections. */
export function logInAt(endpoint: EndpointActor, scheme = 'NTLM', others: OtherChallenges = []): void {
  const logins = new Logins(scheme, others);
  endpoint.onRequest = (request) => {
    logins.answer(request as Http1Arrived);
    if (request.header('connection') === 'close') request.breakOff('closed');
  };
}

/**
 * An endpoint that authenticates connections, as servers with NTLM do: three requests on one connection are a login, and every later
 * request of the connection is that user's. It answers with the name of the user, and `/public` to everybody.
 */
class Logins {
  readonly #logins = new WeakMap<MemoryTransport, Login>();
  readonly #scheme: string;
  readonly #others: OtherChallenges;
  #challenges = 0;

  constructor(scheme: string, others: OtherChallenges) {
    this.#scheme = scheme;
    this.#others = others;
  }

  answer(request: Http1Arrived): void {
    const login = this.#logins.get(request.transport) ?? { challenge: 0, user: '' };
    this.#logins.set(request.transport, login);
    if (request.target === '/public') return request.answer(200, 'public');
    const [scheme = '', token = ''] = (request.header('authorization') ?? '').split(' ');
    if (scheme === 'Basic') return request.answer(200, 'by Basic');
    if (scheme === '') return login.user === '' ? this.#challenge(request, '') : request.answer(200, login.user);
    login.user = '';
    const [step, user = '', number = ''] = token.split(':');
    if (step === 'hello') {
      login.challenge = ++this.#challenges;
      return this.#challenge(request, ` ${login.challenge}`);
    }
    const isRight = login.challenge > 0 && number === String(login.challenge);
    login.challenge = 0;
    if (!isRight) return this.#challenge(request, '');
    login.user = user;
    request.answer(200, user);
  }

  #challenge(request: Http1Arrived, token: string): void {
    request.answer(401, '', { 'WWW-Authenticate': [...this.#others, `${this.#scheme}${token}`].join(', ') });
  }
}
