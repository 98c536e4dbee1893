import { explain, explainExit } from '#failures/failure-texts.ts';
import { countText, durationText } from '#failures/quantity-text.ts';
import type { AttemptRecord, ExchangeRecord } from '../core/schemas/record.ts';
import { instanceExitOf, type RecordedExit } from '../core/recorded-exit.ts';
import { failureOf } from './record-spec.ts';
import { retryWords } from './record-words.ts';

/** The instance, if Candor runs one, and the address. An endpoint's id is made of upstream, instance and address. */
export function endpointText({ endpoint, address }: AttemptRecord, upstream: string | null): string {
  if (endpoint === address || endpoint === `${upstream}/${address}`) return address;
  const [prefix, suffix] = [`${upstream}/`, `/${address}`];
  if (!endpoint.startsWith(prefix) || !endpoint.endsWith(suffix)) return `${endpoint} (${address})`;
  return `${endpoint.slice(prefix.length, -suffix.length)} (${address})`;
}

export function connectionText({ protocol, reused, idle_ms, local_port }: AttemptRecord): string {
  const kind = protocol === undefined ? '' : `${protocol} `;
  const connection = reused
    ? `a kept ${kind}connection${idle_ms === null ? '' : ` that had been idle for ${durationText(idle_ms)}`}`
    : `a new ${kind}connection`;
  return local_port === null ? connection : `${connection}, from port ${local_port}`;
}

/** For what the request waited before it was sent, one clause each. */
export function waitTexts({
  filter_ms,
  body_ms,
  waited_ms,
  session,
  page_replaced,
  drawn_upstream,
  turn_ms,
}: ExchangeRecord): string[] {
  const texts: string[] = [];
  if (filter_ms !== undefined) texts.push(`filters held the request for ${durationText(filter_ms)}`);
  if (body_ms !== undefined)
    texts.push(`the client took ${durationText(body_ms)} to send the body, before a connection was needed`);
  if (waited_ms !== undefined) texts.push(`it waited ${durationText(waited_ms)} for an endpoint`);
  if (session === 'moved') texts.push('the endpoint of its session could not get it: the session moved');
  if (page_replaced === true) texts.push('the client got a page of the configuration in place of its body');
  if (drawn_upstream !== undefined) texts.push(`upstream ${drawn_upstream} was drawn, and had no endpoint for it`);
  if (turn_ms !== undefined)
    texts.push(`it waited ${durationText(turn_ms)} for its turn, because as many requests as may be were in flight`);
  return texts;
}

/** Why another attempt was made after this one, or was not. */
export function retryText({ retry_reason }: AttemptRecord): string {
  return Object.hasOwn(retryWords, retry_reason) ? retryWords[retry_reason] : retry_reason;
}

/** What came behind the response; null: nothing. */
export function surplusText({ surplus_bytes }: AttemptRecord): string | null {
  if (surplus_bytes === undefined) return null;
  return `The endpoint sent ${countText(surplus_bytes, 'byte')} more behind the end of this response; the gateway dropped them and closed the connection.`;
}

/** What the application wrote to its error output meanwhile; empty: nothing. */
export function stderrText({ stderr = [] }: AttemptRecord): string | null {
  return stderr.length === 0 ? null : `The application wrote to STDERR: ${stderr.join(' / ')}`;
}

/** What of the bodies had passed when the attempt failed; null: nothing. */
export function bytesText(
  { bytes_to_endpoint: taken = 0, bytes_from_endpoint: came = 0 }: AttemptRecord,
  kind: ExchangeRecord['kind'],
): string | null {
  const [ofRequest, ofResponse] = kind === 'tunnel' ? ['', ''] : [" of the request's body", " of the response's body"];
  const parts = [
    ...(taken > 0 ? [`The connection had taken ${countText(taken, 'byte')}${ofRequest}`] : []),
    ...(came > 0 ? [`${countText(came, 'byte')}${ofResponse} had come`] : []),
  ];
  return parts.length === 0 ? null : `${parts.join(', and ')}.`;
}

/** How the instance ended while it had the request. */
export function exitText(exit: RecordedExit): string {
  return explainExit(instanceExitOf(exit), exit.before_ms, exit.after_answer_ms ?? null);
}

/** What an attempt failed with. */
export function failureSentence(attempt: AttemptRecord): string {
  const failure = failureOf(attempt);
  return failure === null ? String(attempt.cause) : explain(failure);
}
