import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { actorWords } from '../event-words.ts';
import {
  beginMaintenance,
  beginPause,
  endpointActions,
  restartInstance,
  restoreAll,
  restoreEntry,
} from '../operator-actions.ts';
import { endpointTone } from '../overall-state.ts';
import { addressHash } from '../page-address.ts';
import { ActionButton } from './dialogs.tsx';
import { Mark, Section, Sentence, TableFrame, Time } from './parts.tsx';
import { mayOperate, status } from './state.ts';

/** What operators have changed at run time, and the changes for routes and upstreams. */
export function MaintenancePage(): JSX.Element {
  return (
    <>
      <h1>Maintenance and pause</h1>
      <Entries />
      {mayOperate.value ? (
        <div class="forms">
          <MaintenanceForm />
          <PauseForm />
        </div>
      ) : (
        <p class="quiet">This session may only read (role read): it cannot begin maintenance or a pause.</p>
      )}
      {mayOperate.value && <Endpoints />}
      {mayOperate.value && <Instances />}
      <KnownNames />
    </>
  );
}

function Entries(): JSX.Element {
  const overlay = status.value?.overlay;
  const entries = overlay?.entries ?? [];
  return (
    <Section
      title="What wins over the configuration file now"
      aside={entries.length > 1 ? <ActionButton action={restoreAll(entries.length)} /> : undefined}
    >
      {entries.length === 0 ? (
        <p class="quiet">Nothing: the configuration file applies as it is.</p>
      ) : (
        <TableFrame name="Entries of the overlay">
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">effect</th>
                <th scope="col">entry</th>
                <th scope="col">since</th>
                <th scope="col">by</th>
                <th scope="col">
                  <span class="hidden">action</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {entries.map((entry) => (
                <tr key={entry.id}>
                  <th scope="row" class="said">
                    <Mark tone={entry.matched ? 'warn' : 'unknown'} /> <Sentence text={entry.reason} />
                    {!entry.matched && <span class="quiet"> The configuration has no such target: no effect.</span>}
                  </th>
                  <td>
                    <code>{entry.id}</code>
                  </td>
                  <td>
                    <Time at={entry.at} />
                  </td>
                  <td title={entry.actor}>{actorWords(entry.actor)}</td>
                  <td class="said">
                    <ActionButton action={restoreEntry(entry)} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
      {overlay?.persisted === false && (
        <p class="warning">The entries end with the process: {overlay.memory_reason}.</p>
      )}
    </Section>
  );
}

/** To take one out, and to bring it back. */
function Endpoints(): JSX.Element | null {
  const shown = status.value;
  if (shown === null || shown.upstreams.every(({ endpoints }) => endpoints.length === 0)) return null;
  return (
    <Section title="Endpoints">
      <TableFrame name="Endpoints and what can be done about them">
        <table class="cards">
          <thead>
            <tr>
              <th scope="col">endpoint</th>
              <th scope="col">upstream</th>
              <th scope="col">state</th>
              <th scope="col">
                <span class="hidden">actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.upstreams.flatMap((upstream) =>
              upstream.endpoints.map((endpoint) => (
                <tr key={endpoint.id}>
                  <th scope="row">{endpoint.address}</th>
                  <td>
                    <a href={addressHash('upstreams', upstream.id)}>{upstream.id}</a>
                  </td>
                  <td>
                    <span class={`state ${endpointTone(endpoint)}`}>
                      <Mark tone={endpointTone(endpoint)} /> {endpoint.state.replaceAll('_', ' ')}
                    </span>
                  </td>
                  <td class="said">
                    <span class="buttons">
                      {endpointActions(endpoint, upstream, shown.overlay.entries).map((action) => (
                        <ActionButton action={action} key={action.label} />
                      ))}
                    </span>
                  </td>
                </tr>
              )),
            )}
          </tbody>
        </table>
      </TableFrame>
    </Section>
  );
}

/** Of applications that the gateway runs. */
function Instances(): JSX.Element | null {
  const applications = status.value?.applications ?? [];
  if (applications.every(({ instances }) => instances.length === 0)) return null;
  return (
    <Section title="Instances">
      <TableFrame name="Instances of applications">
        <table class="cards">
          <thead>
            <tr>
              <th scope="col">instance</th>
              <th scope="col">phase</th>
              <th scope="col">program</th>
              <th scope="col">
                <span class="hidden">action</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {applications.flatMap(({ command, instances }) =>
              instances.map(({ id, phase, reason, pid, release, earlier_command: earlier }) => (
                <tr key={id}>
                  <th scope="row">{id}</th>
                  <td title={reason}>{phase.replaceAll('_', ' ')}</td>
                  <td>
                    <code>{(earlier ?? command).join(' ')}</code> {release !== null && <strong>{release}</strong>}{' '}
                    {pid !== null && <span class="quiet">pid {pid}</span>}
                  </td>
                  <td class="said">
                    {phase !== 'stopping' && phase !== 'stopped' && <ActionButton action={restartInstance(id)} />}
                  </td>
                </tr>
              )),
            )}
          </tbody>
        </table>
      </TableFrame>
    </Section>
  );
}

function MaintenanceForm(): JSX.Element {
  const [route, setRoute] = useState('');
  const [message, setMessage] = useState('');
  const [retryAfter, setRetryAfter] = useState('');
  return (
    <Section title="Maintenance">
      <p>Requests are answered with 503, a message and Retry-After.</p>
      <label for="maintenance-route">Route (empty: all)</label>
      <input
        id="maintenance-route"
        list="known-routes"
        value={route}
        onInput={({ currentTarget }) => setRoute(currentTarget.value)}
      />
      <label for="maintenance-message">Message for clients</label>
      <input
        id="maintenance-message"
        value={message}
        onInput={({ currentTarget }) => setMessage(currentTarget.value)}
      />
      <label for="maintenance-retry">Retry-After in seconds (empty: 300)</label>
      <input
        id="maintenance-retry"
        type="number"
        min={1}
        max={86_400}
        value={retryAfter}
        onInput={({ currentTarget }) => setRetryAfter(currentTarget.value)}
      />
      <div class="buttons">
        <ActionButton action={beginMaintenance(route.trim(), message.trim(), numberOf(retryAfter))} />
      </div>
    </Section>
  );
}

function PauseForm(): JSX.Element {
  const [target, setTarget] = useState('');
  const [wait, setWait] = useState('');
  const [waiters, setWaiters] = useState('');
  return (
    <Section title="Pause">
      <p>Requests for a route or an upstream wait, for as long as a restart takes.</p>
      <label for="pause-target">Route or upstream</label>
      <input
        id="pause-target"
        list="known-targets"
        value={target}
        onInput={({ currentTarget }) => setTarget(currentTarget.value)}
      />
      <label for="pause-wait">Longest wait in milliseconds (empty: the default)</label>
      <input
        id="pause-wait"
        type="number"
        min={100}
        value={wait}
        onInput={({ currentTarget }) => setWait(currentTarget.value)}
      />
      <label for="pause-waiters">Requests that may wait (empty: the default)</label>
      <input
        id="pause-waiters"
        type="number"
        min={1}
        value={waiters}
        onInput={({ currentTarget }) => setWaiters(currentTarget.value)}
      />
      <div class="buttons">
        {target.trim() === '' ? (
          <button type="button" disabled>
            Pause …
          </button>
        ) : (
          <ActionButton action={beginPause(target.trim(), numberOf(wait), numberOf(waiters))} />
        )}
      </div>
    </Section>
  );
}

/** Names that the status has: the gateway says it where another one is meant. */
function KnownNames(): JSX.Element {
  const shown = status.value;
  const known = (shown?.routes ?? []).flatMap(({ id }) => (id === '' ? [] : [id])).toSorted();
  return (
    <>
      <datalist id="known-routes">
        {known.map((route) => (
          <option value={route} />
        ))}
      </datalist>
      <datalist id="known-targets">
        {[...known.map((route) => `route:${route}`), ...(shown?.upstreams ?? []).map(({ id }) => `upstream:${id}`)].map(
          (target) => (
            <option value={target} />
          ),
        )}
      </datalist>
    </>
  );
}

function numberOf(text: string): number | null {
  return text.trim() === '' ? null : Math.round(Number(text));
}
