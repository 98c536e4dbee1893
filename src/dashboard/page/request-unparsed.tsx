import type { JSX } from 'preact';
import type { UnparsedSizeJson } from '../../core/request-context.ts';
import type { UnparsedJson } from '../../core/unparsed-bytes.ts';
import { unparsedForOperators, unparsedText } from '../../diagnose/unparsed-text.ts';
import type { ShownRequest } from '../model.ts';
import { Answered, Section, Sentence } from './parts.tsx';
import { Bytes } from './bytes.tsx';
import { api, mayOperate } from './state.ts';
import { useAnswer } from './use-answer.ts';

/** The first bytes that the gateway could not parse, for operators; others see that there are some. */
export function RequestUnparsed({ record, context }: ShownRequest): JSX.Element | null {
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
