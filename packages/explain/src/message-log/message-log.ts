import { type Dialect, dialect } from '../dialect.ts';
import type { Finding, GatewayProduct } from '../finding.ts';
import { readGoError } from '../go-errors.ts';
import { isoTimeMs } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import { type Reason, type ReasonSource, verdictOfReason } from '../reason-log/reasons.ts';
import { findingOf, type Verdict } from '../verdict.ts';

/** A log of sentences. Such a gateway is data: the beginning of its lines, and what the sentences mean. */
export interface MessageLog extends ReasonSource {
  readonly gateway: GatewayProduct;
  readonly format: string;
  /** What is before the message; `time` is its group for an ISO time. The line is certain to be of this gateway. */
  readonly head: RegExp;
  /** The first match counts; `upstream` and `request` are groups. A message without a match is an event. */
  readonly messages: readonly (readonly [words: RegExp, reason: Reason | 'go'])[];
}

/** Longer lines are no messages. */
const messageCharactersMax = 8192;

export function messageDialect(log: MessageLog): Dialect {
  const isOne = (line: string): boolean => log.head.test(line.slice(0, 300));
  return dialect(
    log.gateway,
    log.format,
    (line) => (isOne(line) ? 2 : 0),
    (line) => readMessage(log, line),
  );
}

function readMessage(log: MessageLog, line: string): Finding | null {
  const text = judgedText(line).slice(0, messageCharactersMax);
  const head = log.head.exec(text.slice(0, 300));
  if (head === null) return null;
  const said = text.slice(head.index + head[0].length);
  const { gateway, format } = log;
  const atMs = isoTimeMs(head.groups?.time);
  for (const [words, reason] of log.messages) {
    const found = words.exec(said);
    if (found === null) continue;
    const { upstream = null, request = null } = found.groups ?? {};
    const facts = {
      gateway,
      format,
      kind: 'error',
      atMs,
      upstream,
      request,
      evidence: [found[0].slice(0, 240)],
    } as const;
    if (reason !== 'go') return findingOf(facts, verdictOfReason(reason, log));
    const { verdict, endpoint } = ofGo(said, log);
    return findingOf({ ...facts, upstream: upstream ?? endpoint, evidence: [said.slice(0, 240)] }, verdict);
  }
  return findingOf({ gateway, format, kind: 'event', atMs }, verdictOfReason('none', log));
}

function ofGo(said: string, log: MessageLog): { readonly verdict: Verdict; readonly endpoint: string | null } {
  const known = readGoError(said);
  if (known === null) return { verdict: verdictOfReason('unknown', log), endpoint: null };
  const { shape, type, stage, born, whose, sentence, endpoint } = known;
  const usual = type === null || shape === 'client_abort' ? null : verdictOfReason(type, log).fix;
  return { verdict: { shape, type, stage, born, whose, sentence, fix: usual }, endpoint };
}
