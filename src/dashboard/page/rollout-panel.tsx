import type { JSX } from 'preact';
import { actorWords } from '../event-words.ts';
import type { JudgementJson, RolloutJson } from '../model.ts';
import {
  countOfArm,
  evidenceShare,
  judgementFacts,
  leftText,
  rolloutSentence,
  rolloutSteps,
  rolloutTone,
  shareText,
  verdictTones,
  wasCompared,
} from '../release-rows.ts';
import { countFigure } from '../shown-figures.ts';
import { Mark, NumberHeads, Sentence, Since } from './parts.tsx';

/** A rollout that goes on, or the last one, with what the judge has found. */
export function RolloutPanel({ rollout }: { readonly rollout: RolloutJson }): JSX.Element {
  const { from, to, strategy, began_at: beganAt, actor, reason, judgement } = rollout;
  const tone = rolloutTone(rollout);
  return (
    <article class={`rollout rollout-${tone}`} aria-label={`Rollout of ${to}`}>
      <p class="conclusion">
        <span class={tone}>
          <Mark tone={tone} />
        </span>{' '}
        <Sentence text={rolloutSentence(rollout)} />
      </p>
      <p class="quiet">
        {reason === null ? 'Rollout' : 'Last rollout'} from {from} to {to}, {strategy.replace('_', '-')}, began{' '}
        <Since at={beganAt} />, by <span title={actor}>{actorWords(actor)}</span>
      </p>
      {reason === null && <Steps rollout={rollout} />}
      {judgement !== null && <Judged rollout={rollout} judgement={judgement} />}
    </article>
  );
}

function Steps({ rollout }: { readonly rollout: RolloutJson }): JSX.Element {
  const { from, to, share } = rollout;
  const label = `${from} gets ${shareText(1 - share)} of the requests, ${to} ${shareText(share)}`;
  return (
    <>
      <ol class="steps" aria-label="Steps">
        {rolloutSteps(rollout).map(({ name, state }) => (
          <li class={`step-${state}`} aria-current={state === 'now' ? 'step' : undefined} key={name}>
            {name}
            {state === 'now' && <span class="left">{leftText(rollout)}</span>}
          </li>
        ))}
      </ol>
      <div class="split" role="img" aria-label={label}>
        <span class="arm-old" style={{ width: `${(1 - share) * 100}%` }} />
        <span class="arm-fresh" style={{ width: `${share * 100}%` }} />
      </div>
    </>
  );
}

interface JudgedProperties {
  readonly rollout: RolloutJson;
  readonly judgement: JudgementJson;
}

function Judged({ rollout, judgement }: JudgedProperties): JSX.Element | null {
  const { to, state, reason } = rollout;
  const { verdict } = judgement;
  if (!wasCompared(judgement)) {
    if (state !== 'baking') return null;
    return (
      <p class="quiet">
        All requests go to {to}: it is compared with the minutes before. If it looks worse, requests are split between
        both.
      </p>
    );
  }
  const tone = verdictTones[verdict];
  return (
    <>
      <Arms rollout={rollout} judgement={judgement} />
      <p>
        Judged{' '}
        <span class={`state ${tone}`}>
          <Mark tone={tone} /> {verdict}
        </span>
        {reason !== judgement.reason && (
          <>
            : <Sentence text={judgement.reason} />
          </>
        )}
      </p>
      <div class="evidence-bar" aria-hidden="true">
        <span style={{ width: `${evidenceShare(judgement) * 100}%` }} />
      </div>
      <dl class="facts">
        {judgementFacts(judgement).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

const events = [
  ['failures', 'failure', 'failed'],
  ['server_errors', 'server_error', '5xx'],
  ['late', 'late', 'late'],
] as const;

/** What was counted at both releases while requests were split between them. */
function Arms({ rollout, judgement }: JudgedProperties): JSX.Element {
  const { from, to, share, reason } = rollout;
  const arms = [
    { name: from, arm: 'old', gets: 1 - share },
    { name: to, arm: 'fresh', gets: share },
  ] as const;
  return (
    <table class="cards arms">
      <caption class="hidden">What was counted at both releases</caption>
      <thead>
        <tr>
          <th scope="col">release</th>
          <NumberHeads
            names={[...(reason === null ? ['gets'] : []), 'requests', ...events.map(([, , word]) => word)]}
          />
        </tr>
      </thead>
      <tbody>
        {arms.map(({ name, arm, gets }) => (
          <tr key={arm}>
            <th scope="row">
              <i class={`swatch arm-${arm}`} aria-hidden="true" /> {name}
            </th>
            {reason === null && (
              <td class="number" data-name="gets">
                {shareText(gets)}
              </td>
            )}
            <td class="number" data-name="requests">
              {countFigure(judgement[arm].requests)}
            </td>
            {events.map(([key, event, word]) => {
              const isWorst = arm === 'fresh' && judgement.worst?.event === event;
              const count = judgement[arm][key];
              return (
                <td class={`number ${isWorst && count > 0 ? 'bad-text' : ''}`} data-name={word} key={key}>
                  {countOfArm(count, judgement[arm].requests)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
