import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { type Browser, chromium as engine, type Page } from 'playwright-core';
import { chromium, chromiumFlags } from '../browser.ts';

/** Each page is tried in both. */
export const screens = [
  { name: 'desktop, light', width: 1280, height: 800, colorScheme: 'light' },
  { name: 'desktop, dark', width: 1280, height: 800, colorScheme: 'dark' },
  { name: 'phone, light', width: 390, height: 780, colorScheme: 'light' },
  { name: 'phone, dark', width: 390, height: 780, colorScheme: 'dark' },
] as const;

export type Screen = (typeof screens)[number];

export function openBrowser(): Promise<Browser> {
  const { path, env } = chromium();
  return engine.launch({ executablePath: path, env, args: [...chromiumFlags] });
}

/** A page whose errors, and violations of its policy, are collected. */
export async function openPage(browser: Browser, screen: Screen): Promise<{ page: Page; errors: string[] }> {
  const { width, height, colorScheme } = screen;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    // A gateway that does not offer something answers 404, which the browser reports by itself.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      errors.push(message.text());
  });
  return { page, errors };
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds against WCAG 2.2 AA and its best practices, a line each. */
export async function accessibilityFindings(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate<AxeResults>('axe.run(document, { resultTypes: ["violations"] })');
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html} ${failureSummary ?? ''}`),
  );
}

/** How much wider the page is than the screen. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}

/** Tables of cards that can be scrolled sideways, with their names: on a phone their cards fit, and nothing is to fade out. */
export function scrolledCards(page: Page): Promise<string[]> {
  return page.evaluate(
    `[...document.querySelectorAll('.table-frame')]
      .filter((frame) => frame.querySelector('.cards') !== null && frame.scrollWidth > frame.clientWidth)
      .map((frame) => frame.getAttribute('aria-label'))`,
  );
}

/** Opens a URL of the dashboard, and signs in where it asks for a token. */
export async function signIn(page: Page, url: string, token: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}
