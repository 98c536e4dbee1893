import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { agoText, clockText, zoneText } from '../shown-figures.ts';
import { addressHash, pages } from '../page-address.ts';
import { AuditPage } from './audit-page.tsx';
import { ConfigurationPage } from './configuration-page.tsx';
import { ConfirmDialog, HelpDialog } from './dialogs.tsx';
import { LoginPage } from './login-page.tsx';
import { MaintenancePage } from './maintenance-page.tsx';
import { NowPage } from './now-page.tsx';
import { lazyPage, StateText } from './parts.tsx';
import { RequestsPage } from './requests-page.tsx';
import { address, announcement, api, connection, isAsked, isHelpShown, now, session, state, status } from './state.ts';
import { applyTheme, type Theme, theme, themes } from './theme.ts';
import { UpstreamsPage } from './upstreams-page.tsx';
import { IncidentPage } from './incident-page.tsx';

// The library of charts, and the sentences about failures, are half of the program: they are loaded with the pages that show them.
const TimelinePage = lazyPage(async () => (await import('./timeline-page.tsx')).TimelinePage);
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
    case 'requests':
      return id === '' ? <RequestsPage query={parameters['query'] ?? ''} /> : <RequestPage id={id} key={id} />;
    case 'upstreams':
      return <UpstreamsPage id={id} />;
    case 'configuration':
      return <ConfigurationPage id={id} key={id} parameters={parameters} />;
    case 'maintenance':
      return <MaintenancePage />;
    case 'audit':
      return <AuditPage />;
    case 'incidents':
      return <IncidentPage id={id} key={id} />;
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
  const shown = address.value.page === 'incidents' ? 'now' : address.value.page;
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
