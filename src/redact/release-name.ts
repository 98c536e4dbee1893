/** Variables of a program by which deploy tools tell it its release. None of them is a secret by what it is for. */
const releaseVariables = [
  ...['RELEASE', 'RELEASE_NAME', 'RELEASE_VERSION', 'RELEASE_ID', 'APP_RELEASE', 'APP_VERSION', 'VERSION'],
  ...['SENTRY_RELEASE', 'DD_VERSION', 'HEROKU_RELEASE_VERSION', 'KAMAL_VERSION'],
  ...['GIT_SHA', 'GIT_COMMIT', 'GIT_REVISION', 'COMMIT_SHA', 'SOURCE_VERSION', 'IMAGE_TAG', 'BUILD_NUMBER', 'BUILD_ID'],
] as const;

const isRelease = /^[\w.+-]{1,64}$/;
const names: ReadonlySet<string> = new Set(releaseVariables);

/** Whether a variable with this value tells a program the name of its release. */
export function isReleaseVariable(name: string, value: string): boolean {
  return names.has(name) && isRelease.test(value);
}

/** The name of the release that a program is told; null: it is told none, or something that is no name. */
export function releaseOf(environment: Readonly<Record<string, string>>): string | null {
  for (const variable of releaseVariables) {
    const value = environment[variable];
    if (value !== undefined && isReleaseVariable(variable, value)) return value;
  }
  return null;
}
