import { after, type Clock } from '../core/time.ts';
import type { AcmeResponse, AcmeTransport, TransportFailure } from './acme-transport.ts';
import { plainText } from './acme-documents.ts';
import type { ChallengeCheck, ChallengeFinding } from './authorize.ts';
import type { HttpChallenge } from '../core/managed-tls.ts';
import type { PreparedChallenge } from './challenges.ts';

const answerMsMax = 5000;

/** Fetches the URL of an HTTP-01 challenge as the CA does, and compares. */
export class OwnChallengeCheck implements ChallengeCheck {
  readonly #transport: AcmeTransport;
  readonly #clock: Clock;
  readonly #port: number;

  /** `port`: where the CA looks, 80; a test CA looks elsewhere. */
  constructor(transport: AcmeTransport, clock: Clock, port = 80) {
    this.#transport = transport;
    this.#clock = clock;
    this.#port = port;
  }

  async explain(challenge: PreparedChallenge): Promise<ChallengeFinding | null> {
    if (challenge.kind !== 'http-01') return null;
    const authority = this.#port === 80 ? challenge.domain : `${challenge.domain}:${this.#port}`;
    const url = `http://${authority}/.well-known/acme-challenge/${challenge.token}`;
    const abort = new AbortController();
    const timer = this.#clock.schedule(after(this.#clock.now(), answerMsMax), () => abort.abort(), undefined);
    const sent = await this.#transport.send({ method: 'GET', url, headers: {}, body: null }, abort.signal);
    timer.cancel();
    const subject = `port ${this.#port} of ${challenge.domain}`;
    return sent.ok
      ? judgeAnswer(subject, challenge, sent.value)
      : judgeSilence(subject, challenge.domain, sent.failure);
  }
}

function judgeAnswer(
  subject: string,
  { domain, keyAuthorization }: HttpChallenge,
  answer: AcmeResponse,
): ChallengeFinding | null {
  if (answer.status >= 300 && answer.status < 400) {
    const to = plainText(answer.headers['location'] ?? 'nowhere');
    return {
      sentence: `${subject} redirects the challenge (${answer.status}) to ${to}, and the CA found no answer there`,
      fix: 'let requests for /.well-known/acme-challenge/ through to this gateway without a redirect',
    };
  }
  if (answer.body.trim() === keyAuthorization) {
    return {
      sentence: `${subject} answers the challenge from this machine, but not to the CA`,
      fix: `let the Internet reach it: look at the firewall, and whether every address of ${domain} (AAAA as well) is this machine's`,
    };
  }
  const server = answer.headers['server'];
  const who = server === undefined ? 'another server' : plainText(server);
  return {
    sentence: `${subject} is answered by ${who}, not by us (status ${answer.status})`,
    fix: `let ${domain} resolve to this gateway, and let the gateway have port 80 or receive /.well-known/acme-challenge/ from that server`,
  };
}

function judgeSilence(subject: string, domain: string, { reason, code }: TransportFailure): ChallengeFinding {
  if (reason === 'name_not_found') {
    return { sentence: `the name ${domain} does not resolve (${code})`, fix: `add an A or AAAA record for ${domain}` };
  }
  const text = reason === 'refused' ? 'refuses connections' : `does not answer (${code === '' ? reason : code})`;
  return {
    sentence: `${subject} ${text}`,
    fix: 'let the gateway listen on that port, and the firewall let connections through to it',
  };
}
