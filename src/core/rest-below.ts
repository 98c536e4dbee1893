/** What of `path` follows `folder` and its slash, '' for the folder itself; null: it lies outside. Both are in their plain form, without dot segments. */
export function restBelow(folder: string, path: string): string | null {
  if (path === folder) return '';
  const beginning = folder.endsWith('/') ? folder : `${folder}/`;
  return path.startsWith(beginning) ? path.slice(beginning.length) : null;
}
