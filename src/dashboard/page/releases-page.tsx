import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { actorWords } from '../event-words.ts';
import type { ApplicationReleasesJson, JudgementJson, ReleasesJson, RolloutJson } from '../model.ts';
import { rollBackTo, rolloutActions } from '../operator-actions.ts';
import { addressHash } from '../page-address.ts';
import {
  environmentWords,
  inForceSince,
  makingWords,
  releaseState,
  rolloutNames,
  rolloutSentence,
  rolloutTone,
  sizeFigure,
} from '../release-rows.ts';
import { ActionButton } from './dialogs.tsx';
import { Answered, Mark, Section, Sentence, Since, TableFrame, Time } from './parts.tsx';
import { RolloutPanel } from './rollout-panel.tsx';
import { announcement, api } from './state.ts';
import { useAnswer } from './use-answer.ts';

const [quickMs, slowMs] = [1000, 3000];

/** The releases of each application, and what is being rolled out. `id`: of one application, or ''. */
export function ReleasesPage({ id }: { readonly id: string }): JSX.Element {
  const [everyMs, setEveryMs] = useState(slowMs);
  const answer = useAnswer(() => api.get<ReleasesJson>('/v1/releases'), [everyMs], everyMs);
  const goesOn =
    answer?.kind === 'ok' && answer.value.applications.some(({ rollout, making }) => (rollout ?? making) !== null);
  useEffect(() => setEveryMs(goesOn ? quickMs : slowMs), [goesOn]);
  return (
    <>
      <h1>Releases</h1>
      {id !== '' && (
        <p>
          <a href={addressHash('releases')}>All applications</a>
        </p>
      )}
      <Answered answer={answer}>
        {({ applications }) => {
          const shown = applications.filter(({ application }) => id === '' || application === id);
          return shown.length === 0 ? <Nothing /> : shown.map((one) => <Application of={one} key={one.application} />);
        }}
      </Answered>
    </>
  );
}

function Nothing(): JSX.Element {
  return (
    <p class="quiet">
      The gateway runs no application whose releases it keeps. It needs <code>applications</code> and a{' '}
      <code>state</code> folder in candor.yaml; then <code>candor deploy</code> makes a release of a folder, an archive
      or a git revision.
    </p>
  );
}

function Application({ of }: { readonly of: ApplicationReleasesJson }): JSX.Element {
  const { application, in_force: inForce, rollout, last } = of;
  const shown = rollout ?? last;
  useAnnouncement(shown);
  return (
    <div class="application">
      <Section title={application} aside={<InForce of={of} />}>
        <Making of={of} />
        {inForce === null ? (
          <NeverDeployed application={application} />
        ) : (
          <>
            <Actions of={of} />
            {shown !== null && <RolloutPanel rollout={shown} />}
            <ReleasesTable of={of} />
            <RolloutsTable of={of} />
          </>
        )}
      </Section>
    </div>
  );
}

/** A release that is being made, or whose build has failed. */
function Making({ of }: { readonly of: ApplicationReleasesJson }): JSX.Element | null {
  const { application, failed_build: failed = null } = of;
  const words = makingWords(of);
  if (words !== null) return <p class="conclusion">A release is being made · {words}</p>;
  if (failed === null) return null;
  return (
    <>
      <p class="conclusion">
        <span class="bad">
          <Mark tone="bad" />
        </span>{' '}
        {failed.reason}
      </p>
      <BuildLog application={application} release={`r${failed.number}`} />
    </>
  );
}

/** What the build of a release has printed, asked for when somebody opens it. */
function BuildLog({ application, release }: { readonly application: string; readonly release: string }): JSX.Element {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>Log of the build of {release}</summary>
      {isOpen && <LogText application={application} release={release} />}
    </details>
  );
}

function LogText(asked: { readonly application: string; readonly release: string }): JSX.Element {
  const answer = useAnswer(() => api.get<{ readonly text: string }>('/v1/releases/log', asked), [asked.release]);
  return (
    <Answered answer={answer}>
      {({ text }) => (
        <pre tabIndex={0} aria-label={`Log of ${asked.release}`}>
          {text}
        </pre>
      )}
    </Answered>
  );
}

/** Says what a rollout does next, and not what it does when the page is opened. */
function useAnnouncement(rollout: RolloutJson | null): void {
  const step = rollout === null ? '' : `${rollout.id} ${rollout.state} ${rollout.share}`;
  const before = useRef(step);
  useEffect(() => {
    if (before.current !== step && rollout !== null) announcement.value = rolloutSentence(rollout);
    before.current = step;
  }, [step]);
}

function NeverDeployed({ application }: { readonly application: string }): JSX.Element {
  return (
    <>
      <p>Never deployed: it runs as candor.yaml says. On the machine of the gateway, its first release is made by</p>
      <pre tabIndex={0} aria-label="How to deploy">{`candor deploy ${application} --from FOLDER`}</pre>
    </>
  );
}

function InForce({ of }: { readonly of: ApplicationReleasesJson }): JSX.Element | null {
  const { in_force: inForce, warm } = of;
  if (inForce === null) return null;
  const since = inForceSince(of);
  return (
    <span>
      <span class="state good">
        <Mark tone="good" /> <strong>{inForce}</strong> in force
      </span>
      <span class="quiet">
        {since !== null && (
          <>
            {' '}
            since <Since at={since} />
          </>
        )}
        {warm !== null && `; ${warm} is warm: a rollback to it needs no start`}
      </span>
    </span>
  );
}

function Actions({ of }: { readonly of: ApplicationReleasesJson }): JSX.Element | null {
  const previous = of.releases.find(({ name }) => name === of.previous);
  const actions = [...rolloutActions(of), ...(previous === undefined ? [] : rollBackTo(previous, of))];
  if (actions.length === 0) return null;
  return (
    <div class="buttons">
      {actions.map((action) => (
        <ActionButton action={action} key={action.label} />
      ))}
    </div>
  );
}

function Table({
  name,
  heads,
  children,
}: {
  readonly name: string;
  readonly heads: readonly string[];
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <Section title={name} level={3}>
      <TableFrame name={`${name}, the newest first`}>
        <table class="cards">
          <thead>
            <tr>
              {heads.map((head) => (
                <th scope="col" key={head}>
                  {head === 'action' ? <span class="hidden">{head}</span> : head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      </TableFrame>
    </Section>
  );
}

function ReleasesTable({ of }: { readonly of: ApplicationReleasesJson }): JSX.Element {
  const { application, previous, releases } = of;
  const heads = ['release', 'from', 'by', 'made', 'size', 'environment', 'action'];
  return (
    <Table name={`Releases of ${application}`} heads={heads}>
      {releases.map((release, index) => {
        const state = releaseState(release, of);
        const environment = environmentWords(release, releases[index + 1]);
        return (
          <tr key={release.number}>
            <th scope="row" title={`number ${release.number}, ${release.digest}`}>
              {release.name}{' '}
              {state !== null && (
                <span class={`state ${state.tone}`}>
                  <Mark tone={state.tone} /> {state.word}
                </span>
              )}
            </th>
            <td class="said">
              {release.from.kind} <code>{release.from.text}</code>
              {release.built_ms !== null && <BuildLog application={application} release={release.name} />}
            </td>
            <td class="nowrap" title={release.actor}>
              {actorWords(release.actor)}
            </td>
            <td>
              <Time at={release.created_at} />
            </td>
            <td>{sizeFigure(release.bytes)}</td>
            <td class="said" data-name={environment === '' ? undefined : 'environment:'}>
              {environment}
              {environment === '' && index < releases.length - 1 && <span class="quiet wide-only">same</span>}
            </td>
            <td class="said">
              {release.name !== previous && rollBackTo(release, of).map((action) => <ActionButton action={action} />)}
            </td>
          </tr>
        );
      })}
    </Table>
  );
}

function RolloutsTable({ of }: { readonly of: ApplicationReleasesJson }): JSX.Element {
  const { application, rollouts } = of;
  return (
    <Table name={`Rollouts of ${application}`} heads={['began', 'releases', 'strategy', 'result', 'by', 'reason']}>
      {rollouts.map((past) => (
        <tr key={past.rollout}>
          <td class="nowrap">
            <Time at={past.began_at} />
          </td>
          <td>{rolloutNames(past)}</td>
          <td class="nowrap">{past.strategy.replace('_', '-')}</td>
          <td class="nowrap">
            <span class={`state ${rolloutTone(past)}`}>
              <Mark tone={rolloutTone(past)} /> {past.state}
            </span>
            <VerdictWord verdict={past.verdict} />
          </td>
          <td class="nowrap" title={past.actor}>
            {actorWords(past.actor)}
          </td>
          <td class="said">
            <Sentence text={past.reason ?? ''} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function VerdictWord({ verdict }: { readonly verdict: JudgementJson['verdict'] | null }): JSX.Element | null {
  return verdict === null ? null : <span class="quiet">, judged {verdict}</span>;
}
