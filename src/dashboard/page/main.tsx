import { KeyCommands } from '../page-address.ts';
import { pageClock } from '../system.ts';
import { address, go, isHelpShown, isSearchWanted, startPage } from './state.ts';
import { render } from 'preact';
import '../style/base.css';
import '../style/parts.css';
import '../style/pages/now.css';
import '../style/pages/incident.css';
import '../style/pages/timeline.css';
import '../style/pages/resources.css';
import '../style/pages/requests.css';
import '../style/pages/request.css';
import '../style/pages/upstreams.css';
import '../style/pages/forms.css';
import '../style/pages/configuration.css';
import '../style/pages/audit.css';
import '../style/pages/releases.css';
import '../style/pages/login.css';
import { App } from './app.tsx';
import { applyTheme, theme } from './parts.tsx';

/** Listens to the keys of the whole page, those apart that a field or a dialog takes. */
function listenToKeys(): void {
  const commands = new KeyCommands();
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector('dialog[open]') !== null) return;
    const command = commands.press(event.key, pageClock.wallTime());
    if (command === null) return;
    event.preventDefault();
    switch (command.kind) {
      case 'go':
        return go(command.page);
      case 'help':
        isHelpShown.value = true;
        return;
      case 'move':
        return moveRow(command.by);
      case 'search':
        return focusSearch();
    }
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;
}

function focusSearch(): void {
  const { page, id } = address.value;
  const field = document.getElementById('query');
  if (page === 'requests' && id === '' && field !== null) return field.focus();
  isSearchWanted.value = true;
  go('requests');
}

/** Rows of lists are links; the first one where none has the focus. */
function moveRow(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = at < 0 ? rows[0] : rows[at + by];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

applyTheme(theme.value);
startPage();
listenToKeys();
const root = document.getElementById('app');
if (root !== null) {
  root.textContent = '';
  render(<App />, root);
}
