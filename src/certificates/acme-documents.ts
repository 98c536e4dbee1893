import { TextRedactor } from '../redact/text-redactor.ts';
import type { Result } from '#failures/result.ts';

/** The documents of RFC 8555 as they are read here. Readers return null for what is no such document. */

export interface AcmeDirectory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  /** RFC 9773; null: the CA gives no renewal information. */
  readonly renewalInfo: string | null;
  readonly externalAccountRequired: boolean;
}

export interface AcmeOrder {
  readonly status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate: string | null;
  readonly error: ProblemDocument | null;
}

export interface AcmeAuthorization {
  readonly status: 'pending' | 'valid' | 'invalid' | 'deactivated' | 'expired' | 'revoked';
  /** Without '*.'. */
  readonly name: string;
  readonly challenges: readonly AcmeChallenge[];
}

export interface AcmeChallenge {
  readonly type: string;
  readonly url: string;
  readonly token: string;
  readonly status: string;
  readonly error: ProblemDocument | null;
}

/** RFC 7807 and RFC 8555 §6.7. */
export interface ProblemDocument {
  /** 'rateLimited' for 'urn:ietf:params:acme:error:rateLimited'; another URI whole; null where there is none. */
  readonly type: string | null;
  readonly detail: string | null;
  /** The name that the first subproblem is about. */
  readonly name: string | null;
}

type Fields = Readonly<Record<string, unknown>>;

const errorPrefix = 'urn:ietf:params:acme:error:';
/** Longer sentences of a CA are cut. */
const detailLengthMax = 500;

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function readDirectory(value: unknown): AcmeDirectory | null {
  const fields = fieldsOf(value);
  const [newNonce, newAccount, newOrder] = ['newNonce', 'newAccount', 'newOrder'].map((key) => urlOf(fields?.[key]));
  if (!newNonce || !newAccount || !newOrder) return null;
  const externalAccountRequired = fieldsOf(fields?.['meta'])?.['externalAccountRequired'] === true;
  return {
    newNonce,
    newAccount,
    newOrder,
    renewalInfo: urlOf(fields?.['renewalInfo']),
    externalAccountRequired,
  };
}

export function readOrder(value: unknown): AcmeOrder | null {
  const fields = fieldsOf(value);
  const status = oneOf(fields?.['status'], ['pending', 'ready', 'processing', 'valid', 'invalid']);
  const listed = fields?.['authorizations'];
  const authorizations = Array.isArray(listed) ? listed.map(urlOf) : null;
  const finalize = urlOf(fields?.['finalize']);
  if (status === null || authorizations === null || authorizations.includes(null) || finalize === null) return null;
  return {
    status,
    authorizations: authorizations as string[],
    finalize,
    certificate: urlOf(fields?.['certificate']),
    error: readProblem(fields?.['error']),
  };
}

export function readAuthorization(value: unknown): AcmeAuthorization | null {
  const fields = fieldsOf(value);
  const status = oneOf(fields?.['status'], ['pending', 'valid', 'invalid', 'deactivated', 'expired', 'revoked']);
  const name = textOf(fieldsOf(fields?.['identifier'])?.['value']);
  const listed = fields?.['challenges'];
  if (status === null || name === null || !Array.isArray(listed)) return null;
  return { status, name, challenges: listed.flatMap((one) => readChallenge(one) ?? []) };
}

/** A token is in base64url (RFC 8555 §8.1): it becomes a part of a path and of an environment variable. */
function readChallenge(value: unknown): AcmeChallenge | null {
  const fields = fieldsOf(value);
  const [type, url, status] = [textOf(fields?.['type']), urlOf(fields?.['url']), textOf(fields?.['status'])];
  const token = textOf(fields?.['token']);
  if (type === null || url === null || status === null || token === null || !/^[\w-]{1,512}$/.test(token)) return null;
  return { type, url, token, status, error: readProblem(fields?.['error']) };
}

export function readProblem(value: unknown): ProblemDocument | null {
  const fields = fieldsOf(value);
  if (fields === null) return null;
  const type = textOf(fields['type']);
  const subproblems = fields['subproblems'];
  const first = fieldsOf(Array.isArray(subproblems) ? subproblems[0] : null);
  const details = [textOf(fields['detail']), textOf(first?.['detail'])].filter((detail) => detail !== null);
  return {
    type: type?.startsWith(errorPrefix) ? type.slice(errorPrefix.length) : type,
    detail: details.length === 0 ? null : plainText(details.join(': ')),
    name: textOf(fieldsOf(first?.['identifier'])?.['value']),
  };
}

/** RFC 9773 §4.2: when the CA wants the certificate to be renewed; milliseconds since the Unix epoch. */
export interface RenewalWindow {
  readonly start: number;
  readonly end: number;
  readonly explanationUrl: string | null;
}

export function readRenewalWindow(value: unknown): RenewalWindow | null {
  const fields = fieldsOf(value);
  const suggested = fieldsOf(fields?.['suggestedWindow']);
  const [start, end] = [Date.parse(textOf(suggested?.['start']) ?? ''), Date.parse(textOf(suggested?.['end']) ?? '')];
  if (Number.isNaN(start) || Number.isNaN(end) || end <= start) return null;
  return { start, end, explanationUrl: urlOf(fields?.['explanationURL']) };
}

const redactor = new TextRedactor();

/** One line without secrets and control characters: it goes into the status, into logs and onto terminals. */
export function plainText(text: string): string {
  const line = redactor
    .redact(text)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  return line.length > detailLengthMax ? `${line.slice(0, detailLengthMax)}…` : line;
}

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function urlOf(value: unknown): string | null {
  return typeof value === 'string' && /^https?:\/\/[^\s]+$/.test(value) && URL.canParse(value) ? value : null;
}

function oneOf<const T extends string>(value: unknown, allowed: readonly T[]): T | null {
  return allowed.find((one) => one === value) ?? null;
}

/** How requests reach a CA: an effect, as an interface. `HttpsTransport` sends them; tests simulate a CA. */
export interface AcmeTransport {
  /** Never rejects. Follows no redirect. Gives up when `signal` is aborted. */
  send(request: AcmeRequest, signal: AbortSignal): Promise<Result<AcmeResponse, TransportFailure>>;
}

export interface AcmeRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface AcmeResponse {
  readonly status: number;
  /** Names in lowercase. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Why there is no response. */
export interface TransportFailure {
  readonly reason: TransportFailureReason;
  /** The code of the system or of the TLS library, such as 'ECONNREFUSED'; '' without one. */
  readonly code: string;
}

export type TransportFailureReason =
  | 'refused'
  | 'unreachable'
  | 'name_not_found'
  | 'reset'
  | 'timeout'
  /** The server's certificate is not trusted, or is for another name. */
  | 'certificate'
  /** By this machine's clock the server's certificate is not valid yet, or no longer. */
  | 'certificate_time'
  | 'tls'
  /** The response is no HTTP, or is too large. */
  | 'garbage';
