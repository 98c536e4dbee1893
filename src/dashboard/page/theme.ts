import { signal } from '@preact/signals';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const key = 'candor-theme';

export const theme = signal<Theme>(stored());
/** Whether pages are dark now. */
export const isDark = signal(false);

const dark = matchMedia('(prefers-color-scheme: dark)');

export function applyTheme(next: Theme): void {
  theme.value = next;
  if (next === 'system') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.setAttribute('data-theme', next);
  isDark.value = next === 'dark' || (next === 'system' && dark.matches);
  try {
    localStorage.setItem(key, next);
  } catch {
    // A browser without storage forgets the choice.
  }
}

dark.addEventListener('change', () => applyTheme(theme.value));

function stored(): Theme {
  try {
    const value = localStorage.getItem(key);
    return themes.find((one) => one === value) ?? 'system';
  } catch {
    return 'system';
  }
}
