export const secretsName = 'secrets';

/** A secret that a program gets. */
export interface SecretUse {
  /** The variable with its value, or with the path of the file that has it. */
  readonly variable: string;
  /** Its name in the store. */
  readonly secret: string;
  readonly as: 'variable' | 'file';
}

/** Of an application: its instances, workers, jobs, and what runs before a release. */
export interface SecretsSpec {
  readonly uses: readonly SecretUse[];
}
