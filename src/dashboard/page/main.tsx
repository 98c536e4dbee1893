import { render } from 'preact';
import '../style/base.css';
import '../style/parts.css';
import '../style/pages/now.css';
import '../style/pages/incident.css';
import '../style/pages/timeline.css';
import '../style/pages/requests.css';
import '../style/pages/request.css';
import '../style/pages/upstreams.css';
import '../style/pages/forms.css';
import '../style/pages/configuration.css';
import '../style/pages/audit.css';
import '../style/pages/login.css';
import { App } from './app.tsx';
import { listenToKeys } from './keyboard.ts';
import { startPage } from './state.ts';
import { applyTheme, theme } from './theme.ts';

applyTheme(theme.value);
startPage();
listenToKeys();
const root = document.getElementById('app');
if (root !== null) {
  root.textContent = '';
  render(<App />, root);
}
