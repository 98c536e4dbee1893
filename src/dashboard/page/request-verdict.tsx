import type { JSX } from 'preact';
import { noContextJson } from '../../core/request-context.ts';
import type { RequestContextJson } from '../../core/schemas/output.ts';
import { verdictWith } from '../../diagnose/process-verdict.ts';
import { nextStepHere } from '../../diagnose/record-verdict.ts';
import { verdictWords } from '../../diagnose/record-words.ts';
import { verdictFacts } from '../../diagnose/verdict-facts.ts';
import type { ExchangeRecord } from '../../core/schemas/record.ts';
import { Section, Sentence } from './parts.tsx';

interface ShownVerdict {
  readonly record: ExchangeRecord;
  /** Null until it is known. */
  readonly context: RequestContextJson | null;
}

/** What happened to a request, whose it was, and what to do. */
export function RequestVerdict({ record, context }: ShownVerdict): JSX.Element {
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
