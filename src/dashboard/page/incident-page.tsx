import type { JSX } from 'preact';
import type { IncidentJson } from '../model.ts';
import { IncidentCard } from './incident-card.tsx';
import { Answered, Section } from './parts.tsx';
import { api } from './state.ts';
import { useAnswer } from './use-answer.ts';

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
