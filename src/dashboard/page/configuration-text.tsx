import type { JSX } from 'preact';
import { errorsByLine } from '../error-lines.ts';
import { actorWords } from '../event-words.ts';
import type { ConfigurationJson } from '../model.ts';
import { Sentence, Time } from './parts.tsx';

const stateWords = { active: 'In force', earlier: 'Was in force', refused: 'Refused' } as const;

/** A configuration: where it came from, what is wrong with it, and its text. */
export function ConfigurationText({
  configuration,
  isHeaded = false,
}: {
  readonly configuration: ConfigurationJson;
  /** A heading says its state already. */
  readonly isHeaded?: boolean;
}): JSX.Element {
  const { id, source, at, actor, text, warnings, changed, errors } = configuration;
  return (
    <>
      <p class="quiet">
        {stateText(configuration, isHeaded)}: {source ?? 'not from a file'}, read <Time at={at} /> by{' '}
        <span title={actor}>{actorWords(actor)}</span>. {text === null ? 'It has no text.' : 'Secrets are not shown.'}
      </p>
      {changed.length > 0 && <p>Changed: {changed.join('; ')}.</p>}
      {errors.map((error) => (
        <p class="failure" key={error}>
          <Sentence text={error} />
        </p>
      ))}
      {warnings.map((warning) => (
        <p class="warning" key={warning}>
          <Sentence text={warning} />
        </p>
      ))}
      {text !== null && <Lines text={text} errors={errors} name={`Text of configuration ${id}`} />}
    </>
  );
}

/** 'In force, revision 4', or 'Revision 4' below a heading. */
function stateText({ state, revision }: ConfigurationJson, isHeaded: boolean): string {
  if (revision === null) return stateWords[state];
  return isHeaded ? `Revision ${revision}` : `${stateWords[state]}, revision ${revision}`;
}

interface LinesProperties {
  readonly text: string;
  readonly errors: readonly string[];
  readonly name: string;
}

/** Each error stands below its line, too. */
function Lines({ text, errors, name }: LinesProperties): JSX.Element {
  const byLine = errorsByLine(errors);
  return (
    <pre class="lines" tabIndex={0} aria-label={name}>
      {text.split('\n').map((line, index) => {
        const wrong = byLine.get(index + 1) ?? [];
        return (
          <>
            <span class={wrong.length > 0 ? 'wrong' : ''} data-line={index + 1}>{`${line}\n`}</span>
            {wrong.map((what) => (
              <em>{`^ ${what}\n`}</em>
            ))}
          </>
        );
      })}
    </pre>
  );
}
