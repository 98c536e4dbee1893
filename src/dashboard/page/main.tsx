import { render } from 'preact';
import '../style/base.css';
import '../style/parts.css';
import '../style/pages.css';
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
