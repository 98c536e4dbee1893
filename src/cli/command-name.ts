/** How a person runs Candor here: by npx if npm started it, because then `candor` is in no directory of PATH. */
export function commandName(env: Readonly<Record<string, string | undefined>>): string {
  return env['npm_command'] === undefined ? 'candor' : 'npx candor';
}
