import { after, type Clock } from '../core/time.ts';
import { hostOf } from './acme-failure.ts';
import type { AcmeTransport } from './acme-documents.ts';

export interface PermissionAnswer {
  readonly isPermitted: boolean;
  /** False: there was no answer, so that it is asked again soon. */
  readonly isAnswer: boolean;
  /** Why it is not permitted, a clause. */
  readonly text: string;
}

/** Says whether the operator lets the gateway obtain a certificate for a name. */
export interface NamePermission {
  /** Never rejects. */
  ask(name: string): Promise<PermissionAnswer>;
}

/** It looks into a database of the operator's, no longer. */
const answerMsMax = 5000;

/** Asks `GET <url>?domain=<name>`: a status from 200 to 299 permits. No redirect is followed. */
export class AskPermission implements NamePermission {
  readonly #url: string;
  readonly #transport: AcmeTransport;
  readonly #clock: Clock;

  constructor(url: string, transport: AcmeTransport, clock: Clock) {
    this.#url = url;
    this.#transport = transport;
    this.#clock = clock;
  }

  async ask(name: string): Promise<PermissionAnswer> {
    const url = new URL(this.#url);
    url.searchParams.set('domain', name);
    const abort = new AbortController();
    const late = Promise.withResolvers<null>();
    const timer = this.#clock.schedule(after(this.#clock.now(), answerMsMax), late.resolve, null);
    const request = { method: 'GET', url: url.href, headers: { 'user-agent': 'candor' }, body: null } as const;
    const sent = await Promise.race([this.#transport.send(request, abort.signal), late.promise]);
    timer.cancel();
    if (sent === null) abort.abort();
    const who = `the endpoint of "ask" (${hostOf(this.#url)})`;
    if (sent === null) return unanswered(`${who} did not answer within ${answerMsMax / 1000} s`);
    if (!sent.ok) return unanswered(`${who} cannot be asked (${sent.failure.code || sent.failure.reason})`);
    const { status } = sent.value;
    if (status >= 500) return unanswered(`${who} failed (status ${status})`);
    const isPermitted = status >= 200 && status < 300;
    return { isPermitted, isAnswer: true, text: `${who} does not permit it (status ${status})` };
  }
}

function unanswered(text: string): PermissionAnswer {
  return { isPermitted: false, isAnswer: false, text };
}
