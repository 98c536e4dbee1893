/** How a person calls Candor here: by npx where npm started us, since it is then in no directory of PATH. */
export function commandName(env: Readonly<Record<string, string | undefined>>): string {
  return env['npm_command'] === undefined ? 'candor' : 'npx candor';
}
