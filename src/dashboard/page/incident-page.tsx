import type { JSX } from 'preact';
import type { IncidentJson, IncidentAdditionJson, SuspectJson } from '../model.ts';
import { Answered, Section, Mark, Sentence, Since } from './parts.tsx';
import { api, now, status } from './state.ts';
import { useAnswer } from './use-answer.ts';
import { elapsedText, failuresText } from '#failures/quantity-text.ts';
import { verdictText } from '../../core/incident-words.ts';
import { unusualOf } from '../../core/unusual-incident.ts';
import { excerptTitle } from '../../core/live-incident.ts';
import { countWithNoun, extentFigures, extentLabel } from '../incident-extent.ts';
import { actionsFor, marksFor } from '../operator-actions.ts';
import { addressHash } from '../page-address.ts';
import { countFigure, shareFigure, timeText } from '../shown-figures.ts';
import { ActionButton } from './dialogs.tsx';

export function IncidentPage({ id }: { readonly id: string }): JSX.Element {
  const answer = useAnswer(() => api.get<IncidentJson>(`/v1/incidents/${encodeURIComponent(id)}`), [id], 2000);
  return (
    <>
      <h1>Incident {id}</h1>
      <Section title="What is known">
        <Answered answer={answer}>{(incident) => <IncidentCard incident={incident} />}</Answered>
      </Section>
    </>
  );
}

/** An incident with its conclusion first: what fails, why, what to do; then the evidence. */
export function IncidentCard({
  incident,
  others: sameOutage = [],
}: {
  readonly incident: IncidentJson;
  /** Incidents of the same outage. */
  readonly others?: readonly IncidentJson[];
}): JSX.Element {
  const { id, title, suspects, findings, additions, joined, excerpts = [], resolved_at: resolvedAt } = incident;
  const { findings_at: findingsAt, requests_query: query, acknowledged, muted } = incident;
  const [first, ...others] = suspects;
  const step = incident.next_step ?? first?.next_step;
  const isOpen = resolvedAt === null;
  return (
    <article class={`incident ${isOpen ? 'open' : ''}`} aria-labelledby={`incident-${id}`}>
      <h3 id={`incident-${id}`}>
        <Mark tone={isOpen ? 'bad' : 'idle'} /> <a href={addressHash('incidents', String(id))}>{title}</a>
      </h3>
      <Extent incident={incident} />
      {incident.most !== undefined && <p>{incident.most.sentence}</p>}
      {(acknowledged !== null || muted !== null) && (
        <p>
          {acknowledged !== null && (
            <MarkText what={`Acknowledged at ${hourText(acknowledged.at)}`} mark={acknowledged} />
          )}{' '}
          {muted !== null && <MarkText what={`Muted until ${hourText(muted.until)}`} mark={muted} />}
        </p>
      )}
      {joined !== null && (
        <p>
          It was part of <a href={addressHash('incidents', String(joined))}>incident {joined}</a>.
        </p>
      )}
      {incident.rarer !== null && (
        <p>
          <Sentence text={incident.rarer.sentence} />
        </p>
      )}
      {first === undefined ? (
        <p class="suspect-first">What has caused it is not known.</p>
      ) : (
        <FirstSuspect suspect={first} shownStep={step} />
      )}
      {incident.corrected !== null && (
        <p class="quiet">
          Until {timeText(Date.parse(incident.corrected.at), now.value)} another cause was likelier:{' '}
          <Sentence text={incident.corrected.from?.sentence ?? 'it was not known.'} />
        </p>
      )}
      {sameOutage.length > 0 && (
        <div class="suspect">
          <p>Of the same outage:</p>
          <ul class="evidence">
            {sameOutage.map((other) => (
              <li key={other.id}>
                <a href={addressHash('incidents', String(other.id))}>{other.title}</a>, {extentFigures(other)}
              </li>
            ))}
          </ul>
        </div>
      )}
      <Excerpts excerpts={excerpts} />
      {findings.length > 0 && (
        <div class="suspect">
          <p>
            What the gateway found when it looked
            {findingsAt !== null && `, ${elapsedText(Math.max(0, (now.value - Date.parse(findingsAt)) / 1000))} ago`}:
          </p>
          <Evidence evidence={findings} />
        </div>
      )}
      {additions.map((addition) => (
        <Addition addition={addition} shownStep={step} key={addition.since} />
      ))}
      {step !== undefined && (
        <p class="next-step">
          <span class="label">Next step</span> <Sentence text={step} />
        </p>
      )}
      <div class="buttons">
        {status.value !== null &&
          [...actionsFor(incident, status.value), ...marksFor(incident)].map((action) => (
            <ActionButton action={action} key={action.label} />
          ))}
        <a class="button" href={addressHash('requests', '', { query })}>
          Its requests
        </a>
        <a class="button" href={addressHash('timeline', '', { upstream: incident.upstream })}>
          Timeline
        </a>
      </div>
      <Refuted suspects={others} />
      {others.length > 0 && (
        <details>
          <summary>{others.length === 1 ? 'Another suspect' : `${others.length} other suspects`}</summary>
          {others.map((suspect) => (
            <Suspect suspect={suspect} shownStep={step} />
          ))}
        </details>
      )}
      <details>
        <summary>{unusualOf(incident) === null ? 'What failed, and where' : 'What is unusual, and where'}</summary>
        <Counts incident={incident} />
      </details>
    </article>
  );
}

/** Suspects that a fact speaks against are told with it in the open: a person may have thought of them first. */
function Refuted({ suspects }: { readonly suspects: readonly SuspectJson[] }): JSX.Element {
  return (
    <>
      {suspects.map(({ name, sentence, refuted_by: fact }) =>
        fact === undefined ? null : (
          <p class="suspect" key={name}>
            Less likely: <Sentence text={sentence} /> Against it: <Sentence text={fact} />
          </p>
        ),
      )}
    </>
  );
}

function MarkText({
  what,
  mark: { by, reason },
}: {
  readonly what: string;
  readonly mark: NonNullable<IncidentJson['acknowledged']>;
}): JSX.Element {
  return (
    <>
      {what} by {by}
      {reason === null ? '.' : `: ${reason.replace(/\.$/, '')}.`}
    </>
  );
}

/** What the application itself has said. */
function Excerpts({ excerpts }: { readonly excerpts: NonNullable<IncidentJson['excerpts']> }): JSX.Element {
  return (
    <>
      {excerpts.map(({ is_first: isFirst, at, lines, ...origin }) => (
        <div class="suspect" key={`${origin.source} ${isFirst}`}>
          <p>
            Said by the application, {excerptTitle({ ...origin, isFirst })}, at {timeText(Date.parse(at), now.value)}:
          </p>
          <pre tabIndex={0} aria-label="Words of the application">
            {lines.join('\n')}
          </pre>
        </div>
      ))}
    </>
  );
}

/** '14:30' today, in local time; otherwise with its day. */
const hourText = (at: string): string => timeText(Date.parse(at), now.value).replace(/:\d\d$/, '');

function Extent({ incident }: { readonly incident: IncidentJson }): JSX.Element {
  const {
    failed,
    attempts_failed: attemptsFailed,
    requests,
    started_at: startedAt,
    resolved_at: resolvedAt,
  } = incident;
  const { last_at: lastAt } = incident;
  const lasted = elapsedText((Date.parse(lastAt) - Date.parse(startedAt)) / 1000 || 1);
  return (
    <dl class="facts">
      <div>
        <dt>{extentLabel(incident)}</dt>
        <dd>
          {failed === 0 ? (
            `${countFigure(attemptsFailed)} attempts; other attempts answered the requests`
          ) : (
            <>
              <strong>{countFigure(failed)}</strong> of {countFigure(requests)} requests (
              {shareFigure(failed / Math.max(1, requests))})
            </>
          )}
        </dd>
      </div>
      <div>
        <dt>{resolvedAt === null ? 'since' : 'was'}</dt>
        <dd>
          {resolvedAt === null ? (
            <Since at={startedAt} />
          ) : (
            `${timeText(Date.parse(startedAt), now.value)}, for ${lasted}`
          )}
        </dd>
      </div>
      <div>
        <dt>last</dt>
        <dd>{elapsedText(Math.max(0, (now.value - Date.parse(lastAt)) / 1000))} ago</dd>
      </div>
      <div>
        <dt>verdict</dt>
        <dd>{verdictText(incident)}</dd>
      </div>
    </dl>
  );
}

interface SuspectProps {
  readonly suspect: SuspectJson;
  /** The next step of the incident, which is shown once. */
  readonly shownStep: string | undefined;
}

function FirstSuspect({ suspect, shownStep }: SuspectProps): JSX.Element {
  return (
    <div class="suspect-first">
      <p class="conclusion">
        <Sentence text={suspect.sentence} />
      </p>
      <Evidence evidence={suspect.evidence} />
      {suspect.refuted_by !== undefined && (
        <p>
          Against it: <Sentence text={suspect.refuted_by} />
        </p>
      )}
      <OtherStep suspect={suspect} shownStep={shownStep} />
    </div>
  );
}

/** What began to fail later, with what has probably caused that. */
function Addition({
  addition,
  shownStep,
}: Pick<SuspectProps, 'shownStep'> & { readonly addition: IncidentAdditionJson }): JSX.Element {
  const [first] = addition.suspects;
  return (
    <div class="suspect">
      <p>
        <Sentence text={addition.reason} />
      </p>
      {first !== undefined && <Suspect suspect={first} shownStep={shownStep} />}
    </div>
  );
}

function Suspect({ suspect, shownStep }: SuspectProps): JSX.Element {
  return (
    <div class="suspect">
      <p>
        <Sentence text={suspect.sentence} />
      </p>
      <Evidence evidence={suspect.evidence} />
      <OtherStep suspect={suspect} shownStep={shownStep} />
    </div>
  );
}

function OtherStep({ suspect, shownStep }: SuspectProps): JSX.Element | null {
  if (suspect.next_step === shownStep) return null;
  return (
    <p class="quiet">
      <Sentence text={suspect.next_step} />
    </p>
  );
}

function Evidence({ evidence }: { readonly evidence: readonly string[] }): JSX.Element | null {
  if (evidence.length === 0) return null;
  return (
    <ul class="evidence">
      {evidence.map((fact) => (
        <li>
          <Sentence text={fact} />
        </li>
      ))}
    </ul>
  );
}

function Counts({ incident }: { readonly incident: IncidentJson }): JSX.Element {
  const { upstreams, causes, routes, endpoints } = incident;
  const { requests_per_s_before: before, requests_per_s_during: during } = incident;
  return (
    <div class="counts">
      {upstreams.length > 1 && (
        <CountList title="Upstreams" rows={upstreams.map((one) => [one.upstream, failureFigures(one)])} />
      )}
      <CountList
        title="Causes"
        rows={causes.map((one) => [`${one.cause}${one.is_consequence ? ' (a consequence)' : ''}`, failureFigures(one)])}
      />
      <CountList title="Routes" rows={routes.map(({ route, failed }) => [route, countWithNoun(failed, 'request')])} />
      <CountList
        title="Endpoints"
        rows={endpoints.map(({ endpoint, attempts, failed }) => [
          endpoint,
          `${countFigure(failed)} of ${countFigure(attempts)} attempts`,
        ])}
      />
      <CountList
        title="Requests per second"
        rows={[
          ['before', before === null ? 'not known' : before.toFixed(1)],
          ['since', during.toFixed(1)],
        ]}
      />
    </div>
  );
}

/** '3 requests, 9 attempts'. */
function failureFigures({
  failed,
  attempts_failed: attemptsFailed,
}: Pick<IncidentJson['causes'][number], 'failed' | 'attempts_failed'>): string {
  return failuresText({ failed, attemptsFailed }, countWithNoun);
}

function CountList({
  title,
  rows,
}: {
  readonly title: string;
  readonly rows: readonly (readonly [string, string])[];
}): JSX.Element {
  return (
    <div>
      <h4>{title}</h4>
      <dl class="count-list">
        {rows.map(([name, value]) => (
          <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
