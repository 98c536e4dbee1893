import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { EventJson } from '../../core/event-json.ts';
import { auditEntries } from '../audit-entries.ts';
import { actorWords } from '../event-words.ts';
import type { EventPage } from '../model.ts';
import { Answered, Section, Sentence, TableFrame, Time } from './parts.tsx';
import { api } from './state.ts';
import { useAnswer } from './use-answer.ts';

/** Who changed what, and who was refused. */
export function AuditPage(): JSX.Element {
  const [since, setSince] = useState('24h');
  const answer = useAnswer(() => api.get<EventPage>('/v1/audit', { since, limit: '500' }), [since], 10_000);
  const choice = (
    <select aria-label="Time" value={since} onChange={({ currentTarget }) => setSince(currentTarget.value)}>
      <option value="1h">last hour</option>
      <option value="24h">last day</option>
      <option value="7d">last 7 days</option>
    </select>
  );
  return (
    <>
      <h1>Audit</h1>
      <Section title="Who changed what" aside={choice}>
        <Answered answer={answer}>
          {({ events, cursor }) => <AuditTable events={events} hasMore={cursor !== null} />}
        </Answered>
      </Section>
    </>
  );
}

interface AuditTableProperties {
  readonly events: readonly EventJson[];
  /** The search has ended before all events of the time were looked at. */
  readonly hasMore: boolean;
}

function AuditTable({ events, hasMore }: AuditTableProperties): JSX.Element {
  const more = hasMore && <p class="quiet">Earlier ones are not shown: choose a shorter time.</p>;
  if (events.length === 0 && hasMore) return <>{more}</>;
  if (events.length === 0) return <p class="quiet">Nothing was changed or refused in this time.</p>;
  return (
    <>
      <TableFrame name="Actions and refusals">
        <table class="cards">
          <thead>
            <tr>
              <th scope="col">time</th>
              <th scope="col">who</th>
              <th scope="col">what</th>
              <th scope="col">result</th>
            </tr>
          </thead>
          <tbody>
            {auditEntries(events).map(({ key, at, actor, what, result, isRefused, operation, remote }) => (
              <tr key={key} class={isRefused ? 'refused' : ''}>
                <td class="nowrap">
                  <Time at={at} />
                </td>
                <td class="nowrap" title={actor}>
                  {actorWords(actor)}
                </td>
                <td class="said">
                  <Sentence text={what} />{' '}
                  <span class="quiet">
                    {operation !== null && <code>{operation}</code>} {remote !== null && `from ${remote}`}
                  </span>
                </td>
                <td>
                  <Sentence text={result} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
      {more}
    </>
  );
}
