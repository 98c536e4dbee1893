import type { Alert } from '../core/alert.ts';
import { leftOut } from '../redact/span.ts';
import { TextRedactor } from '../redact/text-redactor.ts';

/** Sends messages to one target. It keeps nothing between two messages. */
export interface AlertChannel {
  /** Host and port, or the program: no secret. */
  readonly destination: string;
  /** Never rejects. The caller aborts a send that takes too long. */
  send(message: AlertMessage, signal: AbortSignal): Promise<SendResult>;
}

export interface AlertMessage {
  readonly alert: Alert;
  /** To the dashboard; null: none. */
  readonly link: string | null;
}

export interface SendResult {
  readonly ok: boolean;
  /** What came of it, one clause. */
  readonly reason: string;
  /** Whether the same message may be accepted later. */
  readonly isRetriable: boolean;
  /** What the target asked for; null: nothing. */
  readonly retryAfterMs: number | null;
  /** What to do about a failure, one sentence; '' where it was accepted. */
  readonly nextStep: string;
  /** What was sent (`> …`) and what came back (`< …`), without secrets. */
  readonly exchange: readonly string[];
}

export function accepted(reason: string, exchange: readonly string[]): SendResult {
  return { ok: true, reason, isRetriable: false, retryAfterMs: null, nextStep: '', exchange };
}

export function refused(
  reason: string,
  nextStep: string,
  {
    isRetriable,
    retryAfterMs = null,
    exchange,
  }: Pick<SendResult, 'isRetriable' | 'exchange'> & { retryAfterMs?: number | null },
): SendResult {
  return { ok: false, reason, isRetriable, retryAfterMs, nextStep, exchange };
}

const lineMax = 2000;

/** Lines of one side of an exchange, each with its mark, without what would change a terminal. */
export function marked(mark: '>' | '<', text: string): readonly string[] {
  return text
    .slice(0, 8 * lineMax)
    .split(/\r?\n/)
    .map((line) => `${mark} ${line.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ').slice(0, lineMax)}`.trimEnd());
}

const redactor = new TextRedactor();
/** What is shorter stands in any text by chance. */
const secretMin = 4;

/** What a target has answered, without secrets: also without its own, which it may repeat, as they are, in JSON or in an address. */
export function withoutSecrets(text: string, own: readonly string[]): string {
  const forms = own
    .filter((secret) => secret.length >= secretMin)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
    // A longer one may contain another.
    .toSorted((a, b) => b.length - a.length);
  const rest = forms.reduce((left, secret) => left.replaceAll(secret, leftOut), text);
  return redactor.redactLines(rest.split(/\r?\n/)).join('\n');
}
