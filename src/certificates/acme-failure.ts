import { plainText, type ProblemDocument, type AcmeResponse, type TransportFailure } from './acme-documents.ts';

/** Why a CA has not done what it was asked for. */
export interface AcmeFailure {
  readonly kind: AcmeFailureKind;
  /** What was asked for. */
  readonly step: AcmeStep;
  readonly url: string;
  /** The status of the response; null without one. */
  readonly status: number | null;
  /** The type of the problem document, without the prefix of RFC 8555; null without one. */
  readonly problemType: string | null;
  /** What the CA wrote. */
  readonly detail: string | null;
  /** What the gateway has seen itself after that, and from where, a clause; null: it has not looked, or has found nothing. */
  readonly seen: string | null;
  /** The name that it is about; null: all names of the order, or none. */
  readonly name: string | null;
  /** How long the CA asks to wait; null: it does not say. */
  readonly retryAfterMs: number | null;
  /** One sentence: what happened, to what. */
  readonly sentence: string;
  /** One sentence: what to do. */
  readonly fix: string;
}

export type AcmeFailureKind =
  /** The CA cannot be reached, or answers with an error of its own. */
  | 'unreachable'
  | 'timeout'
  /** Its certificate is not accepted. */
  | 'certificate'
  /** This machine's clock is wrong. */
  | 'clock'
  /** What it sends is no answer of an ACME server. */
  | 'malformed'
  | 'server_error'
  | 'rate_limited'
  /** It rejects every nonce. */
  | 'bad_nonce'
  /** The account is unknown, deactivated, or needs an external one. */
  | 'account'
  /** The CA issues no certificate for that name to anybody. */
  | 'name_rejected'
  /** A CAA record forbids it. */
  | 'caa'
  /** The CA looked for the challenge and did not find it. */
  | 'challenge_failed'
  /** None of the kinds of challenges that we can show is offered. */
  | 'no_challenge'
  /** We could not show the challenge. */
  | 'not_presented'
  | 'order_invalid'
  /** The certificate is not the one that was ordered. */
  | 'wrong_certificate'
  /** Any other refusal. */
  | 'rejected';

export type AcmeStep =
  | 'directory'
  | 'nonce'
  | 'account'
  | 'order'
  | 'authorization'
  | 'challenge'
  | 'finalize'
  | 'download'
  | 'renewal_information';

/** The failures that are not the CA's words: `fields` says what is known beyond the sentences. */
export function acmeFailure(
  kind: AcmeFailureKind,
  step: AcmeStep,
  url: string,
  sentences: { readonly sentence: string; readonly fix: string },
  fields: Partial<AcmeFailure> = {},
): AcmeFailure {
  const unknown = { status: null, problemType: null, detail: null, seen: null, name: null, retryAfterMs: null };
  return { kind, step, url, ...unknown, ...sentences, ...fields };
}

export function failureOfTransport(step: AcmeStep, url: string, { reason, code }: TransportFailure): AcmeFailure {
  const host = hostOf(url);
  const withCode = code === '' ? '' : ` (${code})`;
  switch (reason) {
    case 'refused':
      return acmeFailure('unreachable', step, url, {
        sentence: `the CA's server ${host} refused the connection${withCode}`,
        fix: 'check that the URL of the CA is right and that a firewall or proxy lets this machine connect to it',
      });
    case 'name_not_found':
      return acmeFailure('unreachable', step, url, {
        sentence: `the name of the CA's server, ${host}, cannot be resolved${withCode}`,
        fix: 'check the URL of the CA and the name servers of this machine',
      });
    case 'unreachable':
    case 'reset':
    case 'tls':
      return acmeFailure('unreachable', step, url, {
        sentence: `the connection to the CA's server ${host} failed${withCode}`,
        fix: 'check that this machine can connect to the Internet; the request is repeated later',
      });
    case 'timeout':
      return timedOut(step, url, `the CA's server ${host} did not answer in time`);
    case 'certificate':
      return acmeFailure('certificate', step, url, {
        sentence: `the certificate of the CA's server ${host} is not trusted${withCode}`,
        fix: 'if it is a CA of your own, name the file of its root certificate as "ca_file"; otherwise something between this machine and the CA intercepts TLS',
      });
    case 'certificate_time':
      return acmeFailure('clock', step, url, {
        sentence: `by this machine's clock the certificate of the CA's server ${host} is not valid now${withCode}`,
        fix: 'set the clock of this machine (`timedatectl` shows it)',
      });
    case 'garbage':
      return malformed(step, url, 'a response that is no valid HTTP', null);
  }
}

export function timedOut(step: AcmeStep, url: string, sentence: string): AcmeFailure {
  return acmeFailure('timeout', step, url, { sentence, fix: 'nothing; the request is repeated later' });
}

export function malformed(step: AcmeStep, url: string, what: string, status: number | null): AcmeFailure {
  const sentence = `the CA's server ${hostOf(url)} sent ${what} for the ${step.replace('_', ' ')}`;
  const fix = 'check that the URL is that of the directory of an ACME server, and that no proxy answers in its name';
  return acmeFailure('malformed', step, url, { sentence, fix }, { status });
}

/** A refusal of the CA's. `problem` null: the body is no problem document. */
export function failureOfProblem(
  step: AcmeStep,
  url: string,
  response: Pick<AcmeResponse, 'status'> | null,
  problem: ProblemDocument | null,
  retryAfterMs: number | null,
): AcmeFailure {
  const status = response?.status ?? null;
  const kind = kindOf(status, problem?.type ?? null);
  const detail = problem?.detail ?? null;
  const known = { status, problemType: problem?.type ?? null, detail, name: problem?.name ?? null, retryAfterMs };
  const text = detail ?? problem?.type ?? `status ${status}`;
  const sentence = `${openings[kind] ?? 'the CA refused'} (${step.replace('_', ' ')}): ${text}`;
  return acmeFailure(kind, step, url, { sentence, fix: fixFor(kind, retryAfterMs) }, known);
}

const openings: Partial<Record<AcmeFailureKind, string>> = {
  rate_limited: 'the CA issues no more for now',
  server_error: 'the CA failed by itself',
  account: 'the CA does not accept the account',
  caa: 'a CAA record forbids this CA to issue',
  name_rejected: 'the CA does not issue for this name',
  challenge_failed: 'the CA looked for the challenge and did not find it',
  bad_nonce: 'the CA rejected every nonce',
};

function fixFor(kind: AcmeFailureKind, retryAfterMs: number | null): string {
  switch (kind) {
    case 'rate_limited':
      return retryAfterMs === null
        ? 'wait: the next attempt for this name is in an hour at the earliest; use the staging CA for experiments'
        : `wait: the CA asks for ${durationText(retryAfterMs)}; use the staging CA for experiments`;
    case 'server_error':
    case 'bad_nonce':
      return 'nothing; the request is repeated later';
    case 'account':
      return 'check the contact address and the terms of service of this CA';
    case 'caa':
      return 'add the CA to the CAA record of the domain, or use another CA';
    case 'name_rejected':
      return 'take the name out of the certificate, or use another CA';
    case 'challenge_failed':
      return 'let the address that the name resolves to lead to this gateway, on the port of the challenge';
    default:
      return "read the CA's sentence; the order is repeated later";
  }
}

const kinds: Readonly<Record<string, AcmeFailureKind>> = {
  rateLimited: 'rate_limited',
  badNonce: 'bad_nonce',
  serverInternal: 'server_error',
  accountDoesNotExist: 'account',
  externalAccountRequired: 'account',
  invalidContact: 'account',
  unsupportedContact: 'account',
  userActionRequired: 'account',
  badPublicKey: 'account',
  rejectedIdentifier: 'name_rejected',
  unsupportedIdentifier: 'name_rejected',
  caa: 'caa',
  connection: 'challenge_failed',
  dns: 'challenge_failed',
  incorrectResponse: 'challenge_failed',
  tls: 'challenge_failed',
};

function kindOf(status: number | null, type: string | null): AcmeFailureKind {
  const known = type === null ? undefined : kinds[type];
  if (known !== undefined) return known;
  if (status === 429) return 'rate_limited';
  return status !== null && status >= 500 ? 'server_error' : 'rejected';
}

/** RFC 9110 §10.2.3: seconds or a date. Null: there is none, or it is no such. */
export function retryAfterMsOf(value: string | undefined, wallTime: number): number | null {
  if (value === undefined) return null;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - wallTime);
}

/** '90 s', '15 min', '3 h', '2 d'. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : plainText(url);
}
