import type { JSX } from 'preact';
import type { ExchangeRecord } from '../../core/schemas/record.ts';
import type { RequestContextJson } from '../../core/schemas/output.ts';
import type { ShownRequest } from '../model.ts';
import { clockTextMs, durationFigure } from '../shown-figures.ts';
import { Answered, CopyButton } from './parts.tsx';
import { RequestAttempts } from './request-attempts.tsx';
import { RequestOutput } from './request-output.tsx';
import { RequestProcesses } from './request-process.tsx';
import { RequestState } from './request-state.tsx';
import { RequestUnparsed } from './request-unparsed.tsx';
import { RelatedRequests } from './request-related.tsx';
import { RequestVerdict } from './request-verdict.tsx';
import { api } from './state.ts';
import { useAnswer } from './use-answer.ts';

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
        {clockTextMs(Date.parse(at))} ({at}), {durationFigure(ms)}, from {client.address} over {client.protocol}
        {tls === null ? '' : ` and ${tls.version}`}
      </p>
    </>
  );
}
