import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { settingLines } from '../../core/setting-lines.ts';
import type { ConfigurationJson } from '../model.ts';
import { Answered } from './parts.tsx';
import { api } from './state.ts';
import { useAnswer } from './use-answer.ts';

/** All settings with their defaults, asked for when somebody opens them: thousands of routes have many. */
export function EffectiveSettings({ revision }: { readonly revision: number }): JSX.Element {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>All settings, with defaults</summary>
      {isOpen && <Settings revision={revision} />}
    </details>
  );
}

function Settings({ revision }: { readonly revision: number }): JSX.Element {
  const answer = useAnswer(() => api.get<ConfigurationJson>('/v1/configuration?effective=true'), [revision]);
  return (
    <>
      <p class="quiet">
        What the gateway runs, by the names of the admin API: times in milliseconds, sizes in bytes, null for what is
        off. What operators have changed at run time is not in it.
      </p>
      <Answered answer={answer}>
        {({ effective }) => (
          <pre class="lines" tabIndex={0} aria-label="All settings, with defaults">
            {settingLines(effective ?? {}).join('\n')}
          </pre>
        )}
      </Answered>
    </>
  );
}
