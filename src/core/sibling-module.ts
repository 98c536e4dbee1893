/**
 * Where a neighbouring module is, for what takes a file and not an import: a worker thread, a child process.
 *
 * Source files end in `.ts`, the package's in `.js`, and the compiler rewrites only imports. So the name is
 * written without an ending, and takes the one of the file that asks:
 *
 *     new Worker(new URL(siblingModule(import.meta.url, './serve-worker')))
 *
 * `askerUrl` is the asker's `import.meta.url`; `path` begins with './' or '../'. The answer is a file URL.
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
