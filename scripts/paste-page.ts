import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { reportStyle } from '#explain/report/summary-html.ts';
import { repositoryRoot } from './repository.ts';

const source = join(repositoryRoot, 'docs', 'paste');

/** Creates the page on which people paste a log, as one file that loads no other file and can send nothing. */
export function buildPastePage(): string {
  const script = bundled();
  const style = reportStyle + readFileSync(join(source, 'page.css'), 'utf8');
  // Allows exactly this script and this style; no images, no requests, no forms.
  const policy = `default-src 'none'; script-src '${hashOf(script)}'; style-src '${hashOf(style)}'; base-uri 'none'; form-action 'none'`;
  const parts: Readonly<Record<string, string>> = { policy, style, script };
  return readFileSync(join(source, 'page.html'), 'utf8').replace(
    /\{\{(\w+)\}\}/g,
    (_, name: string) => parts[name] ?? '',
  );
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function bundled(): string {
  const { outputFiles } = buildSync({
    absWorkingDir: repositoryRoot,
    entryPoints: ['docs/paste/page.ts'],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'none',
    minify: true,
    logLevel: 'silent',
  });
  // `</script` and `<!--` occur only in strings and patterns, where the escaped forms mean the same and do not end the
  // element.
  return (outputFiles[0]?.text ?? '').replace(/<\/(?=script)/gi, '<\\/').replace(/<!--/g, '<\\!--');
}
