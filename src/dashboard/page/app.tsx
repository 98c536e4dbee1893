import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { agoText, clockText, zoneText } from '../shown-figures.ts';
import { addressHash, pages } from '../page-address.ts';
import { ConfigurationPage } from './configuration-page.tsx';
import { ConfirmDialog, HelpDialog } from './dialogs.tsx';
import { MaintenancePage } from './maintenance-page.tsx';
import { NowPage } from './now-page.tsx';
import {
  lazyPage,
  StateText,
  Answered,
  Section,
  Sentence,
  TableFrame,
  Time,
  applyTheme,
  type Theme,
  theme,
  themes,
} from './parts.tsx';
import { ReleasesPage } from './releases-page.tsx';
import { RoutePage } from './route-page.tsx';
import { RequestsPage } from './requests-page.tsx';
import {
  address,
  announcement,
  api,
  connection,
  isAsked,
  isHelpShown,
  now,
  session,
  state,
  status,
  follow,
  go,
} from './state.ts';
import { ApplicationsPage } from './applications-page.tsx';
import { OutputPage } from './output-page.tsx';
import { UpstreamsPage } from './upstreams-page.tsx';
import { IncidentPage } from './incident-page.tsx';
import { answerText } from '../api.ts';
import type { SessionJson, EventPage } from '../model.ts';
import type { EventJson } from '../../core/event-json.ts';
import { auditEntries } from '../audit-entries.ts';
import { actorWords } from '../event-words.ts';
import { useAnswer } from './use-answer.ts';

/** Signs in with a token, which the browser sends once and does not keep. */
function LoginPage(): JSX.Element {
  const [token, setToken] = useState('');
  const [failure, setFailure] = useState('');
  const [isSending, setSending] = useState(false);
  const signIn = async (event: Event): Promise<void> => {
    event.preventDefault();
    setSending(true);
    const answer = await api.signIn<SessionJson>(token.trim());
    setSending(false);
    if (answer.kind !== 'ok') return setFailure(answer.kind === 'not_offered' ? noSessions : answerText(answer));
    setToken('');
    if (address.value.page === 'login') go('now');
    await follow();
  };
  return (
    <main id="main" class="login" tabIndex={-1}>
      <h1>Candor</h1>
      {address.value.parameters['why'] === 'link' && (
        <p class="warning" role="alert">
          This link was used already, or is older than a minute. Run <code>candor dashboard</code> again, or sign in
          with a token.
        </p>
      )}
      <form onSubmit={(event) => void signIn(event)}>
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          required
          value={token}
          aria-describedby="token-help"
          onInput={({ currentTarget }) => setToken(currentTarget.value)}
        />
        <p id="token-help" class="quiet">
          <code>candor token NAME</code> makes one. On the machine of the gateway, <code>candor dashboard</code> opens
          this page without a token.
        </p>
        {failure !== '' && (
          <p class="failure" role="alert">
            {failure}
          </p>
        )}
        <button type="submit" class="primary" disabled={isSending}>
          Sign in
        </button>
      </form>
    </main>
  );
}

const noSessions = 'This gateway has no login for browsers.';

// The library of charts, and the sentences about failures, are half of the program: they are loaded with the pages that show them.
const TimelinePage = lazyPage(async () => (await import('./timeline-page.tsx')).TimelinePage);
const ResourcesPage = lazyPage(async () => (await import('./resources-page.tsx')).ResourcesPage);
const RequestPage = lazyPage(async () => (await import('./request-page.tsx')).RequestPage);

export function App(): JSX.Element {
  if (connection.value.kind === 'signed_out' || address.value.page === 'login') return <LoginPage />;
  if (!isAsked.value) return <p class="first-words">Asking the gateway …</p>;
  return (
    <>
      <a class="skip" href="#main" onClick={skipToContent}>
        Skip to the content
      </a>
      <PageHeader />
      <StaleBanner />
      <main id="main" tabIndex={-1} class={connection.value.kind === 'stale' ? 'stale' : ''}>
        <CurrentPage />
      </main>
      <footer class="quiet">
        <ThemeChoice /> Times are in {zoneText(now.value)}.
      </footer>
      <p class="hidden" role="status" aria-live="polite">
        {announcement.value}
      </p>
      <ConfirmDialog />
      <HelpDialog />
    </>
  );
}

function CurrentPage(): JSX.Element {
  const { page, id, parameters } = address.value;
  switch (page) {
    case 'timeline':
      return <TimelinePage parameters={parameters} />;
    case 'resources':
      return <ResourcesPage parameters={parameters} />;
    case 'requests':
      return id === '' ? (
        <RequestsPage query={parameters['query'] ?? ''} by={parameters['by'] ?? ''} />
      ) : (
        <RequestPage id={id} key={id} />
      );
    case 'upstreams':
      return <UpstreamsPage id={id} />;
    case 'applications':
      return id === '' ? <ApplicationsPage /> : <OutputPage id={id} key={id} />;
    case 'releases':
      return <ReleasesPage id={id} key={id} />;
    case 'configuration':
      return <ConfigurationPage id={id} key={id} parameters={parameters} />;
    case 'maintenance':
      return <MaintenancePage />;
    case 'audit':
      return <AuditPage />;
    case 'incidents':
      return <IncidentPage id={id} key={id} />;
    case 'routes':
      return <RoutePage id={id} key={id} />;
    case 'login':
      return <LoginPage />;
    case 'now':
      return <NowPage />;
  }
}

function PageHeader(): JSX.Element {
  return (
    <header>
      <div class="head-line">
        <a class="deployment" href={addressHash('now')}>
          {status.value?.deployment ?? 'Candor'}
        </a>
        <StateText state={state.value} />
        <LiveText />
        <span class="spacer" />
        <button
          type="button"
          class="small wide-only"
          onClick={() => {
            isHelpShown.value = true;
          }}
        >
          Keys
        </button>
        <SignOut />
      </div>
      <Navigation />
    </header>
  );
}

function Navigation(): JSX.Element {
  const { page } = address.value;
  const shown = page === 'incidents' || page === 'routes' ? 'now' : page;
  const incidents = status.value?.incidents.length ?? 0;
  const changes = status.value?.overlay.entries.length ?? 0;
  const links = useRef<HTMLElement>(null);
  // On a narrow screen the link of the page may be out of sight, also when a badge before it has come.
  useEffect(
    () => links.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' }),
    [shown, incidents, changes],
  );
  return (
    <nav aria-label="Pages" ref={links}>
      {pages.map(({ id, name }) => (
        <a href={addressHash(id)} aria-current={shown === id ? 'page' : undefined}>
          {name}
          {id === 'now' && incidents > 0 && <span class="badge">{incidents}</span>}
          {id === 'maintenance' && changes > 0 && <span class="badge quiet-badge">{changes}</span>}
        </a>
      ))}
    </nav>
  );
}

function LiveText(): JSX.Element {
  const { kind } = connection.value;
  return <span class="live">{kind === 'live' || kind === 'stale' ? kind : 'connecting'}</span>;
}

function StaleBanner(): JSX.Element | null {
  if (connection.value.kind !== 'stale') return null;
  const { since } = connection.value;
  return (
    <p class="stale-banner" role="alert">
      Stale since {clockText(since)}: the gateway does not answer. What is shown was so {agoText(since, now.value)}. The
      page keeps trying.
    </p>
  );
}

function ThemeChoice(): JSX.Element {
  return (
    <label>
      Colours{' '}
      <select value={theme.value} onChange={({ currentTarget }) => applyTheme(currentTarget.value as Theme)}>
        {themes.map((one) => (
          <option value={one}>{one}</option>
        ))}
      </select>
    </label>
  );
}

/** Only where there is a session to end. */
function SignOut(): JSX.Element | null {
  const shown = session.value;
  if (shown === null || !shown.actor.startsWith('admin:session')) return null;
  const signOut = async (): Promise<void> => {
    await api.signOut();
    session.value = null;
    connection.value = { kind: 'signed_out' };
  };
  return (
    <button type="button" class="small" title={`${shown.actor}, role ${shown.role}`} onClick={() => void signOut()}>
      Sign out
    </button>
  );
}

function skipToContent(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

/** Who changed what, and who was refused. */
function AuditPage(): JSX.Element {
  const [since, setSince] = useState('24h');
  const answer = useAnswer(() => api.get<EventPage>('/v1/audit', { since, limit: '500' }), [since], 10_000);
  const choice = (
    <select aria-label="Time" value={since} onChange={({ currentTarget }) => setSince(currentTarget.value)}>
      <option value="1h">last hour</option>
      <option value="24h">last day</option>
      <option value="7d">last 7 days</option>
    </select>
  );
  return (
    <>
      <h1>Audit</h1>
      <Section title="Who changed what" aside={choice}>
        <Answered answer={answer}>
          {({ events, cursor }) => <AuditTable events={events} hasMore={cursor !== null} />}
        </Answered>
      </Section>
    </>
  );
}

interface AuditTableProperties {
  readonly events: readonly EventJson[];
  /** The search has ended before all events of the time were looked at. */
  readonly hasMore: boolean;
}

function AuditTable({ events, hasMore }: AuditTableProperties): JSX.Element {
  const more = hasMore && <p class="quiet">Earlier ones are not shown: choose a shorter time.</p>;
  if (events.length === 0 && hasMore) return <>{more}</>;
  if (events.length === 0) return <p class="quiet">Nothing was changed or refused in this time.</p>;
  return (
    <>
      <TableFrame name="Actions and refusals">
        <table class="cards">
          <thead>
            <tr>
              <th scope="col">time</th>
              <th scope="col">who</th>
              <th scope="col">what</th>
              <th scope="col">result</th>
            </tr>
          </thead>
          <tbody>
            {auditEntries(events).map(({ key, at, actor, what, result, isRefused, operation, remote }) => (
              <tr key={key} class={isRefused ? 'refused' : ''}>
                <td class="nowrap">
                  <Time at={at} />
                </td>
                <td class="nowrap" title={actor}>
                  {actorWords(actor)}
                </td>
                <td class="said">
                  <Sentence text={what} />{' '}
                  <span class="quiet">
                    {operation !== null && <code>{operation}</code>} {remote !== null && `from ${remote}`}
                  </span>
                </td>
                <td>
                  <Sentence text={result} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
      {more}
    </>
  );
}
