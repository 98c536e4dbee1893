import type { JSX } from 'preact';
import { noContextJson, type UnparsedSizeJson } from '../../core/request-context.ts';
import type { ShownRequest } from '../model.ts';
import { clockTextMs, durationFigure } from '../shown-figures.ts';
import { Answered, CopyButton, Section, Sentence } from './parts.tsx';
import { RequestAttempts, Bytes } from './request-attempts.tsx';
import { RequestOutput } from './request-output.tsx';
import { api, mayOperate } from './state.ts';
import { useAnswer } from './use-answer.ts';
import { verdictWith } from '../../diagnose/process-verdict.ts';
import { nextStepHere } from '../../diagnose/record-verdict.ts';
import { clientWords, verdictWords } from '../../diagnose/record-words.ts';
import { verdictFacts } from '../../diagnose/verdict-facts.ts';
import type { UnparsedJson } from '../../core/unparsed-bytes.ts';
import { unparsedForOperators, unparsedText } from '../../diagnose/unparsed-text.ts';
import { attemptsTexts } from '#failures/process-text.ts';
import { gatewayStateTexts } from '../../diagnose/gateway-state-texts.ts';
import { addressHash } from '../page-address.ts';
import { conditionText } from '../../core/exchange-query.ts';
import type { ExchangeRecord } from '../../core/schemas/record.ts';
import type { RequestContextJson } from '../../core/schemas/output.ts';

/** One request, and what is stored about it besides its record: a component for each part. */
export function RequestPage({ id }: { readonly id: string }): JSX.Element {
  const answer = useAnswer(() => api.get<ExchangeRecord>(`/v1/exchanges/${encodeURIComponent(id)}`), [id]);
  const context = useAnswer(() => api.get<RequestContextJson>(`/v1/context/${encodeURIComponent(id)}`), [id]);
  return (
    <>
      <h1>Request</h1>
      <Answered answer={answer}>
        {(record) => <Request record={record} context={context?.kind === 'ok' ? context.value : null} />}
      </Answered>
    </>
  );
}

function Request({ record, context }: ShownRequest): JSX.Element {
  return (
    <>
      <RequestHead record={record} />
      <RequestVerdict record={record} context={context} />
      <RequestAttempts record={record} />
      <RequestUnparsed record={record} context={context} />
      <RequestState record={record} context={context} />
      <RequestProcesses record={record} context={context} />
      <RequestOutput record={record} context={context} />
      <RelatedRequests record={record} />
      <details>
        <summary>The record</summary>
        <pre tabIndex={0} aria-label="The record as JSON">
          {JSON.stringify(record, null, 2)}
        </pre>
      </details>
    </>
  );
}

function RequestHead({ record }: Pick<ShownRequest, 'record'>): JSX.Element {
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
        {clockTextMs(Date.parse(at))} ({at}), {durationFigure(ms)}, from {clientWords(record)} over {client.protocol}
        {tls === null ? '' : ` and ${tls.version}`}
      </p>
    </>
  );
}

interface ShownVerdict {
  readonly record: ExchangeRecord;
  /** Null until it is known. */
  readonly context: RequestContextJson | null;
}

/** What happened to a request, whose it was, and what to do. */
function RequestVerdict({ record, context }: ShownVerdict): JSX.Element {
  const { sentence, usualCauses, nextStep } = verdictWith(record, context ?? noContextJson);
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

/** The first bytes that the gateway could not parse, for operators; others see that there are some. */
function RequestUnparsed({ record, context }: ShownRequest): JSX.Element | null {
  const sizes = context?.unparsed ?? [];
  if (sizes.length === 0) return null;
  return (
    <Section title="Not parsed" aside={<span class="quiet">what the gateway could not read</span>}>
      {mayOperate.value ? <Dumps id={record.id} sizes={sizes} /> : <Sizes sizes={sizes} />}
    </Section>
  );
}

function Sizes({ sizes }: { readonly sizes: readonly UnparsedSizeJson[] }): JSX.Element {
  return (
    <>
      {sizes.map((one) => (
        <p>{unparsedText(one)}</p>
      ))}
      <p class="quiet">
        <Sentence text={unparsedForOperators} />
      </p>
    </>
  );
}

interface DumpsProperties {
  readonly id: string;
  readonly sizes: readonly UnparsedSizeJson[];
}

function Dumps({ id, sizes }: DumpsProperties): JSX.Element {
  const path = `/v1/unparsed/${encodeURIComponent(id)}`;
  const answer = useAnswer(() => api.get<{ readonly unparsed: readonly UnparsedJson[] }>(path), [id]);
  return (
    <Answered answer={answer}>
      {({ unparsed }) => (
        <>
          {sizes.map((one, index) => (
            <>
              <p>{unparsedText(one)}</p>
              <Bytes hex={unparsed[index]?.bytes ?? ''} label={`Bytes of attempt ${one.attempt}`} />
            </>
          ))}
        </>
      )}
    </Answered>
  );
}

/** What the processes of the application used when they had the request, and how they ended. */
function RequestProcesses({ context }: ShownRequest): JSX.Element | null {
  const processes = context?.processes ?? [];
  if (processes.length === 0) return null;
  return (
    <Section title="Process of the application">
      {processes.map(({ instance, pid, attempts, summary, remarks }) => (
        <div key={`${instance} ${pid}`}>
          <h3>
            {instance} <span class="quiet">{[`pid ${pid}`, ...attemptsTexts(attempts)].join(', ')}</span>
          </h3>
          {remarks.length > 0 && (
            <ul>
              {remarks.map((remark) => (
                <li key={remark}>
                  <Sentence text={remark} />
                </li>
              ))}
            </ul>
          )}
          {summary !== '' && <p class="quiet">{summary}</p>}
        </div>
      ))}
    </Section>
  );
}

/** What the gateway knew when the request failed: endpoints, pools, breaker, queues, configuration. */
function RequestState({ record, context }: ShownRequest): JSX.Element | null {
  const configuration = context?.configuration ?? null;
  const rows = gatewayStateTexts(record, configuration);
  if (rows.length === 0) return null;
  return (
    <Section title="At that moment" aside={<span class="quiet">when the exchange ended</span>}>
      <dl class="verdict">
        {rows.map(([label, text]) => (
          <div>
            <dt>{label}</dt>
            <dd>
              <Sentence text={text} />
              {label === 'configuration' && configuration !== null && (
                <>
                  {' '}
                  <a href={addressHash('configuration', String(configuration.id))}>Configuration {configuration.id}</a>
                </>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}

/** Where to look next. */
function RelatedRequests({ record }: { readonly record: ExchangeRecord }): JSX.Element {
  const { upstream, route, cause, at, trace_id: trace, client } = record;
  const around = Date.parse(at);
  const time = { since: new Date(around - 60_000).toISOString(), until: new Date(around + 60_000).toISOString() };
  const queries: (readonly [string, string])[] = [
    ...(trace === null ? [] : [['of the same trace', conditionText('trace', trace)] as const]),
    ...(cause === null ? [] : [['with the same cause', conditionText('cause', cause)] as const]),
    ...(route === null
      ? []
      : [
          [
            'of this route, within a minute',
            `${conditionText('route', route)} since:${time.since} until:${time.until}`,
          ] as const,
        ]),
    ['of this client', conditionText('client', client.address)],
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
