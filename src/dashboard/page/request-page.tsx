import type { JSX } from 'preact';
import { type AttemptStage, stagesOf } from '../../diagnose/candor/attempt-stages.ts';
import {
  connectionText,
  endpointText,
  exitText,
  failureSentence,
  retryText,
  waitTexts,
} from '../../diagnose/candor/attempt-texts.ts';
import { evidenceFacts } from '../../diagnose/candor/evidence-facts.ts';
import { nextStepHere, verdictOf } from '../../diagnose/candor/record-verdict.ts';
import { verdictWords } from '../../diagnose/candor/record-words.ts';
import { verdictFacts } from '../../diagnose/candor/verdict-facts.ts';
import { countText } from '../../core/quantity-text.ts';
import type { AttemptRecord, ExchangeRecord } from '../../core/record.ts';
import { condition } from '../complete-query.ts';
import { addressHash } from '../page-address.ts';
import { clockTextMs, durationFigure } from '../shown-figures.ts';
import { Answered, CopyButton, Mark, Section, Sentence } from './parts.tsx';
import { api } from './state.ts';
import { useAnswer } from './use-answer.ts';

/** One request: what happened, whose it was, what to do; then each attempt on one scale of time. */
export function RequestPage({ id }: { readonly id: string }): JSX.Element {
  const answer = useAnswer(() => api.get<ExchangeRecord>(`/v2/exchanges/${encodeURIComponent(id)}`), [id]);
  return (
    <>
      <h1>Request</h1>
      <Answered answer={answer}>{(record) => <Request record={record} />}</Answered>
    </>
  );
}

function Request({ record }: { readonly record: ExchangeRecord }): JSX.Element {
  const { id, method, host, path, query, status, at, duration_ms: ms, client, tls, shape } = record;
  const target = `${host}${path}${query === null ? '' : `?${query}`}`;
  return (
    <>
      <p class="request-line">
        <span class="method">{method}</span> <code>{target}</code>{' '}
        <strong class={shape === 'none' ? '' : 'bad-text'}>{status ?? 'no status'}</strong>
      </p>
      <p class="quiet">
        <code>{id}</code> <CopyButton text={id} name="the request id" />
      </p>
      <p class="quiet">
        {clockTextMs(Date.parse(at))} ({at}), {durationFigure(ms)}, from {client.address} over {client.protocol}
        {tls === null ? '' : ` and ${tls.version}`}
      </p>
      <Verdict record={record} />
      <Waterfall record={record} />
      <Related record={record} />
      <details>
        <summary>The record</summary>
        <pre tabIndex={0} aria-label="The record as JSON">
          {JSON.stringify(record, null, 2)}
        </pre>
      </details>
    </>
  );
}

function Verdict({ record }: { readonly record: ExchangeRecord }): JSX.Element {
  const { sentence, usualCauses, nextStep } = verdictOf(record);
  const tone = record.shape === 'none' ? 'good' : 'bad';
  return (
    <Section title="Verdict" aside={<span class={`state ${tone}`}>{verdictWords(record)}</span>}>
      <p class="conclusion">
        <Sentence text={sentence} />
      </p>
      {nextStep !== null && (
        <p class="next-step">
          <span class="label">Next step</span> <Sentence text={nextStepHere(nextStep, record)} />
        </p>
      )}
      <dl class="verdict">
        {verdictFacts(record).map(([label, text]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{text}</dd>
          </div>
        ))}
        {usualCauses.length > 0 && (
          <div>
            <dt>usual causes</dt>
            <dd>
              <ul>
                {usualCauses.map((cause) => (
                  <li key={cause}>
                    <Sentence text={cause} />
                  </li>
                ))}
              </ul>
            </dd>
          </div>
        )}
      </dl>
    </Section>
  );
}

function Waterfall({ record }: { readonly record: ExchangeRecord }): JSX.Element {
  const { attempts, duration_ms: ms } = record;
  const whole = Math.max(ms, ...attempts.map((attempt) => attempt.ended_ms), 0.001);
  return (
    <Section
      title="Attempts"
      aside={<span class="quiet">{`${durationFigure(ms)}, ${countText(attempts.length, 'attempt')}`}</span>}
    >
      {attempts.length === 0 && <p class="quiet">No endpoint was tried.</p>}
      {waitTexts(record).map((text) => (
        <p class="quiet">{text}</p>
      ))}
      {attempts.map((attempt, index) => (
        <Attempt attempt={attempt} number={index + 1} whole={whole} record={record} />
      ))}
    </Section>
  );
}

interface AttemptProperties {
  readonly attempt: AttemptRecord;
  readonly number: number;
  /** Milliseconds of the whole scale. */
  readonly whole: number;
  readonly record: ExchangeRecord;
}

function Attempt({ attempt, number, whole, record }: AttemptProperties): JSX.Element {
  const stages = stagesOf(attempt);
  const isFailed = attempt.cause !== null;
  return (
    <div class="attempt">
      <h3>
        Attempt {number}: {endpointText(attempt, record.upstream)}{' '}
        <span class="quiet">({attempt.state.replaceAll('_', ' ')})</span>
      </h3>
      <p class="quiet">over {connectionText(attempt)}</p>
      <table class="waterfall">
        <caption class="hidden">Stages of attempt {number}</caption>
        <thead class="hidden">
          <tr>
            <th scope="col">stage</th>
            <th scope="col">when</th>
            <th scope="col">took</th>
            <th scope="col">began after</th>
          </tr>
        </thead>
        <tbody>
          {stages.map((stage, index) => (
            <StageRow stage={stage} whole={whole} isFailed={isFailed && index === stages.length - 1} key={stage.name} />
          ))}
        </tbody>
      </table>
      <Outcome attempt={attempt} record={record} />
    </div>
  );
}

function StageRow({
  stage,
  whole,
  isFailed,
}: {
  readonly stage: AttemptStage;
  readonly whole: number;
  readonly isFailed: boolean;
}): JSX.Element {
  const { name, fromMs, toMs } = stage;
  const left = `${Math.min(99.5, (fromMs / whole) * 100)}%`;
  const width = `max(2px, ${((toMs - fromMs) / whole) * 100}%)`;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="track">
        <span class={`stage stage-${name} ${isFailed ? 'failed' : ''}`} style={{ marginLeft: left, width }} />
      </td>
      <td class="number">{durationFigure(toMs - fromMs)}</td>
      <td class="number quiet">at {durationFigure(fromMs)}</td>
    </tr>
  );
}

function Outcome({
  attempt,
  record,
}: {
  readonly attempt: AttemptRecord;
  readonly record: ExchangeRecord;
}): JSX.Element {
  const { facts, certificate, bytes } = evidenceFacts(attempt, record.cause);
  if (attempt.cause === null)
    return (
      <p>
        <Mark tone={attempt.status === null ? 'idle' : 'good'} /> {attempt.status === null ? '' : `${attempt.status}; `}
        <Sentence text={retryText(attempt)} />
      </p>
    );
  return (
    <>
      <p>
        <Mark tone="bad" /> <Sentence text={failureSentence(attempt)} />
      </p>
      {facts.length > 0 && <p class="quiet">{facts.join(', ')}</p>}
      {certificate.length > 0 && <p class="quiet">certificate: {certificate.join('; ')}</p>}
      {bytes !== null && (
        <>
          <p class="quiet">its first bytes{bytes.looksLike === '' ? '' : `; it looks like ${bytes.looksLike}`}:</p>
          <pre tabIndex={0} aria-label="First bytes">
            {hexText(bytes.hex)}
          </pre>
        </>
      )}
      {attempt.exit !== null && (
        <p>
          <Sentence text={exitText(attempt.exit)} />
        </p>
      )}
      <p class="quiet">
        <Sentence text={retryText(attempt)} />
      </p>
    </>
  );
}

/** Sixteen bytes a line, with their ASCII characters. */
function hexText(hex: string): string {
  const pairs = hex.match(/../g) ?? [];
  const lines: string[] = [];
  for (let start = 0; start < pairs.length; start += 16) {
    const row = pairs.slice(start, start + 16);
    const text = row
      .map((pair) => Number.parseInt(pair, 16))
      .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'));
    lines.push(`${row.join(' ').padEnd(48)} ${text.join('')}`);
  }
  return lines.join('\n');
}

/** Where to look next. */
function Related({ record }: { readonly record: ExchangeRecord }): JSX.Element {
  const { upstream, route, cause, at, trace_id: trace, client } = record;
  const around = Date.parse(at);
  const time = { since: new Date(around - 60_000).toISOString(), until: new Date(around + 60_000).toISOString() };
  const queries: (readonly [string, string])[] = [
    ...(trace === null ? [] : [['of the same trace', condition('trace', trace)] as const]),
    ...(cause === null ? [] : [['with the same cause', condition('cause', cause)] as const]),
    ...(route === null
      ? []
      : [
          [
            'of this route, within a minute',
            `${condition('route', route)} since:${time.since} until:${time.until}`,
          ] as const,
        ]),
    ['of this client', condition('client', client.address)],
  ];
  return (
    <Section title="Other requests">
      <p class="links">
        {queries.map(([name, query]) => (
          <a href={addressHash('requests', '', { query })}>{name}</a>
        ))}
        {upstream !== null && <a href={addressHash('upstreams', upstream)}>upstream {upstream}</a>}
      </p>
    </Section>
  );
}
