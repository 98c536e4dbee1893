/**
 * The URL of a module beside this one, for APIs that take a file instead of an import: worker threads, child processes.
 *
 * Source files end in `.ts`, those of the package in `.js`, and the compiler rewrites only imports. So the path is written
 * without an extension and gets that of the calling file:
 *
 *     new Worker(new URL(siblingModule(import.meta.url, './serve-worker')))
 *
 * `askerUrl` is the caller's `import.meta.url`; `path` begins with './' or '../'. Returns a file URL.
 */
export function siblingModule(askerUrl: string, path: string): string {
  const asker = askerUrl.replace(/[?#].*$/s, '');
  const segments = asker.slice(0, asker.lastIndexOf('/')).split('/');
  for (const step of path.split('/')) {
    if (step === '.') continue;
    if (step === '..') segments.pop();
    else segments.push(step);
  }
  return segments.join('/') + asker.slice(asker.lastIndexOf('.'));
}
