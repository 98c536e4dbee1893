import type { JSX } from 'preact';
import { type AttemptStage, stagesOf } from '../../diagnose/attempt-stages.ts';
import {
  connectionText,
  endpointText,
  bytesText,
  exitText,
  failureSentence,
  retryText,
  surplusText,
  waitTexts,
} from '../../diagnose/attempt-texts.ts';
import { evidenceFacts } from '../../diagnose/evidence-facts.ts';
import { countText } from '#failures/quantity-text.ts';
import type { AttemptRecord, ExchangeRecord } from '../../core/schemas/record.ts';
import type { Tone } from '../overall-state.ts';
import { durationFigure } from '../shown-figures.ts';
import { Mark, Section, Sentence } from './parts.tsx';

/** Each attempt on one scale of time. */
export function RequestAttempts({ record }: { readonly record: ExchangeRecord }): JSX.Element {
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

/** Of an attempt without a failure: the application may have answered with an error of its own. */
function toneOf({ status }: AttemptRecord): Tone {
  if (status === null) return 'idle';
  return status >= 500 ? 'bad' : 'good';
}

function Outcome({
  attempt,
  record,
}: {
  readonly attempt: AttemptRecord;
  readonly record: ExchangeRecord;
}): JSX.Element {
  const { facts, certificate, bytes } = evidenceFacts(attempt, record.cause);
  const [surplus, passed] = [surplusText(attempt), bytesText(attempt, record.kind)];
  if (attempt.cause === null)
    return (
      <>
        <p>
          <Mark tone={toneOf(attempt)} /> {attempt.status === null ? '' : `${attempt.status}; `}
          <Sentence text={retryText(attempt)} />
        </p>
        {surplus !== null && (
          <p>
            <Sentence text={surplus} />
          </p>
        )}
      </>
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
          <Bytes hex={bytes.hex} label="First bytes" />
        </>
      )}
      {passed !== null && <p class="quiet">{passed}</p>}
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

/** Bytes with their ASCII characters. `label` says what they are. */
export function Bytes({ hex, label }: { readonly hex: string; readonly label: string }): JSX.Element {
  return (
    <pre tabIndex={0} aria-label={label}>
      {hexText(hex)}
    </pre>
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
