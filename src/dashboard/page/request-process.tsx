import type { JSX } from 'preact';
import { attemptsTexts } from '#failures/process-text.ts';
import type { ShownRequest } from '../model.ts';
import { Section, Sentence } from './parts.tsx';

/** What the processes of the application used when they had the request, and how they ended. */
export function RequestProcesses({ context }: ShownRequest): JSX.Element | null {
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
